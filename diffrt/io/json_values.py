"""Values of a JSON file with their path in it, so that every message names the place."""

import math
from typing import Any, NoReturn

from diffrt.errors import InputError, Problem


class JsonValue:
    """A JSON object, read key by key. Each reader checks the type and raises InputError naming the path.

    Args:
        value: what stands there; anything but an object is refused.
        path: where it stands, e.g. `file (duck.glb): meshes[0]`.
    """

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise InputError(Problem(path, f"{_shown(value)} is not an object", "an object {...}"))
        self.value: dict[str, Any] = value
        self.path = path

    def __contains__(self, key: str) -> bool:
        return key in self.value

    def at(self, key: str) -> str:
        """The path of a key."""
        return f"{self.path}.{key}" if not self.path.endswith(": ") else f"{self.path}{key}"

    def fail(self, key: str, found: str, allowed: str = "") -> NoReturn:
        """Raise InputError about a key."""
        raise InputError(Problem(self.at(key), found, allowed))

    def child(self, key: str) -> "JsonValue":
        """The object under `key`; an empty one if absent."""
        return JsonValue(self.value.get(key, {}), self.at(key))

    def children(self, key: str) -> list["JsonValue"]:
        """The list of objects under `key`; empty if absent."""
        return [JsonValue(item, f"{self.at(key)}[{index}]") for index, item in enumerate(self.items(key))]

    def items(self, key: str) -> list[Any]:
        """The list under `key`; empty if absent."""
        value = self.value.get(key, [])
        if not isinstance(value, list):
            self.fail(key, f"{_shown(value)} is not a list", "a list [...]")
        return value

    def number(self, key: str, default: float) -> float:
        """A finite number."""
        value = self.value.get(key, default)
        if not _is_number(value):
            self.fail(key, f"{_shown(value)} is not a finite number", "a number")
        return float(value)

    def numbers(self, key: str, default: list[float]) -> list[float]:
        """As many finite numbers as `default` has."""
        value = self.value.get(key, default)
        wanted = f"{len(default)} numbers"
        if not isinstance(value, list) or len(value) != len(default):
            self.fail(key, _shown(value), wanted)
        if not all(_is_number(item) for item in value):
            self.fail(key, f"{_shown(value)} is not all finite numbers", wanted)
        return [float(item) for item in value]

    def integer(self, key: str, default: int | None = None) -> int:
        """An integer of at least zero; required without a default."""
        value = self.value.get(key, default)
        if value is None:
            self.fail(key, "missing", "an integer")
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**62:
            self.fail(key, _shown(value), "an integer of at least 0")
        return value

    def text(self, key: str, default: str = "") -> str:
        """A text."""
        value = self.value.get(key, default)
        if not isinstance(value, str):
            self.fail(key, f"{_shown(value)} is not a text", '"..."')
        return value

    def boolean(self, key: str) -> bool:
        """true or false; false if absent."""
        value = self.value.get(key, False)
        if not isinstance(value, bool):
            self.fail(key, _shown(value), "true or false")
        return value

    def pick(self, key: str, table: list["JsonValue"]) -> "JsonValue":
        """The item of `table` whose index stands under `key`."""
        index = self.integer(key)
        if index >= len(table):
            self.fail(
                key, f"index {index} is out of range", f"0 to {len(table) - 1}" if table else "nothing: none there"
            )
        return table[index]


def _is_number(value: Any) -> bool:
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 40 else text[:36] + " ..."
