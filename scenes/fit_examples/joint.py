"""Shape, texture and light of one object."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from diffrt.description import primitives
from diffrt.scene.scene import Scene
from fit_examples.base import COSINE, Closeness, Example, Views, all_around, changed, scene_views
from fit_examples.mesh_from_sphere import blob
from fit_examples.texture import pattern

TEXELS = 40
SKY, SUN, FROM = [0.35, 0.4, 0.5], [1.8, 1.6, 1.3], np.array([-1, -1.5, -0.7])


def colours(texture: NDArray[np.float64], uvs: NDArray[np.float64]) -> NDArray[np.float64]:
    """A texture of wrap repeat at texture coordinates (N, 2), between texels bilinear: (N, 3)."""
    height, width, _ = texture.shape
    places = np.stack([(1 - uvs[:, 1]) * height - 0.5, uvs[:, 0] * width - 0.5])
    channels = [map_coordinates(texture[..., c], places, order=1, mode="grid-wrap") for c in range(3)]
    return np.stack(channels, axis=1)


def at_vertices(faces: NDArray[np.int32], uvs: NDArray[np.float64], uv_faces: NDArray[np.int32]) -> NDArray[np.float64]:
    """A texture coordinate for each vertex (V, 2): any of those that it has."""
    result = np.zeros((faces.max() + 1, 2))
    result[faces] = uvs[uv_faces]
    return result


def joint() -> Example:
    """Sixteen pictures of a painted body under an unknown sun and sky.

    A dark paint in bright light looks like a bright paint in dim light. So a grey ball hangs beside the body, as in the
    studios of the film trade: its colour, place and size are known, and its shading tells what light there is.
    """
    cameras = all_around(16, 4, 64, 40)
    ball = {
        "name": "ball",
        "type": "sphere",
        "subdivisions": 3,
        "material": "grey",
        "shading": "smooth",
        "to_world": [{"scale": 0.25}, {"translate": [-0.85, 0.77, 0]}],
    }
    start = {
        "cameras": cameras,
        "integrator": {"max_depth": 2},
        "textures": {"paint": {"data": np.full((TEXELS, TEXELS, 3), 0.5).tolist(), "wrap": "repeat"}},
        "materials": {
            "grey": {"type": "diffuse", "albedo": 0.6},
            "paint": {"type": "diffuse", "albedo": {"texture": "paint"}},
        },
        "shapes": [
            {
                "name": "body",
                "type": "sphere",
                "subdivisions": 4,
                "material": "paint",
                "shading": "smooth",
                "to_world": {"scale": 0.8},
            },
            ball,
        ],
        "lights": [
            {"name": "sky", "type": "environment", "radiance": [0.5, 0.5, 0.5]},
            {"name": "sun", "type": "directional", "direction": [-0.3, -1, 0.2], "irradiance": [1, 1, 1]},
        ],
    }
    vertices, faces = blob(5)
    sphere = primitives.sphere(5)
    body = {
        "name": "body",
        "type": "mesh",
        "vertices": vertices,
        "faces": faces,
        "uvs": sphere.uvs,
        "uv_faces": sphere.uv_faces,
        "material": "paint",
        "shading": "smooth",
    }
    truth = changed(
        {**start, "shapes": [body, ball]},
        textures__paint__data=pattern(TEXELS).tolist(),
        lights__0__radiance=SKY,
        lights__1__direction=FROM.tolist(),
        lights__1__irradiance=SUN,
    )
    problem = {
        "views": scene_views("joint", cameras, "png"),
        "parameters": {
            "shapes.body.vertices": {
                "learning_rate": 0.05,
                "precondition": {"type": "large_steps", "lambda": 19},
                "schedule": {"type": "exponential", "final": 0.1},
            },
            "textures.paint": {"learning_rate": 0.02, "schedule": COSINE},
            "lights.sky.radiance": {"learning_rate": 0.01, "schedule": COSINE},
            "lights.sun.irradiance": {"learning_rate": 0.03, "schedule": COSINE},
            "lights.sun.direction": {"learning_rate": 0.02, "schedule": COSINE},
        },
        "loss": {"type": "l1", "pyramid_levels": 4},
        "iterations": 250,
        "spp": 4,
        "views_per_iteration": 4,
    }
    points = blob(6)[0]
    tree = cKDTree(points)
    fine = primitives.sphere(6)
    true_colours = colours(pattern(TEXELS), at_vertices(fine.faces, fine.uvs, fine.uv_faces))

    def closeness(scene: Scene, views: Views) -> Closeness:
        mesh = scene.shapes["body"].mesh
        distance, nearest = tree.query(scene.shapes["body"].world_vertices())
        painted = colours(scene["textures.paint"], at_vertices(mesh.faces, mesh.uvs, mesh.uv_faces))
        true = FROM / np.linalg.norm(FROM)
        turn = 2 * np.arcsin(np.linalg.norm(scene["lights.sun.direction"] - true) / 2)
        light = [scene["lights.sky.radiance"] / SKY, scene["lights.sun.irradiance"] / SUN]
        return {
            "mean distance of a vertex from the true surface": (float(distance.mean()), 0.012),
            "largest distance": (float(distance.max()), 0.06),
            "root mean square error of the colour of the surface": (
                float(np.sqrt(np.mean((painted - true_colours[nearest]) ** 2))),
                0.03,
            ),
            "turn of the sun in degrees": (float(np.rad2deg(turn)), 2.0),
            "largest relative error of sky and sun": (float(np.abs(np.array(light) - 1).max()), 0.05),
        }

    return Example("joint", truth, start, problem, closeness)
