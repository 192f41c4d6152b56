"""glTF 2.0 (.gltf, .glb) as a diffrt scene: node hierarchy, meshes, materials, cameras, punctual lights.

Photometric units are taken as radiometric ones, one to one: candela as W/sr, lux as W/m2, nit as W/(m2 sr); so the
lights of a file keep their proportions. `doubleSided: false` culls in glTF; a path tracer shows the back like the
front, and only emission is kept to the front.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffrt.description.mesh import Mesh, make_mesh
from diffrt.description.transform import is_invertible, scale, transform_points, translate
from diffrt.errors import InputError, Problem
from diffrt.io.formats import mesh_reader, scene_importer
from diffrt.io.gltf_file import GltfFile
from diffrt.io.gltf_geometry import read_primitive
from diffrt.io.gltf_materials import Materials, UvMapping
from diffrt.io.json_values import JsonValue
from diffrt.io.mesh_shape import arrays_of, concatenate, mirrored, transformed
from diffrt.io.names import Names
from diffrt.log import warn

Matrix = NDArray[np.float64]
_HEIGHT = 512  # of the picture, in pixels; glTF knows only its aspect ratio


@scene_importer(".gltf", ".glb")
def import_gltf(path: str | Path) -> dict[str, Any]:
    """Read a glTF file as a scene dictionary with arrays inside, as `Scene.from_dict` takes it.

    A shape for each primitive of each node that shows a mesh; textures as {"data": (H, W, C) float32 linear, ...}.
    Skins and morph targets stand in their rest shape. Cameras and lights are left out if the file has none.

    Args:
        path: .gltf (with its buffers and images beside it) or .glb.

    Raises:
        InputError: naming the place in the file.
    """
    file = GltfFile(Path(path))
    materials = Materials(file)
    names = {kind: Names() for kind in ("shape", "camera", "light")}
    shapes: list[dict[str, Any]] = []
    cameras: list[dict[str, Any]] = []
    lights: list[dict[str, Any]] = []
    meshes: dict[int, list[dict[str, Any]]] = {}
    for node, to_world in _nodes(file):
        if "mesh" in node:
            mesh = node.pick("mesh", file.table("meshes"))
            index = node.integer("mesh")
            if index not in meshes:
                meshes[index] = _parts(file, mesh, materials)
            if _is_visible(node, to_world):
                wanted = node.text("name") or mesh.text("name")
                for part in meshes[index]:
                    shapes.append({"name": names["shape"].free(wanted, "mesh"), **_placed(part, to_world)})
        if "camera" in node:
            camera = node.pick("camera", file.table("cameras"))
            name = names["camera"].free(node.text("name") or camera.text("name"), "camera")
            cameras.append({"name": name, **_camera(camera, to_world)})
        punctual = node.child("extensions").child("KHR_lights_punctual")
        if "light" in punctual:
            known = file.root.child("extensions").child("KHR_lights_punctual").children("lights")
            light = punctual.pick("light", known)
            name = names["light"].free(node.text("name") or light.text("name"), "light")
            lights.append({"name": name, **_light(light, to_world)})
    if not shapes:
        raise InputError(Problem(file.name, "the scene is empty: no node shows a mesh of triangles"))
    scene: dict[str, Any] = {"textures": materials.textures, "materials": materials.materials, "shapes": shapes}
    scene |= {"cameras": cameras} if cameras else {}
    scene |= {"lights": lights} if lights else {}
    return scene


@mesh_reader(".gltf", ".glb")
def read_gltf_mesh(path: Path, *, field: str = "file") -> Mesh:
    """All meshes of a glTF file as one, with the transforms of their nodes; normals and uvs where all of them have any.

    Raises:
        InputError: naming the place in the file.
    """
    file = GltfFile(path, field)
    parts: list[Mesh] = []
    for node, to_world in _nodes(file):
        if "mesh" in node and _is_visible(node, to_world):
            for primitive in node.pick("mesh", file.table("meshes")).children("primitives"):
                mesh = read_primitive(file, primitive, UvMapping())
                if mesh is not None:
                    parts.append(transformed(mesh, to_world))
    if not parts:
        raise InputError(Problem(file.name, "the mesh is empty: no node shows a mesh of triangles"))
    whole = concatenate(parts)
    return make_mesh(
        whole.vertices, whole.faces, whole.normals, whole.normal_faces, whole.uvs, whole.uv_faces, field=file.name
    )


def _nodes(file: GltfFile) -> Iterator[tuple[JsonValue, Matrix]]:
    """Every node of the scene with its matrix to world space, parents first, in the order of the file."""
    nodes = file.table("nodes")
    scenes = file.table("scenes")
    if scenes:
        scene = file.root.pick("scene", scenes) if "scene" in file.root else scenes[0]
        roots = _indices(scene, "nodes", nodes)
    else:
        children = {child for node in nodes for child in _indices(node, "children", nodes)}
        roots = [index for index in range(len(nodes)) if index not in children]
    seen: set[int] = set()
    pending = [(index, np.eye(4)) for index in reversed(roots)]
    while pending:
        index, parent = pending.pop()
        node = nodes[index]
        if index in seen:
            raise InputError(Problem(node.path, "reached twice: the nodes form a cycle or share a child", "a tree"))
        seen.add(index)
        to_world = parent @ _local(node)
        yield node, to_world
        pending += [(child, to_world) for child in reversed(_indices(node, "children", nodes))]
    if not scenes and len(seen) < len(nodes):
        raise InputError(Problem(file.name, "some nodes have no root: their hierarchy has a cycle", "a tree"))


def _indices(value: JsonValue, key: str, table: list[JsonValue]) -> list[int]:
    holders = [JsonValue({key: item}, value.path) for item in value.items(key)]
    for holder in holders:
        holder.pick(key, table)
    return [holder.integer(key) for holder in holders]


def _local(node: JsonValue) -> Matrix:
    if "matrix" in node:
        matrix = np.array(node.numbers("matrix", np.eye(4).reshape(-1).tolist())).reshape(4, 4).T
        if not np.allclose(matrix[3], [0.0, 0.0, 0.0, 1.0], atol=1e-6):
            node.fail("matrix", f"the last row is {matrix[3].tolist()}", "0 0 0 1 (it is stored column by column)")
        matrix[3] = [0.0, 0.0, 0.0, 1.0]
        return matrix
    x, y, z, w = node.numbers("rotation", [0.0, 0.0, 0.0, 1.0])
    square = x * x + y * y + z * z + w * w
    if square < 1e-12:
        node.fail("rotation", "a quaternion of length zero", "a unit quaternion x, y, z, w")
    two = 2.0 / square
    rotation = np.eye(4)
    rotation[:3, :3] = [
        [1.0 - two * (y * y + z * z), two * (x * y - z * w), two * (x * z + y * w)],
        [two * (x * y + z * w), 1.0 - two * (x * x + z * z), two * (y * z - x * w)],
        [two * (x * z - y * w), two * (y * z + x * w), 1.0 - two * (x * x + y * y)],
    ]
    offset, factors = node.numbers("translation", [0.0] * 3), node.numbers("scale", [1.0] * 3)
    return translate(offset) @ rotation @ scale(factors)


def _is_visible(node: JsonValue, to_world: Matrix) -> bool:
    if "skin" in node:
        warn(f"{node.at('skin')}: skins are left out: the mesh stands in its rest shape")
    if not np.isfinite(to_world).all():
        raise InputError(Problem(node.path, "its matrix to world space is not finite"))
    if not is_invertible(to_world):
        warn(f"{node.path}: scaled to nothing, its mesh is left out")
        return False
    return True


def _parts(file: GltfFile, mesh: JsonValue, materials: Materials) -> list[dict[str, Any]]:
    """A shape for each primitive, in object space; its `mesh` is kept for `_placed`."""
    parts = []
    for primitive in mesh.children("primitives"):
        material = materials.of(primitive)
        triangles = read_primitive(file, primitive, material.mapping)
        if triangles is not None:
            part: dict[str, Any] = {"mesh": triangles, "material": material.name}
            if material.emission is not None:
                part |= {"emission": material.emission, "two_sided_emission": material.two_sided_emission}
            parts.append(part)
    return parts


def _placed(part: dict[str, Any], to_world: Matrix) -> dict[str, Any]:
    """The shape of a part under a matrix. One that mirrors turns the triangles around, so that fronts stay fronts."""
    rest = {key: value for key, value in part.items() if key != "mesh"}
    mesh = mirrored(part["mesh"]) if np.linalg.det(to_world[:3, :3]) < 0.0 else part["mesh"]
    return {"type": "mesh", **arrays_of(mesh), "to_world": to_world, **rest}


def _rigid(to_world: Matrix) -> Matrix:
    """Position and axes of a node without its scale."""
    matrix = np.eye(4)
    lengths = np.linalg.norm(to_world[:3, :3], axis=0)
    if not np.isfinite(to_world).all() or lengths.min() < 1e-12:
        return translate(np.nan_to_num(to_world[:3, 3]))
    matrix[:3, :3] = to_world[:3, :3] / lengths
    matrix[:3, 3] = to_world[:3, 3]
    return matrix


def _camera(camera: JsonValue, to_world: Matrix) -> dict[str, Any]:
    kind = camera.text("type")
    result: dict[str, Any] = {"type": kind, "to_world": _rigid(to_world)}
    lens = camera.child(kind) if kind in ("perspective", "orthographic") else camera
    if kind == "perspective":
        angle = np.rad2deg(lens.number("yfov", 0.0))
        if not 0.0 < angle < 180.0:
            lens.fail("yfov", f"{angle:g} degrees", "an angle in radians between 0 and pi")
        aspect = lens.number("aspectRatio", 1.0)
        result |= {"fov": float(angle), "fov_axis": "y"}
    elif kind == "orthographic":
        half_width, half_height = abs(lens.number("xmag", 1.0)), abs(lens.number("ymag", 1.0))
        if half_width * half_height == 0.0:
            lens.fail("xmag", "a picture without area", "xmag and ymag not zero")
        aspect = half_width / half_height
        result["scale"] = half_width
    else:
        camera.fail("type", repr(kind), "perspective, orthographic")
    if not 1e-2 < aspect < 1e2:
        lens.fail("aspectRatio", f"{aspect:g}", "between 0.01 and 100")
    near, far = lens.number("znear", 0.0), lens.number("zfar", 0.0)
    result |= {"near": max(near, 0.0)} | ({"far": far} if far > max(near, 0.0) else {})
    return {**result, "width": max(1, round(_HEIGHT * aspect)), "height": _HEIGHT}


def _light(light: JsonValue, to_world: Matrix) -> dict[str, Any]:
    kind = light.text("type")
    strength = light.number("intensity", 1.0)
    color = [max(strength * channel, 0.0) for channel in light.numbers("color", [1.0] * 3)]
    frame = _rigid(to_world)
    direction, position = (-frame[:3, 2]).tolist(), transform_points(frame, [[0.0, 0.0, 0.0]])[0].tolist()
    match kind:
        case "directional":
            return {"type": "directional", "direction": direction, "irradiance": color}
        case "point":
            return {"type": "point", "position": position, "intensity": color}
        case "spot":
            cone = light.child("spot")
            outer = float(np.rad2deg(cone.number("outerConeAngle", np.pi / 4)))
            inner = float(np.rad2deg(cone.number("innerConeAngle", 0.0)))
            if not 0.0 <= inner <= outer <= 90.0 + 1e-6 or outer == 0.0:
                cone.fail("outerConeAngle", f"inner {inner:g} and outer {outer:g} degrees", "0 <= inner < outer <= 90")
            angles = {"cutoff": outer, "falloff_start": inner}
            return {"type": "spot", "position": position, "direction": direction, "intensity": color, **angles}
        case _:
            light.fail("type", repr(kind), "directional, point, spot")
