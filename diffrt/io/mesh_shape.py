"""Meshes as shapes of a scene dictionary, moved, mirrored and put together."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffrt.description.mesh import Mesh
from diffrt.description.transform import transform_points


def arrays_of(mesh: Mesh) -> dict[str, NDArray[Any]]:
    """The arrays of a mesh under the names of the scene file; those that are None are left out."""
    arrays: dict[str, NDArray[Any] | None] = {
        "vertices": mesh.vertices,
        "faces": mesh.faces,
        "normals": mesh.normals,
        "normal_faces": mesh.normal_faces,
        "uvs": mesh.uvs,
        "uv_faces": mesh.uv_faces,
    }
    return {name: array for name, array in arrays.items() if array is not None}


def mirrored(mesh: Mesh) -> Mesh:
    """The same surface with every triangle the other way round; given normals stay."""
    turn = [0, 2, 1]
    return Mesh(
        mesh.vertices,
        mesh.faces[:, turn],
        mesh.normals,
        None if mesh.normal_faces is None else mesh.normal_faces[:, turn],
        mesh.uvs,
        None if mesh.uv_faces is None else mesh.uv_faces[:, turn],
    )


def transformed(mesh: Mesh, matrix: NDArray[np.float64]) -> Mesh:
    """The mesh under an affine 4x4 matrix. Normals go with the inverse transpose; a mirror turns triangles around."""
    linear = matrix[:3, :3]
    moved = mirrored(mesh) if np.linalg.det(linear) < 0.0 else mesh
    normals = mesh.normals
    if normals is not None:
        normals = normals @ np.linalg.inv(linear)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    vertices = transform_points(matrix, mesh.vertices)
    return Mesh(vertices, moved.faces, normals, moved.normal_faces, mesh.uvs, moved.uv_faces)


def concatenate(meshes: list[Mesh]) -> Mesh:
    """One mesh of all triangles, not welded; normals and uvs only if every mesh has them."""

    def joined(values: list[Any], indices: list[Any]) -> tuple[Any, Any]:
        if any(value is None or index is None for value, index in zip(values, indices, strict=True)):
            return None, None
        starts = np.cumsum([0, *map(len, values[:-1])])
        moved = [index + start for index, start in zip(indices, starts, strict=True)]
        return np.concatenate(values), np.concatenate(moved).astype(np.int32)

    vertices, faces = joined([mesh.vertices for mesh in meshes], [mesh.faces for mesh in meshes])
    normals, normal_faces = joined([mesh.normals for mesh in meshes], [mesh.normal_faces for mesh in meshes])
    uvs, uv_faces = joined([mesh.uvs for mesh in meshes], [mesh.uv_faces for mesh in meshes])
    return Mesh(vertices, faces, normals, normal_faces, uvs, uv_faces)
