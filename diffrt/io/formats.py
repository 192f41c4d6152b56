"""Registry of file formats: a format is a function registered by the file extensions it serves.

To add one, decorate a function in the module of its kind and add the module's name to `_MODULES`:

    @mesh_reader(".off")
    def read_off(path: Path, *, field: str) -> Mesh: ...
"""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from diffrt.errors import InputError, Problem

Function = TypeVar("Function", bound=Callable[..., Any])
_registries: dict[str, dict[str, Callable[..., Any]]] = {
    "image reader": {},
    "image writer": {},
    "mesh reader": {},
    "mesh writer": {},
    "scene importer": {},
}
_MODULES = {
    "image": ("exr", "hdr", "jpeg", "npy", "png"),
    "mesh": ("obj", "ply", "stl", "gltf"),
    "scene": ("obj_scene", "gltf", "mitsuba_xml"),
}
"""Imported when a format of their kind is first asked for."""


def _register(kind: str, extensions: tuple[str, ...]) -> Callable[[Function], Function]:
    def decorate(function: Function) -> Function:
        for extension in extensions:
            _registries[kind][extension] = function
        return function

    return decorate


def image_reader(*extensions: str) -> Callable[[Function], Function]:
    """Register `decode(content: bytes, name, *, field, max_pixels) -> Image`."""
    return _register("image reader", extensions)


def image_writer(*extensions: str) -> Callable[[Function], Function]:
    """Register `encode(array (H, W, C), *, metadata, bits, encoding) -> bytes`."""
    return _register("image writer", extensions)


def mesh_reader(*extensions: str) -> Callable[[Function], Function]:
    """Register `read(path, *, field) -> Mesh`."""
    return _register("mesh reader", extensions)


def mesh_writer(*extensions: str) -> Callable[[Function], Function]:
    """Register `write(path, mesh) -> None`."""
    return _register("mesh writer", extensions)


def scene_importer(*extensions: str) -> Callable[[Function], Function]:
    """Register `load(path) -> dict`, a scene dictionary with arrays inside, as `Scene.from_dict` takes it."""
    return _register("scene importer", extensions)


def _load(kind: str) -> None:
    for module in _MODULES[kind.split()[0]]:
        importlib.import_module(f"diffrt.io.{module}")


def extensions(kind: str) -> list[str]:
    """The file extensions served by a kind of format, e.g. `extensions("mesh reader")`."""
    _load(kind)
    return sorted(_registries[kind])


def lookup(kind: str, path: Path, *, field: str = "") -> Callable[..., Any]:
    """The function registered for the extension of `path`.

    Raises:
        InputError: no format of that kind has this extension; names the ones that exist.
    """
    _load(kind)
    function = _registries[kind].get(path.suffix.lower())
    if function is None:
        found = f"{path.suffix!r} is not a known {kind.split()[0]} format ({path.name})"
        raise InputError(Problem(field, found, ", ".join(extensions(kind))))
    return function
