"""Derivatives of smooth normals with respect to the vertices, as `description/mesh.py` computes them from these."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def smooth_normals_adjoint(vertices: Floats, faces: NDArray[np.int32], adjoint: Floats) -> Floats:
    """Vector-Jacobian product of `smooth_normals`.

    With face normal n_f, angle a_fk at corner k, t = sum a_fk n_f over the faces at a vertex and n = t / |t|.

    Args:
        vertices: (V, 3) positions.
        faces: (F, 3) indices.
        adjoint: (V, 3) derivatives by the normals.

    Returns:
        (V, 3) derivatives by the vertices. Triangles without area, and vertices whose sum vanishes, add nothing.
    """
    corners = vertices[faces]
    sides = np.roll(corners, -1, axis=1) - corners  # side k leaves corner k
    cross = np.cross(sides[:, 0], sides[:, 1])
    length = np.linalg.norm(cross, axis=1)
    solid = length > 0.0
    faces, sides, cross, length = faces[solid], sides[solid], cross[solid], length[solid]
    normal = cross / length[:, None]
    before = np.roll(sides, 1, axis=1)
    cosine = -np.einsum("fki,fki->fk", sides, before)
    angle = np.arctan2(length[:, None], cosine)

    total = np.zeros_like(vertices)
    np.add.at(total, faces, angle[:, :, None] * normal[:, None])
    size = np.linalg.norm(total, axis=1, keepdims=True)
    safe = np.where(size < 1e-9, np.inf, size)
    unit = total / safe
    d_total = (adjoint - unit * np.sum(unit * adjoint, axis=1, keepdims=True)) / safe

    d_corner = d_total[faces]
    d_angle = np.einsum("fki,fi->fk", d_corner, normal)
    d_normal = np.einsum("fk,fki->fi", angle, d_corner)
    squared = length[:, None] ** 2 + cosine**2
    d_length = np.sum(d_angle * cosine / squared, axis=1)
    d_cosine = -d_angle * length[:, None] / squared
    d_cross = d_length[:, None] * normal
    d_cross += (d_normal - normal * np.sum(normal * d_normal, axis=1, keepdims=True)) / length[:, None]
    d_sides = -d_cosine[:, :, None] * before
    d_sides -= np.roll(d_cosine[:, :, None] * sides, -1, axis=1)
    d_sides[:, 0] += np.cross(sides[:, 1], d_cross)
    d_sides[:, 1] += np.cross(d_cross, sides[:, 0])
    result = np.zeros_like(vertices)
    np.add.at(result, faces, np.roll(d_sides, 1, axis=1) - d_sides)
    return result
