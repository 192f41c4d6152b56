"""The triangles of all shapes in world space, as the device holds them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from diffrt.description.mesh import smooth_normals
from diffrt.scene.elements import Shape


@dataclass
class Geometry:
    """Shape after shape. Indices of -1 mean "none"."""

    positions: np.ndarray  # (V, 3) float32, world
    normals: np.ndarray  # (N, 3) float32, world
    uvs: np.ndarray  # (T, 2) float32
    triangles: np.ndarray  # (F, 3) int32
    triangle_normals: np.ndarray  # (F, 3) int32, -1 for flat
    triangle_uvs: np.ndarray  # (F, 3) int32, -1 for none
    triangle_shape: np.ndarray  # (F,) int32
    first_triangle: np.ndarray  # (shapes + 1,) int64

    @cached_property
    def face_normals(self) -> np.ndarray:
        """(F, 3) float64 unit normals; zero for triangles without area."""
        a, b, c = np.moveaxis(self.positions[self.triangles].astype(np.float64), 1, 0)
        (x, y, z), (u, v, w) = (b - a).T, (c - a).T
        cross = np.stack([y * w - z * v, z * u - x * w, x * v - y * u], axis=1)
        length = np.sqrt(np.einsum("ij,ij->i", cross, cross))
        normals: np.ndarray = cross / np.maximum(length, 1e-300)[:, None]
        return normals


def wide_bounds(points: np.ndarray) -> np.ndarray:
    """(2, 3): least and greatest coordinates of points (..., 3), apart by more than rays' rounding errors."""
    flat = points.reshape(-1, 3)
    bounds = np.stack([flat.min(axis=0), flat.max(axis=0)])
    pad = 1e-5 * (np.abs(bounds).max() + np.ptp(bounds, axis=0).max())
    wide: np.ndarray = bounds + [[-pad], [pad]]
    return wide


def gather(shapes: list[Shape]) -> Geometry:
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

    return Geometry(
        joined("p", 3, np.float32),
        joined("n", 3, np.float32),
        joined("t", 2, np.float32),
        joined("f", 3, np.int32),
        joined("fn", 3, np.int32),
        joined("ft", 3, np.int32),
        joined("s", 1, np.int32).reshape(-1),
        np.array(first),
    )
