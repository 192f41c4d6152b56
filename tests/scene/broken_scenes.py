"""A good scene, ways to break it, and what has to be said of each."""

import copy
import re

import numpy as np

NAN, INF = float("nan"), float("inf")
TRIANGLE = {"type": "mesh", "vertices": [[0, 0, 0], [1, 0, 0], [0, 1, 0]], "faces": [[0, 1, 2]]}
GOOD = {
    "camera": {"type": "perspective", "fov": 40},
    "textures": {"wood": {"data": [[0.5]]}},
    "materials": {
        "white": {"type": "diffuse", "albedo": 0.8},
        "blend": {"type": "mix", "first": "white", "second": {"type": "plastic"}},
    },
    "shapes": [
        {"name": "floor", "type": "rectangle", "material": "white"},
        {"name": "tri", **TRIANGLE},
        {"name": "lamp", "type": "sphere", "emission": 3},
    ],
    "lights": [{"name": "sky", "type": "environment", "radiance": 1}, {"name": "spot", "type": "spot"}],
}
DELETE = object()


def broken(*edits):
    """The good scene with edits: paths such as "shapes[1].faces" and new values, DELETE to remove."""
    scene = copy.deepcopy(GOOD)
    for path, value in edits:
        keys = [int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", path)]
        target = scene
        for key in keys[:-1]:
            target = target[key]
        if value is DELETE:
            del target[keys[-1]]
        elif isinstance(target, list) and keys[-1] == len(target):
            target.append(value)
        else:
            target[keys[-1]] = value
    return scene


# One edit, the field that must be named (default: the edited one), and words of what is allowed or hinted.
CASES = [
    # unknown keys and names
    ("camara", {}, None, "did you mean 'camera'"),
    ("camera.fieldofview", 3, None, "unknown key; allowed: name, to_world"),
    ("camera.type", "perspektive", None, "did you mean 'perspective'"),
    ("camera.type", 3, None, "allowed: perspective, thin_lens, orthographic"),
    ("materials.white.albdo", 1, None, "did you mean 'albedo'"),
    ("materials.white.type", "difuse", None, "allowed: diffuse, conductor.*did you mean 'diffuse'"),
    ("materials.white.type", DELETE, None, "missing; allowed: diffuse, conductor"),
    ("materials.white", "grey", None, "'grey'; allowed: an object with type diffuse"),
    ("materials.white", None, None, "null; allowed: an object"),
    ("materials.blend.second.ruffness", 1, None, "did you mean 'roughness'"),
    ("materials.blend.second.type", "glass", None, "'glass'; allowed: diffuse"),
    ("materials.blend.second", 4, None, "4; allowed: the name of a material or an object"),
    ("materials.blend.second", DELETE, None, "missing; allowed: required"),
    ("shapes[2].type", "spere", None, "did you mean 'sphere'"),
    ("shapes[2].type", ["sphere"], None, "allowed: mesh, rectangle"),
    ("shapes[2].subdivision", 3, None, "did you mean 'subdivisions'"),
    ("shapes[0].radius", 3, None, "unknown key"),
    ("lights[1].type", "spott", None, "did you mean 'spot'"),
    ("lights[1].power", 3, None, "unknown key.*intensity"),
    ("textures.wood.fliter", "nearest", None, "did you mean 'filter'"),
    ("sampling", {"samples": 3}, "sampling.samples", "unknown key; allowed: sampler, spp, seed"),
    # references
    ("shapes[0].material", "whit", None, "allowed: white, blend.*did you mean 'white'"),
    ("shapes[0].material", "", None, "1 to 200 characters"),
    ("shapes[0].material", 7, None, "the name of a material or an object"),
    ("shapes[0].emission", {"texture": "wod"}, "shapes[0].emission.texture", "did you mean 'wood'"),
    ("materials.white.albedo", {"texture": "Wood"}, "materials.white.albedo.texture", "did you mean 'wood'"),
    ("materials.white.albedo", {"textur": "wood"}, None, r'\{"texture": name\}'),
    ("materials.white.normal_map", "bumps", None, "'bumps' is no texture of this scene; allowed: wood"),
    ("materials.white.normal_map", "wood", None, "has 1 channels; allowed: a texture of at least 3"),
    ("materials.blend.first", "wite", None, "did you mean 'white'"),
    ("materials.blend.first", "blend", "materials.blend", "contains itself: blend -> blend"),
    (
        "materials.blend.second",
        {"type": "mix", "first": "white", "second": "blend"},
        "materials.blend",
        "contains itself",
    ),
    ("shapes[1].name", "floor", None, r"'floor' is also the name of shapes\[0\]"),
    ("lights[1].name", "sky", None, r"lights\[0\]"),
    ("lights[2]", {"type": "environment", "radiance": 2}, None, "at most one environment"),
    # numbers
    ("materials.white.albedo", 1.5, None, "1.5; allowed: a number between 0 and 1, "),
    ("materials.white.albedo", [0.5, 0.5, -0.1], None, "between 0 and 1"),
    ("materials.white.albedo", [0.5, 0.5], None, r"\[r, g, b\]"),
    ("materials.white.albedo", [0.5, "0.5", 0.5], "materials.white.albedo[1]", "'0.5'; allowed: a number"),
    ("materials.white.albedo", "red", None, "'red'"),
    ("materials.white.albedo", True, None, "true; allowed: a number"),
    ("materials.white.albedo", None, None, "null; allowed: a number"),
    ("materials.white.albedo", NAN, None, "nan is not finite"),
    ("materials.white.albedo", 10**400, None, "too large is not finite"),
    ("materials.white.opacity", [1, 1, 1], None, "a number between 0 and 1 or"),
    ("materials.white.two_sided", "yes", None, "true or false"),
    ("materials.blend.weight", 1.01, None, "between 0 and 1"),
    ("materials.blend.second.ior", 0, None, "greater than 0"),
    ("shapes[2].emission", -1, None, "at least 0"),
    ("shapes[2].emission", INF, None, "not finite"),
    ("shapes[2].emission", 1e39, None, "too large"),
    ("shapes[2].subdivisions", 9, None, "an integer between 0 and 8"),
    ("shapes[2].subdivisions", 1.5, None, "an integer between 0 and 8"),
    ("shapes[2].shading", "round", None, "auto, flat, smooth"),
    ("camera.fov", 180, None, "greater than 0 and less than 180"),
    ("camera.fov", 0, None, "greater than 0 and less than 180"),
    ("camera.fov", "wide", None, "a number"),
    ("camera.fov_axis", "z", None, "x, y, smaller, larger"),
    ("camera.width", 0, None, "between 1 and 32768"),
    ("camera.width", -64, None, "between 1 and 32768"),
    ("camera.height", 10**9, None, "between 1 and 32768"),
    ("camera.near", -1, None, "at least 0"),
    ("camera.distortion", [0.1, 0.2], None, "an object"),
    ("camera.distortion", {"k4": 0.1}, "camera.distortion.k4", "k1, k2, p1, p2, k3"),
    ("camera.intrinsics", {"fx": 1, "fy": 1, "cx": 1}, "camera.intrinsics.cy", "required"),
    ("integrator", {"max_depth": -2}, "integrator.max_depth", "between -1 and"),
    ("sampling", {"spp": 0}, "sampling.spp", "between 1 and"),
    ("sampling", {"seed": -1}, "sampling.seed", "between 0 and"),
    ("sampling", {"sampler": "sobel"}, "sampling.sampler", "did you mean 'sobol'"),
    ("film", {"filter": "sinc"}, "film.filter", "box, tent, gaussian"),
    ("film", "box", None, "an object"),
    ("lights[0].radiance", [1, 1, -1], None, "at least 0"),
    ("lights[0].scale", -1, None, "at least 0"),
    ("lights[1].direction", [0, 0, 0], None, "not all zero"),
    ("lights[1].position", [0, 0], None, "three numbers"),
    ("lights[1].position", [0, NAN, 0], "lights[1].position[1]", "not finite"),
    ("lights[1].cutoff", 200, None, "at most 180"),
    ("lights[1].falloff_start", 30, None, "beyond cutoff 20"),
    # sections
    ("shapes", {"floor": {"type": "cube"}}, None, "a list"),
    ("materials", [{"type": "diffuse"}], None, "an object"),
    ("shapes[0]", "cube", None, "an object with type mesh, rectangle"),
    ("shapes[0]", None, None, "null; allowed: an object"),
    ("textures.wood", "wood.png", None, "an object"),
    ("cameras", [], None, "an empty list; allowed: at least one"),
    # fields that exclude each other
    ("cameras", [{}], None, "either camera or cameras"),
    ("camera.intrinsics", {"fx": 1, "fy": 1, "cx": 1, "cy": 1}, "camera.fov", "either fov or intrinsics"),
    ("camera", {"near": 2, "far": 1}, "camera.near", "less than far, 1"),
    ("camera", {"type": "thin_lens"}, "camera.aperture_radius", "required"),
    ("camera", {"type": "orthographic", "fov": 3}, "camera.fov", "unknown key"),
    ("materials.white", {"type": "conductor", "eta": 1}, "materials.white.k", "eta and k together"),
    ("textures.wood", {}, "textures.wood.file", "file or data"),
    ("textures.wood.file", "wood.png", "textures.wood.data", "either file or data"),
    ("lights[0].radiance", DELETE, None, "one of file, data, radiance"),
    ("lights[0].data", np.ones((2, 4, 3)), "lights[0].radiance", "one of file, data, radiance"),
    ("shapes[1].file", "x.ply", "shapes[1].vertices", "either file or arrays"),
    ("shapes[1]", {"type": "mesh"}, "shapes[1].file", "file, or vertices and faces"),
    ("shapes[1].faces", DELETE, None, "vertices and faces together"),
    ("shapes[1].uv_faces", [[0, 1, 2]], None, "given without uvs"),
    # transforms
    ("shapes[0].to_world", 3, None, "a 4x4 matrix"),
    ("shapes[0].to_world", None, None, "null; allowed: a 4x4 matrix"),
    ("shapes[0].to_world", [1, 2, 3], None, r"shape \(3,\); allowed: a 4x4 matrix"),
    ("shapes[0].to_world", np.zeros((4, 4)), None, "last row"),
    ("shapes[0].to_world", np.diag([1, 1, 0, 1]), None, "cannot be inverted"),
    ("shapes[0].to_world", np.diag([1, NAN, 1, 1]), "shapes[0].to_world[1][1]", "finite"),
    ("shapes[0].to_world", {"scale": 0}, "shapes[0].to_world.scale", "none of them zero"),
    ("shapes[0].to_world", [{"scale": [1, 0, 1]}], "shapes[0].to_world[0].scale", "none of them zero"),
    ("shapes[0].to_world", [{"scale": 1e-30}] * 11, "shapes[0].to_world", "cannot be inverted"),
    ("shapes[0].to_world", [{"scale": 1e30}] * 11, "shapes[0].to_world", "cannot be inverted"),
    ("shapes[0].to_world", [{"scale": 1e30}, {"scale": 1e30}], "shapes[0].to_world", "too large"),
    (
        "shapes[1]",
        {**TRIANGLE, "vertices": np.eye(3) * 2e38, "to_world": {"scale": 2}},
        "shapes[1].to_world",
        "32 bits",
    ),
    ("shapes[0].to_world", [{"rotat": 3}], "shapes[0].to_world[0].rotat", "did you mean 'rotate'"),
    ("shapes[0].to_world", [{"rotate": 3}], "shapes[0].to_world[0].rotate", "axis, degrees"),
    (
        "shapes[0].to_world",
        [{"rotate": {"axis": [0, 0, 0], "degrees": 3}}],
        "shapes[0].to_world[0].rotate.axis",
        "not all zero",
    ),
    ("shapes[0].to_world", [{"rotate": {"axis": [0, 0, 1]}}], "shapes[0].to_world[0].rotate.degrees", "required"),
    ("shapes[0].to_world", [{"scale": 2, "translate": [0, 0, 0]}], "shapes[0].to_world[0]", "exactly one of"),
    ("shapes[0].to_world", [{"translate": [0, "a", 0]}], "shapes[0].to_world[0].translate[1]", "three numbers"),
    ("shapes[0].to_world", [{"scale": 2}, 3], "shapes[0].to_world[1]", "an object with one of"),
    (
        "camera.to_world",
        {"look_at": {"origin": [0, 0, 1], "target": [0, 0, 1]}},
        "camera.to_world.look_at.target",
        "origin",
    ),
    (
        "camera.to_world",
        {"look_at": {"origin": [0, 0, 0], "target": [0, 1, 0]}},
        "camera.to_world.look_at.up",
        "parallel",
    ),
    ("camera.to_world", {"look_at": {"from": [0, 0, 0]}}, "camera.to_world.look_at.from", "origin, target, up"),
    ("lights[0].to_world", {"scale": [1, 2, 1]}, "lights[0].to_world", "a rotation"),
    # meshes
    ("shapes[1].vertices", [[0, 0, 0], [1, 0, NAN], [0, 1, 0]], "shapes[1].vertices[1][2]", "finite"),
    ("shapes[1].vertices", [[0, 0, 0], [1, 0, INF], [0, 1, 0]], "shapes[1].vertices[1][2]", "finite"),
    ("shapes[1].vertices", np.full((3, 3), 1e300), "shapes[1].vertices[0][0]", "32 bits"),
    ("shapes[1].vertices", [[0, 0], [1, 0], [0, 1]], None, r"shape \(3, 2\); allowed: rows of 3 numbers"),
    ("shapes[1].vertices", [[0, 0, 0], [1, 0], [0, 1, 0]], "shapes[1].vertices[1]", "different lengths"),
    ("shapes[1].vertices", [[0, 0, 0], [1, 0, "x"], [0, 1, 0]], "shapes[1].vertices[1]", "not all numbers"),
    ("shapes[1].vertices", "many", None, "rows of 3 numbers"),
    ("shapes[1].vertices", [], None, "empty; allowed: rows of 3 numbers, at least one"),
    ("shapes[1].faces", [[0, 1, 3]], None, "0 to 2"),
    ("shapes[1].faces", [[0, 1, -1]], None, "0 to 2"),
    ("shapes[1].faces", [[0, 1, 2.5]], "shapes[1].faces[0]", "integers"),
    ("shapes[1].faces", [[0, 1, 2, 0]], None, "rows of 3 integers"),
    ("shapes[1].faces", [[0, 1, 10**30]], "shapes[1].faces[0]", "integers"),
    ("shapes[1].faces", [], None, "empty"),
    ("shapes[1].faces", [[0, 1, 1]], None, "zero area"),
    ("shapes[1].normals", [[0, 0, 1]], None, "3"),
    ("shapes[1].uvs", [[0, 0], [1, 0], [NAN, 1]], "shapes[1].uvs[2][0]", "finite"),
    # images in place
    ("textures.wood.data", [], None, "height, width, channels"),
    ("textures.wood.data", np.ones((2, 2, 5)), None, "1 to 4 channels"),
    ("textures.wood.data", np.ones((0, 2, 3)), None, "height, width, channels"),
    ("textures.wood.data", np.full((1, 1, 3), NAN), "textures.wood.data[0][0][0]", "finite"),
    ("textures.wood.data", np.full((1, 1, 3), 1e39), None, "32-bit"),
    ("textures.wood.data", np.array([["a"]]), "textures.wood.data[0]", "not all numbers"),
    ("textures.wood.wrap", "tile", None, "repeat, clamp, mirror"),
    ("textures.wood.encoding", "sRGB", None, "did you mean 'srgb'"),
    # files
    ("shapes[0]", {"type": "mesh", "file": "none.ply"}, "shapes[0].file", "'none.ply' does not exist"),
    ("shapes[0]", {"type": "mesh", "file": "no/where.ply"}, "shapes[0].file", "nor is there a folder"),
    ("shapes[0]", {"type": "mesh", "file": "bunnny.ply"}, "shapes[0].file", "did you mean 'bunny.ply'"),
    ("shapes[0]", {"type": "mesh", "file": "."}, "shapes[0].file", "not a file"),
    ("shapes[0]", {"type": "mesh", "file": ""}, "shapes[0].file", "the path of a file"),
    ("shapes[0]", {"type": "mesh", "file": "a\0b.ply"}, "shapes[0].file", "the path of a file"),
    ("shapes[0]", {"type": "mesh", "file": "x" * 5000 + ".ply"}, "shapes[0].file", "readable|existing"),
    ("shapes[0]", {"type": "mesh", "file": 3}, "shapes[0].file", "the path of a file"),
    ("shapes[0]", {"type": "mesh", "file": "empty.ply"}, "shapes[0].file", "is empty"),
    ("shapes[0]", {"type": "mesh", "file": "mesh.xyz"}, "shapes[0].file", r"\.obj"),
    ("shapes[0]", {"type": "mesh", "file": "short.ply"}, "shapes[0].file", "short.ply"),
    ("shapes[0]", {"type": "mesh", "file": "noise.glb"}, "shapes[0].file", "noise.glb"),
    ("textures.wood", {"file": "short.png"}, "textures.wood.file", "short.png"),
    ("textures.wood", {"file": "noise.exr"}, "textures.wood.file", "noise.exr"),
    ("textures.wood", {"file": "mesh.xyz"}, "textures.wood.file", r"\.png"),
    ("lights[0]", {"type": "environment", "file": "none.hdr"}, "lights[0].file", "does not exist"),
    ("lights[0]", {"type": "environment", "file": "nan.npy"}, "lights[0].file", "finite"),
    # names
    ("shapes[0].name", "", None, "1 to 200 characters"),
    ("shapes[0].name", "a\nb", None, "no control characters"),
    ("shapes[0].name", 3, None, "a text"),
    ("materials", {**GOOD["materials"], "": {"type": "null"}}, "materials.", "1 to 200 characters"),
]
