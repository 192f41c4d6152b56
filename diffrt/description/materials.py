"""Materials of the scene file. Every number may be replaced by a texture, `{"texture": name}`."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import StrictBool

from diffrt.description.base import Strict, by_type, default, required, type_name
from diffrt.description.values import (
    NON_NEGATIVE,
    POSITIVE,
    UNIT,
    Array,
    Check,
    Name,
    Value,
    colour,
    colour_value,
    scalar_value,
)
from diffrt.errors import Problem

Reflectance = Annotated[Value, colour_value(UNIT)]
Fraction = Annotated[Value, scalar_value(UNIT)]
Index = Annotated[Value, scalar_value(POSITIVE)]


class Material(Strict):
    """What every material takes."""

    group = "material"
    two_sided: StrictBool | None = default(
        None, "the back looks like the front; false: black from behind. Default: unless light passes through"
    )
    normal_map: Name | None = default(None, "name of a texture with tangent-space normals, 2c-1")
    opacity: Fraction = default(1.0, "fraction of the surface that is there; the rest lets rays pass")


class Diffuse(Material):
    """Lambertian reflection."""

    type: Literal["diffuse"]
    albedo: Reflectance = default(0.5, "fraction of the light reflected")


class Conductor(Material):
    """Metal. With eta and k the exact conductor Fresnel, without them Fresnel = 1; roughness 0 is a perfect mirror."""

    type: Literal["conductor"]
    reflectance: Reflectance = default(1.0, "factor on the reflection")
    roughness: Fraction = default(0.0, "GGX with alpha = roughness squared")
    eta: Annotated[Array, colour(POSITIVE)] | None = default(None, "real part of the index of refraction, per channel")
    k: Annotated[Array, colour(NON_NEGATIVE)] | None = default(None, "extinction coefficient, per channel")

    @classmethod
    def conflicts(cls, raw: dict[str, Any]) -> Iterator[Problem]:
        """eta and k come together."""
        for one, other in (("eta", "k"), ("k", "eta")):
            if raw.get(one) is not None and raw.get(other) is None:
                yield Problem(f".{other}", f"missing, though {one} is given", "eta and k together, or neither")


class Dielectric(Material):
    """Glass, water: reflects and refracts with the exact Fresnel term. The front side faces the exterior."""

    type: Literal["dielectric"]
    ior: Index = default(1.5, "index of refraction behind the surface")
    exterior_ior: Index = default(1.0, "index of refraction in front of the surface")
    roughness: Fraction = default(0.0, "GGX with alpha = roughness squared; 0 is perfectly smooth")


class Plastic(Material):
    """A diffuse base under a dielectric coat."""

    type: Literal["plastic"]
    albedo: Reflectance = default(0.5, "diffuse reflectance of the base")
    ior: Index = default(1.5, "index of refraction of the coat")
    roughness: Fraction = default(0.3, "of the coat; GGX with alpha = roughness squared")


class Principled(Material):
    """The metallic-roughness model of glTF 2.0 with its KHR extensions and their defaults."""

    type: Literal["principled"]
    base_color: Reflectance = default(1.0, "albedo of the dielectric, reflectance of the metal")
    metallic: Fraction = default(1.0, "0 dielectric, 1 metal")
    roughness: Fraction = default(1.0, "GGX with alpha = roughness squared")
    ior: Index = default(1.5, "KHR_materials_ior")
    specular: Fraction = default(1.0, "KHR_materials_specular: strength of the reflection")
    specular_color: Annotated[Value, colour_value(NON_NEGATIVE)] = default(1.0, "KHR_materials_specular: its colour")
    transmission: Fraction = default(0.0, "KHR_materials_transmission")
    clearcoat: Fraction = default(0.0, "KHR_materials_clearcoat")
    clearcoat_roughness: Fraction = default(0.0, "KHR_materials_clearcoat")
    sheen_color: Reflectance = default(0.0, "KHR_materials_sheen")
    sheen_roughness: Fraction = default(0.0, "KHR_materials_sheen")


class Mix(Material):
    """A blend of two materials: weight 0 is all `first`, 1 all `second`."""

    type: Literal["mix"]
    first: "NamedOrInline" = required("a material, by name or inline")
    second: "NamedOrInline" = required("a material, by name or inline")
    weight: Fraction = default(0.5, "share of `second`")


class Null(Material):
    """Nothing: rays pass through unchanged."""

    type: Literal["null"]


MATERIAL_MODELS: tuple[type[Material], ...] = (Diffuse, Conductor, Dielectric, Plastic, Principled, Mix, Null)
if TYPE_CHECKING:
    AnyMaterial: TypeAlias = Material
    NamedOrInline: TypeAlias = Material | str
else:
    AnyMaterial = by_type(MATERIAL_MODELS)
    NamedOrInline = by_type(MATERIAL_MODELS, or_name=True)
Mix.model_rebuild()

COMMON_FIELDS = tuple(Material.model_fields)
MATERIAL_FIELDS: dict[str, tuple[str, ...]] = {
    type_name(model): tuple(
        name for name in model.model_fields if name not in (*COMMON_FIELDS, "type", "first", "second")
    )
    for model in MATERIAL_MODELS
}
"""Names of the numeric fields of each type, in the order of the device's slots."""

COLOUR_FIELDS = frozenset(("albedo", "reflectance", "eta", "k", "base_color", "specular_color", "sheen_color"))
"""Fields that hold a colour, (3,); the others hold a number, ()."""


def bounds_of(material_type: str, field: str) -> tuple[float, float]:
    """The lowest and highest number that a field of a material may hold."""
    model = next(model for model in MATERIAL_MODELS if type_name(model) == material_type)
    checks = [item for item in model.model_fields[field].metadata if isinstance(item, Check)]
    interval = checks[0].interval if checks else None
    return (interval.low, interval.high) if interval is not None else (0.0, math.inf)


def description_of(material_type: str, field: str) -> str:
    """What a field of a material is, in a few words."""
    model = next(model for model in MATERIAL_MODELS if type_name(model) == material_type)
    return model.model_fields[field].description or ""
