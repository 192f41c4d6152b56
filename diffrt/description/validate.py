"""Check a whole scene description: every problem of structure, of references and of files, at once.

The checks between fields and names look at the raw data with patience, so that one broken field hides no other problem;
what is right is kept, so that loading can go on and find what is wrong with meshes and images too.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from diffrt.description.names import nearest, path_text, shown
from diffrt.description.problems import problems_of
from diffrt.description.raw import (
    DICTS,
    LISTS,
    conflicts,
    duplicates,
    element_names,
    elements,
    items_of,
    model_of,
    references,
)
from diffrt.description.schema import MODELS_BY_TAG, SceneFile
from diffrt.errors import InputError, Problem

MAX_FILE_BYTES = 4 * 2**30


@dataclass
class Checked:
    """What is right of a scene description, and everything that is wrong.

    scene: the elements without structural problems; positions: for each list, the place of its elements in the input;
    names: for each list, the name of every element in the input (given or default, by place);
    missing: fields whose file is not usable, already among the problems;
    conflicting: paths of elements whose fields exclude each other, not to be loaded.
    """

    scene: SceneFile
    problems: list[Problem]
    positions: dict[str, list[int]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    conflicting: set[str] = field(default_factory=set)


def validate(data: Any, base_dir: Path) -> Checked:
    """Check a scene description, a dict as read from JSON, possibly with NumPy arrays inside.

    Args:
        data: the description.
        base_dir: where relative paths start.

    Raises:
        InputError: `data` is not an object at all. Other problems are returned.
    """
    if not isinstance(data, dict):
        raise InputError(Problem("", f"a scene file holds one object, found {shown(data)}", "{...}"))
    data = {key: list(value) if key in LISTS and isinstance(value, tuple) else value for key, value in data.items()}
    scene, problems, positions = _structure(data)
    checked = Checked(scene, problems, positions, {section: element_names(data, section) for section in LISTS})
    for element, problem in conflicts(data):
        problems.append(problem)
        checked.conflicting.add(element)
    problems.extend(duplicates(data))
    problems.extend(references(data))
    for path, name in _files(data):
        unusable = file_problem(base_dir / name, path, shown(name))
        if unusable is not None:
            problems.append(unusable)
            checked.missing.add(path)
    return checked


def file_problem(path: Path, field: str, found: str) -> Problem | None:
    """What is wrong with a file before it is opened: missing, a folder, empty, or too large."""
    try:
        if not path.exists():
            known = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
            where = "" if path.parent.is_dir() else f", nor is there a folder {path.parent}"
            return Problem(field, f"{found} does not exist{where}", "an existing file", nearest(path.name, known))
        if not path.is_file():
            return Problem(field, f"{found} is not a file", "an existing file")
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        return Problem(field, f"{found} cannot be read: {error}", "a readable file")
    if size == 0:
        return Problem(field, f"{found} is empty", "a file with content")
    if size > MAX_FILE_BYTES:
        return Problem(field, f"{found} has {size} bytes", f"at most {MAX_FILE_BYTES} bytes")
    return None


# Structure


def _structure(data: dict[str, Any]) -> tuple[SceneFile, list[Problem], dict[str, list[int]]]:
    """The scene without its broken elements, what broke them, and where in the input the kept ones stand."""
    positions = {section: list(range(len(items_of(data, section)))) for section in LISTS}
    problems: list[Problem] = []
    kept = dict(data)
    for _ in range(3):
        try:
            return SceneFile.model_validate(kept), problems, positions
        except ValidationError as error:
            broken: dict[str, set[Any]] = {}
            for location, problem in problems_of(error, SceneFile, MODELS_BY_TAG):
                section = str(location[0]) if location else ""
                key = location[1] if len(location) > 1 else None
                broken.setdefault(section, set()).add(key)
                problems.append(_at_input(problem, section, key, positions))
            for section, keys in broken.items():
                kept, positions = _without(kept, section, keys, positions)
    return SceneFile(), problems, {section: [] for section in positions}


def _at_input(problem: Problem, section: str, key: Any, positions: dict[str, list[int]]) -> Problem:
    places = positions.get(section, [])
    if not isinstance(key, int) or key >= len(places) or places[key] == key:
        return problem
    moved = problem.field.replace(f"{section}[{key}]", f"{section}[{places[key]}]", 1)
    return Problem(moved, problem.found, problem.allowed, problem.hint)


def _without(
    data: dict[str, Any], section: str, keys: set[Any], positions: dict[str, list[int]]
) -> tuple[dict[str, Any], dict[str, list[int]]]:
    content = data.get(section)
    if section in LISTS and isinstance(content, list) and None not in keys:
        stay = [index for index in range(len(content)) if index not in keys]
        positions = {**positions, section: [positions[section][index] for index in stay]}
        return {**data, section: [content[index] for index in stay]}, positions
    if section in DICTS and isinstance(content, dict) and None not in keys:
        return {**data, section: {name: item for name, item in content.items() if str(name) not in keys}}, positions
    return {name: item for name, item in data.items() if name != section}, positions


# Files


def _files(data: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Path of the field and name of the file, for every usable `file`."""
    for path, group, item in elements(data):
        name = item.get("file")
        model = model_of(group, item)
        if model is not None and "file" in model.model_fields and isinstance(name, (str, Path)) and str(name).strip():
            if "\0" not in str(name):
                yield path_text((*path, "file")), name
