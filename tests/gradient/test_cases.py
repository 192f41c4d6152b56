"""Gradients against finite differences: every kind of parameter, every term, backward and forward."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from tests.gradient import scenes
from tests.gradient.harness import Case, check
from tests.gradient.scenes import CAMERA, LOOK, POINT, SPOT, TEXTURE, lit, shaded, shining

ALONG = [1, 0.7, 0.3]
RANDOM = np.random.default_rng(1)
ANOTHER = np.random.default_rng(4)
AFFINE = np.array([[1, 0.2, 0.3, 0.4], [0.1, 0.2, -0.3, 0.4], [0.5, -0.2, 0.3, 0.4], [0, 0, 0, 0]])
LENS = {**CAMERA, "type": "thin_lens", "aperture_radius": 0.1, "focus_distance": 2.0}
ASIDE = {**LENS, "to_world": {"look_at": {"origin": [0.4, 2, 1.5], "target": [0.5, 0, 0.3]}}, "aperture_radius": 0.4,
         "focus_distance": 1.6}  # fmt: skip
BLURRED = partial(scenes.through_a_lens, type="thin_lens", aperture_radius=0.3, focus_distance=0.8)
NEAR = {"to_world": {"look_at": {"origin": [0, 1, 0.75], "target": [0, 0, 0]}}, "fov": 50, "width": 16, "height": 12}
BENT = {**NEAR, "distortion": {"k1": -0.2, "p1": 0.03, "k2": 0.1}}
PARALLEL = {"type": "orthographic", "scale": 0.6, "to_world": LOOK, "width": 16, "height": 12}
SHIFTED = {"intrinsics": {"fx": 20, "fy": 25, "cx": 7, "cy": 5}, "to_world": LOOK, "width": 16, "height": 12}
METAL = partial(lit, "metal")

GOLD = {"type": "conductor", "eta": [0.2, 0.4, 1.3], "k": [3.9, 2.4, 1.8], "roughness": 0.4}
PAINT = {"type": "principled", "base_color": [0.5, 0.4, 0.3], "metallic": 0.4, "roughness": 0.5}
NUMBER = {"texture": "number"}

APPEARANCE = [
    Case("texture", lit, "textures.image", TEXTURE, 0.1),
    Case("emission", lit, "shapes.lamp.emission", ALONG, 0.3),
    Case("point intensity", partial(lit, lights=POINT), "lights.bulb.intensity", ALONG, 0.2),
    Case("spot intensity", partial(lit, lights=SPOT), "lights.bulb.intensity", ALONG, 0.2),
    Case("sky radiance", scenes.bumpy, "lights.sky.radiance", ALONG, 0.02),
    Case("sky texels", partial(shaded, "image"), "lights.light.image", scenes.sky() ** 0.5, 0.02),
    Case("sky scale", partial(shaded, "image"), "lights.light.scale", 1.0, 0.1),
    Case("sky turns", partial(shaded, "image"), "lights.light.rotation", ALONG, 0.01),
    Case("spot cutoff", partial(lit, lights=SPOT), "lights.bulb.cutoff", 1.0, 1.0),
    Case("spot falloff", partial(lit, lights=SPOT), "lights.bulb.falloff_start", 1.0, 1.0),
    Case("reflectance", METAL, "materials.metal.reflectance", ALONG, 0.05),
    Case("roughness", METAL, "materials.metal.roughness", 1.0, 0.01, spp=128),
    Case("smooth glass ior", scenes.glass, "materials.glass.ior", 1.0, 0.01),
    Case("smooth glass exterior ior", scenes.glass, "materials.glass.exterior_ior", 1.0, 0.01),
    Case(
        "smooth glass ior texels",
        partial(scenes.glass, ior={"texture": "number"}),
        "textures.number",
        TEXTURE[:, :, 1:2],
        0.02,
    ),
    Case("mirror reflectance", scenes.mirror, "materials.floor.reflectance", ALONG, 0.05),
    Case("metal eta", partial(lit, GOLD), "materials.floor.eta", ALONG, 0.02, spp=128),
    Case("metal k", partial(lit, GOLD), "materials.floor.k", ALONG, 0.02, spp=128),
    Case("emission texels", scenes.screen, "textures.picture", TEXTURE, 0.3),
    Case("normal map", scenes.embossed, "textures.bumps", ANOTHER.normal(size=(8, 8, 3)), 0.005, spp=128),
    Case("normal map of a mirror", partial(scenes.mirror, normal_map="bumps"), "textures.bumps", TEXTURE - 0.4, 0.01),
    Case(
        "roughness texels",
        partial(scenes.textured, {**PAINT, "roughness": NUMBER}, 0.3, 0.6),
        "textures.number",
        TEXTURE[:, :, 1:2],
        0.01,
        spp=128,
    ),
    Case(
        "metallic texels",
        partial(scenes.textured, {**PAINT, "metallic": NUMBER}, 0.2, 0.8),
        "textures.number",
        TEXTURE[:, :, 1:2],
        0.05,
        spp=128,
    ),
]
LAYERS = [
    Case(f"layer {field}", scenes.painted, f"materials.floor.{field}", ALONG if "color" in field else 1.0, 0.02,
         spp=128)
    for field in ("base_color", "metallic", "roughness", "ior", "specular", "specular_color", "transmission",
                  "clearcoat", "clearcoat_roughness", "sheen_color", "sheen_roughness")
] + [
    Case(f"plastic {field}", scenes.plastic, f"materials.floor.{field}", ALONG if field == "albedo" else 1.0,
         0.01, spp=128)
    for field in ("albedo", "ior", "roughness")
] + [
    Case(f"rough glass {field}", scenes.frosted, f"materials.glass.{field}", 1.0, 0.01, spp=128)
    for field in ("ior", "roughness")
]  # fmt: skip
HALF = {"type": "diffuse", "albedo": [0.3, 0.6, 0.5], "opacity": 0.6}
HOLES = {"type": "diffuse", "albedo": [0.3, 0.6, 0.5], "opacity": {"texture": "holes"}}
MIXED = partial(lit, {"type": "mix", "first": "textured", "second": "metal", "weight": 0.3})
PASSING = [
    Case("opacity", partial(scenes.veil, HALF), "materials.veil.opacity", 1.0, 0.02),
    Case("opacity under a lamp", partial(shaded, quad=HALF, depth=3), "materials.quad.opacity", 1.0, 0.05),
    Case("opacity under a sky", partial(shaded, "image", quad=HALF), "materials.quad.opacity", 1.0, 0.05),
    Case("opacity of a lamp", scenes.partly_there, "materials.half.opacity", 1.0, 0.05),
    Case("opacity texels", partial(scenes.veil, HOLES), "textures.holes", TEXTURE[:, :, 1:2], 0.02),
    Case("weight", MIXED, "materials.floor.weight", 1.0, 0.05),
    Case(
        "weight texels",
        partial(scenes.veil, scenes.nested(weight={"texture": "holes"})),
        "textures.holes",
        TEXTURE[:, :, 1:2],
        0.02,
    ),
    Case("weight of a mix in a mix", partial(scenes.veil, scenes.nested()), "materials.veil.first.weight", 1.0, 0.02),
    Case("weight of a mix of mixes", partial(scenes.veil, scenes.nested()), "materials.veil.weight", 1.0, 0.02),
    Case("opacity of a mix", partial(scenes.veil, scenes.nested()), "materials.veil.opacity", 1.0, 0.02),
    Case("opacity in a mix", partial(scenes.veil, scenes.nested()), "materials.veil.second.opacity", 1.0, 0.02),
    Case("opacity texture moves", partial(scenes.veil, HOLES), "shapes.pane.uvs", [1.0, 0.5], 0.005),
    Case("opacity texture turns", partial(scenes.veil, HOLES), "shapes.pane.rotation", [0.3, 1, 0.2], 0.005),
    Case("camera above an opacity texture", partial(scenes.veil, HOLES), "camera.translation", ALONG, 0.01),
    Case("floor under an opacity texture", partial(scenes.veil, HOLES), "shapes.floor.translation", ALONG, 0.01),
    Case(
        "shadow of an opacity texture",
        partial(shaded, "point", quad={"type": "diffuse", "opacity": {"texture": "image"}}),
        "shapes.quad.translation",
        ALONG,
        0.005,
        spp=256,
    ),
    Case("light above an opacity texture", partial(scenes.veil, HOLES), "lights.bulb.position", ALONG, 0.01),
]
INTERIOR = [
    Case("floor along its normal", lit, "shapes.floor.translation", [0, 1, 0], 0.02),
    Case("floor turns", lit, "shapes.floor.rotation", [1, 0.5, 0.3], 0.02),
    Case("lamp moves", lit, "shapes.lamp.translation", ALONG, 0.02),
    Case("lamp turns", lit, "shapes.lamp.rotation", ALONG, 0.02),
    Case("lamp grows", lit, "shapes.lamp.scale", ALONG, 0.02),
    Case("lamp matrix", lit, "shapes.lamp.to_world", AFFINE, 0.02),
    Case("camera moves", lit, "camera.translation", ALONG, 0.02),
    Case("camera turns", lit, "camera.rotation", ALONG, 0.01),
    Case("camera matrix", lit, "camera.to_world", AFFINE, 0.01),
    Case("field of view", lit, "camera.fov", 1.0, 0.5),
    Case("metal floor's corners", METAL, "shapes.floor.vertices", 0.3 * RANDOM.normal(size=(4, 3)), 0.02, spp=128),
    Case("smooth normals", scenes.bumpy, "shapes.floor.vertices", RANDOM.normal(size=(169, 3)) * [0.1, 1, 0.1], 0.005,
         spp_difference=1024),
    Case("given normals", scenes.draped, "shapes.floor.normals", ANOTHER.normal(size=(169, 3)), 0.005, spp=128,
         spp_difference=1024),
    Case("picture of a lamp moves", scenes.screen, "shapes.lamp.uvs", [1.0, 0.5], 0.01),
    Case("lamp with a picture turns", scenes.screen, "shapes.lamp.rotation", ALONG, 0.02),
    Case("normal map moves", scenes.embossed, "shapes.floor.uvs", [1.0, 0.5], 0.002, spp=128),
    Case("uvs", lit, "shapes.floor.uvs", [1.0, 0.5], 0.01),
    Case("bulb moves", partial(lit, lights=POINT), "lights.bulb.position", ALONG, 0.02),
    Case("spot moves", partial(lit, lights=SPOT), "lights.bulb.position", ALONG, 0.01),
    Case("spot turns", partial(lit, lights=SPOT), "lights.bulb.direction", ALONG, 0.01),
    Case("wall in a mirror", scenes.mirror, "shapes.wall.translation", ALONG, 0.02),
    Case("mirror moves", scenes.mirror, "shapes.floor.translation", [0, 1, 0], 0.02),
    Case("mirror turns", scenes.mirror, "shapes.floor.rotation", ALONG, 0.01),
    Case("floor under glass", scenes.glass, "shapes.floor.translation", ALONG, 0.01),
    Case("glass turns", scenes.glass, "shapes.pane.rotation", [1, 0.3, 0.2], 0.01, spp_difference=1024),
]  # fmt: skip
PRIMARY = [
    Case("cube moves", shining, "shapes.box.translation", ALONG, 0.01),
    Case("cube's corners", shining, "shapes.box.vertices", RANDOM.normal(size=(8, 3)), 0.02),
    Case("cube turns", shining, "shapes.box.rotation", ALONG, 0.03),
    Case("cube grows", shining, "shapes.box.scale", ALONG, 0.02),
    Case("camera moves before a cube", shining, "camera.translation", ALONG, 0.01),
    Case("camera turns before a cube", shining, "camera.rotation", ALONG, 0.005),
    Case("field of view about a cube", shining, "camera.fov", 1.0, 0.3),
    Case("intrinsics", partial(shining, camera=SHIFTED), "camera.intrinsics", [1, -1, 0.5, 0.7], 0.1),
    Case("distorted film", partial(shining, camera=BENT), "shapes.box.translation", ALONG, 0.01),
    Case("distortion", partial(shining, camera=NEAR), "camera.distortion", [1, 0.5, 0.2, 0.3, 0.1], 0.05),
    Case("gaussian filter", partial(shining, film={"filter": "gaussian"}), "shapes.box.translation", ALONG, 0.01),
    Case("tent filter", partial(shining, film={"filter": "tent"}), "shapes.box.translation", ALONG, 0.01),
    Case("thin lens", partial(shining, camera=LENS), "shapes.box.translation", ALONG, 0.01),
    Case("orthographic", partial(shining, camera=PARALLEL), "shapes.box.translation", ALONG, 0.01),
    Case("focus", partial(shining, camera=ASIDE), "camera.focus_distance", 1.0, 0.05),
    Case("aperture", partial(shining, camera=ASIDE), "camera.aperture_radius", 1.0, 0.02),
    Case("orthographic scale", partial(shining, camera=PARALLEL), "camera.scale", 1.0, 0.01),
    Case("ball moves", partial(shining, "sphere"), "shapes.box.translation", ALONG, 0.01),
    Case("creases move", scenes.facets, "shapes.box.translation", [1, 0, 0], 0.02),
    Case("creases turn", scenes.facets, "shapes.box.rotation", ALONG, 0.03),
    Case("camera moves before creases", scenes.facets, "camera.translation", ALONG, 0.02),
]
SMOOTH = [
    Case("smooth ball moves", scenes.ball, "shapes.ball.translation", ALONG, 0.005),
    Case("smooth ball of many triangles moves", partial(scenes.ball, 4), "shapes.ball.translation", ALONG, 0.005),
    Case("smooth ball's corners", scenes.ball, "shapes.ball.vertices", 0.1 * RANDOM.normal(size=(162, 3)), 0.005),
    Case("camera moves before a smooth ball", scenes.ball, "camera.translation", ALONG, 0.005),
    Case("normals that turn away", scenes.turning_normals, "shapes.sheet.normals", RANDOM.normal(size=(4, 3)), 0.02),
    Case("camera turns before normals that turn away", scenes.turning_normals, "camera.rotation", ALONG, 0.01),
    Case(
        "orthographic: normals that turn away",
        partial(scenes.with_camera, scenes.turning_normals, PARALLEL),
        "shapes.sheet.rotation",
        ALONG,
        0.01,
    ),
    Case(
        "thin lens: normals that turn away",
        partial(scenes.with_camera, scenes.turning_normals, LENS),
        "shapes.sheet.translation",
        ALONG,
        0.01,
    ),
    Case(
        "bent film: normals that turn away",
        partial(scenes.with_camera, scenes.turning_normals, BENT),
        "shapes.sheet.translation",
        ALONG,
        0.01,
    ),
]
SHADOWS = [
    Case("point: quad", partial(shaded, "point"), "shapes.quad.translation", ALONG, 0.005),
    Case("point: floor", partial(shaded, "point"), "shapes.floor.translation", [0, 1, 0], 0.005),
    Case("point: light", partial(shaded, "point"), "lights.light.position", ALONG, 0.02),
    Case("point: camera", partial(shaded, "point"), "camera.translation", ALONG, 0.01),
    Case("point: metal", partial(shaded, "point", "metal"), "shapes.quad.rotation", ALONG, 0.01),
    Case("spot: quad", partial(shaded, "spot"), "shapes.quad.translation", ALONG, 0.005),
    Case("sun: quad", partial(shaded, "sun"), "shapes.quad.translation", ALONG, 0.01),
    Case("sun: floor", partial(shaded, "sun"), "shapes.floor.translation", [0, 1, 0], 0.01),
    Case("sun: light", partial(shaded, "sun"), "lights.light.direction", ALONG, 0.01),
    Case("area: quad", shaded, "shapes.quad.translation", ALONG, 0.02),
    Case("area: floor", shaded, "shapes.floor.translation", [0, 1, 0], 0.01),
    Case("area: light", shaded, "shapes.lamp.translation", ALONG, 0.02),
    Case("area: camera", shaded, "camera.translation", ALONG, 0.02),
    Case("sky: quad", partial(shaded, "sky"), "shapes.quad.translation", ALONG, 0.02),
    Case("sky: floor", partial(shaded, "sky"), "shapes.floor.translation", [0, 1, 0], 0.02),
    Case("sky: camera", partial(shaded, "sky"), "camera.translation", ALONG, 0.02),
    Case("image: quad", partial(shaded, "image"), "shapes.quad.translation", ALONG, 0.02),
    Case("two-tone: quad", partial(shaded, "two-tone"), "shapes.quad.translation", ALONG, 0.02),
    Case(
        "thin lens: quad",
        partial(scenes.through_a_lens, type="thin_lens", aperture_radius=0.1, focus_distance=1.6),
        "shapes.quad.translation",
        ALONG,
        0.005,
    ),
    Case(
        "bent film: quad",
        partial(scenes.through_a_lens, distortion={"k1": -0.2, "p1": 0.03, "k2": 0.1}),
        "shapes.quad.translation",
        ALONG,
        0.005,
    ),
    Case("thin lens: focus", BLURRED, "camera.focus_distance", 1.0, 0.03),
    Case("thin lens: aperture", BLURRED, "camera.aperture_radius", 1.0, 0.02),
    Case(
        "orthographic: scale", partial(scenes.through_a_lens, type="orthographic", scale=0.6), "camera.scale", 1.0, 0.01
    ),
    Case("bounced: quad", scenes.bounced, "shapes.quad.translation", ALONG, 0.02, spp=128),
    Case(
        "bounced on metal: quad",
        partial(scenes.bounced, "metal"),
        "shapes.quad.translation",
        ALONG,
        0.02,
        spp=256,
        spp_difference=4096,
    ),
    Case("fine ball: area", scenes.fine_ball, "shapes.quad.translation", ALONG, 0.02),
    Case("bounced: ceiling", scenes.bounced, "shapes.ceiling.translation", ALONG, 0.02, spp=128),
    Case("point: quad, depth 4", partial(shaded, "point", depth=4), "shapes.quad.translation", ALONG, 0.005),
    Case("area: quad, depth 4", partial(shaded, "area", depth=4), "shapes.quad.translation", ALONG, 0.02),
    Case("sky: quad, depth 4", partial(shaded, "sky", depth=4), "shapes.quad.translation", ALONG, 0.02),
]
BUFFERS = [
    Case("mask: cube moves", shining, "shapes.box.translation", ALONG, 0.01, buffer="mask"),
    Case("mask: camera turns", shining, "camera.rotation", ALONG, 0.005, buffer="mask"),
    Case("mask: ball grows", partial(shining, "sphere", film={"filter": "gaussian"}), "shapes.box.scale", ALONG, 0.02,
         buffer="mask"),
    Case("depth: cube's corners", shining, "shapes.box.vertices", RANDOM.normal(size=(8, 3)), 0.02, buffer="depth"),
    Case("depth: field of view", scenes.bumpy, "camera.fov", 1.0, 0.3, buffer="depth"),
    # A longer step is not linear: with 0.03 differences tend to 0.0082, with 0.0075 to 0.0089.
    Case("normal: creases turn", scenes.facets, "shapes.box.rotation", ALONG, 0.0075, spp_difference=1024,
         buffer="normal"),
    Case("normal: smooth", scenes.bumpy, "shapes.floor.vertices", RANDOM.normal(size=(169, 3)) * [0.1, 1, 0.1], 0.005,
         buffer="normal"),
    Case("position: camera moves", shining, "camera.translation", ALONG, 0.01, buffer="position"),
    Case("albedo: colour", METAL, "materials.metal.reflectance", ALONG, 0.05, buffer="albedo"),
    Case("albedo: texture", lit, "textures.image", TEXTURE, 0.1, buffer="albedo"),
    Case("albedo: texture moves", lit, "shapes.floor.translation", ALONG, 0.02, buffer="albedo"),
    Case("albedo: weight", MIXED, "materials.floor.weight", 1.0, 0.05, buffer="albedo"),
    Case("mask: opacity", partial(scenes.facets, opacity=0.5), "materials.box.opacity", 1.0, 0.05, buffer="mask"),
    Case("depth: opacity texels", partial(scenes.veil, HOLES), "textures.holes", TEXTURE[:, :, 1:2], 0.02,
         buffer="depth"),
    Case("depth: camera above an opacity texture", partial(scenes.veil, HOLES), "camera.translation", ALONG, 0.01,
         buffer="depth"),
    Case("uv: floor turns", lit, "shapes.floor.rotation", ALONG, 0.01, buffer="uv"),
]  # fmt: skip

REFLECTED = [
    Case("cube in a mirror", scenes.reflected, "shapes.box.translation", ALONG, 0.01),
    Case("cube turns in a mirror", scenes.reflected, "shapes.box.rotation", ALONG, 0.03),
    Case("mirror below a cube moves", scenes.reflected, "shapes.floor.translation", [0.2, 1, 0.3], 0.01),
    Case("mirror below a cube turns", scenes.reflected, "shapes.floor.rotation", ALONG, 0.01),
    Case("mirror's corners", scenes.reflected, "shapes.floor.vertices", 0.1 * RANDOM.normal(size=(4, 3)), 0.01),
    Case("camera before a mirror", scenes.reflected, "camera.translation", ALONG, 0.01),
    Case("camera turns before a mirror", scenes.reflected, "camera.rotation", ALONG, 0.005),
    Case("mirror, thin lens", partial(scenes.reflected, camera=LENS), "shapes.box.translation", ALONG, 0.01),
    Case("mirror, orthographic", partial(scenes.reflected, camera=PARALLEL), "shapes.box.translation", ALONG, 0.01),
    Case("mirror, distorted film", partial(scenes.reflected, camera=BENT), "shapes.box.translation", ALONG, 0.01),
    Case(
        "mirror, gaussian filter",
        partial(scenes.reflected, film={"filter": "gaussian"}),
        "shapes.box.translation",
        ALONG,
        0.01,
    ),
    Case(
        "cube in plastic",
        partial(scenes.reflected, {"type": "plastic", "albedo": 0.4, "ior": 1.5, "roughness": 0}),
        "shapes.box.translation",
        ALONG,
        0.01,
    ),
    Case(
        "cube in a pane",
        partial(scenes.reflected, {"type": "dielectric", "ior": 1.5, "roughness": 0}),
        "shapes.box.translation",
        ALONG,
        0.01,
    ),
]
PIERCED = [
    Case("plate cuts a cube", scenes.crossed, "shapes.plate.translation", [0.2, 1, 0.3], 0.01),
    Case("plate turns in a cube", scenes.crossed, "shapes.plate.rotation", ALONG, 0.03),
    Case("cube cut by a plate", scenes.crossed, "shapes.box.vertices", RANDOM.normal(size=(8, 3)), 0.01),
    Case("camera before a cut cube", scenes.crossed, "camera.translation", ALONG, 0.01),
    Case(
        "cut cube, thin lens",
        partial(scenes.crossed, camera=LENS),
        "shapes.plate.translation",
        ALONG,
        0.005,
        spp_difference=1024,
    ),
    Case(
        "cut cube, distorted film",
        partial(scenes.crossed, camera=BENT),
        "shapes.plate.translation",
        ALONG,
        0.005,
        spp_difference=1024,
    ),
    Case("sunk cube moves up", scenes.sunk, "shapes.box.translation", [0, 1, 0], 0.01),
    Case("sunk cube moves sideways", scenes.sunk, "shapes.box.translation", [1, 0, 0.5], 0.01),
    Case("sunk cube turns", scenes.sunk, "shapes.box.rotation", ALONG, 0.02),
    Case("floor turns around a cube", scenes.sunk, "shapes.floor.rotation", ALONG, 0.02),
    Case("shining plate is cut: quad", scenes.skirting, "shapes.quad.translation", [0.3, 0.4, 1], 0.01),
    Case("shining plate is cut: plate", scenes.skirting, "shapes.plate.translation", [0.2, 1, 0.3], 0.01),
    Case(
        "lit plate is cut: quad",
        partial(scenes.skirting, True),
        "shapes.quad.translation",
        [0.3, 0.4, 1],
        0.01,
        spp=128,
    ),
    Case(
        "lit plate is cut: plate",
        partial(scenes.skirting, True),
        "shapes.plate.translation",
        [0.2, 1, 0.3],
        0.01,
        spp=128,
    ),
    Case("sunk cube moves, depth 4", partial(scenes.sunk, 4), "shapes.box.translation", ALONG, 0.01),
]


CASES = APPEARANCE + LAYERS + PASSING + INTERIOR + PRIMARY + SMOOTH + SHADOWS + BUFFERS + REFLECTED + PIERCED
_QUICK = ("cube in a mirror", "mirror below a cube turns", "plate cuts a cube", "sunk cube moves up",
          "shining plate is cut: quad")  # fmt: skip
SLOW = {
    *(case.name for case in REFLECTED + PIERCED if case.name not in _QUICK),
    "fine ball: area",
    "bounced on metal: quad",
    *(case.name for case in LAYERS if case.name not in ("layer base_color", "layer roughness", "plastic roughness")),
    *(case.name for case in PASSING if case.name not in ("opacity", "weight", "opacity texture turns")),
    "spot intensity",
    "sky texels",
    "sky scale",
    "spot falloff",
    "smooth glass exterior ior",
    "smooth glass ior texels",
    "mirror reflectance",
    "metal k",
    "normal map",
    "normal map of a mirror",
    "normal map moves",
    "roughness texels",
    "metallic texels",
    "given normals",
    "picture of a lamp moves",
    "lamp with a picture turns",
    "focus",
    "orthographic scale",
    "thin lens: focus",
    "thin lens: aperture",
    "orthographic: scale",
    "albedo: weight",
    "depth: opacity texels",
    "depth: camera above an opacity texture",
    "spot moves",
    "spot turns",
    "distorted film",
    "distortion",
    "gaussian filter",
    "tent filter",
    "thin lens",
    "orthographic",
    "ball moves",
    "creases turn",
    "point: metal",
    "spot: quad",
    "image: quad",
    "sun: floor",
    "metal floor's corners",
    "mirror moves",
    "wall in a mirror",
    "intrinsics",
    "camera matrix",
    "lamp matrix",
    "smooth normals",
    "camera moves before creases",
    "sky: quad",
    "sky: camera",
    "thin lens: quad",
    "bent film: quad",
    "area: quad, depth 4",
    "smooth ball of many triangles moves",
    "camera moves before a smooth ball",
    "camera turns before normals that turn away",
    "orthographic: normals that turn away",
    "thin lens: normals that turn away",
    "bent film: normals that turn away",
    "mask: ball grows",
    "depth: field of view",
    "normal: smooth",
    "albedo: colour",
    "uv: floor turns",
}
"""They compile kernels of their own, or resemble others."""


PRECISE = {
    "texture": (10, 1024, 4096),
    "roughness": (10, 1024, 4096),
    "sky radiance": (16, 1024, 8192),
    "lamp moves": (10, 1024, 4096),
    "cube moves": (20, 512, 4096),
    "camera moves before a cube": (20, 512, 4096),
    "point: quad": (10, 512, 4096),
    "area: quad": (24, 512, 4096),
    "sky: floor": (96, 256, 4096),
    "wall in a mirror": (10, 512, 4096),
}
"""Cases of every term but the indirect one, whose noise is too large: seeds, samples of gradients and of pictures."""


def parameters() -> list[Any]:
    return [pytest.param(case, id=case.name, marks=[pytest.mark.slow] if case.name in SLOW else []) for case in CASES]


@pytest.mark.usefixtures("taichi")
@pytest.mark.parametrize("case", parameters())
def test_gradient(case: Case) -> None:
    check(case)


@pytest.mark.usefixtures("taichi")
@pytest.mark.slow
@pytest.mark.parametrize("name", PRECISE)
def test_no_bias_of_half_a_per_cent(name: str) -> None:
    """Samples enough to see one: half of it is three standard errors or less, or so; half is left to the step."""
    seeds, spp, spp_difference = PRECISE[name]
    case = next(case for case in CASES if case.name == name)
    result = check(replace(case, seeds=seeds, spp=spp, spp_difference=spp_difference, bias=0.0025))
    error = float(np.hypot(result.difference_error, result.backward_error))
    assert error <= 0.0025 * abs(result.difference), f"not resolved: {result}"


def test_the_cases_are_many_and_named() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) >= 60
    assert set(names) >= SLOW
