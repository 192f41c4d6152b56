"""Each kind of element's parameters: what they are, how to read them, how to set them, which values have no meaning."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from math import inf
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from diffrt.description import transform
from diffrt.description.materials import bounds_of, description_of
from diffrt.description.names import shown
from diffrt.description.values import Array, TextureRef
from diffrt.scene.elements import Camera, Light, Material, Shape, Texture
from diffrt.scene.terms import MOVING, NORMALS, NOT_DIFFERENTIABLE, SHADOWS_OF_DELTA_LIGHTS, WITHIN, Terms

Wrong: TypeAlias = tuple[str, str] | None
"""What is wrong with a value: what was found and what is allowed; or nothing."""
_FREE = (-inf, inf)
_ABOVE_ZERO = (0.0, inf)


@dataclass(frozen=True)
class Parameter:
    """An array of a scene.

    Attributes:
        name: as in `scene[name]`, e.g. "materials.white.albedo".
        shape: () for a number, (3,) for a colour, (V, 3) for vertices, (H, W, C) for a texture.
        units: of its numbers; empty if they have none.
        bounds: lowest and highest meaningful number.
        terms: those of which a gradient by it is the sum, a part of `TERMS`; none if there is no gradient. A scene may
            have nothing to sample for some of them, for instance no light of their kind.
        description: what it is.
    """

    name: str
    shape: tuple[int, ...]
    units: str
    bounds: tuple[float, float]
    terms: Terms
    description: str

    @property
    def differentiable(self) -> bool:
        """Whether gradients exist."""
        return bool(self.terms)


@dataclass(frozen=True)
class Handle:
    """How to reach a parameter. `write` gets a checked copy; `check` says what is wrong with a value, if anything."""

    parameter: Parameter
    read: Callable[[], Array]
    write: Callable[[Array], None]
    revision: str
    check: Callable[[Array], Wrong] = lambda value: None


def _handle(
    owner: Any,
    attribute: str,
    name: str,
    units: str,
    bounds: tuple[float, float],
    text: str,
    revision: str,
    terms: Terms,
    check: Callable[[Array], Wrong] = lambda value: None,
) -> Handle:
    """A parameter that is an attribute of an element, an array or a float."""
    value = getattr(owner, attribute)

    def read() -> Array:
        return np.array(getattr(owner, attribute))

    def write(array: Array) -> None:
        setattr(owner, attribute, float(array) if isinstance(value, float) else array)

    parameter = Parameter(name, np.shape(value), units, bounds, terms, text)
    return Handle(parameter, read, write, revision, check)


def _entry(
    fields: dict[str, Any],
    key: str,
    name: str,
    units: str,
    bounds: tuple[float, float],
    text: str,
    terms: Terms,
    check: Callable[[Array], Wrong] = lambda value: None,
) -> Handle:
    """A parameter that is an array in the fields of a material or a light."""

    def write(array: Array) -> None:
        fields[key] = array

    parameter = Parameter(name, np.shape(fields[key]), units, bounds, terms, text)
    return Handle(parameter, lambda: np.array(fields[key]), write, "appearance", check)


def of_shape(shape: Shape) -> Iterator[Handle]:
    """A shape's vertices, placement, emission, normals and uvs."""
    prefix = f"shapes.{shape.name}"

    def of_mesh(attribute: str, units: str, text: str, terms: Terms) -> Handle:
        def read() -> Array:
            return np.array(getattr(shape.mesh, attribute))

        def write(array: Array) -> None:
            if attribute == "normals":
                array = array / np.linalg.norm(array, axis=1, keepdims=True)
            shape.mesh = replace(shape.mesh, **{attribute: array})

        def check(array: Array) -> Wrong:
            if attribute == "normals" and not (np.linalg.norm(array, axis=1) > 0.0).all():
                return "a normal of no length", "directions, none of them zero"
            return None

        parameter = Parameter(f"{prefix}.{attribute}", read().shape, units, _FREE, terms, text)
        return Handle(parameter, read, write, "geometry", check)

    yield of_mesh("vertices", "length", "positions in object space, equal ones merged", MOVING)
    yield from _placement(shape, prefix, "geometry")
    text = "factors about the centre, along the world's axes, after to_world"
    yield _handle(shape, "scale", f"{prefix}.scale", "", _FREE, text, "geometry", MOVING, _not_zero)
    if isinstance(shape.emission, np.ndarray):
        text = "radiance on the side of the normal"
        yield _handle(shape, "emission", f"{prefix}.emission", "W/(m2 sr)", _ABOVE_ZERO, text, "appearance", WITHIN)
    if shape.has_given_normals:
        yield of_mesh("normals", "", "shading normals in object space", NORMALS)
    if shape.mesh.uvs is not None:
        yield of_mesh("uvs", "", "texture coordinates, v points up", WITHIN)


def _placement(owner: Shape | Camera, prefix: str, revision: str) -> Iterator[Handle]:
    about = "the centre" if isinstance(owner, Shape) else "the camera's position"
    space = "object" if isinstance(owner, Shape) else "camera"
    text = f"matrix from {space} space to world space"
    yield _handle(owner, "to_world", f"{prefix}.to_world", "", _FREE, text, revision, MOVING, _not_singular)
    text = "motion along the world's axes, after to_world"
    yield _handle(owner, "translation", f"{prefix}.translation", "length", _FREE, text, revision, MOVING)
    text = f"axis-angle vector about {about}, after to_world"
    yield _handle(owner, "rotation", f"{prefix}.rotation", "radians", _FREE, text, revision, MOVING)


def of_material(material: Material) -> Iterator[Handle]:
    """The fields of a material that are not textures."""
    prefix = f"materials.{material.name}"
    for key, value in material.fields.items():
        if isinstance(value, np.ndarray):
            bounds = bounds_of(material.type, key)
            check = _above_zero if key in ("ior", "exterior_ior", "eta") else _anything
            text = description_of(material.type, key)
            yield _entry(material.fields, key, f"{prefix}.{key}", "", bounds, text, WITHIN, check)
    if isinstance(material.opacity, np.ndarray) and material.type != "null":
        text = description_of(material.type, "opacity")
        yield _handle(material, "opacity", f"{prefix}.opacity", "", (0.0, 1.0), text, "appearance", WITHIN)


def of_texture(texture: Texture, materials: Iterable[Material]) -> Handle:
    """The data of a texture, within the bounds of all the fields that use it."""
    low, high = 0.0, inf
    for material in materials:
        fields = {**material.fields, "opacity": material.opacity}
        users = [key for key, value in fields.items() if isinstance(value, TextureRef) and value.name == texture.name]
        used = [bounds_of(material.type, key) for key in users]
        if material.normal_map == texture.name:
            used.append((0.0, 1.0))
        for bounds in used:
            low, high = max(low, bounds[0]), min(high, bounds[1])
    text = f"linear values, {texture.wrap}, {texture.filter}; row 0 is the top"
    return _handle(texture, "data", f"textures.{texture.name}", "", (low, high), text, "appearance", WITHIN)


class LightField(NamedTuple):
    """What is known of a number or vector of a light."""

    units: str
    bounds: tuple[float, float]
    terms: Terms
    description: str


LIGHT_FIELDS = {
    "position": LightField("length", _FREE, SHADOWS_OF_DELTA_LIGHTS, "in world space"),
    "intensity": LightField("W/sr", _ABOVE_ZERO, WITHIN, "power per solid angle"),
    "direction": LightField("", _FREE, SHADOWS_OF_DELTA_LIGHTS, "the way the light travels, unit length"),
    "irradiance": LightField("W/m2", _ABOVE_ZERO, WITHIN, "on a surface that faces the light"),
    "cutoff": LightField("degrees", (0.0, 180.0), WITHIN, "half-angle of the cone"),
    "falloff_start": LightField("degrees", (0.0, 180.0), WITHIN, "half-angle of the cone of full intensity"),
    "radiance": LightField("W/(m2 sr)", _ABOVE_ZERO, WITHIN, "from everywhere"),
    "scale": LightField("", _ABOVE_ZERO, WITHIN, "factor on the radiance"),
}


def of_light(light: Light) -> Iterator[Handle]:
    """The fields of a light, and an environment's image and placement."""
    prefix = f"lights.{light.name}"
    for key in light.fields:
        units, bounds, terms, text = LIGHT_FIELDS[key]
        if light.type == "spot" and key == "direction":
            terms = WITHIN  # shadows fall away from its position
        check = {"direction": _not_zero_vector, "cutoff": _half_angle}.get(key, _anything)
        handle = _entry(light.fields, key, f"{prefix}.{key}", units, bounds, text, terms, check)
        if key == "direction":
            handle = replace(handle, write=_unit_writer(handle.write))
        yield handle
    if light.image is not None:
        text = "radiance, latitude-longitude, row 0 is the top"
        yield _handle(light, "image", f"{prefix}.image", "W/(m2 sr)", _ABOVE_ZERO, text, "appearance", WITHIN)
    if light.type == "environment":

        def placed(key: str, units: str, text: str, terms: Terms, check: Callable[[Array], Wrong]) -> Handle:
            return _handle(light, key, f"{prefix}.{key}", units, _FREE, text, "appearance", terms, check)

        # A step along a derivative would not leave it a rotation.
        text = "rotation from the image's space to world space; its gradient is that by the rotation"
        yield placed("to_world", "", text, NOT_DIFFERENTIABLE, _not_rotation)
        # Directions are kept, and the image turns behind whatever blocks them: no shadow moves.
        yield placed("rotation", "radians", "axis-angle vector, after to_world", WITHIN, _anything)


def of_camera(camera: Camera, several: bool) -> Iterator[Handle]:
    """A camera's placement and lens; `several`: the scene has a list of cameras."""
    prefix = f"cameras.{camera.name}" if several else "camera"

    def lens(key: str, units: str, bounds: tuple[float, float], text: str, check: Callable[[Array], Wrong]) -> Handle:
        return _handle(camera, key, f"{prefix}.{key}", units, bounds, text, "camera", MOVING, check)

    yield from _placement(camera, prefix, "camera")
    if camera.fov is not None:
        yield lens("fov", "degrees", (0.0, 180.0), f"field of view across {camera.fov_axis}", _opening_angle)
    if camera.intrinsics is not None:
        yield lens("intrinsics", "pixels", _FREE, "fx, fy, cx, cy from the top-left corner", _focal_above_zero)
    if camera.type == "orthographic":
        yield lens("scale", "length", _ABOVE_ZERO, "half the width of the film", _above_zero)
    else:
        yield lens("distortion", "", _FREE, "k1, k2, p1, p2, k3 (OpenCV)", _anything)
    if camera.type == "thin_lens":
        yield lens("aperture_radius", "length", _ABOVE_ZERO, "radius of the lens", _not_negative)
        yield lens("focus_distance", "length", _ABOVE_ZERO, "distance of the plane in focus", _above_zero)


# Values that would have no meaning


def _anything(value: Array) -> None:
    return None


def _not_zero(value: Array) -> Wrong:
    return None if (value != 0.0).all() else (shown(value.tolist()), "numbers that are not zero")


def _not_zero_vector(value: Array) -> Wrong:
    return None if (value != 0.0).any() else (f"{shown(value.tolist())} has no direction", "numbers, not all zero")


def _not_negative(value: Array) -> Wrong:
    return None if (value >= 0.0).all() else (shown(value.tolist()), "at least 0")


def _above_zero(value: Array) -> Wrong:
    return None if (value > 0.0).all() else (shown(value.tolist()), "greater than 0")


def _focal_above_zero(value: Array) -> Wrong:
    return None if (value[:2] > 0.0).all() else (shown(value.tolist()), "fx and fy greater than 0")


def _half_angle(value: Array) -> Wrong:
    return None if 0.0 < value <= 180.0 else (shown(value.tolist()), "greater than 0 and at most 180")


def _opening_angle(value: Array) -> Wrong:
    return None if 0.0 < value < 180.0 else (shown(value.tolist()), "greater than 0 and less than 180")


def _not_singular(value: Array) -> Wrong:
    if not np.array_equal(value[3], [0.0, 0.0, 0.0, 1.0]):
        return f"the last row is {value[3].tolist()}", "a matrix with last row 0 0 0 1"
    return None if transform.is_invertible(value) else ("a singular matrix", "a matrix that can be inverted")


def _not_rotation(value: Array) -> Wrong:
    wrong = _not_singular(value)
    if wrong is None and transform.rotation_part(value) is None:
        wrong = ("not a rotation", "a rotation matrix")
    return wrong


def _unit_writer(write: Callable[[Array], None]) -> Callable[[Array], None]:
    def write_unit(array: Array) -> None:
        write(transform.unit(array))

    return write_unit
