"""A scene description before any check: its elements, their names, and what is wrong between fields and names.

Looks at the data with patience: whatever is not as expected is left to the models, so that no problem hides another.
"""

from collections.abc import Iterator
from typing import Any

from diffrt.description.base import Strict
from diffrt.description.lights import EnvironmentLight
from diffrt.description.materials import MATERIAL_FIELDS, Mix
from diffrt.description.names import listed, nearest, path_text, shown
from diffrt.description.schema import MODELS_BY_TAG, SceneFile, Texture
from diffrt.description.values import MAX_NAME, TextureRef
from diffrt.errors import Problem

LISTS = ("cameras", "shapes", "lights")
DICTS = ("textures", "materials")
Element = tuple[tuple[str | int, ...], str, dict[str, Any]]
"""Path of an element, its group (camera, shape, light, material, texture), and its raw object."""
_GROUP = {"cameras": "camera", "shapes": "shape", "lights": "light", "materials": "material", "textures": "texture"}
_MAX_INLINE = 1000


def items_of(data: dict[str, Any], section: str) -> list[Any]:
    """The items of a list of the scene; none if it is no list."""
    content = data.get(section)
    return content if isinstance(content, list) else []


def elements(data: dict[str, Any]) -> Iterator[Element]:
    """Every element that is an object, with its path and group."""
    if isinstance(data.get("camera"), dict):
        yield ("camera",), "camera", data["camera"]
    for section in LISTS:
        for index, item in enumerate(items_of(data, section)):
            if isinstance(item, dict):
                yield (section, index), _GROUP[section], item
    for section in DICTS:
        content = data.get(section)
        for name, item in content.items() if isinstance(content, dict) else ():
            if isinstance(item, dict):
                yield (section, str(name)), _GROUP[section], item


def with_inline(path: tuple[str | int, ...], group: str, item: dict[str, Any]) -> Iterator[Element]:
    """The element and the inline materials inside it; not endlessly many, should it contain itself."""
    stack: list[Element] = [(path, group, item)]
    for _ in range(_MAX_INLINE):
        if not stack:
            return
        path, group, item = stack.pop()
        yield path, group, item
        for key in {"shape": ("material",), "material": ("second", "first")}.get(group, ()):
            if isinstance(item.get(key), dict):
                stack.append(((*path, key), "material", item[key]))


def everything(data: dict[str, Any]) -> Iterator[Element]:
    """Every element, inline materials included."""
    for path, group, item in elements(data):
        yield from with_inline(path, group, item)


def model_of(group: str, item: dict[str, Any]) -> type[Strict] | None:
    """The model that the element's `type` selects, if there is one of that name."""
    if group == "texture":
        return Texture
    kind = item.get("type", "perspective" if group == "camera" else None)
    return MODELS_BY_TAG.get(f"type={group}:{kind}") if isinstance(kind, str) else None


def conflicts(data: dict[str, Any]) -> Iterator[tuple[str, Problem]]:
    """What is wrong between the fields of elements, and between elements; each with the path of the element."""
    for problem in SceneFile.conflicts(data):
        yield "", problem
    environments = []
    for path, group, item in everything(data):
        model = model_of(group, item)
        if model is not None:
            for problem in model.conflicts(item):
                element = path_text(path)
                yield element, Problem(element + problem.field, problem.found, problem.allowed, problem.hint)
        if group == "light" and model is EnvironmentLight:
            environments.append(path_text(path))
    for other in environments[1:]:
        found = f"another environment light, after {environments[0]}"
        yield "", Problem(other, found, "at most one environment light")


def element_names(data: dict[str, Any], section: str) -> list[str]:
    """The name of each element of a list: its own, else the first free one of shape0, shape1, ..."""
    own = [item.get("name") if isinstance(item, dict) else None for item in items_of(data, section)]
    taken = {name for name in own if isinstance(name, str)}
    names = []
    for index, name in enumerate(own):
        if not isinstance(name, str):
            name = free_name(f"{_GROUP[section]}{index}", taken)
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


def duplicates(data: dict[str, Any]) -> Iterator[Problem]:
    """Names given twice."""
    for section in LISTS:
        first: dict[str, int] = {}
        for index, name in enumerate(element_names(data, section)):
            if name in first:
                found = f"{shown(name)} is also the name of {section}[{first[name]}]"
                yield Problem(f"{section}[{index}].name", found, f"a name no other of the {section} has")
            first.setdefault(name, index)


def _keys(data: dict[str, Any], section: str) -> list[str] | None:
    """The names of a section; None if it is there but no object, a problem of its own."""
    content = data.get(section, {})
    return [str(name) for name in content] if isinstance(content, dict) else None


def references(data: dict[str, Any]) -> Iterator[Problem]:
    """Names of textures and materials that do not exist, and mixes that contain themselves."""
    textures, materials = _keys(data, "textures"), _keys(data, "materials")

    def check(path: tuple[Any, ...], name: Any, known: list[str] | None, noun: str) -> Iterator[Problem]:
        if known is not None and isinstance(name, str) and 0 < len(name) <= MAX_NAME and name not in known:
            found = f"{shown(name)} is no {noun} of this scene"
            yield Problem(path_text(path), found, listed(known), nearest(name, known))

    for path, group, item in everything(data):
        fields: tuple[str, ...] = ("emission",) if group == "shape" else ()
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
        inside = with_inline((), "material", item) if isinstance(item, dict) else ()
        mixes = [part for _, group, part in inside if model_of(group, part) is Mix]
        parts = [part.get(key) for part in mixes for key in ("first", "second")]
        uses[str(name)] = [part for part in parts if isinstance(part, str)]
    done: set[str] = set()
    for start in uses:
        trail: list[tuple[str, Iterator[str]]] = [(start, iter(uses[start]))]
        while trail:
            current, rest = trail[-1]
            used = next(rest, None)
            open_names = [name for name, _ in trail]
            if used is None:
                done.add(current)
                trail.pop()
            elif used in open_names:
                loop = " -> ".join([*open_names[open_names.index(used) :], used])
                yield Problem(f"materials.{current}", f"the mix contains itself: {loop}", "mixes that end elsewhere")
            elif used in uses and used not in done:
                trail.append((used, iter(uses[used])))
