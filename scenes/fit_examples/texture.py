"""A texture seen by eight views."""

import numpy as np

from diffrt.scene.scene import Scene
from fit_examples.base import COSINE, Closeness, Example, Views, changed, ring, scene_views


def pattern(size: int = 32) -> np.ndarray:
    """A colourful image (size, size, 3) between 0.05 and 0.9, with edges and gradients."""
    x, y = np.meshgrid((np.arange(size) + 0.5) / size, (np.arange(size) + 0.5) / size)
    waves = 0.5 + 0.4 * np.sin(2 * np.pi * np.stack([x + y, 2 * x, 3 * y], axis=2) + np.array([0.0, 1.0, 2.0]))
    disk = ((x - 0.35) ** 2 + (y - 0.6) ** 2 < 0.05)[..., None]
    checks = ((np.floor(x * 8) + np.floor(y * 8)) % 2 == 0)[..., None] & (x > 0.55)[..., None]
    result = np.where(checks, 0.7 * waves + 0.2, waves)
    return np.clip(np.where(disk, [0.85, 0.12, 0.1], result), 0.05, 0.9).round(3)


def texture() -> Example:
    """A bent, lit sheet; every texel is seen by some of eight views."""
    cameras = ring(8, 2.6, 1.8, [0, 0.25, 0], 64, 40)
    truth = {
        "cameras": cameras,
        "integrator": {"max_depth": 4},
        "textures": {"pattern": {"data": pattern().tolist(), "wrap": "clamp"}},
        "materials": {
            "sheet": {"type": "diffuse", "albedo": {"texture": "pattern"}},
            "ball": {"type": "diffuse", "albedo": 0.6},
        },
        "shapes": [
            {
                "name": "sheet",
                "type": "rectangle",
                "material": "sheet",
                "to_world": {"rotate": {"axis": [1, 0, 0], "degrees": -90}},
            },
            {
                "name": "ball",
                "type": "sphere",
                "subdivisions": 3,
                "material": "ball",
                "to_world": [{"scale": 0.25}, {"translate": [0.3, 0.45, 0.2]}],
            },
        ],
        "lights": [
            {"name": "sky", "type": "environment", "radiance": [0.4, 0.45, 0.5]},
            {"name": "sun", "type": "directional", "direction": [-0.4, -1, -0.3], "irradiance": [1.6, 1.5, 1.3]},
        ],
    }
    start = changed(truth, textures__pattern__data=np.full((32, 32, 3), 0.5).tolist())
    problem = {
        "views": scene_views("texture", cameras, "png"),
        "parameters": {"textures.pattern": {"learning_rate": 0.04, "schedule": COSINE}},
        "loss": {"type": "l2"},
        "iterations": 150,
        "spp": 8,
        "views_per_iteration": 4,
    }

    def closeness(scene: Scene, views: Views) -> Closeness:
        error = np.sqrt(np.mean((scene["textures.pattern"] - pattern()) ** 2))
        return {"root mean square error of a texel": (float(error), 0.01)}

    return Example("texture", truth, start, problem, closeness)
