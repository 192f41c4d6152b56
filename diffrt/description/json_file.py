"""Reading JSON as people write it: keys given twice, broken syntax, wrong encodings and huge files are named."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from diffrt.description.names import path_text, shown
from diffrt.errors import InputError, Problem

MAX_BYTES = 512 * 2**20
"""Larger meshes belong into files of their own."""
_MAX_DEPTH = 500


def read_json(path: Path) -> Any:
    """The content of a JSON file. NaN and Infinity pass, for whoever checks the numbers to name their field.

    Raises:
        InputError: no such file, too large, not UTF-8, not JSON, nested too deeply, or keys given twice.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(Problem("", f"{path} has {size} bytes", f"a JSON file of at most {MAX_BYTES} bytes"))
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(Problem("", f"{path} does not exist", "an existing file")) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(Problem("", f"{path} cannot be read: {reason}", "a readable file")) from None
    except UnicodeDecodeError as error:
        found = f"{path} is not a text in UTF-8 (byte {error.start})"
        raise InputError(Problem("", found, "a JSON file")) from None
    return parse_json(text, str(path))


def parse_json(text: str, source: str) -> Any:
    """The content of a JSON text; `source` is what messages call it.

    Raises:
        InputError: as `read_json`.
    """
    doubles: list[tuple[dict[str, Any], str]] = []

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            doubles.extend((result, key) for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        return result

    try:
        data = json.loads(text, object_pairs_hook=build)
    except json.JSONDecodeError as error:
        found = f"{source} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        raise InputError(Problem("", found, "a JSON file")) from None
    except RecursionError:
        raise InputError(Problem("", f"{source} is nested too deeply", f"at most {_MAX_DEPTH} levels")) from None
    except ValueError:  # an integer of thousands of digits
        raise InputError(Problem("", f"{source} holds a number that is too long", "a JSON file")) from None
    if doubles:
        raise InputError(_doubled(data, doubles))
    if _depth(data) > _MAX_DEPTH:
        raise InputError(Problem("", f"{source} is nested too deeply", f"at most {_MAX_DEPTH} levels"))
    return data


def _doubled(data: Any, doubles: list[tuple[dict[str, Any], str]]) -> list[Problem]:
    keys_by_object: dict[int, list[str]] = {}
    for owner, key in doubles:
        keys_by_object.setdefault(id(owner), []).append(key)
    problems = []
    stack: list[tuple[tuple[str | int, ...], Any]] = [((), data)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            for key in keys_by_object.pop(id(value), ()):
                problems.append(Problem(path_text((*path, key)), "the key is given more than once", "each key once"))
            stack.extend(((*path, key), item) for key, item in value.items())
        elif isinstance(value, list):
            stack.extend(((*path, index), item) for index, item in enumerate(value) if isinstance(item, (dict, list)))
    for keys in keys_by_object.values():  # inside a value that a later one of the same key replaced
        problems.extend(Problem("", f"the key {shown(key)} is given more than once", "each key once") for key in keys)
    return problems


def _depth(data: Any) -> int:
    """Levels of nesting; of long lists, which hold numbers or rows of numbers, only the first item is looked at."""
    depth, level = 0, [data]
    while level:
        depth += 1
        inside: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inside.extend(item.values())
            elif isinstance(item, list):
                inside.extend(item if len(item) < 1000 else item[:1])
        level = inside
    return depth
