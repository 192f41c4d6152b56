"""A triangle mesh as plain data, its checks, and its topology (NumPy only).

Positions are welded: a texture seam splits uvs, never positions: silhouettes and smooth normals see one surface.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diffrt.errors import InputError, Problem
from diffrt.log import warn

Floats = NDArray[np.float64]
Indices = NDArray[np.int32]

_FLAT = 1e-13  # a triangle whose doubled area is below this fraction of its longest edge squared has no normal


@dataclass
class Mesh:
    """A triangle mesh in object space. Each of positions, normals and uvs has its own triangle indices.

    Attributes:
        vertices: (V, 3) float64 positions, in length units; no two are equal when made by `make_mesh`.
        faces: (F, 3) int32 indices into `vertices`, counter-clockwise seen from the front.
        normals: (N, 3) float64 unit normals as given by the file or the user, or None.
        normal_faces: (F, 3) int32 indices into `normals`, or None.
        uvs: (T, 2) float64 texture coordinates, v points up, or None.
        uv_faces: (F, 3) int32 indices into `uvs`, or None.
    """

    vertices: Floats
    faces: Indices
    normals: Floats | None = None
    normal_faces: Indices | None = None
    uvs: Floats | None = None
    uv_faces: Indices | None = None

    @property
    def has_seams(self) -> bool:
        """Whether normals or uvs are not simply one per vertex, in the order of the vertices."""
        return any(
            values is not None and not (len(values) == len(self.vertices) and np.array_equal(self.faces, indices))
            for values, indices in ((self.normals, self.normal_faces), (self.uvs, self.uv_faces))
            if indices is not None
        )


def weld(vertices: Floats, faces: Indices) -> tuple[Floats, Indices]:
    """Merge exactly equal positions; the first occurrence of each keeps its place in the order.

    Args:
        vertices: (V, 3) positions, finite. 0.0 and -0.0 are equal.
        faces: (F, 3) indices into `vertices`.

    Returns:
        (vertices (W, 3), faces (F, 3) int32) with W <= V. Vertices that no face uses stay.
    """
    if len(vertices) == 0:
        return vertices, faces
    order = _equal_rows_together(vertices)
    ordered = vertices[order]
    starts_group = np.ones(len(vertices), dtype=bool)
    starts_group[1:] = np.any(ordered[1:] != ordered[:-1], axis=1)
    if starts_group.all():
        return vertices, faces
    group = np.cumsum(starts_group) - 1
    first_of_group = np.minimum.reduceat(order, np.flatnonzero(starts_group))
    first = np.empty(len(vertices), dtype=np.int64)
    first[order] = first_of_group[group]
    kept = first == np.arange(len(vertices))
    new_index = (np.cumsum(kept) - 1).astype(np.int32)
    return vertices[kept], new_index[first][faces]


def _equal_rows_together(rows: Floats) -> NDArray[np.int64]:
    """An order of (V, 3) rows in which equal rows are neighbours: by hash, or by value should two hashes collide."""
    bits = np.ascontiguousarray(rows + 0.0).view(np.uint64)
    bits = bits ^ (bits >> np.uint64(29))
    key = bits[:, 0] * np.uint64(0x9E3779B97F4A7C15)
    for axis, factor in ((1, 0xBF58476D1CE4E5B9), (2, 0x94D049BB133111EB)):
        key = (key ^ (key >> np.uint64(32)) ^ bits[:, axis]) * np.uint64(factor)
    order = np.argsort(key)
    same_key = key[order[1:]] == key[order[:-1]]
    if np.array_equal(rows[order[1:][same_key]], rows[order[:-1][same_key]]):
        return order
    return np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))


def make_mesh(
    vertices: ArrayLike,
    faces: ArrayLike,
    normals: ArrayLike | None = None,
    normal_faces: ArrayLike | None = None,
    uvs: ArrayLike | None = None,
    uv_faces: ArrayLike | None = None,
    *,
    field: str = "shape",
) -> Mesh:
    """Check arrays, weld positions, drop triangles without area (one warning), and return the mesh.

    Args:
        vertices: (V, 3) positions, finite.
        faces: (F, 3) integer indices into `vertices`, at least one triangle.
        normals: (N, 3), any non-zero length; they are made unit length.
        normal_faces: (F, 3) indices into `normals`; None: normals are per vertex, as given before welding.
        uvs: (T, 2); a third column is ignored.
        uv_faces: (F, 3) indices into `uvs`; None: uvs are per vertex, as given before welding.
        field: what the messages call this mesh, e.g. `shapes[2]`.

    Raises:
        InputError: naming every array that is wrong: its shape, a value that is not finite, an index out of range.
    """
    problems: list[Problem] = []
    points = _floats(vertices, (3,), f"{field}.vertices", problems)
    triangles = _indices(faces, points, f"{field}.faces", problems)
    if triangles is not None and len(triangles) == 0:
        problems.append(Problem(f"{field}.faces", "the mesh is empty: it has no triangle", "at least one"))
    directions, direction_faces = _attribute(normals, normal_faces, (3,), "normal", points, triangles, field, problems)
    coordinates, coordinate_faces = _attribute(uvs, uv_faces, (2, 3), "uv", points, triangles, field, problems)
    if problems or points is None or triangles is None:
        raise InputError(problems)

    points, welded = weld(points, triangles)
    solid = ~_has_no_area(points, welded)
    dropped = len(solid) - int(solid.sum())
    if dropped == len(solid):
        raise InputError(Problem(f"{field}.faces", "the mesh is empty: every triangle has zero area"))
    if dropped:
        warn(f"{field}: {dropped} of {len(solid)} triangles have zero area and are left out")
        welded = welded[solid]
        direction_faces = None if direction_faces is None else direction_faces[solid]
        coordinate_faces = None if coordinate_faces is None else coordinate_faces[solid]
    if directions is not None and direction_faces is not None:
        directions = _unit_normals(directions, direction_faces, points, welded, field)
    if coordinates is not None:
        coordinates = np.ascontiguousarray(coordinates[:, :2])
    return Mesh(points, welded, directions, direction_faces, coordinates, coordinate_faces)


def smooth_normals(mesh_vertices: Floats, faces: Indices) -> Floats:
    """Unit vertex normals: face normals weighted by the angle they span at the vertex.

    (Thuermer and Wuethrich 1998, "Computing vertex normals from polygonal facets".)

    Args:
        mesh_vertices: (V, 3) positions.
        faces: (F, 3) indices. Triangles without area add nothing.

    Returns:
        (V, 3) unit normals. Where the weighted sum vanishes: the normal of one adjacent face, else +Z.
    """
    return _gather_normals(mesh_vertices, faces, faces, len(mesh_vertices))


def edges(faces: Indices) -> tuple[Indices, Indices]:
    """The undirected edges of a triangle mesh, and the faces beside them.

    Args:
        faces: (F, 3) indices of welded vertices.

    Returns:
        edge_vertices (E, 2) int32, in the direction in which the first face walks the edge, and
        edge_faces (E, 2) int32 with -1 as second face at a border. An edge of more than two faces, or of two faces
        that are wound against each other, stands once and is marked as a border too: it has no front and back.
        Edges are ordered by their smaller, then larger vertex.
    """
    start = faces.T.reshape(-1).astype(np.int64)
    end = np.roll(faces, -1, axis=1).T.reshape(-1).astype(np.int64)
    face = np.tile(np.arange(len(faces), dtype=np.int32), 3)
    count = int(faces.max()) + 1 if len(faces) else 1
    key = np.minimum(start, end) * count + np.maximum(start, end)
    order = np.argsort(key, kind="stable")
    key, start, end, face = key[order], start[order], end[order], face[order]
    first = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1]))) if len(key) else np.zeros(0, dtype=np.int64)
    sides = np.diff(np.append(first, len(key)))
    second = np.minimum(first + 1, max(len(key) - 1, 0))
    paired = (sides == 2) & (start[first] == end[second])
    edge_vertices = np.stack([start[first], end[first]], axis=1).astype(np.int32)
    edge_faces = np.stack([face[first], np.where(paired, face[second], -1)], axis=1).astype(np.int32)
    return edge_vertices, edge_faces


def _attribute(
    values: ArrayLike | None,
    value_faces: ArrayLike | None,
    widths: tuple[int, ...],
    kind: str,
    points: Floats | None,
    triangles: Indices | None,
    field: str,
    problems: list[Problem],
) -> tuple[Floats | None, Indices | None]:
    """Normals or uvs with their indices, checked; (None, None) when absent."""
    if values is None:
        if value_faces is not None:
            problems.append(Problem(f"{field}.{kind}_faces", f"given without {kind}s", f"{kind}s and {kind}_faces"))
        return None, None
    checked = _floats(values, widths, f"{field}.{kind}s", problems)
    if value_faces is not None:
        indices = _indices(value_faces, checked, f"{field}.{kind}_faces", problems)
        if indices is not None and triangles is not None and len(indices) != len(triangles):
            found = f"{len(indices)} triangles, but faces has {len(triangles)}"
            problems.append(Problem(f"{field}.{kind}_faces", found, "as many as faces"))
        return checked, indices
    if checked is not None and points is not None and len(checked) != len(points):
        found = f"{len(checked)} {kind}s for {len(points)} vertices"
        allowed = f"one {kind} per vertex, or {kind}_faces with their own indices"
        problems.append(Problem(f"{field}.{kind}s", found, allowed))
    return checked, triangles


def _floats(values: ArrayLike, widths: tuple[int, ...], name: str, problems: list[Problem]) -> Floats | None:
    allowed = "numbers of shape (count, " + " or ".join(str(width) for width in widths) + ")"
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "fiu":
            raise TypeError
    except (ValueError, TypeError):
        problems.append(Problem(name, "not an array of numbers", allowed))
        return None
    if array.ndim != 2 or array.shape[1] not in widths:
        problems.append(Problem(name, f"shape {array.shape}", allowed))
        return None
    array = array.astype(np.float64)
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        found = f"row {row} is {array[row].tolist()}; {len(finite) - int(finite.sum())} rows are not finite"
        problems.append(Problem(name, found, "finite numbers"))
        return None
    return array


def _indices(values: ArrayLike, target: Floats | None, name: str, problems: list[Problem]) -> Indices | None:
    """(F, 3) indices into `target`, checked. An unusable target leaves the range unchecked: it is reported already."""
    try:
        array = np.asarray(values)
        if array.size == 0 and array.ndim <= 2:
            array = np.zeros((0, 3), dtype=np.int32)
        if array.dtype.kind not in "iu":
            raise TypeError
    except (ValueError, TypeError):
        problems.append(Problem(name, "not an array of integers", "integers of shape (count, 3)"))
        return None
    if array.ndim != 2 or array.shape[1] != 3:
        problems.append(Problem(name, f"shape {array.shape}", "integers of shape (count, 3)"))
        return None
    if target is None:
        return None
    outside = (array < 0) | (array >= len(target))
    if outside.any():
        row = int(np.argmax(outside.any(axis=1)))
        found = f"row {row} is {array[row].tolist()}, an index out of range"
        problems.append(Problem(name, found, f"0 to {len(target) - 1}" if len(target) else "none: there is nothing"))
        return None
    return array.astype(np.int32)


def _crosses(vertices: Floats, faces: Indices) -> tuple[Floats, Floats]:
    """(F, 3) doubled-area normals, and (F, 3, 3) edge vectors: edge k leaves corner k."""
    corners = vertices[faces]
    sides = np.roll(corners, -1, axis=1) - corners
    return np.cross(sides[:, 0], sides[:, 1]), sides


def _has_no_area(vertices: Floats, faces: Indices) -> NDArray[np.bool_]:
    cross, sides = _crosses(vertices, faces)
    longest_squared = np.einsum("fki,fki->fk", sides, sides).max(axis=1)
    flat: NDArray[np.bool_] = np.sqrt(np.einsum("fi,fi->f", cross, cross)) <= _FLAT * longest_squared
    return flat


def _gather_normals(vertices: Floats, faces: Indices, targets: Indices, count: int) -> Floats:
    """Angle-weighted normals, summed into `count` rows through `targets` (F, 3)."""
    cross, sides = _crosses(vertices, faces)
    length = np.linalg.norm(cross, axis=1)
    solid = length > 0
    targets = targets[solid]
    normal = cross[solid] / length[solid, None]
    leaving, arriving = sides[solid], -np.roll(sides[solid], 1, axis=1)
    cosine = np.einsum("fki,fki->fk", leaving, arriving)
    angle = np.arctan2(length[solid, None], cosine)  # |a x b| is the doubled area at every corner
    total = np.empty((count, 3))
    for axis in range(3):
        total[:, axis] = np.bincount(targets.reshape(-1), (angle * normal[:, axis, None]).reshape(-1), minlength=count)
    size = np.linalg.norm(total, axis=1)
    vanished = size < 1e-9
    if vanished.any():
        fallback = np.tile([0.0, 0.0, 1.0], (count, 1))
        fallback[targets.reshape(-1)] = np.repeat(normal, 3, axis=0)
        total[vanished], size[vanished] = fallback[vanished], 1.0
    result: Floats = total / size[:, None]
    return result


def _unit_normals(normals: Floats, normal_faces: Indices, vertices: Floats, faces: Indices, field: str) -> Floats:
    """Given normals at unit length; a used one of length zero is replaced by the smooth normal of its faces."""
    length = np.linalg.norm(normals, axis=1)
    missing = length < 1e-20
    if missing.any():
        used = np.zeros(len(normals), dtype=bool)
        used[normal_faces.reshape(-1)] = True
        if (missing & used).any():
            warn(f"{field}: {int((missing & used).sum())} given normals have zero length; they are computed instead")
        computed = _gather_normals(vertices, faces, normal_faces, len(normals))
        normals, length = np.where(missing[:, None], computed, normals), np.where(missing, 1.0, length)
    already_unit = np.abs(length - 1.0) < 1e-6  # stays bit for bit, so that saving and loading changes nothing
    unit: Floats = normals / np.where(already_unit, 1.0, length)[:, None]
    return unit
