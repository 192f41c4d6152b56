"""From the fields of a scene to its parameters: which fields a parameter reaches, and the chain rule back from them.

The other direction needs no code of its own: a parameter is changed in a copy of the scene, whose arrays are made anew.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diffrt.description import transform
from diffrt.description.materials import MATERIAL_FIELDS
from diffrt.description.values import TextureRef
from diffrt.device.features import DELTA_LIGHTS, MATERIAL_SLOTS
from diffrt.device.geometry import Geometry
from diffrt.errors import InputError, Problem
from diffrt.gradient.normals import smooth_normals_adjoint
from diffrt.scene.elements import Camera, Light, Shape
from diffrt.scene.parameters import find
from diffrt.scene.scene import Scene

Floats = NDArray[np.float64]
Pull = Callable[[dict[str, Floats]], Floats]

GEOMETRY = ("positions", "normals", "uvs")
CAMERA = ("camera_to_world", "camera_intrinsics", "camera_distortion", "camera_lens")
MOVING = (*GEOMETRY, *CAMERA, "delta_position", "delta_direction")
"""Fields through which positions or directions move."""


@dataclass(frozen=True)
class Target:
    """A parameter and what it reaches.

    Attributes:
        name: of the parameter.
        fields: of SceneFields, by name, that depend on it.
        pull: from derivatives by these fields, by name, to that by the parameter.
        materials: those whose values it changes.
        slots: bit k is set if it is slot k of them.
        bends: it bends rays, though it moves no surface.
        dark: it is the strength of a light, and zero.
    """

    name: str
    fields: tuple[str, ...]
    pull: Pull
    materials: tuple[str, ...] = ()
    slots: int = 0
    bends: bool = False
    dark: bool = False

    @property
    def moves(self) -> bool:
        """Whether edges move with it."""
        return bool(set(self.fields) & set(MOVING))


def target(scene: Scene, view: Camera, geometry: Geometry, name: str) -> Target:
    """What a parameter reaches.

    Args:
        view: the camera in use, one of the scene's but for its size.
        geometry: of the scene.

    Raises:
        InputError: there is no such parameter, or no derivative by it.
    """
    handle = find(scene, name)
    if not handle.parameter.differentiable:
        raise _unsupported(name, "no gradient exists for it")
    section, _, rest = name.partition(".")
    element, _, field = rest.rpartition(".")
    if section == "materials":
        return _of_material(scene, name, element, field)
    if section == "textures":
        return _of_texture(scene, name, rest)
    if section == "lights":
        return _of_light(scene, name, scene.lights[element], field)
    if section == "shapes":
        return _of_shape(scene, geometry, name, element, field)
    return _of_camera(scene, view, name, element, field)


def _unsupported(name: str, why: str) -> InputError:
    return InputError(Problem(name, why))


def _of_material(scene: Scene, name: str, element: str, field: str) -> Target:
    material = scene.materials[element]
    if field == "opacity" or material.type == "mix":
        raise _unsupported(name, "gradients by opacity and by the weight of a mix are not there yet")
    slot = MATERIAL_FIELDS[material.type].index(field)
    at = list(scene.materials).index(element) * MATERIAL_SLOTS + slot
    constant = material.fields[field]
    assert isinstance(constant, np.ndarray)
    shape = constant.shape

    def pull(grads: dict[str, Floats]) -> Floats:
        row = grads["material_values"][at]
        return row if shape else np.asarray(row.sum())

    bends = material.type == "dielectric" and field in ("ior", "exterior_ior")
    return Target(name, ("material_values",), pull, (element,), 1 << slot, bends)


def _of_texture(scene: Scene, name: str, element: str) -> Target:
    offset = 0
    for other in scene.textures.values():
        if other.name == element:
            break
        offset += other.data.shape[0] * other.data.shape[1]
    texture = scene.textures[element]
    height, width, channels = texture.data.shape
    slots, materials, bends = 0, [], False
    for material in scene.materials.values():
        users = [k for k, v in material.fields.items() if isinstance(v, TextureRef) and v.name == element]
        opacity = material.opacity
        if (users and material.type == "mix") or (isinstance(opacity, TextureRef) and opacity.name == element):
            raise _unsupported(name, f"it is an opacity or the weight of a mix ({material.name}): not there yet")
        if material.normal_map == element:
            bends = True
        if users:
            materials.append(material.name)
        bends |= material.type == "dielectric" and bool(users)
        for key in users:
            slots |= 1 << MATERIAL_FIELDS[material.type].index(key)

    def pull(grads: dict[str, Floats]) -> Floats:
        texels = grads["texels"][offset : offset + height * width].reshape(height, width, 3)
        result = np.zeros((height, width, channels))  # alpha is not used, so its derivative is zero
        if channels < 3:
            result[..., 0] = texels.sum(axis=2)
        else:
            result[..., :3] = texels
        return result

    return Target(name, ("texels",), pull, tuple(materials), slots, bends)


def _of_light(scene: Scene, name: str, light: Light, field: str) -> Target:
    if light.type == "environment":
        if field == "radiance":
            dark = not light.fields["radiance"].any()
            return Target(
                name, ("environment_radiance",), lambda grads: grads["environment_radiance"].reshape(3), dark=dark
            )
        assert light.image is not None
        offset = sum(texture.data.shape[0] * texture.data.shape[1] for texture in scene.textures.values())
        shape = light.image.shape
        count = shape[0] * shape[1]
        return Target(name, ("texels",), lambda grads: grads["texels"][offset : offset + count].reshape(shape))
    at = [item.name for item in scene.lights.values() if item.type in DELTA_LIGHTS].index(light.name)
    key = {"irradiance": "delta_intensity", "intensity": "delta_intensity"}.get(field, f"delta_{field}")

    def pull(grads: dict[str, Floats]) -> Floats:
        row: Floats = grads[key][at]
        if field == "direction":  # it is kept at unit length
            unit = light.fields["direction"]
            row = row - unit * (unit @ row)
        return row

    return Target(name, (key,), pull, dark=key == "delta_intensity" and not light.fields[field].any())


# Shapes


@dataclass(frozen=True)
class _Place:
    """First position, normal and uv of a shape among those of all shapes."""

    shape: Shape
    positions: int
    normals: int
    uvs: int

    def __post_init__(self) -> None:
        assert min(self.positions, self.normals, self.uvs) >= 0


def _place(scene: Scene, element: str) -> _Place:
    positions = normals = uvs = 0
    for shape in scene.shapes.values():
        if shape.name == element:
            return _Place(shape, positions, normals, uvs)
        positions += len(shape.mesh.vertices)
        if shape.smooth:
            given = shape.mesh.normals if shape.has_given_normals else shape.mesh.vertices
            assert given is not None
            normals += len(given)
        uvs += 0 if shape.mesh.uvs is None else len(shape.mesh.uvs)
    raise AssertionError(element)


def _of_shape(scene: Scene, geometry: Geometry, name: str, element: str, field: str) -> Target:
    if field == "emission":
        at = list(scene.shapes).index(element)
        dark = not np.any(scene[name])
        return Target(name, ("shape_emission",), lambda grads: grads["shape_emission"][at], dark=dark)
    place = _place(scene, element)
    shape = place.shape
    if field == "uvs":
        assert shape.mesh.uvs is not None
        end = place.uvs + len(shape.mesh.uvs)
        return Target(name, ("uvs",), lambda grads: grads["uvs"][place.uvs : end])
    if field == "normals":
        return Target(name, ("normals",), lambda grads: _given_normals(place, grads)[0])
    fields = ("positions", "normals") if shape.smooth else ("positions",)
    return Target(name, fields, lambda grads: _placement(place, _world_matrix(place, grads, field), field))


def _world_positions(place: _Place, grads: dict[str, Floats]) -> Floats:
    """Derivatives by the shape's vertices in world space, those through recomputed normals included."""
    shape = place.shape
    count = len(shape.mesh.vertices)
    result = grads["positions"][place.positions : place.positions + count]
    if shape.smooth and not shape.has_given_normals:
        # A mirroring transform turns all windings round, and all normals with them.
        mirrored = np.linalg.det(shape.world_matrix()[:3, :3]) < 0.0
        faces = shape.mesh.faces[:, [0, 2, 1] if mirrored else [0, 1, 2]]
        adjoint = grads["normals"][place.normals : place.normals + count]
        result = result + smooth_normals_adjoint(shape.world_vertices(), faces, adjoint)
    return result


def _given_normals(place: _Place, grads: dict[str, Floats]) -> tuple[Floats, Floats]:
    """Derivatives by given normals (N, 3), which are kept at unit length, and by the (3, 3) part of the world matrix.

    World normals are n A^-1 at unit length.
    """
    normals = place.shape.mesh.normals
    assert normals is not None
    inverse = np.linalg.inv(place.shape.world_matrix()[:3, :3])
    adjoint = grads["normals"][place.normals : place.normals + len(normals)]
    world = normals @ inverse
    length = np.maximum(np.linalg.norm(world, axis=1, keepdims=True), 1e-30)
    unit = world / length
    d_world = (adjoint - unit * np.sum(unit * adjoint, axis=1, keepdims=True)) / length
    d_normals = d_world @ inverse.T
    d_normals -= normals * np.sum(normals * d_normals, axis=1, keepdims=True)
    d_linear = -inverse.T @ (normals.T @ d_world) @ inverse.T
    return d_normals, d_linear


def _world_matrix(place: _Place, grads: dict[str, Floats], field: str) -> Floats:
    """For `vertices` the derivatives by them, in object space; else those by the world matrix (4, 4)."""
    shape = place.shape
    d_positions = _world_positions(place, grads)
    if field == "vertices":
        return d_positions @ shape.world_matrix()[:3, :3]
    result = np.zeros((4, 4))
    result[:3, :3] = d_positions.T @ shape.mesh.vertices
    result[:3, 3] = d_positions.sum(axis=0)
    if shape.smooth and shape.has_given_normals:
        result[:3, :3] += _given_normals(place, grads)[1]
    return result


def _placement(place: _Place, derivative: Floats, field: str) -> Floats:
    shape = place.shape
    if field == "vertices":
        return derivative
    linear = transform.axis_angle_to_matrix(shape.rotation) * np.asarray(shape.scale, dtype=np.float64)
    motion = transform.translate(shape.translation) @ transform.about(shape.center, linear)
    if field == "to_world":
        return motion.T @ derivative * [[1.0], [1.0], [1.0], [0.0]]
    d_motion = derivative @ shape.to_world.T
    d_linear = d_motion[:3, :3] - np.outer(d_motion[:3, 3], shape.center)
    return _motion(field, d_motion[:3, 3], d_linear, shape.rotation, np.asarray(shape.scale))


def _motion(field: str, d_translation: Floats, d_linear: Floats, rotation: Floats, scale: Floats) -> Floats:
    """Derivative by translation, rotation or scale, where the linear part is R diag(scale)."""
    if field == "translation":
        return d_translation
    if field == "scale":
        factors: Floats = np.sum(transform.axis_angle_to_matrix(rotation) * d_linear, axis=0)
        return factors
    turns: Floats = np.einsum("kij,ij->k", _rotation_derivatives(rotation), d_linear * scale)
    return turns


def _rotation_derivatives(vector: Floats) -> Floats:
    """(3, 3, 3): the derivative of the rotation matrix by each number of the axis-angle vector v.

    dR/dv_k = (v_k [v] + [v x (1 - R) e_k]) / |v|^2 R (Gallego and Yezzi 2015), where [a] b = a x b; [e_k] at v = 0.
    """
    v = np.asarray(vector, dtype=np.float64)
    squared = float(v @ v)
    if squared < 1e-16:
        return np.array([_cross_matrix(e) for e in np.eye(3)])
    r = transform.axis_angle_to_matrix(v)
    turned = np.eye(3) - r
    return np.array(
        [(v[k] * _cross_matrix(v) + _cross_matrix(np.cross(v, turned[:, k]))) / squared @ r for k in range(3)]
    )


def _cross_matrix(a: Floats) -> Floats:
    return np.array([[0.0, -a[2], a[1]], [a[2], 0.0, -a[0]], [-a[1], a[0], 0.0]])


# Cameras


def _of_camera(scene: Scene, view: Camera, name: str, element: str, field: str) -> Target:
    own = scene.cameras[element] if scene.several_cameras else next(iter(scene.cameras.values()))
    if own.name != view.name:
        raise _unsupported(name, f"the picture is that of camera {view.name!r}, which does not depend on it")
    if field in ("fov", "intrinsics", "distortion"):
        return _of_lens(own, view, name, field)

    def pull(grads: dict[str, Floats]) -> Floats:
        derivative = grads["camera_to_world"].reshape(4, 4) * [[1.0], [1.0], [1.0], [0.0]]
        linear = transform.axis_angle_to_matrix(view.rotation)
        if field == "to_world":  # its position is also the centre of the rotation
            result = derivative.copy()
            result[:3, :3] = linear.T @ derivative[:3, :3]
            return result
        d_linear = derivative[:3, :3] @ view.to_world[:3, :3].T
        return _motion(field, derivative[:3, 3], d_linear, view.rotation, np.ones(3))

    return Target(name, ("camera_to_world",), pull)


def _of_lens(own: Camera, view: Camera, name: str, field: str) -> Target:
    if field == "distortion":
        return Target(name, ("camera_distortion",), lambda grads: grads["camera_distortion"].reshape(5))

    def pull(grads: dict[str, Floats]) -> Floats:
        derivative = grads["camera_intrinsics"].reshape(4)
        if field == "intrinsics":
            x, y = view.width / own.width, view.height / own.height
            return derivative * [x, y, x, y]
        assert view.fov is not None
        half = 0.5 * np.deg2rad(float(view.fov))
        slope = -view.focal()[0] / (np.sin(half) * np.cos(half)) * 0.5 * np.deg2rad(1.0)
        return np.asarray((derivative[0] + derivative[1]) * slope)

    return Target(name, ("camera_intrinsics",), pull)
