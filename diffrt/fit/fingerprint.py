"""What must not change between a run and its resumption: the settings, the start, the targets; and what did."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from diffrt.description.names import listed, shown
from diffrt.errors import Problem
from diffrt.fit.prepare import FitSetup
from diffrt.scene.scene import Scene

Fingerprint = dict[str, Any]
_THE_SAME = "the same, or start without --resume"
_GROUPS = ("cameras", "shapes", "materials", "textures", "lights")
_UNSEEN = ("source", "file", "encoding")
"""Of an element: where it came from, which no picture shows."""


def fingerprint(setup: FitSetup) -> Fingerprint:
    """Settings and contents of a run, as JSON holds it. Take it before the run moves anything."""
    return {"settings": settings_of(setup), "contents": _contents(setup)}


def settings_of(setup: FitSetup) -> dict[str, Any]:
    """The problem as plain data, defaults filled in; of scene and pictures only what the views are."""
    problem = setup.problem.model_dump(mode="python", exclude={"scene", "views", "iterations", "schema_"})
    result: dict[str, Any] = json.loads(json.dumps(problem, default=_plain))
    result["views"] = [
        {"name": view.name, "width": view.width, "height": view.height, "holdout": view.holdout} for view in setup.views
    ]
    return result


def _contents(setup: FitSetup) -> dict[str, dict[str, str]]:
    """Digests of what is large, by name: the parts of the start, and what each view saw and from where."""
    result = {}
    for view in setup.views:
        place, photo = f"views.{view.name}", view.photo
        result[f"{place}.target"] = digest((photo.color, photo.alpha, photo.clipped))
        result[f"{place}.mask"] = digest(view.mask)
        result[f"{place}.buffers"] = digest(view.buffers)
        if view.own:
            result[f"{place}.camera"] = digest(setup.scene.cameras[view.camera])
    return {"scene": {name: digest(part) for name, part in _parts(setup.original)}, "views": result}


def _parts(scene: Scene) -> Iterator[tuple[str, Any]]:
    for name, value in vars(scene.settings).items():
        yield name, value
    for group in _GROUPS:
        for name, element in getattr(scene, group).items():
            yield f"{group}.{name}", element


def digest(value: Any) -> str:
    """A short text that equal values share: of arrays, numbers, texts, and containers and dataclasses of these."""
    hasher = hashlib.blake2b(digest_size=8)
    _feed(hasher, value)
    return hasher.hexdigest()


def _feed(hasher: Any, value: Any) -> None:
    """Kinds and lengths are told, too, so that neighbours cannot be mistaken for each other."""
    if isinstance(value, np.ndarray):
        hasher.update(f"array {value.shape} {value.dtype}:".encode())
        hasher.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)
    elif dataclasses.is_dataclass(value):
        names = [item.name for item in dataclasses.fields(value) if item.name not in _UNSEEN]
        _feed(hasher, {name: getattr(value, name) for name in names})
    elif isinstance(value, dict):
        _feed(hasher, [part for item in value.items() for part in item])
    elif isinstance(value, (list, tuple)):
        hasher.update(f"list {len(value)}:".encode())
        for item in value:
            _feed(hasher, item)
    else:
        text = repr(value)
        hasher.update(f"{len(text)} {text}:".encode())


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)


def changes(then: Fingerprint, now: Fingerprint) -> list[Problem]:
    """What is no longer what it was: settings one by one, the parts of the start and what views saw by their names."""
    problems = [
        Problem(place, f"{shown(new)}; the checkpoint has {shown(old)}", _THE_SAME)
        for place, old, new in _differences(then["settings"], now["settings"])
    ]
    for group, new in now["contents"].items():
        old = then["contents"][group]
        names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        if names:
            problems.append(Problem(group, f"changed since the checkpoint: {listed(names, 12)}", _THE_SAME))
    return problems


def _differences(then: Any, now: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The smallest parts of plain data that differ: place, old, new."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in {**then, **now}:
            inner = f"{place}.{key}" if place else key
            yield from _differences(then.get(key), now.get(key), inner)
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now) and not _numbers(now):
        for number, (old, new) in enumerate(zip(then, now, strict=True)):
            yield from _differences(old, new, f"{place}[{number}]")
    elif then != now:
        yield place, then, now


def _numbers(values: list[Any]) -> bool:
    return not any(isinstance(value, (dict, list)) for value in values)
