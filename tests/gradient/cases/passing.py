"""Gradients by what lets light pass, and by shapes and cameras where it does: opacities, mixes."""

from functools import partial

from tests.gradient import scenes
from tests.gradient.harness import ALONG, Case
from tests.gradient.scenes import TEXTURE, lit, shaded

HALF = {"type": "diffuse", "albedo": [0.3, 0.6, 0.5], "opacity": 0.6}
HOLES = {"type": "diffuse", "albedo": [0.3, 0.6, 0.5], "opacity": {"texture": "holes"}}
MIXED = partial(lit, {"type": "mix", "first": "textured", "second": "metal", "weight": 0.3})

PASSING = [
    Case("opacity", partial(scenes.veil, HALF), "materials.veil.opacity", 1.0, 0.02),
    Case("opacity under a lamp", partial(shaded, quad=HALF, depth=3), "materials.quad.opacity", 1.0, 0.05, slow=True),
    Case("opacity under a sky", partial(shaded, "image", quad=HALF), "materials.quad.opacity", 1.0, 0.05, slow=True),
    Case("opacity of a lamp", scenes.partly_there, "materials.half.opacity", 1.0, 0.05, slow=True),
    Case("opacity texels", partial(scenes.veil, HOLES), "textures.holes", TEXTURE[:, :, 1:2], 0.02, slow=True),
    Case("weight", MIXED, "materials.floor.weight", 1.0, 0.05),
    Case("weight texels", partial(scenes.veil, scenes.nested(weight={"texture": "holes"})), "textures.holes",
         TEXTURE[:, :, 1:2], 0.02, slow=True),
    Case("weight of a mix in a mix", partial(scenes.veil, scenes.nested()), "materials.veil.first.weight", 1.0, 0.02,
         slow=True),
    Case("weight of a mix of mixes", partial(scenes.veil, scenes.nested()), "materials.veil.weight", 1.0, 0.02,
         slow=True),
    Case("opacity of a mix", partial(scenes.veil, scenes.nested()), "materials.veil.opacity", 1.0, 0.02, slow=True),
    Case("opacity in a mix", partial(scenes.veil, scenes.nested()), "materials.veil.second.opacity", 1.0, 0.02,
         slow=True),
    Case("opacity texture moves", partial(scenes.veil, HOLES), "shapes.pane.uvs", [1.0, 0.5], 0.005, slow=True),
    Case("opacity texture turns", partial(scenes.veil, HOLES), "shapes.pane.rotation", [0.3, 1, 0.2], 0.005,
         slow=True),
    Case("camera above an opacity texture", partial(scenes.veil, HOLES), "camera.translation", ALONG, 0.01, slow=True),
    Case("floor under an opacity texture", partial(scenes.veil, HOLES), "shapes.floor.translation", ALONG, 0.01,
         slow=True),
    Case("shadow of an opacity texture",
         partial(shaded, "point", quad={"type": "diffuse", "opacity": {"texture": "image"}}),
         "shapes.quad.translation", ALONG, 0.005, spp=256, slow=True),
    Case("light above an opacity texture", partial(scenes.veil, HOLES), "lights.bulb.position", ALONG, 0.01, slow=True),
]  # fmt: skip
