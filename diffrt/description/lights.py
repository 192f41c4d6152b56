"""Lights of the scene file that are no shapes. (A shape is a light by its `emission`.)"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from diffrt.description.base import Strict, by_type, default
from diffrt.description.transform_value import Transform
from diffrt.description.values import NON_NEGATIVE, Array, FileName, Interval, Name, colour, number, pixels, vector
from diffrt.errors import Problem

Power = Annotated[Array, colour(NON_NEGATIVE)]
HalfAngle = Annotated[float, number(Interval(0.0, 180.0, open_low=True))]


class Light(Strict):
    """What every light takes."""

    group = "light"
    name: Name | None = default(None, "unique; default light0, light1, ...")


class PointLight(Light):
    """Shines equally in all directions from a point."""

    type: Literal["point"]
    position: Annotated[Array, vector()] = default((0.0, 0.0, 0.0), "world space")
    intensity: Power = default(1.0, "W/sr")


class SpotLight(Light):
    """Shines from a point into a cone: full intensity up to `falloff_start` from the axis, none beyond `cutoff`."""

    type: Literal["spot"]
    position: Annotated[Array, vector()] = default((0.0, 0.0, 0.0), "world space")
    direction: Annotated[Array, vector(nonzero=True)] = default((0.0, 0.0, -1.0), "axis, the way the light travels")
    intensity: Power = default(1.0, "W/sr on the axis")
    cutoff: HalfAngle = default(20.0, "degrees from the axis")
    falloff_start: Annotated[float, number(Interval(0.0, 180.0))] | None = default(
        None, "degrees from the axis; default three quarters of cutoff"
    )

    @classmethod
    def conflicts(cls, raw: dict[str, Any]) -> Iterator[Problem]:
        """The falloff starts inside the cone."""
        start, cutoff = raw.get("falloff_start"), raw.get("cutoff", 20.0)
        if isinstance(start, (int, float)) and isinstance(cutoff, (int, float)) and start > cutoff:
            yield Problem(".falloff_start", f"{start} is beyond cutoff {cutoff}", f"between 0 and cutoff, {cutoff}")


class DirectionalLight(Light):
    """Parallel light from infinitely far away."""

    type: Literal["directional"]
    direction: Annotated[Array, vector(nonzero=True)] = default((0.0, -1.0, 0.0), "the way the light travels")
    irradiance: Power = default(1.0, "W/m2 on a surface that faces the light")


class EnvironmentLight(Light):
    """Light from all around: an image in latitude-longitude format, its centre along -Z, or one radiance."""

    type: Literal["environment"]
    file: FileName | None = default(None, "an image, relative to this file")
    data: Annotated[Array, pixels()] | None = default(None, "(H,W,3) linear radiance, row 0 at the top")
    radiance: Power | None = default(None, "W/(m2 sr), the same from everywhere")
    scale: Annotated[float, number(NON_NEGATIVE)] = default(1.0, "factor on the image or radiance")
    to_world: Transform = default([], "a rotation")

    @classmethod
    def conflicts(cls, raw: dict[str, Any]) -> Iterator[Problem]:
        """One source of radiance."""
        given = [key for key in ("file", "data", "radiance") if raw.get(key) is not None]
        if len(given) > 1:
            yield Problem(f".{given[1]}", f"given together with {given[0]}", "one of file, data, radiance")
        if not given:
            yield Problem(".radiance", "missing", "one of file, data, radiance")


LIGHT_MODELS: tuple[type[Light], ...] = (PointLight, SpotLight, DirectionalLight, EnvironmentLight)
if TYPE_CHECKING:
    AnyLight: TypeAlias = Light
else:
    AnyLight = by_type(LIGHT_MODELS)
