"""Gradients of losses on depth, normal, albedo, mask, position and texture coordinates."""

from functools import partial

from tests.gradient import scenes
from tests.gradient.cases.appearance import METAL
from tests.gradient.cases.passing import HOLES, MIXED
from tests.gradient.harness import ALONG, Case, random_direction
from tests.gradient.scenes import TEXTURE, lit, shining

BUFFERS = [
    Case("mask: cube moves", shining, "shapes.box.translation", ALONG, 0.01, buffer="mask"),
    Case("mask: camera turns", shining, "camera.rotation", ALONG, 0.005, buffer="mask"),
    Case("mask: ball grows", partial(shining, "sphere", film={"filter": "gaussian"}), "shapes.box.scale", ALONG, 0.02,
         buffer="mask", slow=True),
    Case("depth: cube's corners", shining, "shapes.box.vertices", random_direction(8, 3), 0.02, buffer="depth"),
    Case("depth: field of view", scenes.bumpy, "camera.fov", 1.0, 0.3, buffer="depth", slow=True),
    # A longer step is not linear: with 0.03 differences tend to 0.0082, with 0.0075 to 0.0089.
    Case("normal: creases turn", scenes.facets, "shapes.box.rotation", ALONG, 0.0075, spp_difference=1024,
         buffer="normal"),
    Case("normal: smooth", scenes.bumpy, "shapes.floor.vertices", random_direction(169, 3) * [0.1, 1, 0.1], 0.005,
         buffer="normal", slow=True),
    Case("position: camera moves", shining, "camera.translation", ALONG, 0.01, buffer="position"),
    Case("albedo: colour", METAL, "materials.metal.reflectance", ALONG, 0.05, buffer="albedo", slow=True),
    Case("albedo: texture", lit, "textures.image", TEXTURE, 0.1, buffer="albedo"),
    Case("albedo: texture moves", lit, "shapes.floor.translation", ALONG, 0.02, buffer="albedo"),
    Case("albedo: weight", MIXED, "materials.floor.weight", 1.0, 0.05, buffer="albedo", slow=True),
    Case("mask: opacity", partial(scenes.facets, opacity=0.5), "materials.box.opacity", 1.0, 0.05, buffer="mask"),
    Case("depth: opacity texels", partial(scenes.veil, HOLES), "textures.holes", TEXTURE[:, :, 1:2], 0.02,
         buffer="depth", slow=True),
    Case("depth: camera above an opacity texture", partial(scenes.veil, HOLES), "camera.translation", ALONG, 0.01,
         buffer="depth", slow=True),
    Case("uv: floor turns", lit, "shapes.floor.rotation", ALONG, 0.01, buffer="uv", slow=True),
]  # fmt: skip
