"""Roughness and metalness under an environment."""

import numpy as np

from diffrt.scene.scene import Scene
from fit_examples.base import COSINE, Closeness, Example, Views, changed, scene_views
from fit_examples.studio import studio

TRUE = {"base_color": [0.8, 0.5, 0.25], "metallic": 0.75, "roughness": 0.4}


def rough_metal() -> Example:
    """A knot of worn, painted metal in a room with three lamps: how rough, how much of a metal, and what colour."""
    cameras = []
    for name, origin in (("left", [-2.2, 1.2, 3]), ("right", [2.4, 0.4, 2.9])):
        place = {"look_at": {"origin": origin, "target": [0, 0, 0]}}
        cameras.append({"name": name, "to_world": place, "fov": 36, "width": 64, "height": 64})
    truth = {
        "cameras": cameras,
        "integrator": {"max_depth": 3},
        "materials": {"paint": {"type": "principled", **TRUE}},
        "shapes": [
            {
                "name": "knot",
                "type": "mesh",
                "file": "../meshes/torus_knot.ply",
                "material": "paint",
                "shading": "smooth",
                "to_world": {"scale": 3.5e-5},
            }
        ],
        "lights": [{"name": "room", "type": "environment", "data": studio().tolist()}],
    }
    wrong = {"base_color": [0.5, 0.5, 0.5], "metallic": 0.25, "roughness": 0.7}
    start = changed(truth, **{f"materials__paint__{key}": value for key, value in wrong.items()})
    problem = {
        "views": scene_views("rough_metal", cameras, "exr"),
        "parameters": {f"materials.paint.{key}": {"learning_rate": 0.05, "schedule": COSINE} for key in TRUE},
        "loss": {"type": "l2"},
        "iterations": 250,
        "spp": 8,
    }

    def closeness(scene: Scene, views: Views) -> Closeness:
        error = {key: np.abs(scene[f"materials.paint.{key}"] - value).max() for key, value in TRUE.items()}
        return {
            "error of the roughness": (float(error["roughness"]), 0.01),
            "error of the metalness": (float(error["metallic"]), 0.01),
            "largest error of the colour": (float(error["base_color"]), 0.01),
        }

    return Example("rough_metal", truth, start, problem, closeness)
