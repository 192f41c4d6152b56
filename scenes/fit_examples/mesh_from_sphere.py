"""A mesh from a sphere."""

import numpy as np
from scipy.spatial import cKDTree

from diffrt.description import primitives
from diffrt.scene.scene import Scene
from fit_examples.base import Closeness, Example, Views, all_around, scene_views


def blob(subdivisions: int) -> tuple[np.ndarray, np.ndarray]:
    """A smooth three-cornered body: vertices (V, 3), faces (F, 3)."""
    sphere = primitives.sphere(subdivisions)
    x, y, z = sphere.vertices.T
    radius = 0.75 + 0.22 * np.cos(3 * np.arctan2(z, x)) * (1 - y**2) + 0.12 * np.sin(2.5 * y + 1)
    vertices = sphere.vertices * radius[:, None]
    vertices[:, 0] += 0.25 * vertices[:, 1] ** 2
    return vertices, sphere.faces


def mesh_from_sphere() -> Example:
    """Twenty views with silhouettes and shading; large steps keep the mesh smooth on its way."""
    cameras = all_around(20, 4, 48, 36)
    vertices, faces = blob(5)
    clay = {"type": "diffuse", "albedo": [0.6, 0.5, 0.4]}
    start = {
        "cameras": cameras,
        "integrator": {"max_depth": 2},
        "materials": {"clay": clay},
        "shapes": [
            {
                "name": "body",
                "type": "sphere",
                "subdivisions": 4,
                "material": "clay",
                "shading": "smooth",
                "to_world": {"scale": 0.8},
            }
        ],
        "lights": [
            {"name": "sky", "type": "environment", "radiance": [0.3, 0.35, 0.4]},
            {"name": "sun", "type": "directional", "direction": [-1, -1.5, -0.7], "irradiance": [2, 1.9, 1.7]},
            {"name": "moon", "type": "directional", "direction": [1, 1.5, 0.7], "irradiance": [0.5, 0.9, 1]},
        ],
    }
    body = {
        "name": "body",
        "type": "mesh",
        "vertices": vertices,
        "faces": faces,
        "material": "clay",
        "shading": "smooth",
    }
    truth = {**start, "shapes": [body]}
    problem = {
        "views": scene_views("mesh_from_sphere", cameras, "png"),
        "parameters": {
            "shapes.body.vertices": {
                "learning_rate": 0.05,
                "precondition": {"type": "large_steps", "lambda": 19},
                "schedule": {"type": "exponential", "final": 0.1},
            }
        },
        "loss": {"type": "l1", "buffers": {"mask": 1.0}},
        "iterations": 300,
        "spp": 4,
        "views_per_iteration": 5,
    }
    tree = cKDTree(blob(6)[0])

    def closeness(scene: Scene, views: Views) -> Closeness:
        distance = tree.query(scene.shapes["body"].world_vertices())[0]
        return {
            "mean distance of a vertex from the true surface": (float(distance.mean()), 0.012),
            "largest distance": (float(distance.max()), 0.06),
        }

    return Example("mesh_from_sphere", truth, start, problem, closeness, masks=True)
