"""The chain rule for what has a place: shapes and cameras, through their matrices, normals and lenses."""

from dataclasses import dataclass

import numpy as np

from diffrt.description import transform
from diffrt.errors import InputError, Problem
from diffrt.gradient.normals import smooth_normals_adjoint
from diffrt.gradient.target import Floats, Target
from diffrt.scene.elements import Camera, Shape
from diffrt.scene.scene import Scene


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


def of_shape(scene: Scene, name: str, element: str, field: str) -> Target:
    """What a shape's vertices, normals, uvs or placement reach."""
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
    turns: Floats = np.einsum("kij,ij->k", rotation_derivatives(rotation), d_linear * scale)
    return turns


def rotation_derivatives(vector: Floats) -> Floats:
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


def of_camera(scene: Scene, view: Camera, name: str, element: str, field: str) -> Target:
    """What a camera's placement or lens reaches.

    Raises:
        InputError: it is another camera than the one in use.
    """
    own = scene.cameras[element] if scene.several_cameras else next(iter(scene.cameras.values()))
    if own.name != view.name:
        raise InputError(Problem(name, f"the picture is that of camera {view.name!r}, which does not depend on it"))
    if field in ("fov", "intrinsics", "distortion", "scale", "aperture_radius", "focus_distance"):
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
    if field in ("aperture_radius", "focus_distance"):
        at = ("aperture_radius", "focus_distance").index(field)
        return Target(name, ("camera_lens",), lambda grads: np.asarray(grads["camera_lens"].reshape(2)[at]))

    def pull(grads: dict[str, Floats]) -> Floats:
        derivative = grads["camera_intrinsics"].reshape(4)
        if field == "intrinsics":
            x, y = view.width / own.width, view.height / own.height
            return derivative * [x, y, x, y]
        if field == "scale":
            return np.asarray(-(derivative[0] + derivative[1]) * view.width / (2.0 * view.scale**2))
        assert view.fov is not None
        half = 0.5 * np.deg2rad(float(view.fov))
        slope = -view.focal()[0] / (np.sin(half) * np.cos(half)) * 0.5 * np.deg2rad(1.0)
        return np.asarray((derivative[0] + derivative[1]) * slope)

    return Target(name, ("camera_intrinsics",), pull)
