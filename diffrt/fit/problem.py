"""The problem file of a fit as pydantic models: the only place that knows its JSON names. Publishes its JSON Schema."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import numpy as np
from pydantic import Field, ValidationError
from pydantic import Strict as Strictly

from diffrt.description.base import Strict, by_type, default, required
from diffrt.description.cameras import CAMERA_MODELS, Camera
from diffrt.description.names import shown
from diffrt.description.problems import problems_of
from diffrt.description.schema import MODELS_BY_TAG, published
from diffrt.description.values import (
    NON_NEGATIVE,
    POSITIVE,
    UNIT,
    Array,
    Check,
    FileName,
    Interval,
    Name,
    as_array,
    integer,
    invalid,
    number,
)
from diffrt.errors import InputError, Problem

if TYPE_CHECKING:
    AnyCamera: TypeAlias = Camera | str
else:
    AnyCamera = by_type(CAMERA_MODELS, otherwise="perspective", or_name=True)

MOST_ITERATIONS = 10_000_000
LOSSES = ("l1", "l2", "huber", "relative_l2", "log_l1", "ssim")
REGULARIZERS = ("laplacian", "normal_consistency", "edge_length", "smoothness", "prior")


def _picture(value: Any) -> str | Array:
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise invalid(shown(value), "the path of an image relative to the problem file, or from Python an array")
    return value


def _scene(value: Any) -> Any:
    from diffrt.scene.scene import Scene

    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, (dict, Scene)) and not (isinstance(value, str) and value.strip() and "\0" not in value):
        raise invalid(shown(value), "the path of a scene relative to the problem file, or a scene")
    return value


def _number_or_array(value: Any, allowed: str) -> Array:
    return as_array(value, allowed).astype(np.float64)


def _bounds(value: Any) -> tuple[Array, Array]:
    allowed = "[low, high], each a number or an array that broadcasts"
    if not isinstance(value, (list, tuple, np.ndarray)) or len(value) != 2:
        raise invalid(shown(value), allowed)
    low, high = (
        np.array(edge) if item is None else _number_or_array(item, allowed)
        for item, edge in zip(value, (-np.inf, np.inf), strict=True)
    )
    try:
        crossed = bool((low > high).any())
    except ValueError:
        raise invalid("two arrays that do not go together", allowed) from None
    if crossed:
        raise invalid(shown(value), "low at most high")
    return low, high


def _free(value: Any) -> Array:
    try:
        mask = np.asarray(value)
    except ValueError:
        mask = np.asarray(None)
    if mask.dtype != bool:
        raise invalid(shown(value), "true or false, or an array of such that broadcasts")
    return mask


def _start(value: Any) -> Array | None:
    return None if value is None else _number_or_array(value, "a number or an array of numbers")


def _one_of(names: tuple[str, ...]) -> Any:
    """A name of a registry: functions registered by programs count as well, see `add_loss`, `add_regularizer`."""

    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise invalid(shown(value), ", ".join(names))
        return value

    return Check(check, {"type": "string", "examples": list(names)})


_NUMBERS: dict[str, Any] = {"anyOf": [{"type": "number"}, {"type": "array"}, {"type": "null"}]}
_PAIR: dict[str, Any] = {"type": "array", "items": _NUMBERS, "minItems": 2, "maxItems": 2}
Buffer: TypeAlias = Literal["depth", "normal", "albedo", "position", "uv"]
Picture = Annotated[Any, Check(_picture, {"type": "string", "minLength": 1})]


class View(Strict):
    """A camera and what it saw."""

    name: Name | None = default(None, "unique; default the stem of the target's file")
    camera: AnyCamera | None = default(None, "a camera, or the name of one of the scene's; default its first")
    target: Picture = required("the image to explain: 8 and 16 bits are sRGB, alpha is a mask; .exr, .hdr, .npy linear")
    mask: Picture | None = default(None, "an image: where the target counts; also the target of the buffer mask")
    buffers: Annotated[dict[Buffer, Picture], Strictly()] = default(
        {}, "targets of other buffers: .exr, .npy or .hdr as render_buffers gives them"
    )
    holdout: Annotated[bool, Strictly()] = default(False, "kept out of the fit and only scored")


class ViewsFrom(Strict):
    """Views from a file of camera poses."""

    transforms: FileName | None = default(None, "transforms.json as of NeRF-synthetic, instant-ngp or nerfstudio")
    colmap: FileName | None = default(None, "folder of a COLMAP model, text or binary")
    images: FileName | None = default(None, "folder of the images of a COLMAP model")
    holdout_every: Annotated[int, integer(2, 1_000_000)] | None = default(
        None, "every n-th view is kept out of the fit and only scored"
    )

    @classmethod
    def conflicts(cls, raw: dict[str, Any]) -> Iterator[Problem]:
        """Either transforms or colmap, and images with the latter."""
        given = [key for key in ("transforms", "colmap") if raw.get(key) is not None]
        if len(given) != 1:
            found = "given together with transforms" if given else "missing"
            yield Problem(".colmap", found, "either transforms or colmap")
        elif given == ["colmap"] and raw.get("images") is None:
            yield Problem(".images", "missing", "the folder of the images of the COLMAP model")
        elif given == ["transforms"] and raw.get("images") is not None:
            yield Problem(".images", "given together with transforms", "images only with colmap")


class Schedule(Strict):
    """How a learning rate changes over the run."""

    type: Literal["constant", "exponential", "cosine", "inverse"] = default("constant", "how it falls")
    final: Annotated[float, number(Interval(0.0, 1.0, open_low=True))] = default(
        0.01, "exponential, cosine: share of the rate left at the end"
    )
    decay: Annotated[float, number(NON_NEGATIVE)] = default(0.01, "inverse: 1 / (1 + decay i) at iteration i")


class Precondition(Strict):
    """Steps of a mesh that stay smooth (Nicolet et al. 2021)."""

    type: Literal["large_steps"] = default("large_steps", "gradient steps on u = (I + lambda L) v")
    lambda_: Annotated[float, number(NON_NEGATIVE)] = Field(
        default=19.0, alias="lambda", description="how far a step spreads"
    )


class ParameterFit(Strict):
    """How one parameter, or all of a pattern with *, is fitted."""

    learning_rate: Annotated[float, number(POSITIVE)] = required("size of a step, in the parameter's units")
    optimizer: Literal["adam", "adam_uniform", "sgd"] | None = default(
        None, "default: the problem's; adam_uniform when preconditioned"
    )
    schedule: Schedule = default(Schedule(), "how the rate changes")
    precondition: Precondition | None = default(None, "vertices only")
    bounds: Annotated[Any, Check(_bounds, _PAIR)] = default(
        [None, None], "lowest and highest value, null: none; within what the parameter allows"
    )
    free: Annotated[Any, Check(_free, {"anyOf": [{"type": "boolean"}, {"type": "array"}]})] = default(
        True, "which entries move"
    )
    per_view: Annotated[bool, Strictly()] = default(False, "camera_response: one for each view")
    tied: Annotated[list[Name], Strictly()] = default([], "other parameters that have this one's value; * for several")
    function: Name | None = default(None, "added by a program: the key is a new name, for the numbers it takes")
    start: Annotated[Any, Check(_start, _NUMBERS)] = default(None, "function: the numbers to start from")


class Loss(Strict):
    """How far a picture is from its target."""

    type: Annotated[str, _one_of(LOSSES)] = default("l1", "the measure: " + ", ".join(LOSSES))
    space: Literal["linear", "srgb"] = default("linear", "where the two are compared; srgb: through the sRGB curve")
    pyramid_levels: Annotated[int, integer(1, 16)] = default(1, "also compared at half the size, and so on")
    delta: Annotated[float, number(POSITIVE)] = default(0.1, "huber: where the square ends")
    epsilon: Annotated[float, number(POSITIVE)] = default(0.01, "relative_l2, log_l1: added to the target")
    mix: Annotated[float, number(UNIT)] = default(0.2, "ssim: its share, the rest is l1")
    buffers: Annotated[dict[Literal["mask"] | Buffer, Annotated[float, number(NON_NEGATIVE)]], Strictly()] = default(
        {}, "weights of the l2 losses of other buffers"
    )


class Regularizer(Strict):
    """A term that does not look at pictures."""

    type: Annotated[str, _one_of(REGULARIZERS)] = required("the measure: " + ", ".join(REGULARIZERS))
    parameter: Name = required("the parameter it acts on; * for several")
    weight: Annotated[float, number(NON_NEGATIVE)] = required("factor")


class Remesh(Strict):
    """New triangles of even size before a stage (extra: mesh)."""

    edge_length: Annotated[float, number(POSITIVE)] = required("wanted, in object space")
    shapes: Annotated[list[Name], Strictly()] | None = default(None, "default: all whose vertices are fitted")


class Stage(Strict):
    """A part of the run."""

    iterations: Annotated[int, integer(1, MOST_ITERATIONS)] = required("steps")
    resolution: Annotated[float, number(Interval(0.0, 1.0, open_low=True))] = default(
        1.0, "factor on the pictures' size"
    )
    spp: Annotated[int, integer(1, 2**24)] | None = default(None, "samples per pixel; default the problem's")
    spp_gradient: Annotated[int, integer(1, 2**24)] | None = default(
        None, "of gradients; default the problem's, or a quarter of spp"
    )
    remesh: Remesh | None = default(None, "before the stage begins")


class ProblemFile(Strict):
    """What to fit: a scene to start from, what was seen of it, and which parameters may move."""

    schema_: str | None = Field(default=None, alias="$schema", description="where this schema lies, for editors")
    scene: Annotated[Any, Check(_scene, {"type": "string", "minLength": 1})] = required("the scene to start from")
    views: Annotated[list[View], Strictly()] = default([], "cameras and targets")
    views_from: ViewsFrom | None = default(None, "more views, from a file of poses")
    parameters: Annotated[dict[Name, ParameterFit], Strictly()] = required("what may move, by name; * for several")
    loss: Loss = default(Loss(), "the distance of pictures")
    regularizers: Annotated[list[Regularizer], Strictly()] = default([], "terms added to the loss")
    optimizer: Literal["adam", "adam_uniform", "sgd", "lbfgs"] = default("adam", "lbfgs: for all parameters together")
    stages: Annotated[list[Stage], Strictly()] = default([], "parts of the run; default one")
    iterations: Annotated[int, integer(1, MOST_ITERATIONS)] | None = default(
        None, "steps in all; default those of the stages, else 100"
    )
    spp: Annotated[int, integer(1, 2**24)] = default(16, "samples per pixel of pictures")
    spp_gradient: Annotated[int, integer(1, 2**24)] | None = default(
        None, "of gradients; default a quarter of spp, with lbfgs as many"
    )
    max_spp: Annotated[int, integer(1, 2**24)] | None = default(None, "so many while noise drowns the steps")
    views_per_iteration: Annotated[int, integer(1, 1_000_000)] | None = default(None, "default all views")
    seed: Annotated[int, integer(0, 2**31 - 1)] = default(0, "of the order of views and of all samples")


def read_problem(data: Any) -> ProblemFile:
    """Check the structure of a problem.

    Raises:
        InputError: with every structural problem found.
    """
    if not isinstance(data, dict):
        raise InputError(Problem("", f"a problem file holds one object, found {shown(data)}", "{...}"))
    problems: list[Problem] = []
    try:
        result = ProblemFile.model_validate(data)
        problems += _samples(result)
    except ValidationError as error:
        problems = [problem for _, problem in problems_of(error, ProblemFile, MODELS_BY_TAG)]
    if isinstance(data.get("views_from"), dict):
        for problem in ViewsFrom.conflicts(data["views_from"]):
            problems.append(Problem(f"views_from{problem.field}", problem.found, problem.allowed))
    if not data.get("views") and data.get("views_from") is None:
        problems.append(Problem("views", "missing", "views or views_from"))
    if data.get("parameters") == {}:
        problems.append(Problem("parameters", "an empty object", "at least one parameter"))
    if problems:
        raise InputError(problems)
    return result


def _samples(problem: ProblemFile) -> Iterator[Problem]:
    """What is wrong with a bound on samples."""
    if problem.max_spp is not None and problem.max_spp < problem.spp:
        yield Problem("max_spp", f"{problem.max_spp}, below spp", f"at least {problem.spp}")
    if problem.max_spp is not None and problem.optimizer == "lbfgs":
        yield Problem("max_spp", "given together with lbfgs", "none: lbfgs keeps to its samples")


def schema_text() -> str:
    """The JSON Schema as the text of scenes/problem.schema.json."""
    return published(ProblemFile, "diffrt fit problem")
