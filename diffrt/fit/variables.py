"""What a fit moves: a parameter, the coordinates its steps are taken in, and where it may go."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from diffrt.description.names import listed, nearest
from diffrt.description.values import Array
from diffrt.errors import InputError, Problem
from diffrt.fit import response
from diffrt.fit.large_steps import LargeSteps
from diffrt.fit.optimizers import OPTIMIZERS, Moments, rate_factor, tamed
from diffrt.fit.problem import ParameterFit, ProblemFile
from diffrt.fit.views import View
from diffrt.scene.parameters import find
from diffrt.scene.scene import Scene

Floats = NDArray[np.float64]
RESPONSE = "camera_response."


@dataclass
class Variable:
    """A parameter that is fitted.

    Attributes:
        name: as in the problem. target: its name in the scene that is fitted; None for a camera response.
        value: where it stands, in its own units. start: where it began.
        low, high: bounds that broadcast over it. free: which entries move, broadcasts over it.
        latent: the coordinates of its steps: the value itself, or u of large steps.
        rate_scale: halved whenever its gradient is not finite.
    """

    name: str
    target: str | None
    fit: ParameterFit
    optimizer: str
    value: Floats
    low: Array
    high: Array
    free: Array
    units: str = ""
    steps: LargeSteps | None = None
    rate_scale: float = 1.0
    start: Floats = field(init=False)
    latent: Floats = field(init=False)
    moments: Moments = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.value.copy()
        self.renew()

    def renew(self) -> None:
        """Begin anew from the present value: fresh moments, and coordinates for the present mesh."""
        self.latent = self._encode(self.value)
        self.moments = Moments.like(self.latent)

    def step(self, gradient: Floats, iteration: int, iterations: int) -> bool:
        """Move against a gradient by the value, then back into the bounds.

        Args:
            gradient: of the value's shape, finite.

        Returns:
            Whether the gradient was so much longer than usual that it was cut.
        """
        gradient = np.where(self.free, gradient, 0.0)
        if self.steps is not None:
            gradient = self.steps.decode(gradient)
        gradient, cut = tamed(gradient, self.moments)
        rate = self.fit.learning_rate * self.rate_scale * rate_factor(self.fit.schedule, iteration, iterations)
        self.latent = self.latent - rate * OPTIMIZERS[self.optimizer](gradient, self.moments)
        self.set(self.latent if self.steps is None else self.steps.decode(self.latent))
        return cut

    def set(self, value: Floats) -> None:
        """Take a value, brought within the bounds."""
        allowed = np.clip(np.where(self.free, value, self.start), self.low, self.high)
        if self.steps is None:
            self.latent = allowed
        elif not np.array_equal(allowed, value):
            self.latent = self._encode(allowed)
        self.value = allowed

    def _encode(self, value: Floats) -> Floats:
        return value if self.steps is None else self.steps.encode(value)


def make_variables(problem: ProblemFile, scene: Scene, views: list[View], single: str | None) -> dict[str, Variable]:
    """The variables of a problem, by name.

    Args:
        scene: the one that is fitted: all its cameras, those of views too, by their names.
        single: the name of the camera that parameters call `camera`, if the scene file has one camera.

    Raises:
        InputError: with every problem found.
    """
    known = known_parameters(scene, single)
    result: dict[str, Variable] = {}
    problems: list[Problem] = []
    exact_first = sorted(problem.parameters.items(), key=lambda item: "*" in item[0])
    for key, fit in exact_first:
        names = matching(key, known)
        if not names:
            problems.append(unknown_parameter(key, known))
        for name in names:
            if name in result:
                continue
            try:
                result[name] = _variable(problem, name, known[name], fit, scene, views)
            except InputError as error:
                problems += error.problems
    if problems:
        raise InputError(problems)
    order = list(known)
    return dict(sorted(result.items(), key=lambda item: order.index(item[0])))


def matching(key: str, known: dict[str, str | None]) -> list[str]:
    """The known names that a key of the problem means: itself, or all that its * fits."""
    return (
        [name for name in known if fnmatchcase(name, key.replace("[", "[[]"))] if "*" in key else [key] * (key in known)
    )


def unknown_parameter(key: str, known: dict[str, str | None]) -> Problem:
    """What to say of a key that means nothing."""
    section = key.split(".")[0]
    siblings = [name for name in known if name.split(".")[0] == section] or list(known)
    return Problem(f"parameters.{key}", "no parameter of this problem", listed(siblings, 12), nearest(key, known))


def known_parameters(scene: Scene, single: str | None = None) -> dict[str, str | None]:
    """Every name that a problem may use, with its name in the scene that is fitted (None: camera responses).

    Args:
        scene: as loaded, or the one that is fitted; then `single` is the name of the camera called `camera`.
    """
    names: dict[str, str | None] = {}
    for target in scene.parameters:
        name = target
        if target.startswith("cameras.views."):
            name = target.removeprefix("cameras.")
        elif single is not None and target.startswith(f"cameras.{single}."):
            name = "camera." + target.removeprefix(f"cameras.{single}.")
        names[name] = target
    return names | {f"{RESPONSE}{name}": None for name in response.FIELDS}


def _variable(
    problem: ProblemFile, name: str, target: str | None, fit: ParameterFit, scene: Scene, views: list[View]
) -> Variable:
    place = f"parameters.{name}"
    problems: list[Problem] = []
    if target is None:
        item = response.FIELDS[name.removeprefix(RESPONSE)]
        fitted = sum(not view.holdout for view in views)
        value = np.broadcast_to(item.rest, (fitted, *item.rest.shape)) if fit.per_view else item.rest
        (low, high), units = item.bounds, item.units
    else:
        parameter = find(scene, target).parameter
        value, (low, high), units = scene[target], parameter.bounds, parameter.units
        if not parameter.differentiable:
            problems.append(Problem(place, "no gradient exists for it", "differentiable parameters"))
        if fit.per_view:
            problems.append(Problem(f"{place}.per_view", "true", "only for camera_response"))
    value = np.array(value, dtype=np.float64)
    bounds = []
    for edge, own, within in zip(fit.bounds, (low, high), (np.maximum, np.minimum), strict=True):
        bounds.append(_broadcast(within(edge, own), value.shape, f"{place}.bounds", problems))
    free = _broadcast(fit.free, value.shape, f"{place}.free", problems)
    outside = (value < bounds[0]) | (value > bounds[1])
    if outside.any():
        at = tuple(int(index) for index in np.argwhere(outside)[0])
        where = f" at {list(at)}" if at else ""
        low, high = (float(np.broadcast_to(edge, value.shape)[at]) for edge in bounds)
        found = f"the start {value[at]:g}{where} lies outside of [{low:g}, {high:g}]"
        problems.append(Problem(f"{place}.bounds", found, "bounds that hold the start"))
    steps = None
    if fit.precondition is not None:
        if target is not None and target.startswith("shapes.") and target.endswith(".vertices"):
            faces = scene.shapes[target.removeprefix("shapes.").removesuffix(".vertices")].mesh.faces
            steps = LargeSteps(faces, len(value), fit.precondition.lambda_)
        else:
            problems.append(Problem(f"{place}.precondition", "large_steps", "only for the vertices of a shape"))
    if problem.optimizer == "lbfgs":
        if fit.optimizer is not None:
            found = f"{fit.optimizer!r}, beside lbfgs for all"
            problems.append(Problem(f"{place}.optimizer", found, "none: lbfgs takes all parameters together"))
        if steps is not None and (np.isfinite(bounds[0]).any() or np.isfinite(bounds[1]).any()):
            found = "given together with precondition and lbfgs"
            problems.append(Problem(f"{place}.bounds", found, "no bounds, or another optimizer"))
    if problems:
        raise InputError(problems)
    optimizer = fit.optimizer or ("adam_uniform" if steps is not None else problem.optimizer)
    return Variable(name, target, fit, optimizer, value, bounds[0], bounds[1], free, units, steps)


def _broadcast(array: Array, shape: tuple[int, ...], place: str, problems: list[Problem]) -> Array:
    """The array if it broadcasts to `shape`; else a problem, and one that does."""
    try:
        np.broadcast_to(array, shape)
        return array
    except ValueError:
        problems.append(Problem(place, f"an array of shape {array.shape}", f"one that broadcasts to {shape}"))
        return np.zeros((), dtype=array.dtype)
