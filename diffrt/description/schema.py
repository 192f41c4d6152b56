"""The scene file as pydantic models: the only place that knows its JSON names. Publishes the JSON Schema."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from diffrt.description.base import Strict, tag_of
from diffrt.description.cameras import CAMERA_MODELS, AnyCamera
from diffrt.description.lights import LIGHT_MODELS, AnyLight
from diffrt.description.materials import COLOUR_FIELDS, MATERIAL_FIELDS, MATERIAL_MODELS, AnyMaterial
from diffrt.description.shapes import SHAPE_MODELS, AnyShape
from diffrt.description.values import FileName, Name, TextureRef, integer, pixels
from diffrt.errors import Problem

__all__ = ["COLOUR_FIELDS", "MATERIAL_FIELDS", "MODELS_BY_TAG", "SceneFile", "TextureRef", "schema_json"]


class Integrator(Strict):
    """How long paths are."""

    max_depth: integer(-1, 1_000_000) = Field(
        default=6, description="path segments: 1 emitters seen directly, 2 direct light, -1 no limit"
    )
    rr_depth: integer(0, 1_000_000) = Field(
        default=5, description="segment where Russian roulette starts; above max_depth: none"
    )


class Sampling(Strict):
    """Random numbers."""

    sampler: Literal["sobol", "independent"] = Field(default="sobol", description="sobol: Owen-scrambled")
    spp: integer(1, 2**24) = Field(default=64, description="samples per pixel")
    seed: integer(0, 2**32 - 1) = Field(default=0, description="equal seeds give equal pictures")


class Film(Strict):
    """From samples to pixels."""

    filter: Literal["box", "tent", "gaussian"] = Field(default="box", description="reconstruction filter")


class Texture(Strict):
    """An image. Its values are linear after decoding; texel centres lie at (i+0.5)/width."""

    file: FileName | None = Field(default=None, description="an image, relative to this file")
    data: pixels() | None = Field(default=None, description="(H,W,C) numbers, row 0 at the top, instead of file")
    encoding: Literal["srgb", "linear"] | None = Field(
        default=None, description="default: srgb for 8 and 16 bit images used as a colour, else linear"
    )
    wrap: Literal["repeat", "clamp", "mirror"] = Field(default="repeat", description="outside [0,1]")
    filter: Literal["bilinear", "nearest"] = Field(default="bilinear", description="between texels")

    @classmethod
    def conflicts(cls, raw: dict[str, Any]) -> Iterator[Problem]:
        """Either a file or data."""
        given = [key for key in ("file", "data") if raw.get(key) is not None]
        if len(given) == 2:
            yield Problem(".data", "given together with file", "either file or data")
        if not given:
            yield Problem(".file", "missing", "file or data")


class SceneFile(Strict):
    """A diffrt scene. Lengths in any one unit, radiance in W/(m2 sr), linear RGB (BT.709), right-handed."""

    schema_: str | None = Field(default=None, alias="$schema", description="where this schema lies, for editors")
    camera: AnyCamera | None = Field(default=None, description="the camera")
    cameras: list[AnyCamera] | None = Field(default=None, description="instead of camera; the first is the default")
    integrator: Integrator = Field(default=Integrator(), description="how long paths are")
    sampling: Sampling = Field(default=Sampling(), description="random numbers")
    film: Film = Field(default=Film(), description="from samples to pixels")
    textures: dict[Name, Texture] = Field(default={}, description="images by name")
    materials: dict[Name, AnyMaterial] = Field(default={}, description="materials by name")
    shapes: list[AnyShape] = Field(default=[], description="what there is to see")
    lights: list[AnyLight] = Field(default=[], description="lights that are no shapes")

    @classmethod
    def conflicts(cls, raw: dict[str, Any]) -> Iterator[Problem]:
        """camera or cameras."""
        if raw.get("camera") is not None and raw.get("cameras") is not None:
            yield Problem("cameras", "given together with camera", "either camera or cameras")
        if isinstance(raw.get("cameras"), (list, tuple)) and not raw["cameras"]:
            yield Problem("cameras", "an empty list", "at least one camera")


MODELS_BY_TAG: dict[str, type[Strict]] = {
    tag_of(model): model for model in (*CAMERA_MODELS, *LIGHT_MODELS, *MATERIAL_MODELS, *SHAPE_MODELS)
}


def schema_json() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the scene file, as published in scenes/scene.schema.json."""
    schema = SceneFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "diffrt scene", **schema}
