"""Materials of the scene file. Every number may be replaced by a texture, `{"texture": name}`."""

from typing import Any, Literal

from pydantic import Field, StrictBool

from diffrt.description.base import Strict, by_type, type_name
from diffrt.description.values import NON_NEGATIVE, POSITIVE, UNIT, Name, colour, colour_value, scalar_value

Reflectance = colour_value(UNIT)
Fraction = scalar_value(UNIT)
Index = scalar_value(POSITIVE)


class Material(Strict):
    """What every material takes."""

    group = "material"
    two_sided: StrictBool | None = Field(
        default=None,
        description="the back looks like the front; false: black from behind. Default: true unless light passes through",
    )
    normal_map: Name | None = Field(default=None, description="name of a texture with tangent-space normals, 2c-1")
    opacity: Fraction = Field(default=1.0, description="fraction of the surface that is there; the rest lets rays pass")


class Diffuse(Material):
    """Lambertian reflection."""

    type: Literal["diffuse"]
    albedo: Reflectance = Field(default=0.5, description="fraction of the light reflected")


class Conductor(Material):
    """Metal. With eta and k the exact conductor Fresnel, without them Fresnel = 1; roughness 0 is a perfect mirror."""

    type: Literal["conductor"]
    reflectance: Reflectance = Field(default=1.0, description="factor on the reflection")
    roughness: Fraction = Field(default=0.0, description="GGX with alpha = roughness squared")
    eta: colour(POSITIVE) | None = Field(default=None, description="real part of the index of refraction, per channel")
    k: colour(NON_NEGATIVE) | None = Field(default=None, description="extinction coefficient, per channel")

    @classmethod
    def conflicts(cls, raw: dict[str, Any]) -> Any:
        """eta and k come together."""
        from diffrt.errors import Problem

        for one, other in (("eta", "k"), ("k", "eta")):
            if raw.get(one) is not None and raw.get(other) is None:
                yield Problem(f".{other}", f"missing, though {one} is given", "eta and k together, or neither")


class Dielectric(Material):
    """Glass, water: reflects and refracts with the exact Fresnel term. The front side faces the exterior."""

    type: Literal["dielectric"]
    ior: Index = Field(default=1.5, description="index of refraction behind the surface")
    exterior_ior: Index = Field(default=1.0, description="index of refraction in front of the surface")
    roughness: Fraction = Field(default=0.0, description="GGX with alpha = roughness squared; 0 is perfectly smooth")


class Plastic(Material):
    """A diffuse base under a dielectric coat."""

    type: Literal["plastic"]
    albedo: Reflectance = Field(default=0.5, description="diffuse reflectance of the base")
    ior: Index = Field(default=1.5, description="index of refraction of the coat")
    roughness: Fraction = Field(default=0.3, description="of the coat; GGX with alpha = roughness squared")


class Principled(Material):
    """The metallic-roughness model of glTF 2.0 with its KHR extensions and their defaults."""

    type: Literal["principled"]
    base_color: Reflectance = Field(default=1.0, description="albedo of the dielectric, reflectance of the metal")
    metallic: Fraction = Field(default=1.0, description="0 dielectric, 1 metal")
    roughness: Fraction = Field(default=1.0, description="GGX with alpha = roughness squared")
    ior: Index = Field(default=1.5, description="KHR_materials_ior")
    specular: Fraction = Field(default=1.0, description="KHR_materials_specular: strength of the reflection")
    specular_color: colour_value(NON_NEGATIVE) = Field(default=1.0, description="KHR_materials_specular: its colour")
    transmission: Fraction = Field(default=0.0, description="KHR_materials_transmission")
    clearcoat: Fraction = Field(default=0.0, description="KHR_materials_clearcoat")
    clearcoat_roughness: Fraction = Field(default=0.0, description="KHR_materials_clearcoat")
    sheen_color: Reflectance = Field(default=0.0, description="KHR_materials_sheen")
    sheen_roughness: Fraction = Field(default=0.0, description="KHR_materials_sheen")


class Mix(Material):
    """A blend of two materials: weight 0 is all `first`, 1 all `second`."""

    type: Literal["mix"]
    first: "NamedOrInline" = Field(description="a material, by name or inline")
    second: "NamedOrInline" = Field(description="a material, by name or inline")
    weight: Fraction = Field(default=0.5, description="share of `second`")


class Null(Material):
    """Nothing: rays pass through unchanged."""

    type: Literal["null"]


MATERIAL_MODELS: tuple[type[Material], ...] = (Diffuse, Conductor, Dielectric, Plastic, Principled, Mix, Null)
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
