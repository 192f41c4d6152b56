"""Meshes of the built-in shapes, in object space, with texture coordinates (v points up)."""

import numpy as np
from numpy.typing import NDArray

from diffrt.description.mesh import Mesh

Floats = NDArray[np.float64]
Indices = NDArray[np.int32]
_QUAD = ((0, 1, 2), (0, 2, 3))


def rectangle() -> Mesh:
    """The square [-1,1]^2 in the XY plane, normal +Z; uv (0,0) at (-1,-1)."""
    vertices = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], dtype=np.float64)
    faces = np.array(_QUAD, dtype=np.int32)
    return Mesh(vertices, faces, uvs=0.5 * (vertices[:, :2] + 1.0), uv_faces=faces.copy())


def cube() -> Mesh:
    """The cube [-1,1]^3, eight welded corners, normals outward; each side shows the whole texture upright."""
    vertices = np.array([[x, y, z] for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)], dtype=np.float64)
    sides = np.array(
        [
            [4, 5, 7, 6],  # +Z
            [1, 0, 2, 3],  # -Z
            [5, 1, 3, 7],  # +X
            [0, 4, 6, 2],  # -X
            [6, 7, 3, 2],  # +Y
            [0, 1, 5, 4],  # -Y
        ],
        dtype=np.int32,
    )
    corners = np.array(_QUAD)
    faces = sides[:, corners].reshape(-1, 3)
    uvs = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float64)
    return Mesh(vertices, faces, uvs=uvs, uv_faces=np.tile(corners, (6, 1)).astype(np.int32))


def disk(segments: int = 64) -> Mesh:
    """The unit disk in the XY plane, normal +Z, a fan about its centre; uv as the rectangle's around it."""
    around = _circle(segments)
    vertices = np.vstack([np.zeros((1, 3)), np.column_stack([around, np.zeros(segments)])])
    outer = np.arange(segments)
    faces = np.column_stack([np.zeros(segments, dtype=np.int64), 1 + outer, 1 + (outer + 1) % segments])
    indices = faces.astype(np.int32)
    return Mesh(vertices, indices, uvs=0.5 * (vertices[:, :2] + 1.0), uv_faces=indices.copy())


def cylinder(segments: int = 64) -> Mesh:
    """The side of a cylinder of radius 1 along Z from 0 to 1, open at both ends, exact outward normals.

    u runs once around from +X through +Y, v from bottom to top.
    """
    around = _circle(segments)
    low, zero, one = np.arange(segments), np.zeros(segments), np.ones(segments)
    vertices = np.vstack([np.column_stack([around, zero]), np.column_stack([around, one])])
    u = np.arange(segments + 1) / segments
    uvs = np.vstack([np.column_stack([u, np.zeros_like(u)]), np.column_stack([u, np.ones_like(u)])])

    def sides(following: Indices, ring: int) -> Indices:
        quads = np.column_stack([low, following, following + ring, low + ring])
        return quads[:, np.array(_QUAD)].reshape(-1, 3).astype(np.int32)

    faces = sides(((low + 1) % segments).astype(np.int32), segments)
    normals = np.column_stack([around, zero])
    return Mesh(
        vertices, faces, normals, faces % np.int32(segments), uvs, sides((low + 1).astype(np.int32), segments + 1)
    )


def sphere(subdivisions: int = 4) -> Mesh:
    """The unit sphere as an icosahedron split `subdivisions` times: 20 * 4^subdivisions triangles, exact normals.

    u = longitude from +X through +Y over 2 pi, v = 0 at -Z, 1 at +Z; the seam and the poles have their own uvs.
    """
    vertices, faces = _icosahedron()
    for _ in range(subdivisions):
        vertices, faces = _split(vertices, faces)
    uvs, uv_faces = _sphere_uvs(vertices, faces)
    return Mesh(vertices, faces, vertices.copy(), faces.copy(), uvs, uv_faces)


def _circle(segments: int) -> Floats:
    angle = 2.0 * np.pi * np.arange(segments) / segments
    return np.column_stack([np.cos(angle), np.sin(angle)])


def _icosahedron() -> tuple[Floats, Indices]:
    """Corners at both poles and on two rings of five."""
    height, radius = 1.0 / np.sqrt(5.0), 2.0 / np.sqrt(5.0)
    ring = _circle(5) * radius
    half = np.pi / 5.0
    turned = ring @ np.array([[np.cos(half), np.sin(half)], [-np.sin(half), np.cos(half)]])
    level = np.full(5, height)
    vertices = np.vstack(
        [[[0.0, 0.0, 1.0]], np.column_stack([ring, level]), np.column_stack([turned, -level]), [[0.0, 0.0, -1.0]]]
    )
    faces = []
    for i in range(5):
        j = (i + 1) % 5
        faces += [[0, 1 + i, 1 + j], [1 + i, 6 + i, 1 + j], [6 + i, 6 + j, 1 + j], [11, 6 + j, 6 + i]]
    return vertices, np.array(faces, dtype=np.int32)


def _split(vertices: Floats, faces: Indices) -> tuple[Floats, Indices]:
    """Each triangle into four; new corners at the edges' middles, pushed out to the sphere."""
    ends = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    edges, index = np.unique(ends, axis=0, return_inverse=True)
    middles: Floats = vertices[edges].sum(axis=1)
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    m = len(vertices) + index.reshape(-1, 3)
    a, b, c = faces.T
    ab, bc, ca = m.T
    split = np.stack(
        [np.column_stack(t) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))], axis=1
    ).reshape(-1, 3)
    return np.vstack([vertices, middles]), split.astype(np.int32)


def _sphere_uvs(vertices: Floats, faces: Indices) -> tuple[Floats, Indices]:
    """Longitude and latitude per triangle corner, continuous within each triangle, equal pairs merged."""
    corners = vertices[faces]
    u = np.arctan2(corners[..., 1], corners[..., 0]) / (2.0 * np.pi) % 1.0
    v = 0.5 + np.arcsin(np.clip(corners[..., 2], -1.0, 1.0)) / np.pi
    pole = np.hypot(corners[..., 0], corners[..., 1]) < 1e-9
    high = np.where(pole, -1.0, u).max(axis=1, keepdims=True)
    u = np.where(~pole & (u < high - 0.5), u + 1.0, u)
    others = np.where(pole, 0.0, u).sum(axis=1, keepdims=True) / np.maximum((~pole).sum(axis=1, keepdims=True), 1)
    u = np.where(pole, others, u)
    pairs = np.round(np.stack([u, v], axis=-1).reshape(-1, 2), 12)
    merged, index = np.unique(pairs, axis=0, return_inverse=True)
    return merged.astype(np.float64), index.reshape(-1, 3).astype(np.int32)
