"""From a loaded scene to fields on the device; uploads again only what changed."""

from dataclasses import dataclass

import numpy as np

from diffrt.description.mesh import smooth_normals
from diffrt.description.schema import MATERIAL_FIELDS
from diffrt.description.values import TextureRef
from diffrt.device import bvh_build
from diffrt.device.bvh_build import Bvh
from diffrt.device.features import (
    CAMERA_TYPES,
    DELTA_LIGHTS,
    LIGHT_ENVIRONMENT,
    LIGHT_POINT,
    LIGHT_TRIANGLE,
    MATERIAL_SLOTS,
    MATERIAL_TYPES,
    NORMAL_MAP_SLOT,
    OPACITY_SLOT,
    Features,
)
from diffrt.device.packing import write
from diffrt.device.scene_fields import Capacity, SceneFields, acquire
from diffrt.scene.elements import Camera, Light, Shape, Value
from diffrt.scene.scene import Scene

WRAPS = ("repeat", "clamp", "mirror")
FILTERS = ("bilinear", "nearest")
_FAR = 1e30


@dataclass
class DeviceScene:
    """A scene that lives on the device: its fields, what kernels must know of it, and its tree."""

    fields: SceneFields
    features: Features
    bvh: Bvh


@dataclass
class _Geometry:
    positions: np.ndarray  # (V, 3) float32, world
    normals: np.ndarray  # (N, 3) float32, world
    uvs: np.ndarray  # (T, 2) float32
    triangles: np.ndarray  # (F, 3) int32
    triangle_normals: np.ndarray  # (F, 3) int32, -1 for flat
    triangle_uvs: np.ndarray  # (F, 3) int32, -1 for none
    triangle_shape: np.ndarray  # (F,) int32
    first_triangle: np.ndarray  # (shapes + 1,) int64


@dataclass
class _Resident:
    revisions: tuple[int, int, int, int]
    device: DeviceScene
    geometry: _Geometry
    camera: Camera


_resident: dict[bool, _Resident] = {}


def upload(scene: Scene, camera: Camera, gradients: bool = False) -> DeviceScene:
    """Bring a scene to the device, seen by one of its cameras.

    Fields are shared between scenes: an earlier DeviceScene is no longer valid after this call.

    Args:
        gradients: the fields of continuous parameters get a `.grad`.
    """
    revisions = (scene.uid, scene.topology_revision, scene.geometry_revision, scene.appearance_revision)
    old = _resident.pop(gradients, None)
    if old is not None and old.revisions == revisions:
        device, geometry = old.device, old.geometry
        features = device.features
    else:
        same_topology = old is not None and old.revisions[:2] == revisions[:2]
        if old is not None and old.revisions[:3] == revisions[:3]:
            geometry = old.geometry
        else:
            geometry = _gather(list(scene.shapes.values()))
        bvh = (
            old.device.bvh
            if old is not None and same_topology
            else bvh_build.build(geometry.positions, geometry.triangles)
        )
        features, arrays = _appearance(scene, geometry)
        fields = acquire(_capacity(scene, geometry, bvh), gradients)
        _write_geometry(fields, geometry)
        write([(getattr(fields, name), array) for name, array in arrays.items()])
        if old is not None and same_topology and old.device.fields is fields:
            bvh_build.refit(fields, bvh)
        else:
            bvh_build.upload(fields, bvh)
        device = DeviceScene(fields, features, bvh)
    device.features = features._replace(
        gradients=gradients,
        camera=CAMERA_TYPES.index(camera.type),
        distorted=bool(np.any(np.asarray(camera.distortion) != 0.0)),
    )
    _write_camera(device.fields, camera)
    _resident[gradients] = _Resident(revisions, device, geometry, camera)
    return device


def _gather(shapes: list[Shape]) -> _Geometry:
    """All shapes in world space, one after the other."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in ("p", "n", "t", "f", "fn", "ft", "s")}
    vertices = normals = uvs = 0
    first = [0]
    for number, shape in enumerate(shapes):
        mesh, matrix = shape.mesh, shape.world_matrix()
        positions = shape.world_vertices()
        # A mirroring transform turns the winding round; swapping two corners keeps the outside outside.
        corners = [0, 2, 1] if np.linalg.det(matrix[:3, :3]) < 0 else [0, 1, 2]
        faces = mesh.faces[:, corners]
        parts["p"].append(positions)
        parts["f"].append(faces + vertices)
        none = np.full(mesh.faces.shape, -1, dtype=np.int32)
        if not shape.smooth:
            parts["fn"].append(none)
        elif shape.has_given_normals and mesh.normals is not None and mesh.normal_faces is not None:
            world = mesh.normals @ np.linalg.inv(matrix[:3, :3])
            world /= np.maximum(np.linalg.norm(world, axis=1, keepdims=True), 1e-30)
            parts["n"].append(world)
            parts["fn"].append(mesh.normal_faces[:, corners] + normals)
            normals += len(world)
        else:
            parts["n"].append(smooth_normals(positions, faces))
            parts["fn"].append(faces + normals)
            normals += len(positions)
        if mesh.uvs is not None and mesh.uv_faces is not None:
            parts["t"].append(mesh.uvs)
            parts["ft"].append(mesh.uv_faces[:, corners] + uvs)
            uvs += len(mesh.uvs)
        else:
            parts["ft"].append(none)
        parts["s"].append(np.full(len(faces), number, dtype=np.int32))
        vertices += len(positions)
        first.append(first[-1] + len(faces))

    def joined(name: str, width: int, dtype: type) -> np.ndarray:
        arrays: list[np.ndarray] = [np.asarray(array, dtype=dtype).reshape(-1, width) for array in parts[name]]
        return np.concatenate(arrays) if arrays else np.zeros((0, width), dtype=dtype)

    return _Geometry(
        joined("p", 3, np.float32),
        joined("n", 3, np.float32),
        joined("t", 2, np.float32),
        joined("f", 3, np.int32),
        joined("fn", 3, np.int32),
        joined("ft", 3, np.int32),
        joined("s", 1, np.int32).reshape(-1),
        np.array(first),
    )


def _capacity(scene: Scene, geometry: _Geometry, bvh: Bvh) -> Capacity:
    images = [texture.data for texture in scene.textures.values()]
    images += [light.image for light in scene.lights.values() if light.image is not None]
    environment = [light.image for light in scene.lights.values() if light.image is not None]
    emitting = sum(len(shape.mesh.faces) for shape in scene.shapes.values() if shape.emission is not None)
    return Capacity(
        vertices=len(geometry.positions),
        triangles=len(geometry.triangles),
        normals=len(geometry.normals),
        uvs=len(geometry.uvs),
        shapes=len(scene.shapes),
        materials=len(scene.materials),
        textures=len(images),
        texels=sum(image.shape[0] * image.shape[1] for image in images),
        lights=emitting + len(scene.lights),
        delta_lights=len(scene.lights),
        environment_cells=max((image.shape[0] * image.shape[1] for image in environment), default=0),
        bvh_nodes=bvh.nodes,
        bvh_leaves=bvh.leaves,
    )


def _write_geometry(fields: SceneFields, g: _Geometry) -> None:
    write(
        [
            (fields.positions, g.positions),
            (fields.normals, g.normals),
            (fields.uvs, g.uvs),
            (fields.triangles, g.triangles),
            (fields.triangle_normals, g.triangle_normals),
            (fields.triangle_uvs, g.triangle_uvs),
            (fields.triangle_shape, g.triangle_shape),
        ]
    )


def _appearance(scene: Scene, geometry: _Geometry) -> tuple[Features, dict[str, np.ndarray]]:
    """Materials, textures and lights as arrays by the name of their field, and what the scene uses of them."""
    texture_number = {name: i for i, name in enumerate(scene.textures)}
    material_number = {name: i for i, name in enumerate(scene.materials)}
    arrays: dict[str, np.ndarray] = {}

    def put(value: Value | None, values: np.ndarray, textures: np.ndarray, at: int) -> None:
        if isinstance(value, TextureRef):
            textures[at] = texture_number[value.name]
        elif value is not None:
            values[at] = value

    n = len(scene.materials)
    values, textures = np.zeros((n * MATERIAL_SLOTS, 3)), np.full(n * MATERIAL_SLOTS, -1)
    for i, material in enumerate(scene.materials.values()):
        for k, field in enumerate(MATERIAL_FIELDS[material.type]):
            # A conductor without eta says so by a negative one.
            absent = -1.0 if field == "eta" else None
            given = material.fields.get(field)
            put(np.array(absent) if given is None and absent else given, values, textures, i * MATERIAL_SLOTS + k)
        put(material.opacity, values, textures, i * MATERIAL_SLOTS + OPACITY_SLOT)
        if material.normal_map is not None:
            textures[i * MATERIAL_SLOTS + NORMAL_MAP_SLOT] = texture_number[material.normal_map]
    materials = list(scene.materials.values())
    arrays["material_values"], arrays["material_textures"] = values, textures
    arrays["material_type"] = np.array([MATERIAL_TYPES.index(m.type) for m in materials])
    arrays["material_two_sided"] = np.array([m.two_sided for m in materials])
    arrays["material_children"] = np.array(
        [[material_number.get(m.first or "", -1), material_number.get(m.second or "", -1)] for m in materials]
    )

    shapes = list(scene.shapes.values())
    emission, emission_texture = np.zeros((len(shapes), 3)), np.full(len(shapes), -1)
    for i, shape in enumerate(shapes):
        put(shape.emission, emission, emission_texture, i)
    arrays["shape_material"] = np.array([material_number[shape.material] for shape in shapes])
    arrays["shape_emits"] = np.array([(s.emission is not None) * (1 + s.two_sided_emission) for s in shapes])
    arrays["shape_emission"], arrays["shape_emission_texture"] = emission, emission_texture

    images = [(t.data, WRAPS.index(t.wrap) | FILTERS.index(t.filter) << 2) for t in scene.textures.values()]
    environment = next((light for light in scene.lights.values() if light.type == "environment"), None)
    if environment is not None and environment.image is not None:
        images.append((environment.image, WRAPS.index("clamp")))
    infos, texels, offset = [], [], 0
    for image, flags in images:
        infos.append((offset, image.shape[1], image.shape[0], flags))
        texels.append(_colours(image).reshape(-1, 3))
        offset += len(texels[-1])
    arrays["textures"] = np.array(infos, dtype=np.int32).reshape(-1, 4)
    arrays["texels"] = np.concatenate(texels) if texels else np.zeros((0, 3))

    arrays |= _lights(scene, shapes, geometry, environment, len(images) - 1)
    used = {shape.material for shape in shapes}
    while True:
        more = used | {c for name in used for c in (scene.materials[name].first, scene.materials[name].second) if c}
        if more == used:
            break
        used = more
    acting = [scene.materials[name] for name in used]
    features = Features(
        bsdfs=sum({1 << MATERIAL_TYPES.index(m.type) for m in acting}),
        textures=any(isinstance(value, TextureRef) for m in acting for value in (*m.fields.values(), m.opacity))
        or any(m.normal_map for m in acting)
        or bool(np.any(emission_texture >= 0)),
        textured_slots=int(
            np.bitwise_or.reduce(1 << np.flatnonzero(np.any(textures.reshape(n, MATERIAL_SLOTS) >= 0, axis=0)))
        )
        if np.any(textures >= 0)
        else 0,
        normal_maps=any(m.normal_map is not None for m in acting),
        smooth=bool(len(geometry.normals)),
        masked=any(m.type == "null" or isinstance(m.opacity, TextureRef) or float(m.opacity) < 1.0 for m in acting),
        one_sided=any(not m.two_sided for m in acting),
        area_lights=any(shape.emission is not None for shape in shapes),
        delta_lights=any(light.type in DELTA_LIGHTS for light in scene.lights.values()),
        environment=environment is not None,
        environment_image=environment is not None and environment.image is not None,
    )
    return features, arrays


def _colours(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32 of an image with one to four channels, alpha dropped."""
    channels = image.shape[2]
    return np.repeat(image[..., :1], 3, axis=2) if channels < 3 else image[..., :3]


def _lights(
    scene: Scene, shapes: list[Shape], geometry: _Geometry, environment: Light | None, environment_texture: int
) -> dict[str, np.ndarray]:
    """The light table: everything that a light sample can choose, with probability proportional to its power."""
    arrays: dict[str, np.ndarray] = {}
    kinds: list[np.ndarray] = []
    indices: list[np.ndarray] = []
    powers: list[np.ndarray] = []

    def add(kind: int, index: np.ndarray, power: np.ndarray) -> None:
        kinds.append(np.full(len(index), kind))
        indices.append(index)
        powers.append(power)

    radiosity = np.zeros(len(shapes))
    for i, shape in enumerate(shapes):
        if shape.emission is None:
            continue
        if isinstance(shape.emission, TextureRef):
            mean = float(np.mean(_colours(scene.textures[shape.emission.name].data)))
        else:
            mean = float(np.mean(shape.emission))
        radiosity[i] = np.pi * mean * (2 if shape.two_sided_emission else 1)
        first, end = geometry.first_triangle[i : i + 2]
        corners = geometry.positions[geometry.triangles[first:end]].astype(np.float64)
        areas = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        add(LIGHT_TRIANGLE, np.arange(first, end), radiosity[i] * areas)

    emitting = np.flatnonzero([shape.emission is not None for shape in shapes])
    corners = geometry.positions[geometry.triangles[np.isin(geometry.triangle_shape, emitting)]].reshape(-1, 3)
    # Without emitters a point; otherwise larger than they are by more than rays' rounding errors.
    bounds = np.stack([corners.min(axis=0), corners.max(axis=0)]) if len(corners) else np.full((2, 3), 1e18)
    pad = 1e-5 * (np.abs(bounds).max() + np.ptp(bounds, axis=0).max())
    arrays["emitter_bounds"] = bounds + [[-pad], [pad]]

    if len(geometry.positions):
        radius = 0.5 * float(np.linalg.norm(np.ptp(geometry.positions.astype(np.float64), axis=0)))
    else:
        radius = 1.0
    delta = [light for light in scene.lights.values() if light.type in DELTA_LIGHTS]
    position, direction, intensity = np.zeros((len(delta), 3)), np.zeros((len(delta), 3)), np.zeros((len(delta), 3))
    angles = np.zeros((len(delta), 2))
    for i, light in enumerate(delta):
        if light.type == "directional":
            direction[i], intensity[i] = light.fields["direction"], light.fields["irradiance"]
            solid = np.pi * radius**2
        else:
            position[i], intensity[i] = light.fields["position"], light.fields["intensity"]
            solid = 4 * np.pi
        if light.type == "spot":
            direction[i] = light.fields["direction"]
            angles[i] = np.deg2rad([float(light.fields["cutoff"]), float(light.fields["falloff_start"])])
            solid = 2 * np.pi * (1 - np.cos(angles[i].mean()))
        kind = LIGHT_POINT + DELTA_LIGHTS.index(light.type)
        add(kind, np.array([i]), np.array([solid * np.mean(intensity[i])]))
    arrays["delta_position"], arrays["delta_direction"], arrays["delta_intensity"] = position, direction, intensity
    arrays["delta_angles"] = angles

    if environment is not None:
        image = environment.image
        scale = float(environment.fields.get("scale", np.float64(1.0)))
        rows, columns = np.ones(1), np.ones(1)
        if image is None:
            mean = float(np.mean(environment.fields["radiance"]))
        else:
            rows, columns, mean = _environment_distribution(_colours(image))
        add(LIGHT_ENVIRONMENT, np.array([0]), np.array([4 * np.pi**2 * radius**2 * mean * scale]))
        arrays["environment_texture"] = np.array([environment_texture])
        arrays["environment_radiance"] = np.asarray(environment.fields.get("radiance", np.zeros(3)))
        arrays["environment_scale"] = np.array([scale])
        rotation = environment.to_world[:3, :3]
        arrays["environment_to_local"] = np.linalg.inv(rotation / np.cbrt(abs(np.linalg.det(rotation))))
        arrays["environment_rows"], arrays["environment_columns"] = rows, columns

    power = np.concatenate(powers) if powers else np.zeros(0)
    total = float(power.sum())
    count = len(power) if total > 0 else 0
    cdf = np.cumsum(power) / total if count else np.zeros(0)
    arrays["light_count"] = np.array([count])
    arrays["light_kind"] = np.concatenate(kinds)[:count] if count else np.zeros(0)
    arrays["light_index"] = np.concatenate(indices)[:count] if count else np.zeros(0)
    arrays["light_cdf"] = cdf
    arrays["shape_light_density"] = radiosity / total if count else radiosity * 0.0
    arrays["environment_probability"] = np.array([power[-1] / total if count and environment is not None else 0.0])
    return arrays


def _environment_distribution(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Cumulative marginal of the rows (H,), cumulative conditionals (H, W) flat, and the mean radiance over the sphere.

    The weight of a texel is the mean of the bilinear interpolant over it, so that it is positive wherever the
    interpolant is, times the sine of its polar angle.
    """
    value = image.astype(np.float64).mean(axis=2)
    across = (np.roll(value, 1, axis=1) + 6.0 * value + np.roll(value, -1, axis=1)) / 8.0
    padded = np.pad(across, ((1, 1), (0, 0)), mode="edge")
    smooth = (padded[:-2] + 6.0 * padded[1:-1] + padded[2:]) / 8.0
    sine = np.sin(np.pi * (np.arange(len(value)) + 0.5) / len(value))
    weights = smooth * sine[:, None]
    mean = float(weights.sum() / (sine.sum() * value.shape[1]))
    row_sums = weights.sum(axis=1)
    safe = np.where(row_sums[:, None] > 0, weights, 1.0)
    columns = np.cumsum(safe, axis=1)
    columns /= columns[:, -1:]
    rows = np.cumsum(row_sums if row_sums.sum() > 0 else np.ones_like(row_sums))
    return rows / rows[-1], columns.reshape(-1), mean


def _write_camera(fields: SceneFields, camera: Camera) -> None:
    if camera.type == "orthographic":
        focal = camera.width / (2.0 * camera.scale)
        intrinsics = np.array([focal, focal, 0.5 * camera.width, 0.5 * camera.height])
    else:
        intrinsics = np.array(camera.focal())
    write(
        [
            (fields.camera_to_world, camera.world_matrix()),
            (fields.camera_intrinsics, intrinsics),
            (fields.camera_distortion, np.asarray(camera.distortion)),
            (fields.camera_lens, np.array([camera.aperture_radius, camera.focus_distance])),
            (fields.camera_clip, np.array([camera.near, min(camera.far, _FAR)])),
            (fields.film_size, np.array([camera.width, camera.height])),
        ]
    )
