"""Gradients of lines where meshes pierce each other, seen and as shadow edges."""

from functools import partial

from tests.gradient.contact_scenes import crossed, skirting, sunk
from tests.gradient.harness import ALONG, Case, random_direction
from tests.gradient.scenes import BENT, LENS

PIERCED = [
    Case("plate cuts a cube", crossed, "shapes.plate.translation", [0.2, 1, 0.3], 0.01),
    Case("plate turns in a cube", crossed, "shapes.plate.rotation", ALONG, 0.03, slow=True),
    Case("cube cut by a plate", crossed, "shapes.box.vertices", random_direction(8, 3), 0.01, slow=True),
    Case("camera before a cut cube", crossed, "camera.translation", ALONG, 0.01, slow=True),
    Case("cut cube, thin lens", partial(crossed, camera=LENS), "shapes.plate.translation", ALONG, 0.005,
         spp_difference=1024, slow=True),
    Case("cut cube, distorted film", partial(crossed, camera=BENT), "shapes.plate.translation", ALONG, 0.005,
         spp_difference=1024, slow=True),
    Case("sunk cube moves up", sunk, "shapes.box.translation", [0, 1, 0], 0.01),
    Case("sunk cube moves sideways", sunk, "shapes.box.translation", [1, 0, 0.5], 0.01, slow=True),
    Case("sunk cube turns", sunk, "shapes.box.rotation", ALONG, 0.02, slow=True),
    Case("floor turns around a cube", sunk, "shapes.floor.rotation", ALONG, 0.02, slow=True),
    Case("shining plate is cut: quad", skirting, "shapes.quad.translation", [0.3, 0.4, 1], 0.01),
    Case("shining plate is cut: plate", skirting, "shapes.plate.translation", [0.2, 1, 0.3], 0.01, slow=True),
    Case("lit plate is cut: quad", partial(skirting, True), "shapes.quad.translation", [0.3, 0.4, 1], 0.01,
         spp=128, slow=True),
    Case("lit plate is cut: plate", partial(skirting, True), "shapes.plate.translation", [0.2, 1, 0.3], 0.01,
         spp=128, slow=True),
    Case("sunk cube moves, depth 4", partial(sunk, 4), "shapes.box.translation", ALONG, 0.01, slow=True),
]  # fmt: skip
