"""What a problem refers to, looked at with patience in its raw data: so that no broken field hides a missing file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from diffrt.description.names import listed, nearest, shown
from diffrt.description.validate import file_problem
from diffrt.errors import Problem
from diffrt.fit.parameters import known_parameters, matching, unknown_parameter
from diffrt.scene.scene import Scene


def _files(view: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a view calls its files, and their names."""
    for key in ("target", "mask"):
        yield key, view.get(key)
    buffers = view.get("buffers")
    for key, name in buffers.items() if isinstance(buffers, dict) else ():
        yield f"buffers.{key}", name


def references(data: dict[str, Any], scene: Scene | None, base_dir: Path) -> Iterator[Problem]:
    """Files, cameras and parameters that a problem names and that are not there.

    Args:
        data: a problem that may be wrong in any way.
        scene: the one it starts from, if that could be loaded.
    """
    views = data.get("views")
    for index, view in enumerate(views if isinstance(views, list) else []):
        for key, name in _files(view) if isinstance(view, dict) else ():
            if isinstance(name, str) and name.strip() and "\0" not in name:
                problem = file_problem(base_dir / name, f"views[{index}].{key}", repr(name))
                if problem is not None:
                    yield problem
        camera = view.get("camera") if isinstance(view, dict) else None
        if scene is not None and isinstance(camera, str) and camera not in scene.cameras:
            found = f"{shown(camera)} is no camera of the scene"
            yield Problem(f"views[{index}].camera", found, listed(scene.cameras), nearest(camera, scene.cameras))
    parameters = data.get("parameters")
    if scene is not None and isinstance(parameters, dict):
        known = known_parameters(scene)
        for key, fit in parameters.items():
            own = isinstance(fit, dict) and fit.get("function") is not None
            if isinstance(key, str) and not own and not key.startswith("views.") and not matching(key, known):
                yield unknown_parameter(f"parameters.{key}", key, known)
