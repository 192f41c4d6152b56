"""Texture coordinates for bare triangles: charts cut, laid flat and packed into a square (xatlas; extra: mesh)."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from diffrt.log import warn

Floats = NDArray[np.float64]
Indices = NDArray[np.int32]
Flat: TypeAlias = tuple[Floats, Indices]
"""Points and triangles: texture coordinates (T, 2) or places (V, 3), and indices (F, 3) into them."""

_SMALLER, _TRIALS = 0.97, 100
"""Step of the search for the largest scale at which all charts fit, and its longest: down to a twentieth."""
_NOWHERE = 2**32 - 1


def unwrap(meshes: Sequence[Flat], texels: int, apart: bool) -> list[Flat]:
    """One atlas for all meshes: each gets its own part of the unit square, areas in proportion.

    Charts keep so far from each other that no texel takes part in the bilinear lookups of two of them. If there are
    too few texels for that, a warning says so, and they are packed closer.

    Args:
        meshes: vertices (V, 3) in one space, welded, and faces (F, 3).
        texels: of a side of the atlas: the smallest side of all textures that it is for.
        apart: leave one more texel between charts: for textures whose sides are not whole multiples of `texels`.

    Returns:
        For each mesh texture coordinates (T, 2) within the unit square, and its triangles' indices into them.
    """
    corners = np.concatenate([vertices[faces] for vertices, faces in meshes])
    side = float(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).mean())
    middle = corners.mean(axis=(0, 1))
    # xatlas computes in single precision and leaves out what has an area below 1e-7.
    charts = _atlas([((vertices - middle) / side, faces) for vertices, faces in meshes], 0.0, 0)
    flat = [_laid_out(charts, number) for number in range(len(meshes))]
    area = sum(_area(uvs[faces]) for uvs, faces in flat)
    scale = texels / np.sqrt(area)
    for _ in range(_TRIALS):
        packed = _atlas(flat, scale, int(apart))
        size = max(packed.width, packed.height)
        if size <= texels:
            size = texels
            break
        scale *= _SMALLER
    else:
        warn(f"{packed.chart_count} pieces of a surface share textures of {texels} texels a side: colours run at seams")
    result = []
    for number, (_, before) in enumerate(flat):
        uvs, faces = _laid_out(packed, number)
        lost = _left_out(charts, number, before) | _left_out(packed, number, faces)
        result.append((uvs / size, _collapsed(faces, meshes[number][1], lost)))
    return result


def _atlas(meshes: Sequence[Flat], texels_per_unit: float, padding: int) -> Any:
    """Charts of meshes, or of texture coordinates, which stay together, packed at a scale; 0: at about 1024 texels."""
    import xatlas

    atlas = xatlas.Atlas()
    # All at once in memory: xatlas takes texture coordinates at one address for instances of one mesh.
    arrays = [(points.astype(np.float32), faces.astype(np.uint32)) for points, faces in meshes]
    for points, faces in arrays:
        add = atlas.add_mesh if points.shape[1] == 3 else atlas.add_uv_mesh
        add(points, faces)
    options = xatlas.PackOptions()
    options.texels_per_unit, options.padding, options.bilinear = texels_per_unit, padding, True
    atlas.generate(pack_options=options)
    return atlas


def _laid_out(atlas: Any, number: int) -> Flat:
    """The coordinates of a mesh in texels of the atlas, and its triangles' indices, in their order."""
    _, faces, uvs = atlas.get_mesh(number)
    return uvs * np.array([atlas.width, atlas.height], dtype=np.float64), faces.astype(np.int32)


def _left_out(atlas: Any, number: int, faces: Indices) -> NDArray[np.bool_]:
    """(F,) triangles that lie in no chart: those almost without area."""
    _, chart = atlas.get_mesh_vertex_assignment(number)
    return np.asarray((chart == _NOWHERE)[faces].any(axis=1))


def _collapsed(uv_faces: Indices, faces: Indices, lost: NDArray[np.bool_]) -> Indices:
    """Triangles without a chart get the texture coordinates of a neighbour's corner, thrice."""
    if not lost.any() or lost.all():
        return uv_faces
    some = np.full(int(faces.max()) + 1, -1, dtype=np.int32)
    some[faces[~lost]] = uv_faces[~lost]
    known = some[faces[lost]].max(axis=1, keepdims=True)
    result = uv_faces.copy()
    result[lost] = np.where(known < 0, uv_faces[~lost][0, 0], known)
    return result


def _area(corners: Floats) -> float:
    """Of triangles (F, 3, 2), summed."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return float(0.5 * np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]).sum())
