"""Shapes of the scene file."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import StrictBool

from diffrt.description.base import Strict, by_type, default
from diffrt.description.materials import NamedOrInline
from diffrt.description.transform_value import Transform
from diffrt.description.values import NON_NEGATIVE, Array, FileName, Name, Value, colour_value, integer, rows
from diffrt.errors import Problem


class Shape(Strict):
    """What every shape takes."""

    group = "shape"
    name: Name | None = default(None, "unique; default shape0, shape1, ...")
    to_world: Transform = default([], "from object space to world space")
    material: NamedOrInline | None = default(
        None, "a material, by name or inline; default diffuse grey 0.5, black if the shape emits"
    )
    emission: Annotated[Value, colour_value(NON_NEGATIVE)] | None = default(
        None, "radiance in W/(m2 sr) on the side of the geometric normal"
    )
    two_sided_emission: StrictBool = default(False, "emit on both sides")
    shading: Literal["auto", "flat", "smooth"] = default(
        "auto", "auto: smooth if the mesh comes with normals, else flat; spheres and cylinders are smooth"
    )


class MeshShape(Shape):
    """Triangles, from a file or from arrays."""

    type: Literal["mesh"]
    file: FileName | None = default(None, ".obj, .ply, .stl, .glb or .gltf, relative to this file")
    vertices: Annotated[Array, rows(3)] | None = default(None, "positions (V,3), object space")
    faces: Annotated[Array, rows(3, integers=True)] | None = default(None, "triangles (F,3), indices into vertices")
    normals: Annotated[Array, rows(3)] | None = default(None, "(N,3); stay as given when vertices move")
    normal_faces: Annotated[Array, rows(3, integers=True)] | None = default(None, "(F,3); default: per vertex")
    uvs: Annotated[Array, rows(2)] | None = default(None, "(T,2), v points up")
    uv_faces: Annotated[Array, rows(3, integers=True)] | None = default(None, "(F,3); default: per vertex")

    @classmethod
    def conflicts(cls, raw: dict[str, Any]) -> Iterator[Problem]:
        """Either a file or arrays."""
        arrays = [key for key in ARRAYS if raw.get(key) is not None]
        if raw.get("file") is not None:
            if arrays:
                yield Problem(f".{arrays[0]}", "given together with file", "either file or arrays")
            return
        if not arrays:
            yield Problem(".file", "missing", "file, or vertices and faces")
            return
        for key in ("vertices", "faces"):
            if raw.get(key) is None:
                yield Problem(f".{key}", "missing", "vertices and faces together")
        for faces, attribute in (("normal_faces", "normals"), ("uv_faces", "uvs")):
            if faces in arrays and attribute not in arrays:
                yield Problem(f".{faces}", f"given without {attribute}", f"{attribute} as well")


class Rectangle(Shape):
    """The square [-1,1]^2 in the XY plane, normal +Z."""

    type: Literal["rectangle"]


class Cube(Shape):
    """The cube [-1,1]^3."""

    type: Literal["cube"]


class Sphere(Shape):
    """The unit sphere, tessellated into 20 * 4^subdivisions triangles."""

    type: Literal["sphere"]
    subdivisions: Annotated[int, integer(0, 8)] = default(4, "each quadruples the triangles of an icosahedron")


class Disk(Shape):
    """The unit disk in the XY plane, normal +Z."""

    type: Literal["disk"]
    segments: Annotated[int, integer(3, 4096)] = default(64, "corners of the outline")


class Cylinder(Shape):
    """The side of a cylinder of radius 1 along Z from 0 to 1, open at both ends, normals outward."""

    type: Literal["cylinder"]
    segments: Annotated[int, integer(3, 4096)] = default(64, "corners of the outline")


ARRAYS = ("vertices", "faces", "normals", "normal_faces", "uvs", "uv_faces")
SHAPE_MODELS: tuple[type[Shape], ...] = (MeshShape, Rectangle, Cube, Sphere, Disk, Cylinder)
if TYPE_CHECKING:
    AnyShape: TypeAlias = Shape
else:
    AnyShape = by_type(SHAPE_MODELS)
