"""Textures painted anew for a surface with other triangles and texture coordinates, as linear maps of texels.

Each texel of the new texture has a place on the new surface; the nearest point of the old one says where to look it up.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from diffrt.description.mesh import Mesh
from diffrt.scene.elements import Texture

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_BEYOND = 2.0
"""Texels: so far a surface is thought to go on beyond the borders of a chart, along the triangle there."""
_FACING = -0.3
"""Least cosine between an axis and the normal of an old triangle, for new triangles that face along this axis."""


def bake(old: Sequence[Mesh], new: Sequence[Mesh], texture: Texture) -> csr_array:
    """What each texel of a texture becomes, when the surfaces that show it get other triangles and coordinates.

    Args:
        old, new: each shape's mesh before and after, with texture coordinates; those of `new` lie in one atlas.
        texture: its size (H, W), wrap and filter count. Its size stays.

    Returns:
        (H W, H W): from the old texels to the new ones, row by row; rows sum to one.
    """
    height, width = texture.data.shape[:2]
    return lookups(texture, places(old, new, height, width))


def lookups(texture: Texture, uvs: Floats) -> csr_array:
    """The shares (N, H W) of a texture's texels in its values at coordinates (N, 2), as shading/texture.py has them."""
    height, width = texture.data.shape[:2]
    x, y = uvs[:, 0] * width, (1.0 - uvs[:, 1]) * height
    if texture.filter == "nearest":
        columns = _wrapped(np.floor(x), width, texture.wrap)[:, None]
        rows = _wrapped(np.floor(y), height, texture.wrap)[:, None]
        shares = np.ones((len(uvs), 1))
    else:
        left, top = np.floor(x - 0.5), np.floor(y - 0.5)
        fx, fy = x - 0.5 - left, y - 0.5 - top
        columns = np.stack([_wrapped(left + i, width, texture.wrap) for i in (0, 1, 0, 1)], axis=1)
        rows = np.stack([_wrapped(top + j, height, texture.wrap) for j in (0, 0, 1, 1)], axis=1)
        shares = np.stack([(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy], axis=1)
    ends = np.arange(len(uvs) + 1) * shares.shape[1]
    shape = (len(uvs), height * width)
    result = csr_array((np.ravel(shares), np.ravel(rows * width + columns), ends), shape=shape)
    result.sum_duplicates()
    return result


def _wrapped(index: Floats, size: int, wrap: str) -> Integers:
    """The texel in [0, size) that stands for an index."""
    i = index.astype(np.int64)
    if wrap == "clamp":
        return np.clip(i, 0, size - 1)
    if wrap == "repeat":
        return i % size
    phase = i % (2 * size)
    return np.where(phase < size, phase, 2 * size - 1 - phase)


def places(old: Sequence[Mesh], new: Sequence[Mesh], height: int, width: int) -> Floats:
    """The old texture coordinates (H W, 2) of what the texels of an atlas of new ones show, row by row.

    A texel outside all charts shows what the chart nearest to it would show if it went on: lookups at its border,
    between texels inside and outside, are then as right as those within.
    """
    j, i = np.mgrid[0:height, 0:width]
    texels = np.column_stack([(i.ravel() + 0.5) / width, 1.0 - (j.ravel() + 0.5) / height])
    starts = np.cumsum([0, *(len(mesh.faces) for mesh in new)])
    corners = np.concatenate([_corners(mesh.uvs, mesh.uv_faces) for mesh in new])
    triangle, inside = _nearest_in_plane(texels, corners)
    result = np.zeros_like(texels)
    for number, (before, after) in enumerate(zip(old, new, strict=True)):
        own = (starts[number] <= triangle) & (triangle < starts[number + 1])
        if own.any():
            face = triangle[own] - starts[number]
            points = _on_surface(texels[own], corners[triangle[own]], inside[own], after, face, min(height, width))
            at, shares = nearest(points, _normals(after)[face], before)
            result[own] = _mixed(shares, _corners(before.uvs, before.uv_faces)[at])
    return result


def nearest(points: Floats, normals: Floats, mesh: Mesh) -> tuple[Integers, Floats]:
    """The points of a mesh nearest to others, of those that face about the same way.

    Between the sides of a thin sheet it is not the distance that tells which is meant: triangles whose normals lie
    more than a right angle off the axis next to a normal do not count, if others do.

    Args:
        points, normals: (N, 3) in the mesh's space, normals of unit length.

    Returns:
        Triangles (N,) and barycentric coordinates (N, 3).
    """
    facing = _normals(mesh)
    axis = np.argmax(np.abs(normals), axis=1)
    side = np.take_along_axis(normals, axis[:, None], axis=1)[:, 0] > 0.0
    triangle, shares = np.zeros(len(points), dtype=np.int64), np.zeros((len(points), 3))
    for number in range(3):
        for positive in (True, False):
            own = (axis == number) & (side == positive)
            if not own.any():
                continue
            candidates = np.flatnonzero(facing[:, number] * (1.0 if positive else -1.0) >= _FACING)
            if len(candidates) == 0:
                candidates = np.arange(len(facing))
            found, shares[own] = _closest(points[own], mesh.vertices, mesh.faces[candidates])
            triangle[own] = candidates[found]
    return triangle, shares


def _on_surface(texels: Floats, corners: Floats, inside: Floats, mesh: Mesh, face: Integers, size: int) -> Floats:
    """Points (N, 3) in the plane of a triangle where texels lie, those outside of it within reason.

    Args:
        corners: (N, 3, 2) texture coordinates of the triangles. inside: (N, 3) their points nearest to the texels.
        face: (N,) their numbers in the mesh. size: texels of the texture's shorter side.
    """
    first, second, to = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0], texels - corners[:, 0]
    twice = _cross(first, second)
    flat = np.abs(twice) < 1e-12
    safe = np.where(flat, 1.0, twice)
    b, c = _cross(to, second) / safe, _cross(first, to) / safe
    beyond = np.where(flat[:, None], inside, np.stack([1.0 - b - c, b, c], axis=1))
    vertices = mesh.vertices[mesh.faces]
    stays, goes = _mixed(inside, vertices[face]), _mixed(beyond, vertices[face])
    apart = np.linalg.norm(texels - _mixed(inside, corners), axis=1)
    atlas = _corners(mesh.uvs, mesh.uv_faces)
    area = np.abs(_cross(atlas[:, 1] - atlas[:, 0], atlas[:, 2] - atlas[:, 0])).sum()
    length = np.sqrt(np.linalg.norm(_crosses(vertices), axis=1).sum() / max(area, 1e-300))
    most = 2.0 * length * np.minimum(apart, _BEYOND / size)
    step = goes - stays
    far = np.linalg.norm(step, axis=1)
    result: Floats = stays + step * np.minimum(1.0, most / np.maximum(far, 1e-300))[:, None]
    return result


def _nearest_in_plane(points: Floats, corners: Floats) -> tuple[Integers, Floats]:
    """Of triangles (F, 3, 2), those nearest to points (N, 2), and barycentric coordinates of the nearest points."""
    flat = np.pad(corners.reshape(-1, 2), ((0, 0), (0, 1)))
    return _closest(np.pad(points, ((0, 0), (0, 1))), flat, np.arange(len(flat)).reshape(-1, 3))


def _closest(points: Floats, vertices: Floats, faces: NDArray[np.integer]) -> tuple[Integers, Floats]:
    """Triangles (N,) nearest to points (N, 3), and barycentric coordinates (N, 3) of the nearest points."""
    import gpytoolbox

    with np.errstate(all="ignore"):
        _, triangle, shares = gpytoolbox.squared_distance(
            np.ascontiguousarray(points), np.ascontiguousarray(vertices), np.ascontiguousarray(faces), use_cpp=True
        )
    shares = np.clip(np.where(np.isfinite(shares), shares, 1.0 / 3.0), 0.0, 1.0)  # not finite: of no area
    return triangle.astype(np.int64), shares / shares.sum(axis=1, keepdims=True)


def _mixed(shares: Floats, corners: Floats) -> Floats:
    """Points (N, D) of triangles (N, 3, D) at barycentric coordinates (N, 3)."""
    result: Floats = np.einsum("nk,nkd->nd", shares, corners)
    return result


def _corners(uvs: Floats | None, faces: NDArray[np.int32] | None) -> Floats:
    assert uvs is not None and faces is not None
    return uvs[faces]


def _crosses(corners: Floats) -> Floats:
    """(F, 3) normals of triangles (F, 3, 3), of twice their area."""
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def _normals(mesh: Mesh) -> Floats:
    """(F, 3) of unit length."""
    cross = _crosses(mesh.vertices[mesh.faces])
    result: Floats = cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-300)
    return result


def _cross(a: Floats, b: Floats) -> Floats:
    """Of vectors (N, 2) in a plane: (N,)."""
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
