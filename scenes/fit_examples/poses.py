"""Camera poses and focal length."""

import math
from typing import Any

import numpy as np

from diffrt.description import transform
from diffrt.scene.scene import Scene
from fit_examples.base import COSINE, Closeness, Example, Views, ring
from fit_examples.texture import pattern


def true_place(camera: dict[str, Any]) -> np.ndarray:
    """(4, 4) matrix of a camera of `ring`."""
    return transform.look_at(**camera["to_world"]["look_at"])


def poses() -> Example:
    """Six cameras, each moved, turned and with another focal length than it is thought to have."""
    cameras = ring(6, 3.2, 1.4, [0, 0.3, 0], 64, 40)
    scene = {
        "integrator": {"max_depth": 3},
        "textures": {"pattern": {"data": pattern().tolist(), "wrap": "repeat"}},
        "materials": {
            "ground": {"type": "diffuse", "albedo": {"texture": "pattern"}},
            "blue": {"type": "diffuse", "albedo": [0.15, 0.25, 0.6]},
            "orange": {"type": "diffuse", "albedo": [0.7, 0.4, 0.1]},
        },
        "shapes": [
            {
                "name": "ground",
                "type": "rectangle",
                "material": "ground",
                "to_world": [{"scale": 1.4}, {"rotate": {"axis": [1, 0, 0], "degrees": -90}}],
            },
            {
                "name": "box",
                "type": "cube",
                "material": "blue",
                "to_world": [
                    {"scale": 0.3},
                    {"rotate": {"axis": [0, 1, 0], "degrees": 25}},
                    {"translate": [-0.5, 0.3, 0.2]},
                ],
            },
            {
                "name": "ball",
                "type": "sphere",
                "subdivisions": 3,
                "material": "orange",
                "to_world": [{"scale": 0.35}, {"translate": [0.5, 0.35, -0.2]}],
            },
        ],
        "lights": [
            {"name": "sky", "type": "environment", "radiance": [0.5, 0.55, 0.6]},
            {"name": "sun", "type": "directional", "direction": [-0.5, -1, -0.4], "irradiance": [1.5, 1.4, 1.2]},
        ],
    }
    rng = np.random.default_rng(12)
    views = []
    for camera in cameras:
        matrix = true_place(camera)
        axis = rng.normal(size=3)
        turn = transform.axis_angle_to_matrix(np.deg2rad(2.0) * axis / np.linalg.norm(axis))
        shift = rng.normal(size=3)
        wrong = matrix.copy()
        wrong[:3, :3] = turn @ matrix[:3, :3]
        wrong[:3, 3] += 0.08 * shift / np.linalg.norm(shift)
        given = {"to_world": wrong.round(6).tolist(), "fov": 42.0, "width": 64, "height": 64}
        views.append({"name": camera["name"], "camera": given, "target": f"poses/{camera['name']}.png"})
    problem = {
        "views": views,
        "parameters": {
            "views.*.camera.rotation": {"learning_rate": 0.004, "schedule": COSINE},
            "views.*.camera.translation": {"learning_rate": 0.01, "schedule": COSINE},
            "views.*.camera.fov": {"learning_rate": 0.2, "schedule": COSINE},
        },
        "loss": {"type": "l1", "pyramid_levels": 4},
        "iterations": 200,
        "spp": 8,
    }

    points = np.stack(np.meshgrid([-1, 0, 1], [0, 0.3, 0.6], [-1, 0, 1]), axis=-1).reshape(-1, 3)

    def seen(places: np.ndarray, to_world: np.ndarray, fov: float) -> np.ndarray:
        """Where points appear, in pixels from the middle of a picture 64 pixels wide."""
        local = (places - to_world[:3, 3]) @ to_world[:3, :3]
        flat: np.ndarray = 32.0 / math.tan(math.radians(fov / 2)) * local[:, :2] / -local[:, 2:]
        return flat

    def closeness(scene: Scene, views: Views) -> Closeness:
        moved, turned, focal, apart = [], [], [], []
        for camera in cameras:
            found, true = views[camera["name"]]["camera"], true_place(camera)
            matrix = np.asarray(found["to_world"])
            moved.append(np.linalg.norm(matrix[:3, 3] - true[:3, 3]))
            cosine = 0.5 * (np.trace(matrix[:3, :3].T @ true[:3, :3]) - 1.0)
            turned.append(np.rad2deg(np.arccos(np.clip(cosine, -1.0, 1.0))))
            focal.append(abs(math.tan(math.radians(20)) / math.tan(math.radians(found["fov"] / 2)) - 1.0))
            between = seen(points, matrix, found["fov"]) - seen(points, true, 40.0)
            apart.append(np.linalg.norm(between, axis=1).mean())
        return {
            "largest distance of a camera from its true place": (float(max(moved)), 0.05),
            "largest turn from the true one in degrees": (float(max(turned)), 0.35),
            "largest relative error of a focal length": (float(max(focal)), 0.015),
            "mean distance in the picture, in pixels": (float(np.mean(apart)), 0.1),
        }

    truth = {"cameras": cameras, **scene}
    return Example("poses", truth, scene, problem, closeness)
