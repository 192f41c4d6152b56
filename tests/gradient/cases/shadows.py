"""Gradients of edges that block light: of every kind of light, and of light from other surfaces."""

from functools import partial

from tests.gradient import scenes
from tests.gradient.harness import ALONG, Case
from tests.gradient.scenes import shaded

BLURRED = partial(scenes.through_a_lens, type="thin_lens", aperture_radius=0.3, focus_distance=0.8)

SHADOWS = [
    Case("point: quad", partial(shaded, "point"), "shapes.quad.translation", ALONG, 0.005),
    Case("point: floor", partial(shaded, "point"), "shapes.floor.translation", [0, 1, 0], 0.005),
    Case("point: light", partial(shaded, "point"), "lights.light.position", ALONG, 0.02),
    Case("point: camera", partial(shaded, "point"), "camera.translation", ALONG, 0.01),
    Case("point: metal", partial(shaded, "point", "metal"), "shapes.quad.rotation", ALONG, 0.01, slow=True),
    Case("spot: quad", partial(shaded, "spot"), "shapes.quad.translation", ALONG, 0.005, slow=True),
    Case("sun: quad", partial(shaded, "sun"), "shapes.quad.translation", ALONG, 0.01),
    Case("sun: floor", partial(shaded, "sun"), "shapes.floor.translation", [0, 1, 0], 0.01, slow=True),
    Case("sun: light", partial(shaded, "sun"), "lights.light.direction", ALONG, 0.01),
    Case("area: quad", shaded, "shapes.quad.translation", ALONG, 0.02),
    Case("area: floor", shaded, "shapes.floor.translation", [0, 1, 0], 0.01),
    Case("area: light", shaded, "shapes.lamp.translation", ALONG, 0.02),
    Case("area: camera", shaded, "camera.translation", ALONG, 0.02),
    Case("ball lamp: quad", scenes.under_a_ball, "shapes.quad.translation", ALONG, 0.02),
    Case("ball lamp: light", scenes.under_a_ball, "shapes.lamp.translation", ALONG, 0.02, slow=True),
    Case("sky: quad", partial(shaded, "sky"), "shapes.quad.translation", ALONG, 0.02, slow=True),
    Case("sky: floor", partial(shaded, "sky"), "shapes.floor.translation", [0, 1, 0], 0.02),
    Case("sky: camera", partial(shaded, "sky"), "camera.translation", ALONG, 0.02, slow=True),
    Case("image: quad", partial(shaded, "image"), "shapes.quad.translation", ALONG, 0.02, slow=True),
    Case("two-tone: quad", partial(shaded, "two-tone"), "shapes.quad.translation", ALONG, 0.02),
    Case("thin lens: quad", partial(scenes.through_a_lens, type="thin_lens", aperture_radius=0.1, focus_distance=1.6),
         "shapes.quad.translation", ALONG, 0.005, slow=True),
    Case("bent film: quad", partial(scenes.through_a_lens, distortion={"k1": -0.2, "p1": 0.03, "k2": 0.1}),
         "shapes.quad.translation", ALONG, 0.005, slow=True),
    Case("thin lens: focus", BLURRED, "camera.focus_distance", 1.0, 0.03, slow=True),
    Case("thin lens: aperture", BLURRED, "camera.aperture_radius", 1.0, 0.02, slow=True),
    Case("orthographic: scale", partial(scenes.through_a_lens, type="orthographic", scale=0.6), "camera.scale", 1.0,
         0.01, slow=True),
    Case("bounced: quad", scenes.bounced, "shapes.quad.translation", ALONG, 0.02, spp=128),
    Case("bounced on metal: quad", partial(scenes.bounced, "metal"), "shapes.quad.translation", ALONG, 0.02, spp=256,
         spp_difference=4096, slow=True),
    Case("fine ball: area", scenes.fine_ball, "shapes.quad.translation", ALONG, 0.02, slow=True),
    Case("bounced: ceiling", scenes.bounced, "shapes.ceiling.translation", ALONG, 0.02, spp=128),
    Case("point: quad, depth 4", partial(shaded, "point", depth=4), "shapes.quad.translation", ALONG, 0.005),
    Case("area: quad, depth 4", partial(shaded, "area", depth=4), "shapes.quad.translation", ALONG, 0.02, slow=True),
    Case("sky: quad, depth 4", partial(shaded, "sky", depth=4), "shapes.quad.translation", ALONG, 0.02),
]  # fmt: skip
