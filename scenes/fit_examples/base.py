"""What an example of a fit is, and what several of them need."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from diffrt.scene.scene import Scene

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
    """

    name: str
    truth: dict[str, Any]
    start: dict[str, Any]
    problem: dict[str, Any]
    closeness: Callable[[Scene, Views], Closeness]
    masks: bool = False


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


def all_around(count: int, distance: float, size: int, fov: float) -> list[dict[str, Any]]:
    """Cameras that look at the origin from evenly spread directions, named v00, v01, ..."""
    cameras = []
    for k in range(count):
        y = 1 - 2 * (k + 0.5) / count
        angle, r = k * math.pi * (3 - math.sqrt(5)), math.sqrt(1 - y * y)
        origin = [round(distance * value, 4) for value in (r * math.cos(angle), y, r * math.sin(angle))]
        up = [0, 1, 0] if abs(y) < 0.9 else [1, 0, 0]
        place = {"look_at": {"origin": origin, "target": [0, 0, 0], "up": up}}
        cameras.append({"name": f"v{k:02d}", "to_world": place, "fov": fov, "width": size, "height": size})
    return cameras


def scene_views(name: str, cameras: list[dict[str, Any]], ending: str) -> list[dict[str, Any]]:
    """A view for each camera of the scene."""
    return [
        {"name": camera["name"], "camera": camera["name"], "target": f"{name}/{camera['name']}.{ending}"}
        for camera in cameras
    ]


COSINE = {"type": "cosine", "final": 0.02}
