"""The kinds of value a scene file holds: numbers, colours, textures by name, arrays, transforms, names, files.

Each is an `Annotated` type for pydantic models with its own check and JSON Schema. A check raises `invalid(...)`, whose
problems carry the path below the field (`[1].rotate.axis`), what was found and what is allowed.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from diffrt.description import transform
from diffrt.errors import InputError, Problem

Array = NDArray[Any]
Schema = dict[str, Any]
MAX_NAME = 200


@dataclass(frozen=True)
class TextureRef:
    """A texture of the scene, by name: `{"texture": "wood"}`."""

    name: str


def shown(value: Any, limit: int = 60) -> str:
    """`value` in the words of a scene file, cut to about `limit` characters."""
    if isinstance(value, np.ndarray) and value.ndim > 0:
        return f"an array of shape {value.shape} and type {value.dtype}"
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.item()
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int) and abs(value) > 10**20:
        return "an integer too large"
    if isinstance(value, dict):
        keys = ", ".join(shown(key, 20) for key in list(value)[:5])
        return f"an object with {keys}{', ...' if len(value) > 5 else ''}" if value else "an empty object"
    if isinstance(value, (list, tuple)):
        if len(value) > 16 or any(isinstance(item, (list, tuple, dict, np.ndarray)) for item in value):
            return f"a list of {len(value)}"
        return "[" + ", ".join(shown(item, 20) for item in value) + "]"
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 4] + "...'"


def invalid(found: str, allowed: str, hint: str = "", at: str = "") -> PydanticCustomError:
    """An error for pydantic that carries one problem at the path `at` below the field."""
    return invalid_all([Problem(at, found, allowed, hint)])


def invalid_all(problems: Sequence[Problem]) -> PydanticCustomError:
    """An error for pydantic that carries several problems; their `field` is the path below the field checked."""
    message = "; ".join(str(problem) for problem in problems)
    return PydanticCustomError("diffrt", "{message}", {"message": message, "problems": list(problems)})


def _is_number(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 0 and value.dtype.kind in "iuf"
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _number(value: Any, allowed: str, at: str = "") -> float:
    if not _is_number(value):
        raise invalid(shown(value), allowed, at=at)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise invalid(f"{shown(value)} is not finite", allowed, at=at)
    return number


@dataclass(frozen=True)
class Interval:
    """Which numbers are allowed. Text and JSON Schema come from the same bounds."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, number: float) -> bool:
        above = number > self.low if self.open_low else number >= self.low
        below = number < self.high if self.open_high else number <= self.high
        return above and below

    def __str__(self) -> str:
        low = "" if self.low == -math.inf else f"{'greater than' if self.open_low else 'at least'} {self.low:g}"
        high = "" if self.high == math.inf else f"{'less than' if self.open_high else 'at most'} {self.high:g}"
        if low and high and not (self.open_low or self.open_high):
            return f"between {self.low:g} and {self.high:g}"
        return " and ".join(part for part in (low, high) if part)

    def noun(self, noun: str) -> str:
        """`noun` with the bounds after it: "a number between 0 and 1"."""
        return f"{noun} {self}".strip()

    def schema(self) -> Schema:
        """The bounds as JSON Schema keywords."""
        result: Schema = {}
        if self.low != -math.inf:
            result["exclusiveMinimum" if self.open_low else "minimum"] = self.low
        if self.high != math.inf:
            result["exclusiveMaximum" if self.open_high else "maximum"] = self.high
        return result


ANY = Interval()
UNIT = Interval(0.0, 1.0)
NON_NEGATIVE = Interval(0.0)
POSITIVE = Interval(0.0, open_low=True)
TEXTURE_SCHEMA: Schema = {
    "type": "object",
    "description": "a texture of the scene, by name",
    "properties": {"texture": {"type": "string"}},
    "required": ["texture"],
    "additionalProperties": False,
}


def _annotated(check: Callable[[Any], Any], schema: Schema, python_type: Any = Any) -> Any:
    return Annotated[python_type, PlainValidator(check), WithJsonSchema(schema)]


def number(interval: Interval = ANY) -> Any:
    """A finite number in `interval`."""
    allowed = interval.noun("a number")

    def check(value: Any) -> float:
        result = _number(value, allowed)
        if result not in interval:
            raise invalid(shown(value), allowed)
        return result

    return _annotated(check, {"type": "number", **interval.schema()}, float)


def integer(low: int, high: int) -> Any:
    """An integer from `low` to `high`; 64.0 counts as one."""
    allowed = f"an integer between {low} and {high}"

    def check(value: Any) -> int:
        result = _number(value, allowed)
        if result != int(result) or not low <= result <= high:
            raise invalid(shown(value), allowed)
        return int(result)

    return _annotated(check, {"type": "integer", "minimum": low, "maximum": high}, int)


def _numbers(value: Any, length: int, allowed: str) -> Array:
    if isinstance(value, np.ndarray):
        value = value.tolist() if value.ndim == 1 and value.dtype.kind in "iuf" else value
    if not isinstance(value, (list, tuple)) or len(value) != length:
        raise invalid(shown(value), allowed)
    return np.array([_number(item, allowed, f"[{index}]") for index, item in enumerate(value)])


def vector(nonzero: bool = False) -> Any:
    """Three finite numbers, as a float64 array; not all zero if `nonzero`."""
    allowed = "three numbers, not all zero" if nonzero else "three numbers"

    def check(value: Any) -> Array:
        result = _numbers(value, 3, allowed)
        if nonzero and not np.linalg.norm(result) > 0.0:
            raise invalid(shown(value), allowed)
        return result

    items: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3}
    return _annotated(check, items)


def _colour_schema(interval: Interval) -> list[Schema]:
    one: Schema = {"type": "number", **interval.schema()}
    return [one, {"type": "array", "items": one, "minItems": 3, "maxItems": 3}]


def _colour(value: Any, interval: Interval, allowed: str) -> Array:
    if _is_number(value):
        result = np.full(3, _number(value, allowed))
    else:
        result = _numbers(value, 3, allowed)
    if not all(number in interval for number in result.tolist()):
        raise invalid(shown(value), allowed)
    return result


def _texture(value: Any, allowed: str) -> TextureRef:
    if set(value) != {"texture"} or not isinstance(value["texture"], str):
        raise invalid(shown(value), allowed)
    return TextureRef(value["texture"])


def colour(interval: Interval) -> Any:
    """A number or [r, g, b], as a float64 array (3,)."""
    allowed = f"{interval.noun('a number')} or [r, g, b] of such"
    return _annotated(lambda value: _colour(value, interval, allowed), {"anyOf": _colour_schema(interval)})


def colour_value(interval: Interval) -> Any:
    """A number, [r, g, b] or {"texture": name}: a float64 array (3,) or a TextureRef."""
    allowed = f'{interval.noun("a number")}, [r, g, b] of such, or {{"texture": name}}'

    def check(value: Any) -> Array | TextureRef:
        if isinstance(value, TextureRef):
            return value
        return _texture(value, allowed) if isinstance(value, dict) else _colour(value, interval, allowed)

    return _annotated(check, {"anyOf": [*_colour_schema(interval), TEXTURE_SCHEMA]})


def scalar_value(interval: Interval) -> Any:
    """A number or {"texture": name}: a float64 array of shape () or a TextureRef."""
    allowed = f'{interval.noun("a number")} or {{"texture": name}}'

    def check(value: Any) -> Array | TextureRef:
        if isinstance(value, TextureRef):
            return value
        if isinstance(value, dict):
            return _texture(value, allowed)
        result = _number(value, allowed)
        if result not in interval:
            raise invalid(shown(value), allowed)
        return np.array(result)

    return _annotated(check, {"anyOf": [{"type": "number", **interval.schema()}, TEXTURE_SCHEMA]})


def _first_bad(value: Any, is_good: Callable[[Any], bool]) -> str:
    for index, item in enumerate(value):
        if not is_good(item):
            return f"[{index}]"
    return ""


def as_array(value: Any, allowed: str) -> Array:
    """Nested lists or an array as a numeric NumPy array; raises `invalid` where something is not a finite number."""
    if isinstance(value, (str, bytes, dict)) or value is None:
        raise invalid(shown(value), allowed)
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        at = ""
        if isinstance(value, (list, tuple)) and value and isinstance(value[0], (list, tuple)):
            size = len(value[0])
            at = _first_bad(value, lambda item: isinstance(item, (list, tuple)) and len(item) == size)
        raise invalid("rows of different lengths", allowed, at=at) from None
    if array.dtype.kind not in "iuf" and array.size:
        at = _first_bad(value, lambda item: np.asarray(item).dtype.kind in "iuf") if array.ndim else ""
        found = value[int(at[1:-1])] if at else value
        raise invalid(f"{shown(found)} is not all numbers", allowed, at=at)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0]
        at = "".join(f"[{index}]" for index in where)
        raise invalid(f"{shown(array[tuple(where)])} is not finite", "finite numbers", at=at)
    return array


def rows(columns: int, integers: bool = False) -> Any:
    """An array (N, columns) of finite numbers (float64) or of integers (int64)."""
    allowed = f"rows of {columns} {'integers' if integers else 'numbers'}"

    def check(value: Any) -> Array:
        array = as_array(value, allowed)
        if array.size == 0:
            return np.zeros((0, columns), dtype=np.int64 if integers else np.float64)
        if array.ndim != 2 or array.shape[1] != columns:
            raise invalid(f"an array of shape {array.shape}", f"{allowed}: shape (N, {columns})")
        if not integers:
            return array.astype(np.float64)
        if array.dtype.kind == "f" and not (array == np.floor(array)).all():
            row = int(np.argwhere(array != np.floor(array))[0][0])
            raise invalid(f"{shown(array[row].tolist())} is not all integers", allowed, at=f"[{row}]")
        if np.abs(array.astype(np.float64)).max() > 2**53:
            raise invalid("an integer too large", allowed)
        return array.astype(np.int64)

    one: Schema = {"type": "integer" if integers else "number"}
    row: Schema = {"type": "array", "items": one, "minItems": columns, "maxItems": columns}
    return _annotated(check, {"type": "array", "items": row})


def pixels() -> Any:
    """Image data (H,W,C) or (H,W), C from 1 to 4, row 0 at the top: a float32 array, or uint8/uint16 left as it is."""
    allowed = "an array (height, width, channels), 1 to 4 channels, row 0 at the top"

    def check(value: Any) -> Array:
        array = as_array(value, allowed)
        if array.ndim == 2:
            array = array[:, :, np.newaxis]
        if array.ndim != 3 or not 1 <= array.shape[2] <= 4 or array.size == 0:
            raise invalid(f"an array of shape {np.shape(array)}", allowed)
        if array.dtype in (np.dtype(np.uint8), np.dtype(np.uint16)):
            return array.copy()
        with np.errstate(over="ignore"):
            result = array.astype(np.float32)
        if not np.isfinite(result).all():
            raise invalid("a number too large for 32 bits", "finite 32-bit numbers")
        return result

    nested: Schema = {"type": "number"}
    for _ in range(2):
        nested = {"type": "array", "items": nested}
    return _annotated(check, {"type": "array", "items": {**nested, "description": "row 0 is the top"}})


def _name(value: Any) -> str:
    allowed = f"a text of 1 to {MAX_NAME} printable characters"
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_NAME or not value.isprintable():
        raise invalid(shown(value), allowed)
    return value


def _file(value: Any) -> str:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise invalid(shown(value), "the path of a file, relative to the scene file")
    return value


Name = Annotated[str, PlainValidator(_name), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_NAME})]
FileName = Annotated[str, PlainValidator(_file), WithJsonSchema({"type": "string", "minLength": 1})]


# Transforms

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
_STEPS = "translate, rotate, scale, matrix, look_at"
_TRANSFORM = f"a 4x4 matrix, one object of {_STEPS}, or a list of such objects"


def _sub(parts: dict[str, tuple[Callable[[Any], Any], bool]], value: Any) -> dict[str, Any]:
    """Check the keys of a small object; `parts` maps key -> (check, required)."""
    from diffrt.description.problems import nearest

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
    return _numbers(value, 3, "three numbers")


def _scale_factor(value: Any) -> Array:
    allowed = "a number or three, none of them zero"
    factor = _colour(value, ANY, allowed)
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
    from diffrt.description.problems import nearest

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
            any_number = lambda item: _number(item, "a number")  # noqa: E731
            return transform.rotate(**_sub({"axis": (_vector3, True), "degrees": (any_number, True)}, content))
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
    matrix = transform.compose(steps)
    if not np.isfinite(matrix).all() or not transform.is_invertible(matrix):
        raise invalid("together they cannot be inverted", _TRANSFORM)
    return matrix


Transform = Annotated[Any, PlainValidator(_transform), WithJsonSchema(TRANSFORM_SCHEMA)]
