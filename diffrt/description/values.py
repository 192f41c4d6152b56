"""The kinds of value a scene file holds: numbers, colours, textures by name, arrays, transforms, names, files.

Each is a `Check`, metadata for an `Annotated` field of a pydantic model, with its own JSON Schema. A check raises
`invalid(...)`, whose problems carry the path below the field (`[1].rotate.axis`), what was found and what is allowed.
"""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from diffrt.description.names import shown
from diffrt.errors import Problem

Array: TypeAlias = NDArray[Any]
Schema: TypeAlias = dict[str, Any]
MAX_NAME = 200
LARGEST = 3e38
"""The device computes in 32 bits."""


@dataclass(frozen=True)
class TextureRef:
    """A texture of the scene, by name: `{"texture": "wood"}`."""

    name: str


Value: TypeAlias = Array | TextureRef
"""A number (shape ()), a colour (shape (3,)), float64, or a texture."""


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


def read_number(value: Any, allowed: str, at: str = "") -> float:
    if not _is_number(value):
        raise invalid(shown(value), allowed, at=at)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise invalid(f"{shown(value)} is not finite", allowed, at=at)
    if abs(number) > LARGEST:
        raise invalid(f"{shown(value)} is too large", f"{allowed}, at most {LARGEST:g} in size", at=at)
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


@dataclass(frozen=True, eq=False)
class Check:
    """Metadata of an `Annotated` field: pydantic calls `check` with the raw value and publishes `schema`."""

    check: Callable[[Any], Any]
    schema: Schema
    interval: "Interval | None" = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> Schema:
        return dict(self.schema)


def number(interval: Interval = ANY) -> Check:
    """A finite number in `interval`."""
    allowed = interval.noun("a number")

    def check(value: Any) -> float:
        result = read_number(value, allowed)
        if result not in interval:
            raise invalid(shown(value), allowed)
        return result

    return Check(check, {"type": "number", **interval.schema()})


def integer(low: int, high: int, but: int | None = None) -> Check:
    """An integer from `low` to `high`, without `but`; 64.0 counts as one."""
    allowed = f"an integer between {low} and {high}" + ("" if but is None else f", not {but}")

    def check(value: Any) -> int:
        result = read_number(value, allowed)
        if result != int(result) or not low <= result <= high or result == but:
            raise invalid(shown(value), allowed)
        return int(result)

    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Check(check, schema if but is None else {**schema, "not": {"const": but}})


def read_numbers(value: Any, length: int, allowed: str) -> Array:
    if isinstance(value, np.ndarray):
        value = value.tolist() if value.ndim == 1 and value.dtype.kind in "iuf" else value
    if not isinstance(value, (list, tuple)) or len(value) != length:
        raise invalid(shown(value), allowed)
    return np.array([read_number(item, allowed, f"[{index}]") for index, item in enumerate(value)])


def vector(nonzero: bool = False) -> Check:
    """Three finite numbers, as a float64 array; not all zero if `nonzero`."""
    allowed = "three numbers, not all zero" if nonzero else "three numbers"

    def check(value: Any) -> Array:
        result = read_numbers(value, 3, allowed)
        if nonzero and not result.any():
            raise invalid(shown(value), allowed)
        return result

    items: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3}
    return Check(check, items)


def _colour_schema(interval: Interval) -> list[Schema]:
    one: Schema = {"type": "number", **interval.schema()}
    return [one, {"type": "array", "items": one, "minItems": 3, "maxItems": 3}]


def read_colour(value: Any, interval: Interval, allowed: str) -> Array:
    if _is_number(value):
        result = np.full(3, read_number(value, allowed))
    else:
        result = read_numbers(value, 3, allowed)
    if not all(number in interval for number in result.tolist()):
        raise invalid(shown(value), allowed)
    return result


def _texture(value: Any, allowed: str) -> TextureRef:
    if set(value) != {"texture"} or not isinstance(value["texture"], str):
        raise invalid(shown(value), allowed)
    return TextureRef(value["texture"])


def colour(interval: Interval) -> Check:
    """A number or [r, g, b], as a float64 array (3,)."""
    allowed = f"{interval.noun('a number')} or [r, g, b] of such"
    return Check(lambda value: read_colour(value, interval, allowed), {"anyOf": _colour_schema(interval)}, interval)


def colour_value(interval: Interval) -> Check:
    """A number, [r, g, b] or {"texture": name}: a float64 array (3,) or a TextureRef."""
    allowed = f'{interval.noun("a number")}, [r, g, b] of such, or {{"texture": name}}'

    def check(value: Any) -> Array | TextureRef:
        if isinstance(value, TextureRef):
            return value
        return _texture(value, allowed) if isinstance(value, dict) else read_colour(value, interval, allowed)

    return Check(check, {"anyOf": [*_colour_schema(interval), TEXTURE_SCHEMA]}, interval)


def scalar_value(interval: Interval) -> Check:
    """A number or {"texture": name}: a float64 array of shape () or a TextureRef."""
    allowed = f'{interval.noun("a number")} or {{"texture": name}}'

    def check(value: Any) -> Array | TextureRef:
        if isinstance(value, TextureRef):
            return value
        if isinstance(value, dict):
            return _texture(value, allowed)
        result = read_number(value, allowed)
        if result not in interval:
            raise invalid(shown(value), allowed)
        return np.array(result)

    return Check(check, {"anyOf": [{"type": "number", **interval.schema()}, TEXTURE_SCHEMA]}, interval)


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


def rows(columns: int, integers: bool = False) -> Check:
    """An array (N, columns) of finite numbers (float64) or of integers (int64), N at least 1."""
    allowed = f"rows of {columns} {'integers' if integers else 'numbers'}"

    def check(value: Any) -> Array:
        array = as_array(value, allowed)
        if array.size == 0:
            raise invalid("empty", f"{allowed}, at least one")
        if array.ndim != 2 or array.shape[1] != columns:
            raise invalid(f"an array of shape {array.shape}", f"{allowed}: shape (N, {columns})")
        if not integers:
            result = array.astype(np.float64)
            if np.abs(result).max() > LARGEST:
                at = "".join(f"[{index}]" for index in np.argwhere(np.abs(result) > LARGEST)[0])
                raise invalid("a number too large for 32 bits", f"at most {LARGEST:g} in size", at=at)
            return result
        if array.dtype.kind == "f" and not (array == np.floor(array)).all():
            row = int(np.argwhere(array != np.floor(array))[0][0])
            raise invalid(f"{shown(array[row].tolist())} is not all integers", allowed, at=f"[{row}]")
        if np.abs(array.astype(np.float64)).max() > 2**53:
            raise invalid("an integer too large", allowed)
        return array.astype(np.int64)

    one: Schema = {"type": "integer" if integers else "number"}
    row: Schema = {"type": "array", "items": one, "minItems": columns, "maxItems": columns}
    return Check(check, {"type": "array", "items": row, "minItems": 1})


def pixels() -> Check:
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

    texel: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 4}
    row: Schema = {"type": "array", "items": {"anyOf": [{"type": "number"}, texel]}, "minItems": 1}
    return Check(check, {"type": "array", "items": row, "minItems": 1})


def _name(value: Any) -> str:
    allowed = f"a text of 1 to {MAX_NAME} characters, no control characters"
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_NAME or min(value) < " " or "\x7f" in value:
        raise invalid(shown(value), allowed)
    return value


def _file(value: Any) -> str:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise invalid(shown(value), "the path of a file, relative to the scene file")
    return value


Name = Annotated[str, Check(_name, {"type": "string", "minLength": 1, "maxLength": MAX_NAME})]
FileName = Annotated[str, Check(_file, {"type": "string", "minLength": 1})]
