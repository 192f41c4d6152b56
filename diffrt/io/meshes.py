"""Reading and writing mesh files of any known format: the extension decides."""

from pathlib import Path

from diffrt.description.mesh import Mesh
from diffrt.io.formats import lookup


def read_mesh(path: str | Path, *, field: str = "file") -> Mesh:
    """Read a mesh: .obj, .ply, .stl; of .glb and .gltf all meshes as one, with the transforms of their nodes.

    Args:
        path: the file.
        field: what the messages call it, e.g. `shapes[2].file`.

    Raises:
        InputError: no such file, an unknown format, or content that is broken.
    """
    path = Path(path)
    mesh: Mesh = lookup("mesh reader", path, field=field)(path, field=field)
    return mesh


def write_mesh(path: str | Path, mesh: Mesh) -> None:
    """Write a mesh as .ply (binary) or .obj, whole or not at all. Both read back to the same vertices and faces.

    Raises:
        InputError: an unknown format.
    """
    path = Path(path)
    lookup("mesh writer", path)(path, mesh)


def best_extension(mesh: Mesh) -> str:
    """ ".ply", or ".obj" if normals or uvs have indices of their own, which only OBJ keeps as they are."""
    return ".obj" if mesh.has_seams else ".ply"
