"""A small problem for all tests of the loop: the wall and the light of a corner, 12 pixels wide."""

from typing import Any

import numpy as np
import pytest

import diffrt
from diffrt.scene.scene import Scene

SCENE: dict[str, Any] = {
    "cameras": [
        {"name": "front", "to_world": {"translate": [0, 0.3, 4]}, "fov": 40, "width": 12, "height": 8},
        {
            "name": "side",
            "to_world": {"look_at": {"origin": [3, 1, 3], "target": [0, 0, 0]}},
            "fov": 40,
            "width": 12,
            "height": 8,
        },
        {
            "name": "other",
            "to_world": {"look_at": {"origin": [-3, 1, 3], "target": [0, 0, 0]}},
            "fov": 40,
            "width": 12,
            "height": 8,
        },
    ],
    "integrator": {"max_depth": 2},
    "materials": {
        "wall": {"type": "diffuse", "albedo": [0.7, 0.4, 0.2]},
        "floor": {"type": "diffuse", "albedo": 0.5},
    },
    "shapes": [
        {"name": "wall", "type": "rectangle", "material": "wall", "to_world": {"translate": [0, 0.5, -1]}},
        {
            "name": "floor",
            "type": "rectangle",
            "material": "floor",
            "to_world": [{"rotate": {"axis": [1, 0, 0], "degrees": -90}}, {"translate": [0, -0.5, 0]}],
        },
    ],
    "lights": [{"name": "bulb", "type": "point", "position": [0.5, 1.5, 1.5], "intensity": [9, 8, 7]}],
}
CAMERAS = ("front", "side", "other")


@pytest.fixture(scope="session")
def truth(taichi: str) -> Scene:
    """The scene that targets are made of; tests must not change it."""
    return Scene.from_dict(SCENE)


@pytest.fixture(scope="session")
def targets(truth: Scene) -> dict[str, np.ndarray]:
    """Pictures of the truth by camera, of little noise."""
    return {name: diffrt.render(truth, spp=256, seed=77, camera=name) for name in CAMERAS}


@pytest.fixture
def problem(truth: Scene, targets: dict[str, np.ndarray]) -> dict[str, Any]:
    """Find the wall's colour and the light's strength; the start is off in both."""
    start = truth.copy()
    start["materials.wall.albedo"] = [0.4, 0.4, 0.4]
    start["lights.bulb.intensity"] = [6.0, 6.0, 6.0]
    return {
        "scene": start,
        "views": [{"name": name, "camera": name, "target": targets[name]} for name in CAMERAS],
        "parameters": {
            "materials.wall.albedo": {"learning_rate": 0.03},
            "lights.bulb.intensity": {"learning_rate": 0.3},
        },
        "loss": {"type": "l2"},
        "iterations": 12,
        "spp": 4,
        "views_per_iteration": 2,
    }
