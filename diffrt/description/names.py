"""Words for messages: a value as the user wrote it, the path of a field, the nearest known name."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


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
    if not isinstance(value, (str, int, complex, bytes)):
        return f"a value of type {type(value).__name__}"
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 4] + "...'"


def nearest(name: Any, known: Iterable[str]) -> str:
    """A hint with the known name that looks most like `name`, or an empty text."""
    names = list(known)
    by_lower = {item.lower(): item for item in reversed(names)}
    close = difflib.get_close_matches(str(name).lower(), list(by_lower), n=1, cutoff=0.6)
    return f"did you mean {by_lower[close[0]]!r}?" if close else ""


def listed(names: Iterable[str], limit: int = 30) -> str:
    """The names as a text; the first `limit` of them."""
    items = list(names)
    if not items:
        return "none are defined"
    return ", ".join(items[:limit]) + (f", ... ({len(items)} in all)" if len(items) > limit else "")


def path_text(parts: Sequence[str | int]) -> str:
    """`shapes[2].material` for ("shapes", 2, "material")."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
