"""Gradients of edges that the camera sees: silhouettes, creases, lines of smooth shading, edges in flat mirrors."""

from functools import partial

from tests.gradient import scenes
from tests.gradient.harness import ALONG, Case, random_direction
from tests.gradient.scenes import BENT, LENS, NEAR, PARALLEL, SHIFTED, shining

ASIDE = {
    **LENS,
    "to_world": {"look_at": {"origin": [0.4, 2, 1.5], "target": [0.5, 0, 0.3]}},
    "aperture_radius": 0.4,
    "focus_distance": 1.6,
}

PRIMARY = [
    Case("cube moves", shining, "shapes.box.translation", ALONG, 0.01),
    Case("cube's corners", shining, "shapes.box.vertices", random_direction(8, 3), 0.02),
    Case("cube turns", shining, "shapes.box.rotation", ALONG, 0.03),
    Case("cube grows", shining, "shapes.box.scale", ALONG, 0.02),
    Case("camera moves before a cube", shining, "camera.translation", ALONG, 0.01),
    Case("camera turns before a cube", shining, "camera.rotation", ALONG, 0.005),
    Case("field of view about a cube", shining, "camera.fov", 1.0, 0.3),
    Case("intrinsics", partial(shining, camera=SHIFTED), "camera.intrinsics", [1, -1, 0.5, 0.7], 0.1, slow=True),
    Case("distorted film", partial(shining, camera=BENT), "shapes.box.translation", ALONG, 0.01, slow=True),
    Case("distortion", partial(shining, camera=NEAR), "camera.distortion", [1, 0.5, 0.2, 0.3, 0.1], 0.05, slow=True),
    Case("gaussian filter", partial(shining, film={"filter": "gaussian"}), "shapes.box.translation", ALONG, 0.01,
         slow=True),
    Case("tent filter", partial(shining, film={"filter": "tent"}), "shapes.box.translation", ALONG, 0.01, slow=True),
    Case("thin lens", partial(shining, camera=LENS), "shapes.box.translation", ALONG, 0.01, slow=True),
    Case("orthographic", partial(shining, camera=PARALLEL), "shapes.box.translation", ALONG, 0.01, slow=True),
    Case("focus", partial(shining, camera=ASIDE), "camera.focus_distance", 1.0, 0.05, slow=True),
    Case("aperture", partial(shining, camera=ASIDE), "camera.aperture_radius", 1.0, 0.02, slow=True),
    Case("orthographic scale", partial(shining, camera=PARALLEL), "camera.scale", 1.0, 0.01, slow=True),
    Case("ball moves", partial(shining, "sphere"), "shapes.box.translation", ALONG, 0.01, slow=True),
    Case("creases move", scenes.facets, "shapes.box.translation", [1, 0, 0], 0.02, slow=True),
    Case("camera moves before creases", scenes.facets, "camera.translation", ALONG, 0.02, slow=True),
]  # fmt: skip
SMOOTH = [
    Case("smooth ball moves", scenes.ball, "shapes.ball.translation", ALONG, 0.005),
    Case("smooth ball of many triangles moves", partial(scenes.ball, 4), "shapes.ball.translation", ALONG, 0.005,
         spp=768, slow=True),
    Case("smooth ball's corners", scenes.ball, "shapes.ball.vertices", 0.1 * random_direction(162, 3), 0.005),
    Case("coarse smooth ball's corners under a sky", partial(scenes.pebble, "sky"), "shapes.ball.vertices",
         0.1 * random_direction(42, 3), 0.02),
    Case("coarse smooth ball turns under a lamp", partial(scenes.pebble, "lamp"), "shapes.ball.rotation", ALONG, 0.01,
         slow=True),
    Case("crumpled smooth ball moves", scenes.crumpled, "shapes.ball.translation", ALONG, 0.005, slow=True),
    Case("camera moves before a smooth ball", scenes.ball, "camera.translation", ALONG, 0.005, slow=True),
    Case("normals that turn away", scenes.turning_normals, "shapes.sheet.normals", random_direction(4, 3), 0.02),
    Case("camera turns before normals that turn away", scenes.turning_normals, "camera.rotation", ALONG, 0.01,
         slow=True),
    Case("orthographic: normals that turn away", partial(scenes.with_camera, scenes.turning_normals, PARALLEL),
         "shapes.sheet.rotation", ALONG, 0.01, slow=True),
    Case("thin lens: normals that turn away", partial(scenes.with_camera, scenes.turning_normals, LENS),
         "shapes.sheet.translation", ALONG, 0.01, slow=True),
    Case("bent film: normals that turn away", partial(scenes.with_camera, scenes.turning_normals, BENT),
         "shapes.sheet.translation", ALONG, 0.01, slow=True),
]  # fmt: skip
REFLECTED = [
    Case("cube in a mirror", scenes.reflected, "shapes.box.translation", ALONG, 0.01),
    Case("cube turns in a mirror", scenes.reflected, "shapes.box.rotation", ALONG, 0.03, slow=True),
    Case("mirror below a cube moves", scenes.reflected, "shapes.floor.translation", [0.2, 1, 0.3], 0.01, slow=True),
    Case("mirror below a cube turns", scenes.reflected, "shapes.floor.rotation", ALONG, 0.01),
    Case("mirror's corners", scenes.reflected, "shapes.floor.vertices", 0.1 * random_direction(4, 3), 0.01,
         slow=True),
    Case("camera before a mirror", scenes.reflected, "camera.translation", ALONG, 0.01, slow=True),
    Case("camera turns before a mirror", scenes.reflected, "camera.rotation", ALONG, 0.005, slow=True),
    Case("mirror, thin lens", partial(scenes.reflected, camera=LENS), "shapes.box.translation", ALONG, 0.01, slow=True),
    Case("mirror, orthographic", partial(scenes.reflected, camera=PARALLEL), "shapes.box.translation", ALONG, 0.01,
         slow=True),
    Case("mirror, distorted film", partial(scenes.reflected, camera=BENT), "shapes.box.translation", ALONG, 0.01,
         slow=True),
    Case("mirror, gaussian filter", partial(scenes.reflected, film={"filter": "gaussian"}), "shapes.box.translation",
         ALONG, 0.01, slow=True),
    Case("cube in plastic", partial(scenes.reflected, {"type": "plastic", "albedo": 0.4, "ior": 1.5, "roughness": 0}),
         "shapes.box.translation", ALONG, 0.01, slow=True),
    Case("cube in a pane", partial(scenes.reflected, {"type": "dielectric", "ior": 1.5, "roughness": 0}),
         "shapes.box.translation", ALONG, 0.01, slow=True),
]  # fmt: skip
