"""STL meshes, ascii and binary. Their triangles share no vertices: welding joins them. Their normals are not used."""

import re
from pathlib import Path

import numpy as np

from diffrt.description.mesh import Mesh, make_mesh
from diffrt.errors import InputError, Problem
from diffrt.io.files import read_bytes
from diffrt.io.formats import mesh_reader

_HEADER = 84  # 80 bytes of text and the number of triangles
_TRIANGLE = np.dtype([("normal", "<f4", (3,)), ("corners", "<f4", (3, 3)), ("attributes", "<u2")])
_VERTEX = re.compile(rb"\bvertex\s+(\S+)\s+(\S+)\s+(\S+)")


@mesh_reader(".stl")
def read_stl(path: Path, *, field: str = "file") -> Mesh:
    """Read the triangles of an STL file, welded.

    Raises:
        InputError: cut short, a triangle count larger than the file, or a mesh that `make_mesh` refuses.
    """
    data = read_bytes(path, field=field)
    name = f"{field} ({path.name})"
    corners = _ascii(data, name) if _is_ascii(data) else _binary(data, name)
    return make_mesh(corners, np.arange(len(corners), dtype=np.int32).reshape(-1, 3), field=name)


def _is_ascii(data: bytes) -> bool:
    """Binary files may begin with 'solid' too, but then their size fits their count, or they hold zeros."""
    if not data.lstrip().startswith(b"solid"):
        return False
    if len(data) >= _HEADER and len(data) == _HEADER + _TRIANGLE.itemsize * int.from_bytes(data[80:84], "little"):
        return False
    return b"\0" not in data[:1024]


def _binary(data: bytes, name: str) -> np.ndarray:
    if len(data) < _HEADER:
        raise InputError(Problem(name, f"not an STL file: {len(data)} bytes are less than its header of {_HEADER}"))
    count = int.from_bytes(data[80:84], "little")
    fits = (len(data) - _HEADER) // _TRIANGLE.itemsize
    if count > fits:
        found = f"the file is cut short, or its header is wrong: {count} triangles announced, {fits} there"
        raise InputError(Problem(name, found))
    return np.frombuffer(data, _TRIANGLE, count, _HEADER)["corners"].reshape(-1, 3)


def _ascii(data: bytes, name: str) -> np.ndarray:
    matches = _VERTEX.findall(data)
    facets, loops = len(re.findall(rb"\bfacet\s+normal\b", data)), len(re.findall(rb"\bendloop\b", data))
    if facets != loops or len(matches) != 3 * facets:
        found = f"the file is cut short: {facets} facets, {loops} closed loops, {len(matches)} vertices"
        raise InputError(Problem(name, found, "three vertices in every facet"))
    try:
        return np.array(matches).astype(np.float64).reshape(-1, 3)
    except ValueError:
        raise InputError(Problem(name, "a vertex holds something that is not a number")) from None
