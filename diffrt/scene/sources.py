"""Where the arrays of an element came from, to tell whether they still are what a file or a primitive gives."""

from pathlib import Path
from typing import Any

from diffrt.description.mesh import Mesh
from diffrt.description.values import Array
from diffrt.scene.elements import Source


def make_source(description: dict[str, Any], arrays: tuple[Array | None, ...], file: Path | None = None) -> Source:
    """A source of `arrays`, which become read-only, so that only replacing them can change the element."""
    for array in arrays:
        if array is not None:
            array.flags.writeable = False
    return Source(description, arrays, file, None if file is None else _stamp(file))


def mesh_arrays(mesh: Mesh) -> tuple[Array | None, ...]:
    """All arrays of a mesh."""
    return mesh.vertices, mesh.faces, mesh.normals, mesh.normal_faces, mesh.uvs, mesh.uv_faces


def is_unchanged(source: Source | None, arrays: tuple[Array | None, ...]) -> bool:
    """Whether the source still gives `arrays`: none was replaced, and its file was not written since."""
    if source is None or any(old is not new for old, new in zip(source.arrays, arrays, strict=True)):
        return False
    if source.file is None:
        return bool(source.description)
    try:
        return _stamp(source.file) == source.stamp
    except OSError:
        return False


def _stamp(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns
