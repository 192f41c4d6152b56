"""From a loaded scene to fields on the device; uploads again only what changed."""

from dataclasses import dataclass, replace

import numpy as np

from diffrt.description.schema import MATERIAL_FIELDS
from diffrt.description.values import TextureRef
from diffrt.device import bvh_build, facets
from diffrt.device.bvh_build import Bvh
from diffrt.device.facets import Facets
from diffrt.device.features import (
    CAMERA_TYPES,
    DELTA_LIGHTS,
    MATERIAL_SLOTS,
    MATERIAL_TYPES,
    NORMAL_MAP_SLOT,
    OPACITY_SLOT,
    Features,
)
from diffrt.device.geometry import Geometry, gather
from diffrt.device.light_table import colours, group_count, light_table
from diffrt.device.packing import write
from diffrt.device.scene_fields import Capacity, SceneFields, acquire
from diffrt.device.surface import fill_records
from diffrt.scene.elements import Camera, Value
from diffrt.scene.scene import Scene

WRAPS = ("repeat", "clamp", "mirror")
FILTERS = ("bilinear", "nearest")
_FAR = 1e30


@dataclass
class DeviceScene:
    """A scene that lives on the device: its fields, what kernels must know of it, its triangles, its tree or facets."""

    fields: SceneFields
    features: Features
    bvh: Bvh | None
    geometry: Geometry
    facets: Facets | None


@dataclass
class _Resident:
    revisions: tuple[int, int, int, int]
    device: DeviceScene
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
        device = old.device
        features = device.features
    else:
        same_topology = old is not None and old.revisions[:2] == revisions[:2]
        still = old is not None and old.revisions[:3] == revisions[:3]
        other = _resident.get(not gradients)
        if old is not None and still:
            geometry, few = old.device.geometry, old.device.facets
        elif other is not None and other.revisions[:3] == revisions[:3]:
            geometry, few = other.device.geometry, other.device.facets
        else:
            geometry = gather(list(scene.shapes.values()))
            few = facets.find(geometry.positions, geometry.triangles)
        bvh = old.device.bvh if old is not None and same_topology else None
        if few is None and bvh is None:
            bvh = bvh_build.build(geometry.positions, geometry.triangles)
        features, arrays = _appearance(scene, geometry)
        shallow = bvh is not None and bvh.shallow
        features = replace(features, facets=0 if few is None else few.padded, shallow=shallow)
        fields = acquire(_capacity(scene, geometry, bvh), gradients)
        write(fields, [(getattr(fields, name), array) for name, array in arrays.items()])
        resident = old is not None and old.device.fields is fields
        if not (still and resident):
            _write_geometry(fields, geometry)
            fill_records(fields, len(geometry.triangles))
            if few is not None:
                facets.upload(fields, few, geometry.positions, geometry.triangles)
            elif bvh is not None and old is not None and old.device.bvh is bvh and resident:
                bvh_build.refit(fields, bvh)
            elif bvh is not None:
                bvh_build.upload(fields, bvh)
        device = DeviceScene(fields, features, bvh, geometry, few)
    device.features = replace(
        features,
        gradients=gradients,
        camera=CAMERA_TYPES.index(camera.type),
        distorted=bool(np.any(np.asarray(camera.distortion) != 0.0)),
    )
    write(device.fields, [(getattr(device.fields, name), array) for name, array in _camera_arrays(camera).items()])
    _resident[gradients] = _Resident(revisions, device, camera)
    return device


def _capacity(scene: Scene, geometry: Geometry, bvh: Bvh | None) -> Capacity:
    images = [texture.data for texture in scene.textures.values()]
    images += [light.image for light in scene.lights.values() if light.image is not None]
    environment = [light.image for light in scene.lights.values() if light.image is not None]
    emitting = [len(shape.mesh.faces) for shape in scene.shapes.values() if shape.emission is not None]
    return Capacity(
        vertices=len(geometry.positions),
        triangles=len(geometry.triangles),
        normals=len(geometry.normals),
        uvs=len(geometry.uvs),
        shapes=len(scene.shapes),
        materials=len(scene.materials),
        textures=len(images),
        texels=sum(image.shape[0] * image.shape[1] for image in images),
        lights=sum(map(group_count, emitting)) + len(scene.lights),
        emitters=sum(emitting),
        delta_lights=len(scene.lights),
        environment_cells=max((image.shape[0] * image.shape[1] for image in environment), default=0),
        bvh_nodes=bvh.nodes if bvh is not None else 0,
        bvh_leaves=bvh.leaves if bvh is not None else 0,
    )


def _write_geometry(fields: SceneFields, g: Geometry) -> None:
    names = ("positions", "normals", "uvs", "triangles", "triangle_normals", "triangle_uvs", "triangle_shape")
    write(fields, [(getattr(fields, name), getattr(g, name)) for name in names])


def continuous(scene: Scene, camera: Camera) -> dict[str, np.ndarray]:
    """The arrays of all fields that have derivatives, by name, for a scene of equal topology to the one uploaded."""
    geometry = gather(list(scene.shapes.values()))
    arrays = {"positions": geometry.positions, "normals": geometry.normals, "uvs": geometry.uvs}
    return arrays | _appearance(scene, geometry)[1] | _camera_arrays(camera)


def _appearance(scene: Scene, geometry: Geometry) -> tuple[Features, dict[str, np.ndarray]]:
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
        texels.append(colours(image).reshape(-1, 3))
        offset += len(texels[-1])
    arrays["textures"] = np.array(infos, dtype=np.int32).reshape(-1, 4)
    arrays["texels"] = np.concatenate(texels) if texels else np.zeros((0, 3))

    arrays |= light_table(scene, shapes, geometry, environment, len(images) - 1)
    near, far, _ = arrays["light_counts"]
    used = {shape.material for shape in shapes}
    while True:
        more = used | {c for name in used for c in (scene.materials[name].first, scene.materials[name].second) if c}
        if more == used:
            break
        used = more
    acting = [scene.materials[name] for name in used]
    textured = textures.reshape(n, MATERIAL_SLOTS)[[material_number[name] for name in used]] >= 0
    features = Features(
        bsdfs=sum({1 << MATERIAL_TYPES.index(m.type) for m in acting}),
        textures=any(isinstance(value, TextureRef) for m in acting for value in (*m.fields.values(), m.opacity))
        or any(m.normal_map for m in acting)
        or bool(np.any(emission_texture >= 0)),
        textured_slots=sum(1 << int(slot) for slot in np.flatnonzero(np.any(textured, axis=0))),
        normal_maps=any(m.normal_map is not None for m in acting),
        smooth=bool(len(geometry.normals)),
        masked=any(m.type == "null" or isinstance(m.opacity, TextureRef) or float(m.opacity) < 1.0 for m in acting),
        one_sided=any(not m.two_sided for m in acting),
        area_lights=any(shape.emission is not None for shape in shapes),
        delta_lights=any(light.type in DELTA_LIGHTS for light in scene.lights.values()),
        near_lights=bool(near > 0),
        far_lights=bool(far > 0),
        light_tree=bool(near > 0 and near + far > 1),
        environment=environment is not None,
        environment_image=environment is not None and environment.image is not None,
    )
    return features, arrays


def _camera_arrays(camera: Camera) -> dict[str, np.ndarray]:
    if camera.type == "orthographic":
        focal = camera.width / (2.0 * camera.scale)
        intrinsics = np.array([focal, focal, 0.5 * camera.width, 0.5 * camera.height])
    else:
        intrinsics = np.array(camera.focal())
    return {
        "camera_to_world": camera.world_matrix(),
        "camera_intrinsics": intrinsics,
        "camera_distortion": np.asarray(camera.distortion),
        "camera_lens": np.array([camera.aperture_radius, camera.focus_distance]),
        "camera_clip": np.array([camera.near, min(camera.far, _FAR)]),
        "film_size": np.array([camera.width, camera.height]),
    }
