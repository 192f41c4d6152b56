"""Gradients by what moves while no edge is in sight and none throws a shadow."""

from functools import partial

import numpy as np

from tests.gradient import scenes
from tests.gradient.cases.appearance import METAL
from tests.gradient.harness import ALONG, Case, random_direction
from tests.gradient.scenes import POINT, SPOT, lit

AFFINE = np.array([[1, 0.2, 0.3, 0.4], [0.1, 0.2, -0.3, 0.4], [0.5, -0.2, 0.3, 0.4], [0, 0, 0, 0]])

INTERIOR = [
    Case("floor along its normal", lit, "shapes.floor.translation", [0, 1, 0], 0.02),
    Case("floor turns", lit, "shapes.floor.rotation", [1, 0.5, 0.3], 0.02),
    Case("lamp moves", lit, "shapes.lamp.translation", ALONG, 0.02),
    Case("lamp turns", lit, "shapes.lamp.rotation", ALONG, 0.02),
    Case("lamp grows", lit, "shapes.lamp.scale", ALONG, 0.02),
    Case("lamp matrix", lit, "shapes.lamp.to_world", AFFINE, 0.02, slow=True),
    Case("camera moves", lit, "camera.translation", ALONG, 0.02),
    Case("camera turns", lit, "camera.rotation", ALONG, 0.01),
    Case("camera matrix", lit, "camera.to_world", AFFINE, 0.01, slow=True),
    Case("field of view", lit, "camera.fov", 1.0, 0.5),
    Case("metal floor's corners", METAL, "shapes.floor.vertices", 0.3 * random_direction(4, 3), 0.02, spp=128,
         slow=True),
    Case("smooth normals", scenes.bumpy, "shapes.floor.vertices", random_direction(169, 3) * [0.1, 1, 0.1], 0.005,
         spp_difference=1024, slow=True),
    Case("given normals", scenes.draped, "shapes.floor.normals", random_direction(169, 3), 0.005, spp=128,
         spp_difference=1024, slow=True),
    Case("picture of a lamp moves", scenes.screen, "shapes.lamp.uvs", [1.0, 0.5], 0.01, slow=True),
    Case("lamp with a picture turns", scenes.screen, "shapes.lamp.rotation", ALONG, 0.02, slow=True),
    Case("normal map moves", scenes.embossed, "shapes.floor.uvs", [1.0, 0.5], 0.002, spp=128, slow=True),
    Case("uvs", lit, "shapes.floor.uvs", [1.0, 0.5], 0.01),
    Case("bulb moves", partial(lit, lights=POINT), "lights.bulb.position", ALONG, 0.02),
    Case("spot moves", partial(lit, lights=SPOT), "lights.bulb.position", ALONG, 0.01, slow=True),
    Case("spot turns", partial(lit, lights=SPOT), "lights.bulb.direction", ALONG, 0.01, slow=True),
    Case("wall in a mirror", scenes.mirror, "shapes.wall.translation", ALONG, 0.02, slow=True),
    Case("mirror moves", scenes.mirror, "shapes.floor.translation", [0, 1, 0], 0.02, slow=True),
    Case("mirror turns", scenes.mirror, "shapes.floor.rotation", ALONG, 0.01, options={"terms": ("interior",)}),
    Case("floor under glass", scenes.glass, "shapes.floor.translation", ALONG, 0.01),
    Case("glass turns", scenes.glass, "shapes.pane.rotation", [1, 0.3, 0.2], 0.01, spp_difference=1024),
]  # fmt: skip
