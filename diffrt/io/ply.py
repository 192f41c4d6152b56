"""PLY meshes: read with any mixture of properties, written as binary little endian."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffrt.description.mesh import Mesh, make_mesh
from diffrt.errors import InputError, Problem
from diffrt.io.files import read_bytes, write_bytes
from diffrt.io.formats import mesh_reader, mesh_writer
from diffrt.io.ply_tables import List, Table, read_tables
from diffrt.io.polygons import fan
from diffrt.log import warn

_UV_NAMES = (("u", "v"), ("s", "t"), ("texture_u", "texture_v"))


@mesh_reader(".ply")
def read_ply(path: Path, *, field: str = "file") -> Mesh:
    """Read positions, faces (polygons are cut into fans), normals `nx ny nz` and uvs, per vertex or per face corner.

    Raises:
        InputError: not a PLY file, cut short, counts larger than the file, or a mesh that `make_mesh` refuses.
    """
    name = f"{field} ({path.name})"
    return make_mesh(**parse_ply(read_bytes(path, field=field), name), field=name)


def parse_ply(data: bytes, name: str) -> dict[str, Any]:
    """The arrays of a PLY file as arguments for `make_mesh`, not welded yet.

    Args:
        data: the whole file.
        name: what the messages call it.
    """
    tables = read_tables(data, name)
    vertex, face = tables.get("vertex", {}), tables.get("face", {})
    positions = _columns(vertex, ("x", "y", "z"))
    if positions is None:
        raise InputError(Problem(name, "no vertex positions", "an element 'vertex' with properties x, y, z"))
    polygons = face.get("vertex_indices", face.get("vertex_index"))
    if not isinstance(polygons, List):
        hint = "tristrips are not read" if "tristrips" in tables else "a point cloud is not a mesh"
        raise InputError(Problem(name, "the mesh is empty: it has no faces", "'face' with vertex_indices", hint))
    corners, _ = fan(polygons.counts)
    few = int((polygons.counts < 3).sum())
    if few:
        warn(f"{name}: {few} faces of fewer than three vertices are left out")
    indices = polygons.items.astype(np.float64)
    if not (np.isfinite(indices) & (indices == np.trunc(indices))).all():
        raise InputError(Problem(name, "a face index is not a whole number"))
    faces = indices.astype(np.int64)[corners]
    uvs = next((columns for pair in _UV_NAMES if (columns := _columns(vertex, pair)) is not None), None)
    uv_faces = None
    wedges = face.get("texcoord")
    if isinstance(wedges, List) and (wedges.counts == 2 * polygons.counts).all():
        uvs, uv_faces = wedges.items.astype(np.float64).reshape(-1, 2), corners
    normals = _columns(vertex, ("nx", "ny", "nz"))
    return {"vertices": positions, "faces": faces, "normals": normals, "uvs": uvs, "uv_faces": uv_faces}


def _columns(table: Table, names: tuple[str, ...]) -> NDArray[np.float64] | None:
    columns = [table.get(name) for name in names]
    if all(isinstance(column, np.ndarray) for column in columns):
        return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)
    return None


@mesh_writer(".ply")
def write_ply(path: Path, mesh: Mesh) -> None:
    """Write binary little endian, with `nx ny nz` and `u v` if the mesh has them.

    Numbers are floats where that loses nothing, else doubles. A position with several normals or uvs is written
    several times, its repetitions after all positions: read back, welding gives the same vertices in the same order.
    """
    rows = _rows_per_vertex(mesh)
    columns: dict[str, NDArray[np.float64]] = {}
    for names, values, index in (
        (("x", "y", "z"), mesh.vertices, rows.vertex),
        (("nx", "ny", "nz"), mesh.normals, rows.normal),
        (("u", "v"), mesh.uvs, rows.uv),
    ):
        if values is not None:
            columns |= {column: values[index, axis] for axis, column in enumerate(names)}
    types = {column: "<f4" if _fits_float(values) else "<f8" for column, values in columns.items()}
    table = np.empty(len(rows.vertex), dtype=np.dtype(list(types.items())))
    for column, values in columns.items():
        table[column] = values
    faces = np.empty(len(rows.faces), dtype=np.dtype([("count", "u1"), ("index", "<i4", (3,))]))
    faces["count"], faces["index"] = 3, rows.faces
    words = {"<f4": "float", "<f8": "double"}
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(table)}"]
    header += [f"property {words[kind]} {column}" for column, kind in types.items()]
    header += [f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header", ""]
    write_bytes(path, "\n".join(header).encode() + table.tobytes() + faces.tobytes())


def _fits_float(values: NDArray[np.float64]) -> bool:
    with np.errstate(over="ignore"):
        return bool((values.astype(np.float32) == values).all())


@dataclass
class _Rows:
    vertex: NDArray[np.int64]
    normal: NDArray[np.int64]
    uv: NDArray[np.int64]
    faces: NDArray[np.int64]


def _rows_per_vertex(mesh: Mesh) -> _Rows:
    """One row per combination of position, normal and uv; row i < V is position i with its first combination."""
    if not mesh.has_seams:
        every = np.arange(len(mesh.vertices))
        return _Rows(every, every, every, mesh.faces.astype(np.int64))
    nothing = np.zeros_like(mesh.faces)
    corners = np.stack([mesh.faces, _or(mesh.normal_faces, nothing), _or(mesh.uv_faces, nothing)], axis=-1)
    unused = np.setdiff1d(np.arange(len(mesh.vertices)), mesh.faces)
    corners = np.concatenate([corners.reshape(-1, 3), np.stack([unused, 0 * unused, 0 * unused], axis=1)]).astype(
        np.int64
    )
    rows, first, inverse = np.unique(corners, axis=0, return_index=True, return_inverse=True)
    by_appearance = np.argsort(first, kind="stable")
    _, leading = np.unique(rows[by_appearance, 0], return_index=True)
    later = np.setdiff1d(np.arange(len(rows)), leading)
    order = by_appearance[np.concatenate([leading, later])]
    place = np.empty(len(rows), dtype=np.int64)
    place[order] = np.arange(len(rows))
    faces = place[inverse.reshape(-1)][: mesh.faces.size].reshape(-1, 3)
    vertex, normal, uv = rows[order].T
    return _Rows(vertex, normal, uv, faces)


def _or(indices: NDArray[np.int32] | None, other: NDArray[np.int32]) -> NDArray[np.int32]:
    return other if indices is None else indices
