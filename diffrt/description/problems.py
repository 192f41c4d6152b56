"""From pydantic's errors to diffrt's problems, each with the field's path as the user wrote it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from diffrt.description.names import listed, nearest, path_text, shown
from diffrt.errors import Problem

TAG = "type="
"""Prefix of the tags of pydantic unions, so that they can be told from keys in an error's location."""


def clean(location: Sequence[str | int]) -> tuple[str | int, ...]:
    """A pydantic error location without the tags of unions and the marks of dictionary keys."""
    return tuple(part for part in location if not (isinstance(part, str) and (part.startswith(TAG) or part == "[key]")))


_GROUPS = {"materials": "material", "shapes": "shape", "lights": "light"}
_TYPE_WORDS = {
    "string_type": "a text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "dataclass_type": "an object",
    "none_required": "null",
}


def problems_of(
    error: ValidationError, model: type[BaseModel], models_by_tag: Mapping[str, type[BaseModel]]
) -> list[tuple[tuple[str | int, ...], Problem]]:
    """Every problem in a validation error of `model`, each with its cleaned location."""
    result: list[tuple[tuple[str | int, ...], Problem]] = []
    for line in error.errors(include_url=False):
        location = clean(line["loc"])
        path, kind, value, context = path_text(location), line["type"], line["input"], line.get("ctx", {})
        if kind == "diffrt":
            for item in context["problems"]:
                field = (path + item.field).lstrip(".")
                result.append((location, Problem(field, item.found, item.allowed, item.hint)))
            continue
        if kind == "missing":
            problem = Problem(path, "missing", "required")
        elif kind == "extra_forbidden":
            owner = _model_at(line["loc"][:-1], model, models_by_tag)
            keys = [field.alias or name for name, field in owner.model_fields.items()] if owner else []
            problem = Problem(path, "unknown key", listed(keys, 40), nearest(location[-1], keys))
        elif kind == "literal_error":
            names = re.findall(r"'([^']*)'", str(context.get("expected", "")))
            problem = Problem(path, shown(value), ", ".join(names), nearest(value, names))
        elif kind in ("union_tag_invalid", "union_tag_not_found"):
            problem = _wrong_type(path, value, line["loc"], models_by_tag)
        elif kind == "recursion_loop":
            problem = Problem(path, "contains itself, or is nested too deeply", "a finite description")
        elif kind == "invalid_key":
            problem = Problem(path, "a key that is no text", "texts as keys")
        elif kind in _TYPE_WORDS:
            problem = Problem(path, shown(value), _TYPE_WORDS[kind])
        else:
            problem = Problem(path, shown(value), line["msg"])
        result.append((location, problem))
    return result


def _wrong_type(path: str, value: Any, location: Sequence[Any], models_by_tag: Mapping[str, Any]) -> Problem:
    names = clean(location)
    by_name = names[-1] in ("material", "first", "second")
    group = "material" if by_name else _GROUPS.get(str(names[0]), "camera")
    types = [tag.partition(":")[2] for tag in models_by_tag if tag.startswith(f"{TAG}{group}:")]
    if not isinstance(value, dict):
        name = "the name of a material or " if by_name else ""
        return Problem(path, shown(value), f"{name}an object with type {', '.join(types)}")
    if "type" not in value:
        return Problem(f"{path}.type", "missing", ", ".join(types))
    return Problem(f"{path}.type", shown(value["type"]), ", ".join(types), nearest(value["type"], types))


def _model_at(
    location: Sequence[Any], model: type[BaseModel], models_by_tag: Mapping[str, type[BaseModel]]
) -> type[BaseModel] | None:
    current: type[BaseModel] | None = model
    for part in location:
        if part in models_by_tag:
            current = models_by_tag[part]
        elif current is not None and isinstance(part, str) and part in current.model_fields:
            inner = _models_in(current.model_fields[part].annotation)
            if len(inner) == 1:
                current = inner[0]
    return current


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]
