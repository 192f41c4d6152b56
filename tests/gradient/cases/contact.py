"""Gradients where surfaces meet, or nearly so, and light goes to and fro between them."""

from functools import partial

from tests.gradient.contact_scenes import corner, standing
from tests.gradient.harness import ALONG, Case, random_direction

GLOW = [2, 3, 4]

CONTACT = [
    Case("corner moves", corner, "shapes.corner.translation", ALONG, 0.01, spp_difference=1024),
    Case("corner's corners", corner, "shapes.corner.vertices", 0.3 * random_direction(6, 3), 0.01,
         spp_difference=1024, slow=True),
    Case("wall moves over the floor", partial(standing, 0.1), "shapes.wall.translation", ALONG, 0.01,
         spp_difference=1024),
    Case("wall moves on the floor", partial(standing, side=True), "shapes.wall.translation", [1, 0, 0.7], 0.01,
         spp_difference=1024),
    Case("wall turns on the floor", partial(standing, side=True), "shapes.wall.rotation", [0, 1, 0], 0.01,
         spp_difference=1024, slow=True),
    Case("lamp over the floor", partial(standing, 0.1, emission=GLOW), "shapes.wall.translation", ALONG, 0.01,
         spp_difference=1024),
    Case("lamp on the floor", partial(standing, 0.0, emission=GLOW), "shapes.wall.translation", [1, 0, 0.7],
         0.01, spp_difference=1024, slow=True),
    Case("camera moves before a corner", corner, "camera.translation", ALONG, 0.01, spp_difference=1024,
         slow=True),
]  # fmt: skip
