"""Shapes of Mitsuba as shapes of a diffrt scene.

Mitsuba's textures begin at the top (v = 0 is the first row), and its OBJ reader turns v round; diffrt's v points up.
Mitsuba smooths meshes without normals unless `face_normals` is set, over the vertices as the file lists them.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffrt.description import primitives
from diffrt.description.mesh import Mesh, make_mesh, smooth_normals, weld
from diffrt.description.transform import is_invertible, scale, translate
from diffrt.io.files import read_bytes
from diffrt.io.mesh_shape import arrays_of, mirrored
from diffrt.io.meshes import read_mesh
from diffrt.io.mitsuba_bsdf import has_texture, uv_transform
from diffrt.io.mitsuba_objects import Object
from diffrt.io.obj import parse_obj
from diffrt.io.ply import parse_ply

Matrix = NDArray[np.float64]
_UP = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 1.0], [0.0, 0.0, 1.0]])  # v to 1 - v
_FILES = ("obj", "ply", "stl")


def convert_shape(shape: Object, folder: Path, bsdf: Object | None) -> dict[str, Any] | None:
    """The geometry of a shape: type, arrays, to_world, shading. None, with a warning, for a kind that is not read.

    Args:
        shape: the <shape>.
        folder: where the names of mesh files start.
        bsdf: what it is made of, for the uv transforms of its textures.
    """
    to_world = shape.matrix()
    mesh: Mesh | None = None
    computed = False
    result: dict[str, Any] = {}
    textured = bsdf is not None and has_texture(bsdf)
    uv_matrix = uv_transform(bsdf) if bsdf is not None else np.eye(3)
    if shape.type in _FILES:
        mesh, shading, computed = _from_file(shape, folder)
        result |= {"shading": shading} if shading else {}
        if shape.flag("flip_tex_coords", shape.type == "obj") != (shape.type == "obj"):
            mesh = _with_uvs(mesh, _UP)
        if shape.type == "ply":
            mesh = _with_uvs(mesh, _UP)
    elif shape.type in ("rectangle", "cube", "disk", "sphere", "cylinder"):
        to_world, mesh = _analytic(shape, to_world, textured)
        result |= {"type": shape.type}
    else:
        shape.note("this shape is not read and left out")
        return None
    if not is_invertible(to_world):
        shape.note("flattened by its transform and left out")
        return None
    if mesh is not None and not np.allclose(uv_matrix, np.eye(3)):
        mesh = _with_uvs(mesh, _UP @ uv_matrix @ _UP)
    flipped = shape.flag("flip_normals")
    if np.linalg.det(to_world[:3, :3]) < 0.0:
        mesh = _behind_mirror(shape.type, mesh, computed)
    if flipped:
        mesh = mirrored(mesh or _primitive(shape.type))
        mesh.normals = None if mesh.normals is None else -mesh.normals
    if mesh is not None:
        result = {**result, "type": "mesh", **arrays_of(mesh)}
    return {**result, "to_world": to_world}


def _behind_mirror(kind: str, mesh: Mesh | None, computed: bool) -> Mesh | None:
    """What a mirroring transform does to the sides: Mitsuba shades by the normals that a shape or file states, which
    stay in front; without such normals, and for spheres, the sides change places with the winding, as they do here."""
    if kind == "sphere":
        return mesh
    if kind not in _FILES:
        return mirrored(mesh or _primitive(kind))
    if mesh is None or mesh.normals is None:
        return mesh
    if computed:  # in Mitsuba, after the transform
        return Mesh(mesh.vertices, mesh.faces, -mesh.normals, mesh.normal_faces, mesh.uvs, mesh.uv_faces)
    return mirrored(mesh)


def _with_uvs(mesh: Mesh, matrix: Matrix) -> Mesh:
    if mesh.uvs is None:
        return mesh
    uvs = mesh.uvs @ matrix[:2, :2].T + matrix[:2, 2]
    return Mesh(mesh.vertices, mesh.faces, mesh.normals, mesh.normal_faces, uvs, mesh.uv_faces)


def _from_file(shape: Object, folder: Path) -> tuple[Mesh, str, bool]:
    """The mesh of a file, its shading ("": by the normals it has), and whether its normals are computed ones."""
    path = folder / shape.text("filename", "").replace("\\", "/")
    place = f"{shape.place}: filename"
    name = f"{place} ({path.name})"
    flat = shape.flag("face_normals")
    if path.suffix.lower() == ".obj" and shape.type == "obj":
        data = parse_obj(read_bytes(path, field=place), name)
        known = 0 <= data.faces.min() and data.faces.max() < len(data.positions)  # else `mesh` tells what is wrong
        if not flat and known and np.isfinite(data.positions).all() and (data.normal_faces < 0).all():
            if not _has_equal_rows(data.positions):
                return data.mesh(name), "smooth", False
            data.normals, data.normal_faces = _file_normals(data.positions, data.faces), data.faces
            return data.mesh(name), "", True
        return data.mesh(name), "flat" if flat else "", False
    if path.suffix.lower() == ".ply" and shape.type == "ply":
        arrays = parse_ply(read_bytes(path, field=place), name)
        mesh = make_mesh(**arrays, field=name)
        if not flat and mesh.normals is None:
            if len(mesh.vertices) == len(arrays["vertices"]):
                return mesh, "smooth", False
            arrays["normals"] = _file_normals(arrays["vertices"], arrays["faces"])
            return make_mesh(**arrays, field=name), "", True
        return mesh, "flat" if flat else "", False
    return read_mesh(path, field=place), "flat" if flat else "", False


def _has_equal_rows(points: Matrix) -> bool:
    return len(weld(points, np.zeros((0, 3), dtype=np.int32))[0]) < len(points)


def _file_normals(points: Matrix, faces: NDArray[Any]) -> Matrix:
    return smooth_normals(points, faces.astype(np.int32))


def _primitive(kind: str) -> Mesh:
    mesh: Mesh = getattr(primitives, kind)()
    return mesh


def _analytic(shape: Object, to_world: Matrix, textured: bool) -> tuple[Matrix, Mesh | None]:
    """The transform of a primitive with its own parameters in it, and a mesh where its uvs must change."""
    if shape.type == "sphere":
        radius = shape.number("radius", 1.0)
        if not radius > 0.0:
            shape.fail(f"radius {radius:g}", "greater than 0")
        center = shape.point("center", (0.0, 0.0, 0.0))
        return to_world @ translate(center) @ scale(radius), _primitive("sphere") if textured else None
    if shape.type == "cylinder":
        start, end = shape.point("p0", (0.0, 0.0, 0.0)), shape.point("p1", (0.0, 0.0, 1.0))
        axis, radius = end - start, shape.number("radius", 1.0)
        length = float(np.linalg.norm(axis))
        if not (radius > 0.0 and length > 0.0):
            shape.fail(f"radius {radius:g} and length {length:g}", "greater than 0")
        frame = np.eye(4)
        frame[:3, :3] = _frame_about(axis / length)
        own = translate(start) @ frame @ scale([radius, radius, length])
        return to_world @ own, _with_uvs(_primitive("cylinder"), _UP) if textured else None
    if not textured:
        return to_world, None
    if shape.type in ("cube", "disk"):
        shape.note("its texture is laid out differently on it here")
    return to_world, _with_uvs(_primitive(shape.type), _UP)


def _frame_about(axis: NDArray[np.float64]) -> Matrix:
    """A rotation matrix (3, 3) whose Z axis is `axis` (3,), unit length."""
    other = np.array([1.0, 0.0, 0.0]) if abs(axis[0]) < 0.9 else np.array([0.0, 1.0, 0.0])
    across = np.cross(axis, other)
    across /= np.linalg.norm(across)
    return np.column_stack([across, np.cross(axis, across), axis])
