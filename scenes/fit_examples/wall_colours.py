"""Wall colours and lamp of the Cornell box."""

import json
from pathlib import Path

import numpy as np

from diffrt.scene.scene import Scene
from fit_examples.base import COSINE, Closeness, Example, Views, changed

SCENE = Path(__file__).resolve().parent.parent / "cornell_box.json"


def wall_colours() -> Example:
    """Four unknown colours, seen through all the light that they send to each other."""
    truth = json.loads(SCENE.read_text(encoding="utf-8"))
    del truth["$schema"]
    truth["camera"] |= {"name": "front", "width": 64, "height": 64}
    grey = {f"materials__{name}__albedo": [0.5, 0.5, 0.5] for name in ("white", "red", "green")}
    problem = {
        "views": [{"name": "front", "camera": "front", "target": "wall_colours/front.exr"}],
        "parameters": {
            "materials.*.albedo": {"learning_rate": 0.03, "schedule": COSINE},
            "shapes.light.emission": {"learning_rate": 0.6, "schedule": COSINE},
        },
        "loss": {"type": "l2"},
        "iterations": 150,
        "spp": 16,
    }

    def closeness(scene: Scene, views: Views) -> Closeness:
        colours = [
            np.abs(scene[f"materials.{name}.albedo"] - truth["materials"][name]["albedo"]).max()
            for name in ("white", "red", "green")
        ]
        lamp = np.abs(scene["shapes.light.emission"] / truth["shapes"][-1]["emission"] - 1.0).max()
        return {
            "largest error of an albedo": (float(max(colours)), 0.005),
            "relative error of the lamp": (float(lamp), 0.005),
        }

    return Example(
        "wall_colours", truth, changed(truth, **grey, shapes__7__emission=[8.0, 8.0, 8.0]), problem, closeness
    )
