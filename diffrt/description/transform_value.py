"""`to_world` of the scene file: a 4x4 matrix, one step, or a list of steps applied first to last."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

import numpy as np
from pydantic_core import PydanticCustomError

from diffrt.description import transform
from diffrt.description.names import nearest, shown
from diffrt.description.values import (
    ANY,
    LARGEST,
    TEXTURE_SCHEMA,
    Array,
    Check,
    Schema,
    as_array,
    invalid,
    invalid_all,
    read_colour,
    read_number,
    read_numbers,
)
from diffrt.errors import InputError, Problem

_VECTOR: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3}
_ROW: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
_MATRIX: Schema = {"type": "array", "items": _ROW, "minItems": 4, "maxItems": 4}


def _object(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


_LOOK_AT = _object({"origin": _VECTOR, "target": _VECTOR}, {"up": _VECTOR})
_STEP: Schema = {
    "oneOf": [
        _object({"translate": _VECTOR}),
        _object({"rotate": _object({"axis": _VECTOR, "degrees": {"type": "number"}})}),
        _object({"scale": {"anyOf": [{"type": "number"}, _VECTOR]}}),
        _object({"matrix": _MATRIX}),
        _object({"look_at": _LOOK_AT}),
    ]
}
TRANSFORM_SCHEMA: Schema = {"anyOf": [_MATRIX, _STEP, {"type": "array", "items": _STEP}]}
SHARED_SCHEMAS: dict[str, Schema] = {
    "ToWorld": TRANSFORM_SCHEMA,
    "TransformStep": _STEP,
    "Matrix": _MATRIX,
    "Vector": _VECTOR,
    "TextureName": TEXTURE_SCHEMA,
}
"""Parts of the JSON Schema that occur often, each before the parts it contains."""
_STEPS = "translate, rotate, scale, matrix, look_at"
_TRANSFORM = f"a 4x4 matrix, one object of {_STEPS}, or a list of such objects"


def _sub(parts: Mapping[str, tuple[Callable[[Any], Any], bool]], value: Any) -> dict[str, Any]:
    """Check the keys of a small object; `parts` maps key -> (check, required)."""
    if not isinstance(value, dict):
        raise invalid(shown(value), f"an object with {', '.join(parts)}")
    problems: list[Problem] = []
    result: dict[str, Any] = {}
    for key in value:
        if key not in parts:
            problems.append(Problem(f".{key}", "unknown key", ", ".join(parts), nearest(key, parts)))
    for key, (check, required) in parts.items():
        if key in value:
            try:
                result[key] = check(value[key])
            except PydanticCustomError as error:
                problems.extend(_below(f".{key}", error))
        elif required:
            problems.append(Problem(f".{key}", "missing", "required"))
    if problems:
        raise invalid_all(problems)
    return result


def _below(path: str, error: PydanticCustomError) -> Iterator[Problem]:
    for problem in (error.context or {})["problems"]:
        yield Problem(path + problem.field, problem.found, problem.allowed, problem.hint)


def _vector3(value: Any) -> Array:
    return read_numbers(value, 3, "three numbers")


def _degrees(value: Any) -> float:
    return read_number(value, "a number")


def _scale_factor(value: Any) -> Array:
    allowed = "a number or three, none of them zero"
    factor = read_colour(value, ANY, allowed)
    if not (factor != 0.0).all():
        raise invalid(shown(value), allowed)
    return factor


def _matrix(value: Any) -> Array:
    allowed = "a 4x4 matrix of numbers, row by row, last row 0 0 0 1, that can be inverted"
    matrix = as_array(value, allowed).astype(np.float64)
    if matrix.shape != (4, 4):
        raise invalid(f"an array of shape {matrix.shape}", allowed)
    if not np.array_equal(matrix[3], [0.0, 0.0, 0.0, 1.0]):
        raise invalid(f"the last row is {matrix[3].tolist()}", allowed)
    if not transform.is_invertible(matrix):
        raise invalid("a matrix that cannot be inverted", allowed)
    return matrix


def _step(value: Any) -> Array:
    if not isinstance(value, dict):
        raise invalid(shown(value), f"an object with one of {_STEPS}")
    if len(value) != 1:
        raise invalid(shown(value), f"an object with exactly one of {_STEPS}")
    ((key, content),) = value.items()
    try:
        if key == "translate":
            return transform.translate(_vector3(content))
        if key == "scale":
            return transform.scale(_scale_factor(content))
        if key == "matrix":
            return _matrix(content)
        if key == "rotate":
            return transform.rotate(**_sub({"axis": (_vector3, True), "degrees": (_degrees, True)}, content))
        if key == "look_at":
            parts = {"origin": (_vector3, True), "target": (_vector3, True), "up": (_vector3, False)}
            return transform.look_at(**_sub(parts, content))
    except PydanticCustomError as error:
        raise invalid_all(list(_below(f".{key}", error))) from None
    except InputError as error:
        problems = [Problem(f".{key}.{item.field}", item.found, item.allowed) for item in error.problems]
        raise invalid_all(problems) from None
    raise invalid("unknown key", _STEPS, nearest(key, _STEPS.split(", ")), at=f".{key}")


def _transform(value: Any) -> Array:
    with np.errstate(all="ignore"):
        matrix = _parsed(value)
        if not transform.is_invertible(matrix):
            raise invalid("a transform that cannot be inverted", _TRANSFORM)
        if np.abs(matrix).max() > LARGEST:
            raise invalid("a transform with numbers too large for 32 bits", f"at most {LARGEST:g} in size")
    return matrix


def _parsed(value: Any) -> Array:
    if isinstance(value, dict):
        return _step(value)
    if isinstance(value, np.ndarray):
        return _matrix(value)
    if not isinstance(value, (list, tuple)):
        raise invalid(shown(value), _TRANSFORM)
    if value and not any(isinstance(item, dict) for item in value):
        try:
            return _matrix(value)
        except PydanticCustomError as error:
            problems = (error.context or {})["problems"]
            raise invalid_all([Problem(item.field, item.found, _TRANSFORM) for item in problems]) from None
    steps: list[Array] = []
    problems = []
    for index, item in enumerate(value):
        try:
            steps.append(_step(item))
        except PydanticCustomError as error:
            problems.extend(_below(f"[{index}]", error))
    if problems:
        raise invalid_all(problems)
    return transform.compose(steps)


Transform = Annotated[Array, Check(_transform, TRANSFORM_SCHEMA)]
