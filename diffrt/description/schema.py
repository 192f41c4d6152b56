"""The scene file as pydantic models: the only place that knows its JSON names. Publishes the JSON Schema."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic import Strict as Strictly

from diffrt.description.base import Strict, default, tag_of
from diffrt.description.cameras import CAMERA_MODELS, AnyCamera
from diffrt.description.lights import LIGHT_MODELS, AnyLight
from diffrt.description.materials import COLOUR_FIELDS, MATERIAL_FIELDS, MATERIAL_MODELS, AnyMaterial
from diffrt.description.shapes import SHAPE_MODELS, AnyShape
from diffrt.description.transform_value import SHARED_SCHEMAS
from diffrt.description.values import Array, FileName, Name, TextureRef, integer, pixels
from diffrt.errors import Problem

__all__ = ["COLOUR_FIELDS", "MATERIAL_FIELDS", "MODELS_BY_TAG", "SceneFile", "TextureRef", "schema_json", "schema_text"]


class Integrator(Strict):
    """How long paths are."""

    max_depth: Annotated[int, integer(-1, 32768, but=0)] = default(
        6, "path segments: 1 emitters seen directly, 2 direct light, -1 no limit"
    )
    rr_depth: Annotated[int, integer(0, 1_000_000)] = default(
        5, "segment where Russian roulette starts; above max_depth: none"
    )


class Sampling(Strict):
    """Random numbers."""

    sampler: Literal["lattice", "sobol", "independent"] = default(
        "lattice", "lattice: a shifted rank-1 lattice made for spp; sobol: Owen-scrambled, any part of it is even"
    )
    spp: Annotated[int, integer(1, 2**24)] = default(64, "samples per pixel")
    seed: Annotated[int, integer(0, 2**31 - 1)] = default(0, "equal seeds give equal pictures")


class Film(Strict):
    """From samples to pixels."""

    filter: Literal["box", "tent", "gaussian"] = default("box", "reconstruction filter")


class Texture(Strict):
    """An image. Its values are linear after decoding; texel centres lie at (i+0.5)/width."""

    file: FileName | None = default(None, "an image, relative to this file")
    data: Annotated[Array, pixels()] | None = default(None, "(H,W,C) numbers, row 0 at the top, instead of file")
    encoding: Literal["srgb", "linear"] | None = default(
        None, "default: srgb for 8 and 16 bit images used as a colour, else linear"
    )
    wrap: Literal["repeat", "clamp", "mirror"] = default("repeat", "outside [0,1]")
    filter: Literal["bilinear", "nearest"] = default("bilinear", "between texels")

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
    camera: AnyCamera | None = default(None, "the camera")
    cameras: Annotated[list[AnyCamera], Strictly()] | None = default(
        None, "instead of camera; the first is the default"
    )
    integrator: Integrator = default(Integrator(), "how long paths are")
    sampling: Sampling = default(Sampling(), "random numbers")
    film: Film = default(Film(), "from samples to pixels")
    textures: Annotated[dict[Name, Texture], Strictly()] = default({}, "images by name")
    materials: Annotated[dict[Name, AnyMaterial], Strictly()] = default({}, "materials by name")
    shapes: Annotated[list[AnyShape], Strictly()] = default([], "what there is to see")
    lights: Annotated[list[AnyLight], Strictly()] = default([], "lights that are no shapes")

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


def schema_json(model: type[Strict] = SceneFile, title: str = "diffrt scene") -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the scene file, as published in scenes/scene.schema.json, or of another."""
    schema = model.model_json_schema(by_alias=True)
    named = {name: _named(part) for name, part in schema.pop("$defs").items()}
    body = _named(schema)
    text = json.dumps([named, body])
    shared = {name: _named(part, but=name) for name, part in SHARED_SCHEMAS.items()}
    if model is not SceneFile:  # only what is referred to, directly or from another shared part
        kept: dict[str, Any] = {}
        for name, part in shared.items():
            if f'"#/$defs/{name}"' in text + json.dumps(kept):
                kept[name] = part
        shared = kept
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return {**head, **body, "title": title, "$defs": named | shared}


def schema_text() -> str:
    """The JSON Schema as the text of scenes/scene.schema.json."""
    return published(SceneFile, "diffrt scene")


def published(model: type[Strict], title: str) -> str:
    """The JSON Schema of a model as the text of a file."""
    return json.dumps(schema_json(model, title), indent=1) + "\n"


def _named(part: Any, but: str = "") -> Any:
    """The same schema with references to the shared parts in it, and without the titles that pydantic makes up."""
    if isinstance(part, list):
        return [_named(item) for item in part]
    if not isinstance(part, dict):
        return part
    part = {key: value for key, value in part.items() if key != "title" or not isinstance(value, str)}
    for name, shared in SHARED_SCHEMAS.items():
        if name != but and all(part.get(key) == value for key, value in shared.items()):
            return {"$ref": f"#/$defs/{name}", **{key: value for key, value in part.items() if key not in shared}}
    return {key: _named(value) for key, value in part.items()}
