"""A position from a shadow."""

import numpy as np

from diffrt.scene.scene import Scene
from fit_examples.base import COSINE, Closeness, Example, Views, changed


def shadow() -> Example:
    """The ball itself is never in the picture: only the shadow that a point light makes of it tells where it is."""
    truth = {
        "camera": {
            "name": "floor",
            "to_world": {"look_at": {"origin": [0, 3, 0.01], "target": [0, 0, 0], "up": [0, 0, -1]}},
            "fov": 45,
            "width": 64,
            "height": 64,
        },
        "integrator": {"max_depth": 2},
        "materials": {"grey": {"type": "diffuse", "albedo": 0.6}},
        "shapes": [
            {
                "name": "floor",
                "type": "rectangle",
                "material": "grey",
                "to_world": [{"scale": 3}, {"rotate": {"axis": [1, 0, 0], "degrees": -90}}],
            },
            {
                "name": "ball",
                "type": "sphere",
                "subdivisions": 3,
                "material": "grey",
                "to_world": [{"scale": 0.35}, {"translate": [1.9, 1.5, 0.2]}],
            },
        ],
        "lights": [{"name": "lamp", "type": "point", "position": [4.2, 3.4, 0.4], "intensity": [40, 40, 40]}],
    }
    start = changed(truth, shapes__1__to_world=[{"scale": 0.35}, {"translate": [1.7, 1.65, -0.1]}])
    problem = {
        "views": [{"name": "floor", "camera": "floor", "target": "shadow/floor.exr"}],
        "parameters": {"shapes.ball.translation": {"learning_rate": 0.015, "schedule": COSINE}},
        "loss": {"type": "l2", "pyramid_levels": 4},
        "iterations": 150,
        "spp": 8,
    }

    def closeness(scene: Scene, views: Views) -> Closeness:
        low, high = (edge(scene.shapes["ball"].world_vertices(), axis=0) for edge in (np.min, np.max))
        distance = np.linalg.norm(0.5 * (low + high) - [1.9, 1.5, 0.2])
        return {"distance from the true place": (float(distance), 0.005)}

    return Example("shadow", truth, start, problem, closeness)
