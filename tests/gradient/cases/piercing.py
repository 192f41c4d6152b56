"""Gradients of lines where meshes pierce each other, seen and as shadow edges."""

from functools import partial

from tests.gradient import scenes
from tests.gradient.harness import ALONG, Case, random_direction
from tests.gradient.scenes import BENT, LENS

PIERCED = [
    Case("plate cuts a cube", scenes.crossed, "shapes.plate.translation", [0.2, 1, 0.3], 0.01),
    Case("plate turns in a cube", scenes.crossed, "shapes.plate.rotation", ALONG, 0.03, slow=True),
    Case("cube cut by a plate", scenes.crossed, "shapes.box.vertices", random_direction(8, 3), 0.01, slow=True),
    Case("camera before a cut cube", scenes.crossed, "camera.translation", ALONG, 0.01, slow=True),
    Case("cut cube, thin lens", partial(scenes.crossed, camera=LENS), "shapes.plate.translation", ALONG, 0.005,
         spp_difference=1024, slow=True),
    Case("cut cube, distorted film", partial(scenes.crossed, camera=BENT), "shapes.plate.translation", ALONG, 0.005,
         spp_difference=1024, slow=True),
    Case("sunk cube moves up", scenes.sunk, "shapes.box.translation", [0, 1, 0], 0.01),
    Case("sunk cube moves sideways", scenes.sunk, "shapes.box.translation", [1, 0, 0.5], 0.01, slow=True),
    Case("sunk cube turns", scenes.sunk, "shapes.box.rotation", ALONG, 0.02, slow=True),
    Case("floor turns around a cube", scenes.sunk, "shapes.floor.rotation", ALONG, 0.02, slow=True),
    Case("shining plate is cut: quad", scenes.skirting, "shapes.quad.translation", [0.3, 0.4, 1], 0.01),
    Case("shining plate is cut: plate", scenes.skirting, "shapes.plate.translation", [0.2, 1, 0.3], 0.01, slow=True),
    Case("lit plate is cut: quad", partial(scenes.skirting, True), "shapes.quad.translation", [0.3, 0.4, 1], 0.01,
         spp=128, slow=True),
    Case("lit plate is cut: plate", partial(scenes.skirting, True), "shapes.plate.translation", [0.2, 1, 0.3], 0.01,
         spp=128, slow=True),
    Case("sunk cube moves, depth 4", partial(scenes.sunk, 4), "shapes.box.translation", ALONG, 0.01, slow=True),
]  # fmt: skip
