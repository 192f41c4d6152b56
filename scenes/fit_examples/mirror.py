"""An object seen only in a mirror."""

import numpy as np

from diffrt.scene.scene import Scene
from fit_examples.base import COSINE, Closeness, Example, Views, changed, scene_views

COLOUR = [0.7, 0.35, 0.15]
BOX = [
    {"scale": [0.45, 0.3, 0.55]},
    {"rotate": {"axis": [1, 0, 0], "degrees": -15}},
    {"rotate": {"axis": [0, 1, 0], "degrees": 35}},
    {"translate": [-0.1, 0.9, 1.3]},
]


def mirror() -> Example:
    """A box behind two cameras, seen in a mirror before a glowing wall: its place, turn, size and colour.

    Shadows that are seen in a mirror have no gradient, so there are none: the box is convex, the wall does not reflect,
    and the mirror keeps no light from the box.
    """
    cameras = []
    for name, origin in (("left", [-0.7, 0.8, 0.2]), ("right", [0.6, 1.3, 0.2])):
        place = {"look_at": {"origin": origin, "target": [0, 1, -2.6]}}
        cameras.append({"name": name, "to_world": place, "fov": 54, "width": 64, "height": 64})
    truth = {
        "cameras": cameras,
        "integrator": {"max_depth": 3},
        "materials": {
            "silver": {"type": "conductor", "reflectance": [0.9, 0.92, 0.9]},
            "paint": {"type": "diffuse", "albedo": COLOUR},
            "black": {"type": "diffuse", "albedo": 0.0},
        },
        "shapes": [
            {
                "name": "mirror",
                "type": "rectangle",
                "material": "silver",
                "to_world": [{"scale": 0.74}, {"translate": [0, 1, -1]}],
            },
            {
                "name": "wall",
                "type": "rectangle",
                "material": "black",
                "emission": [0.12, 0.17, 0.25],
                "to_world": [{"scale": 5}, {"rotate": {"axis": [0, 1, 0], "degrees": 180}}, {"translate": [0, 1, 3]}],
            },
            {"name": "box", "type": "cube", "material": "paint", "to_world": BOX},
        ],
        "lights": [
            {"name": "left", "type": "directional", "direction": [1, -0.3, 0.4], "irradiance": [2.0, 1.6, 1.2]},
            {"name": "right", "type": "directional", "direction": [-1, 0.1, 0.3], "irradiance": [0.8, 1.2, 1.8]},
            {"name": "above", "type": "directional", "direction": [0.1, -1, 0.3], "irradiance": [1.4, 1.5, 1.4]},
        ],
    }
    guess = [{"scale": 0.4}, {"translate": [0.25, 1.15, 1.5]}]
    start = changed(truth, shapes__2__to_world=guess, materials__paint__albedo=[0.5, 0.5, 0.5])
    problem = {
        "views": scene_views("mirror", cameras, "png"),
        "parameters": {
            "shapes.box.translation": {"learning_rate": 0.03, "schedule": COSINE},
            "shapes.box.rotation": {"learning_rate": 0.02, "schedule": COSINE},
            "shapes.box.scale": {"learning_rate": 0.02, "schedule": COSINE},
            "materials.paint.albedo": {"learning_rate": 0.02, "schedule": COSINE},
        },
        "loss": {"type": "l2", "pyramid_levels": 4},
        "iterations": 200,
        "spp": 8,
    }
    corners = Scene.from_dict(truth).shapes["box"].world_vertices()

    def closeness(scene: Scene, views: Views) -> Closeness:
        distance = np.linalg.norm(scene.shapes["box"].world_vertices() - corners, axis=1)
        colour = np.abs(scene["materials.paint.albedo"] - COLOUR)
        return {
            "largest distance of a corner from its true place": (float(distance.max()), 0.01),
            "largest error of the colour": (float(colour.max()), 0.01),
        }

    return Example("mirror", truth, start, problem, closeness)
