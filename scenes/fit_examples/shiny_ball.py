"""An environment from a shiny ball."""

import numpy as np

from diffrt.scene.scene import Scene
from fit_examples.base import COSINE, Closeness, Example, Views, changed, ring, scene_views
from fit_examples.studio import studio


def shiny_ball() -> Example:
    """Three pictures of a ball, and what is around it is found from its reflections alone: masks hide the rest."""
    cameras = ring(3, 4.0, 0.8, [0, 0, 0], 48, 30)
    truth = {
        "cameras": cameras,
        "integrator": {"max_depth": 2},
        "materials": {"steel": {"type": "conductor", "reflectance": 0.9, "roughness": 0.15}},
        "shapes": [{"name": "ball", "type": "sphere", "material": "steel", "shading": "smooth"}],
        "lights": [{"name": "room", "type": "environment", "data": studio().tolist(), "scale": 0.25}],
    }
    start = changed(truth, lights__0__data=np.full((16, 32, 3), 0.5).tolist())
    problem = {
        "views": scene_views("shiny_ball", cameras, "png"),
        "parameters": {"lights.room.image": {"learning_rate": 0.05, "schedule": COSINE}},
        "loss": {"type": "l2"},
        "regularizers": [{"type": "smoothness", "parameter": "lights.room.image", "weight": 0.0001}],
        "iterations": 200,
        "spp": 8,
    }
    rows = np.sin(np.pi * (np.arange(16) + 0.5) / 16)
    weight = np.broadcast_to(rows[:, None, None], (16, 32, 3))

    def closeness(scene: Scene, views: Views) -> Closeness:
        square = np.average((scene["lights.room.image"] - studio()) ** 2, weights=weight)
        brightness = np.average(studio(), weights=weight)
        return {"root mean square error over the mean radiance": (float(np.sqrt(square) / brightness), 0.03)}

    return Example("shiny_ball", truth, start, problem, closeness, masks=True)
