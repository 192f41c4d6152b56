"""Check a whole scene description: every problem of structure, of references and of files, at once.

The checks between fields and names look at the raw data with patience, so that one broken field hides no other problem;
what is right is kept, so that loading can go on and find what is wrong with meshes and images too.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from diffrt.description.base import Strict, tag_of
from diffrt.description.materials import MATERIAL_FIELDS
from diffrt.description.problems import listed, nearest, path_text, problems_of
from diffrt.description.schema import MODELS_BY_TAG, SceneFile, Texture
from diffrt.description.values import MAX_NAME, TextureRef, shown
from diffrt.errors import InputError, Problem

MAX_FILE_BYTES = 4 * 2**30
_LISTS = ("cameras", "shapes", "lights")
_DICTS = ("textures", "materials")
_PREFIX = {"cameras": "camera", "shapes": "shape", "lights": "light"}
_MAX_NESTING = 100


@dataclass
class Checked:
    """What is right of a scene description, and everything that is wrong.

    scene: the elements without structural problems; positions: for each list, the place of its elements in the input;
    names: for each list, the name of every element in the input (given or default, by place);
    missing: fields whose file is not usable, already among the problems.
    """

    scene: SceneFile
    problems: list[Problem]
    positions: dict[str, list[int]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)


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
    scene, problems, positions = _structure(data)
    checked = Checked(scene, problems, positions, {section: _names(data, section) for section in _LISTS})
    problems.extend(_conflicts(data))
    problems.extend(_duplicates(data))
    problems.extend(_references(data))
    for path, name in _files(data):
        problem = file_problem(base_dir / name, path, shown(name))
        if problem is not None:
            problems.append(problem)
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
    positions = {section: list(range(len(data[section]))) for section in _LISTS if _is_list(data.get(section))}
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
    if section not in positions or not isinstance(key, int) or positions[section][key] == key:
        return problem
    moved = problem.field.replace(f"{section}[{key}]", f"{section}[{positions[section][key]}]", 1)
    return Problem(moved, problem.found, problem.allowed, problem.hint)


def _without(
    data: dict[str, Any], section: str, keys: set[Any], positions: dict[str, list[int]]
) -> tuple[dict[str, Any], dict[str, list[int]]]:
    content = data.get(section)
    if section in _LISTS and _is_list(content) and None not in keys:
        stay = [index for index in range(len(content)) if index not in keys]
        positions = {**positions, section: [positions[section][index] for index in stay]}
        return {**data, section: [content[index] for index in stay]}, positions
    if section in _DICTS and isinstance(content, dict) and None not in keys:
        return {**data, section: {name: item for name, item in content.items() if str(name) not in keys}}, positions
    return {name: item for name, item in data.items() if name != section}, positions


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


# Raw elements


def _elements(data: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str, dict[str, Any]]]:
    """Every element that is an object, with its path and group."""
    if isinstance(data.get("camera"), dict):
        yield ("camera",), "camera", data["camera"]
    for section in _LISTS:
        if _is_list(data.get(section)):
            for index, item in enumerate(data[section]):
                if isinstance(item, dict):
                    yield (section, index), _PREFIX[section], item
    if isinstance(data.get("materials"), dict):
        for name, item in data["materials"].items():
            if isinstance(item, dict):
                yield ("materials", str(name)), "material", item
    if isinstance(data.get("textures"), dict):
        for name, item in data["textures"].items():
            if isinstance(item, dict):
                yield ("textures", str(name)), "texture", item


def _inline(path: tuple[str | int, ...], group: str, item: dict[str, Any]) -> Iterator[tuple[Any, str, dict[str, Any]]]:
    """The element and the inline materials inside it."""
    stack = [(path, group, item, 0)]
    while stack:
        path, group, item, depth = stack.pop()
        yield path, group, item
        for key in {"shape": ("material",), "material": ("second", "first")}.get(group, ()):
            if isinstance(item.get(key), dict) and depth < _MAX_NESTING:
                stack.append(((*path, key), "material", item[key], depth + 1))


def _all(data: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str, dict[str, Any]]]:
    for path, group, item in _elements(data):
        yield from _inline(path, group, item)


def _model(group: str, item: dict[str, Any]) -> type[Strict] | None:
    if group == "texture":
        return Texture
    kind = item.get("type", "perspective" if group == "camera" else None)
    return MODELS_BY_TAG.get(f"type={group}:{kind}")


def _conflicts(data: dict[str, Any]) -> Iterator[Problem]:
    yield from SceneFile.conflicts(data)
    environments = []
    for path, group, item in _all(data):
        model = _model(group, item)
        if model is not None:
            for problem in model.conflicts(item):
                yield Problem(path_text(path) + problem.field, problem.found, problem.allowed, problem.hint)
        if group == "light" and item.get("type") == "environment":
            environments.append(path_text(path))
    for path_of in environments[1:]:
        yield Problem(path_of, f"another environment light, after {environments[0]}", "at most one environment light")


def _names(data: dict[str, Any], section: str) -> list[str]:
    """The name of each element of a list: its own, else the first free one of shape0, shape1, ..."""
    items = data.get(section)
    if not _is_list(items):
        return []
    own = [item.get("name") if isinstance(item, dict) else None for item in items or ()]
    taken = {name for name in own if isinstance(name, str)}
    names = []
    for index, name in enumerate(own):
        if not isinstance(name, str):
            name = free_name(f"{_PREFIX[section]}{index}", taken)
            taken.add(name)
        names.append(name)
    return names


def free_name(name: str, taken: Any) -> str:
    """`name`, or the first of name_1, name_2, ... that is not in `taken`."""
    result, number = name, 0
    while result in taken:
        number += 1
        result = f"{name}_{number}"
    return result


def _duplicates(data: dict[str, Any]) -> Iterator[Problem]:
    for section in _LISTS:
        first: dict[str, int] = {}
        for index, name in enumerate(_names(data, section)):
            if name in first:
                found = f"{shown(name)} is also the name of {section}[{first[name]}]"
                yield Problem(f"{section}[{index}].name", found, f"a name no other of the {section} has")
            first.setdefault(name, index)


# References


def _keys(data: dict[str, Any], section: str) -> list[str]:
    content = data.get(section)
    return [str(name) for name in content] if isinstance(content, dict) else []


def _references(data: dict[str, Any]) -> Iterator[Problem]:
    textures, materials = _keys(data, "textures"), _keys(data, "materials")

    def check(path: tuple[Any, ...], name: Any, known: list[str], noun: str) -> Iterator[Problem]:
        if isinstance(name, str) and 0 < len(name) <= MAX_NAME and name not in known:
            found = f"{shown(name)} is no {noun} of this scene"
            yield Problem(path_text(path), found, listed(known), nearest(name, known))

    for path, group, item in _all(data):
        fields = ("emission",) if group == "shape" else ()
        if group == "material" and isinstance(item.get("type"), str):
            fields = ("opacity", *MATERIAL_FIELDS.get(item["type"], ()))
            yield from check((*path, "normal_map"), item.get("normal_map"), textures, "texture")
            if item["type"] == "mix":
                for key in ("first", "second"):
                    yield from check((*path, key), item.get(key), materials, "material")
        for key in fields:
            value = item.get(key)
            name = value.name if isinstance(value, TextureRef) else None
            if isinstance(value, dict):
                name = value.get("texture")
            yield from check((*path, key, "texture"), name, textures, "texture")
        if group == "shape":
            yield from check((*path, "material"), item.get("material"), materials, "material")
    yield from _mix_cycles(data)


def _mix_cycles(data: dict[str, Any]) -> Iterator[Problem]:
    materials = data.get("materials")
    if not isinstance(materials, dict):
        return
    uses: dict[str, list[str]] = {}
    for name, item in materials.items():
        uses[str(name)] = []
        if isinstance(item, dict):
            for _, _, part in _inline((), "material", item):
                uses[str(name)] += [
                    part[key]
                    for key in ("first", "second")
                    if part.get("type") == "mix" and isinstance(part.get(key), str)
                ]
    done: set[str] = set()
    for start in uses:
        trail: list[tuple[str, Iterator[str]]] = [(start, iter(uses[start]))]
        while trail:
            name, parts = trail[-1]
            part = next(parts, None)
            names = [item for item, _ in trail]
            if part is None:
                done.add(name)
                trail.pop()
            elif part in names:
                loop = " -> ".join([*names[names.index(part) :], part])
                yield Problem(
                    f"materials.{name}", f"the mix contains itself: {loop}", "mixes that end in other materials"
                )
            elif part in uses and part not in done:
                trail.append((part, iter(uses[part])))


# Files


def _files(data: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Path of the field and name of the file, for every usable `file`."""
    for path, group, item in _elements(data):
        name = item.get("file")
        model = _model(group, item)
        if model is not None and "file" in model.model_fields and isinstance(name, (str, Path)) and str(name).strip():
            if "\0" not in str(name):
                yield path_text((*path, "file")), name


def validate_model(model: type[BaseModel], data: Any, field: str) -> BaseModel:
    """Check one element by its model, e.g. a camera given by itself.

    Raises:
        InputError: every problem of structure and between its fields, below the path `field`.
    """
    problems: list[Problem] = []
    if isinstance(data, dict) and issubclass(model, Strict):
        problems = [Problem(field + item.field, item.found, item.allowed, item.hint) for item in model.conflicts(data)]
    try:
        result = model.model_validate(data)
    except ValidationError as error:
        found = [problem for _, problem in problems_of(error, model, MODELS_BY_TAG)]
        problems += [
            Problem(f"{field}.{item.field}" if item.field else field, item.found, item.allowed, item.hint)
            for item in found
        ]
    if problems:
        raise InputError(problems)
    return result


__all__ = ["Checked", "file_problem", "free_name", "tag_of", "validate", "validate_model"]
