"""Derivatives of smooth normals with respect to the vertices, as `description/mesh.py` computes them from these."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_NEXT, _BEFORE = [1, 2, 0], [2, 0, 1]
"""Corners of a triangle after the corners, and before them."""


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
    # Axis after axis, so that what belongs to one of them lies in a row: three times as fast.
    places, at = np.ascontiguousarray(vertices.T), np.ascontiguousarray(faces.T)
    corners = places[:, at]  # (3 axes, 3 corners, F), as all that follows
    sides = corners[:, _NEXT] - corners  # side k leaves corner k
    cross = _cross(sides[:, 0], sides[:, 1])
    length = np.sqrt(_dot(cross, cross))
    solid = length > 0.0
    if not solid.all():
        at, sides, cross, length = at[:, solid], sides[..., solid], cross[:, solid], length[solid]
    normal = cross / length
    before = sides[:, _BEFORE]
    cosine = -_dot(sides, before)
    angle = np.arctan2(length, cosine)

    total = _gathered(angle * normal[:, None], at, len(vertices))
    size = np.sqrt(_dot(total, total))
    safe = np.where(size < 1e-9, np.inf, size)
    unit = total / safe
    d_normals = adjoint.T
    d_total = (d_normals - unit * _dot(unit, d_normals)) / safe

    d_corner = d_total[:, at]
    d_angle = _dot(d_corner, normal[:, None])
    d_normal = np.einsum("kf,ikf->if", angle, d_corner)
    squared = length**2 + cosine**2
    d_length = np.sum(d_angle * cosine / squared, axis=0)
    d_cosine = -d_angle * length / squared
    d_cross = d_length * normal + (d_normal - normal * _dot(normal, d_normal)) / length
    d_sides = -d_cosine * before - (d_cosine * sides)[:, _NEXT]
    d_sides[:, 0] += _cross(sides[:, 1], d_cross)
    d_sides[:, 1] += _cross(d_cross, sides[:, 0])
    return _gathered(d_sides[:, _BEFORE] - d_sides, at, len(vertices)).T


def _dot(a: Floats, b: Floats) -> Floats:
    """Products of vectors whose axis is the first."""
    result: Floats = np.einsum("i...,i...->...", a, b)
    return result


def _cross(a: Floats, b: Floats) -> Floats:
    return np.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def _gathered(values: Floats, at: NDArray[np.int32], count: int) -> Floats:
    """(3, V): sums of (3, 3, F) over the corners at each vertex."""
    where = at.reshape(-1)
    return np.stack([np.bincount(where, part.reshape(-1), count) for part in values])
