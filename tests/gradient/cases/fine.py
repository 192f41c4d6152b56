"""Gradients of fine meshes that light comes from, seen by nothing but other surfaces: their points slide."""

from functools import partial

import numpy as np

from diffrt.description.primitives import sphere
from tests.gradient import scenes
from tests.gradient.harness import ALONG, Case, random_direction

BULB = [{"name": "bulb", "type": "point", "position": [0.3, 1.5, -1.5], "intensity": [6, 6, 6]}]
CUT = sphere(2).faces[sphere(2).vertices[sphere(2).faces].mean(axis=1)[:, 0] < 0.3]
FLAT, SMOOTH = partial(scenes.beneath, shading="flat"), partial(scenes.beneath, shading="smooth")
OPEN = partial(scenes.beneath, level=2, faces=CUT)
ROUGH = {"type": "conductor", "reflectance": [0.9, 0.8, 0.7], "roughness": 0.5}
VERTICES = "shapes.ball.vertices"

FINE = [
    Case("flat ball lights the floor", FLAT, "shapes.ball.translation", ALONG, 0.02, spp_difference=1024,
         slow=True),
    Case("smooth ball lights the floor", SMOOTH, "shapes.ball.translation", ALONG, 0.02, spp_difference=1024,
         slow=True),
    Case("flat ball lights the floor: vertices", FLAT, VERTICES, 0.5 * random_direction(42, 3), 0.01,
         spp_difference=4096, slow=True),
    Case("smooth ball lights the floor: vertices", SMOOTH, VERTICES, 0.5 * random_direction(42, 3), 0.01,
         spp_difference=4096, slow=True),
    Case("open ball lights the floor", partial(OPEN, shading="flat"), "shapes.ball.translation", ALONG, 0.02,
         spp_difference=1024, slow=True),
    Case("smooth open ball lights the floor", partial(OPEN, shading="smooth"), "shapes.ball.translation", ALONG, 0.02,
         spp_difference=1024, slow=True),
    Case("smooth ball in the light of a point", partial(SMOOTH, lights=BULB), "shapes.ball.translation", ALONG, 0.02,
         spp_difference=1024, slow=True),
    Case("metal ball lights the floor", partial(SMOOTH, material=ROUGH), "shapes.ball.translation", ALONG, 0.02,
         spp_difference=1024, slow=True),
    Case("painted ball lights the floor", partial(SMOOTH, material="textured", level=0), "shapes.ball.rotation",
         2.0 * np.array(ALONG), 0.01, spp_difference=1024, slow=True),
    Case("smooth ball lights a room", partial(SMOOTH, wall=True), "shapes.ball.translation", ALONG, 0.02,
         spp_difference=1024, slow=True),
    Case("camera moves where a ball lights the floor", SMOOTH, "camera.translation", ALONG, 0.02, spp_difference=1024),
    Case("floor moves beneath a ball", SMOOTH, "shapes.floor.translation", ALONG, 0.02, spp_difference=1024,
         slow=True),
    Case("lamp over a ball moves", SMOOTH, "shapes.lamp.translation", ALONG, 0.02, spp_difference=1024, slow=True),
]  # fmt: skip
