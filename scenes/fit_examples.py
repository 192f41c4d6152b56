"""The problems of scenes/fits/: what is true, where the fit starts, and how close it must come."""

import copy
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from diffrt.description import primitives, transform
from diffrt.description.transform_value import _transform
from diffrt.scene.scene import Scene

HERE = Path(__file__).resolve().parent
Views = dict[str, dict[str, Any]]
Closeness = dict[str, tuple[float, float]]
"""By what is measured: the distance found, and the largest allowed."""


@dataclass(frozen=True)
class Example:
    """A problem with a known solution.

    Attributes:
        truth, start: scene descriptions. problem: the problem file but for its `scene`.
        closeness: of a fitted scene and the fitted views by name.
        masks: targets get the mask as alpha.
        target_cameras: cameras of targets by view, where these are not the truth's of that name.
    """

    name: str
    truth: dict[str, Any]
    start: dict[str, Any]
    problem: dict[str, Any]
    closeness: Callable[[Scene, Views], Closeness]
    masks: bool = False
    target_cameras: dict[str, Any] = field(default_factory=dict)


def changed(scene: dict[str, Any], **places: Any) -> dict[str, Any]:
    """A copy of a description; keys are paths with __ between parts, such as materials__red__albedo."""
    result = copy.deepcopy(scene)
    for path, value in places.items():
        *parts, last = path.split("__")
        inner = result
        for part in parts:
            inner = inner[int(part)] if isinstance(inner, list) else inner[part]
        inner[int(last) if isinstance(inner, list) else last] = value
    return result


def ring(
    count: int, distance: float, height: float, target: list[float], size: int, fov: float
) -> list[dict[str, Any]]:
    """Cameras around the vertical axis, named v0, v1, ..."""
    cameras = []
    for k in range(count):
        angle = 2 * math.pi * k / count
        origin = [round(distance * math.sin(angle), 4), height, round(distance * math.cos(angle), 4)]
        place = {"look_at": {"origin": origin, "target": target}}
        cameras.append({"name": f"v{k}", "to_world": place, "fov": fov, "width": size, "height": size})
    return cameras


def scene_views(name: str, cameras: list[dict[str, Any]], ending: str) -> list[dict[str, Any]]:
    """A view for each camera of the scene."""
    return [
        {"name": camera["name"], "camera": camera["name"], "target": f"{name}/{camera['name']}.{ending}"}
        for camera in cameras
    ]


COSINE = {"type": "cosine", "final": 0.02}


# Wall colours and lamp of the Cornell box


def wall_colours() -> Example:
    """Four unknown colours, seen through all the light that they send to each other."""
    truth = json.loads((HERE / "cornell_box.json").read_text(encoding="utf-8"))
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


# A texture seen by eight views


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


# A mesh from a sphere


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
    cameras = []
    for k in range(20):
        y = 1 - 2 * (k + 0.5) / 20
        angle, r = k * math.pi * (3 - math.sqrt(5)), math.sqrt(1 - y * y)
        origin = [round(4 * value, 4) for value in (r * math.cos(angle), y, r * math.sin(angle))]
        up = [0, 1, 0] if abs(y) < 0.9 else [1, 0, 0]
        place = {"look_at": {"origin": origin, "target": [0, 0, 0], "up": up}}
        cameras.append({"name": f"v{k:02d}", "to_world": place, "fov": 36, "width": 48, "height": 48})
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


# A position from a shadow


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


# Camera poses and focal length


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
        matrix = np.asarray(_transform(camera["to_world"]))
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
            found, true = views[camera["name"]]["camera"], np.asarray(_transform(camera["to_world"]))
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


EXAMPLES: dict[str, Example] = {
    example.name: example for example in (wall_colours(), texture(), mesh_from_sphere(), shadow(), poses())
}
