"""The arrays of a scene by name: what there is, how to read it, how to set it."""

from collections.abc import Iterator, Mapping
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from diffrt.description.names import listed, nearest, shown
from diffrt.description.values import TextureRef
from diffrt.errors import InputError, Problem
from diffrt.scene.handles import Handle, Parameter, of_camera, of_light, of_material, of_shape, of_texture
from diffrt.scene.terms import TERMS, Terms

if TYPE_CHECKING:
    from rich.table import Table

    from diffrt.scene.scene import Scene

__all__ = ["Parameter", "Parameters", "find", "handles", "set_value"]


class Parameters(Mapping[str, Parameter]):
    """All parameters of a scene by name. Prints as a table."""

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        self._parameters = dict(parameters)

    def __getitem__(self, name: str) -> Parameter:
        return self._parameters[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __len__(self) -> int:
        return len(self._parameters)

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                item.name,
                "x".join(map(str, item.shape)) or "number",
                item.units,
                "" if item.bounds == (-inf, inf) else f"[{item.bounds[0]:g}, {item.bounds[1]:g}]",
                _shown(item.terms),
                item.description,
            )
            for item in self.values()
        ]

    def __str__(self) -> str:
        rows = [_HEADER, *self._rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)

    __repr__ = __str__

    def __rich__(self) -> "Table":
        from rich.table import Table

        table = Table(*_HEADER)
        table.columns[0].min_width = max(map(len, self), default=0)  # names are there to be copied: never cut one
        for row in self._rows():
            table.add_row(*row)
        return table


_HEADER = ("name", "shape", "units", "bounds", "gradient", "what it is")


def _shown(terms: Terms) -> str:
    """The terms of a gradient; all of them are too long for a table."""
    return "none" if not terms else "all terms" if terms == TERMS else ", ".join(terms)


def handles(scene: "Scene") -> Iterator[Handle]:
    """Every parameter of a scene."""
    for shape in scene.shapes.values():
        yield from of_shape(shape)
    for material in scene.materials.values():
        yield from of_material(material)
    for texture in scene.textures.values():
        yield of_texture(texture, scene.materials.values())
    for light in scene.lights.values():
        yield from of_light(light)
    for camera in scene.cameras.values():
        yield from of_camera(camera, scene.several_cameras)


def find(scene: "Scene", name: str) -> Handle:
    """The parameter of that name.

    Raises:
        InputError: there is none; says what there is, why not this one, or what was probably meant.
    """
    for handle in _candidates(scene, name) if isinstance(name, str) else ():
        if handle.parameter.name == name:
            return handle
    raise InputError(_unknown(scene, name))


def set_value(handle: Handle, value: Any) -> None:
    """Check a new value of a parameter and store a copy.

    Raises:
        InputError: not numbers, another shape, not finite, or a value with no meaning (a singular matrix).
    """
    name, shape = handle.parameter.name, handle.parameter.shape
    allowed = f"shape {shape}" if shape else "one number"
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        raise InputError(Problem(name, shown(value), f"numbers, {allowed}")) from None
    if array.dtype.kind not in "iuf":
        raise InputError(Problem(name, f"{shown(value)} is not numbers", f"numbers, {allowed}"))
    if name.endswith(".scale") and name.startswith("shapes.") and array.shape == ():
        array = np.full(3, array)
    if array.shape != shape:
        raise InputError(Problem(name, f"an array of shape {array.shape}", allowed))
    with np.errstate(over="ignore"):
        array = np.array(array, dtype=np.float32 if len(shape) == 3 else np.float64)
    if not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))
        where = f" at {tuple(bad[0].tolist())}" if shape else ""
        raise InputError(Problem(name, f"{len(bad)} of its numbers not finite{where}", "finite numbers"))
    wrong = handle.check(array)
    if wrong is not None:
        raise InputError(Problem(name, *wrong))
    handle.write(array)


def _candidates(scene: "Scene", name: str) -> Iterator[Handle]:
    section, _, rest = name.partition(".")
    element = rest.rpartition(".")[0]
    if section == "shapes" and element in scene.shapes:
        yield from of_shape(scene.shapes[element])
    elif section == "materials" and element in scene.materials:
        yield from of_material(scene.materials[element])
    elif section == "textures" and rest in scene.textures:
        yield of_texture(scene.textures[rest], scene.materials.values())
    elif section == "lights" and element in scene.lights:
        yield from of_light(scene.lights[element])
    elif section == "cameras" and scene.several_cameras and element in scene.cameras:
        yield from of_camera(scene.cameras[element], True)
    elif section == "camera" and not scene.several_cameras:
        for camera in scene.cameras.values():
            yield from of_camera(camera, False)


def _unknown(scene: "Scene", name: Any) -> Problem:
    if not isinstance(name, str):
        return Problem("parameter", shown(name), "the name of a parameter, a text")
    found = "no parameter of this scene"
    section, _, rest = name.partition(".")
    element, _, field = rest.rpartition(".")
    siblings = [handle.parameter.name for handle in _candidates(scene, name)]
    value: Any = None
    if section == "materials" and element in scene.materials:
        material = scene.materials[element]
        value = material.opacity if field == "opacity" else material.fields.get(field)
        if field in ("eta", "k") and material.type == "conductor":
            found = "no parameter: the conductor has no eta and k in its description"
    elif section == "shapes" and element in scene.shapes:
        shape = scene.shapes[element]
        if field == "emission":
            value = shape.emission
            found = "no parameter: the shape does not emit" if value is None else found
        elif field == "normals":
            found = "no parameter: the normals are not given, they follow from the vertices"
        elif field == "uvs":
            found = "no parameter: the mesh has no texture coordinates"
    elif section == "lights" and field in ("radiance", "image") and element in scene.lights:
        found = f"no parameter of this light: it has {', '.join(scene.lights[element].fields)}"
    elif (section in ("camera", "cameras") and field in ("fov", "intrinsics")) or rest in ("fov", "intrinsics"):
        found = "no parameter: the camera is given in another way (fov, intrinsics, or orthographic)"
    if section == "camera" and scene.several_cameras:
        found = "no parameter: the scene has a list of cameras, each with its name"
    elif section == "cameras" and not scene.several_cameras:
        found = "no parameter: the scene has one camera, without its name in parameters"
    if isinstance(value, TextureRef):
        found = f"no parameter by itself: it is the texture {value.name!r}"
        return Problem(name, found, f"textures.{value.name}", f"set or fit 'textures.{value.name}'")
    known = [handle.parameter.name for handle in handles(scene)]
    return Problem(name, found, listed(siblings or known, 12), nearest(name, siblings or known))
