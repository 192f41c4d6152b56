"""Which numbers a problem moves: its keys, patterns, ties and functions, made into variables."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from diffrt.description.names import listed, nearest
from diffrt.description.values import Array
from diffrt.errors import InputError, Problem
from diffrt.fit import response
from diffrt.fit.large_steps import LargeSteps
from diffrt.fit.parametrisations import Pull, Values, known_parametrisations, parametrise, project, tie
from diffrt.fit.problem import ParameterFit, ProblemFile
from diffrt.fit.variables import RESPONSE, Variable
from diffrt.fit.views import View
from diffrt.scene.parameters import find
from diffrt.scene.scene import Scene

Floats = NDArray[np.float64]
Known = dict[str, str | None]


def make_variables(
    problem: ProblemFile, scene: Scene, original: Scene, views: list[View], single: str | None
) -> dict[str, Variable]:
    """The variables of a problem, by name.

    Args:
        scene: the one that is fitted: all its cameras, those of views too, by their names.
        original: as it was loaded.
        single: the name of the camera that parameters call `camera`, if the scene file has one camera.

    Raises:
        InputError: with every problem found.
    """
    known = known_parameters(scene, single)
    result: dict[str, Variable] = {}
    taken: dict[str, str] = {}
    problems: list[Problem] = []
    exact_first = sorted(problem.parameters.items(), key=lambda item: "*" in item[0])
    for key, fit in exact_first:
        names = [key] if fit.function is not None else matching(key, known)
        if not names:
            problems.append(unknown_parameter(f"parameters.{key}", key, known))
        for name in names:
            if name in result or ("*" in key and known[name] in taken):
                continue
            try:
                if fit.function is not None:
                    item = _of_function(problem, name, fit, known, scene, original)
                else:
                    item = _variable(problem, name, fit, known, scene, views)
            except InputError as error:
                problems += error.problems
                continue
            result[name] = item
            for target in item.targets:
                if target in taken:
                    found = f"it moves {_shown(target, known)}, which {taken[target]} moves, too"
                    problems.append(Problem(f"parameters.{name}", found, "each by one"))
                taken[target] = name
    if problems:
        raise InputError(problems)
    order = list(known)
    last = len(order)
    return dict(sorted(result.items(), key=lambda item: order.index(item[0]) if item[0] in known else last))


def matching(key: str, known: Iterable[str]) -> list[str]:
    """The known names that a key of the problem means: itself, or all that its * fits."""
    return [name for name in known if (fnmatchcase(name, key.replace("[", "[[]")) if "*" in key else name == key)]


def unknown_parameter(place: str, key: str, known: Iterable[str]) -> Problem:
    """What to say of a key that means nothing."""
    section = key.split(".")[0]
    siblings = [name for name in known if name.split(".")[0] == section] or list(known)
    return Problem(place, f"no parameter of this problem: {key!r}", listed(siblings, 12), nearest(key, known))


def known_parameters(scene: Scene, single: str | None = None) -> Known:
    """Every name that a problem may use, with its name in the scene that is fitted (None: camera responses).

    Args:
        scene: as loaded, or the one that is fitted; then `single` is the name of the camera called `camera`.
    """
    names: Known = {}
    for target in scene.parameters:
        name = target
        if target.startswith("cameras.views."):
            name = target.removeprefix("cameras.")
        elif single is not None and target.startswith(f"cameras.{single}."):
            name = "camera." + target.removeprefix(f"cameras.{single}.")
        names[name] = target
    return names | {f"{RESPONSE}{name}": None for name in response.FIELDS}


def _shown(target: str, known: Known) -> str:
    """The name in the problem of a parameter of the fitted scene."""
    return next(name for name, item in known.items() if item == target)


def _variable(
    problem: ProblemFile, name: str, fit: ParameterFit, known: Known, scene: Scene, views: list[View]
) -> Variable:
    """A parameter, with those that are tied to it."""
    place = f"parameters.{name}"
    problems: list[Problem] = []
    if fit.start is not None:
        problems.append(Problem(f"{place}.start", "given without function", "the value that the scene has"))
    target = known[name]
    if target is None:
        item = response.FIELDS[name.removeprefix(RESPONSE)]
        fitted = sum(not view.holdout for view in views)
        value = np.broadcast_to(item.rest, (fitted, *item.rest.shape)) if fit.per_view else item.rest
        (low, high), units = item.bounds, item.units
        if fit.tied:
            problems.append(Problem(f"{place}.tied", "for a camera response", "only for parameters of the scene"))
        targets: tuple[str, ...] = ()
    else:
        targets = (target, *_tied(name, fit, known, scene, problems))
        limits = [find(scene, item).parameter.bounds for item in targets]
        value, units = scene[target], find(scene, target).parameter.units
        low, high = max(edge[0] for edge in limits), min(edge[1] for edge in limits)
        _differentiable(scene, targets, known, place, problems)
        if fit.per_view:
            problems.append(Problem(f"{place}.per_view", "true", "only for camera_response"))
    steps = None
    if fit.precondition is not None:
        if target is not None and target.startswith("shapes.") and target.endswith(".vertices"):
            faces = scene.shapes[target.removeprefix("shapes.").removesuffix(".vertices")].mesh.faces
            steps = LargeSteps(faces, len(value), fit.precondition.lambda_)
        else:
            problems.append(Problem(f"{place}.precondition", "large_steps", "only for the vertices of a shape"))
    value = np.array(value, dtype=np.float64)
    bounds, free = _range(fit, value, (low, high), place, problems)
    _suits_lbfgs(problem, fit, bounds, steps, place, problems)
    if problems:
        raise InputError(problems)
    optimizer = fit.optimizer or ("adam_uniform" if steps is not None else problem.optimizer)
    return Variable(
        name, targets, lambda x: tie(x, targets), fit, optimizer, value, *bounds, free, units, steps
    )  # fmt: skip


def _tied(name: str, fit: ParameterFit, known: Known, scene: Scene, problems: list[Problem]) -> list[str]:
    """The other parameters that are to have this one's value, by their names in the scene."""
    place = f"parameters.{name}.tied"
    own = known[name]
    assert own is not None
    result: list[str] = []
    for key in fit.tied:
        others = matching(key, known)
        if not others:
            problems.append(unknown_parameter(place, key, known))
        for other in others:
            target = known[other]
            if target == own or target in result:
                continue
            if target is None:
                problems.append(Problem(place, f"{other!r}", "parameters of the scene"))
            elif scene[target].shape != scene[own].shape:
                found = f"{other!r} has shape {scene[target].shape}, {name!r} {scene[own].shape}"
                problems.append(Problem(place, found, "parameters of one shape"))
            elif not np.array_equal(scene[target], scene[own]):
                problems.append(Problem(place, f"{other!r} starts at another value", "one value to start from"))
            else:
                result.append(target)
    return result


def _of_function(
    problem: ProblemFile, name: str, fit: ParameterFit, known: Known, scene: Scene, original: Scene
) -> Variable:
    """The numbers of a function that sets parameters."""
    place = f"parameters.{name}"
    problems: list[Problem] = []
    function = fit.function
    assert function is not None
    if name in known or "*" in name:
        problems.append(Problem(place, "the name of a parameter, with a function", "a name of its own"))
    for key, given in (("per_view", fit.per_view), ("precondition", fit.precondition), ("tied", fit.tied)):
        if given:
            problems.append(Problem(f"{place}.{key}", "given together with function", "either of them"))
    if function not in known_parametrisations():
        names = known_parametrisations()
        allowed = listed(names) or "functions that a program adds by add_parametrisation"
        problems.append(Problem(f"{place}.function", f"{function!r}", allowed, nearest(function, names)))
    if fit.start is None:
        problems.append(Problem(f"{place}.start", "missing", "the numbers that the function starts from"))
    if problems:
        raise InputError(problems)
    x = np.array(fit.start, dtype=np.float64)
    values, pull = parametrise(function, x, original)
    for key, value in values.items():
        target = known.get(key)
        if target is None:
            problems.append(unknown_parameter(f"{place}.function", key, known))
        elif value.shape != scene[target].shape:
            found = f"{key!r} gets an array of shape {value.shape}"
            problems.append(Problem(f"{place}.function", found, f"shape {scene[target].shape}"))
        elif not np.isfinite(value).all():
            problems.append(Problem(f"{place}.function", f"{key!r} gets numbers not finite", "finite numbers"))
        else:
            _differentiable(scene, (target,), known, f"{place}.function", problems)
    if not values:
        problems.append(Problem(f"{place}.function", "it sets no parameter", "at least one"))
    elif not problems:
        shape = pull({key: np.zeros_like(value) for key, value in values.items()}).shape
        if shape != x.shape:
            problems.append(Problem(f"{place}.function", f"its pull gives shape {shape}", f"that of start, {x.shape}"))
    bounds, free = _range(fit, x, (-np.inf, np.inf), place, problems)
    _suits_lbfgs(problem, fit, bounds, None, place, problems)
    if problems:
        raise InputError(problems)
    named = {key: target for key in values if (target := known[key]) is not None}
    limits = {target: find(scene, target).parameter.bounds for target in named.values()}

    def spread(x: Floats) -> tuple[Values, Pull]:
        values, pull = parametrise(function, x, original)

        def back(gradients: Values) -> Floats:
            return pull({key: gradients[target] for key, target in named.items()})

        return project({target: values[key] for key, target in named.items()}, back, limits)

    optimizer = fit.optimizer or problem.optimizer
    return Variable(name, tuple(named.values()), spread, fit, optimizer, x, *bounds, free)


def _differentiable(scene: Scene, targets: tuple[str, ...], known: Known, place: str, problems: list[Problem]) -> None:
    for target in targets:
        if not find(scene, target).parameter.differentiable:
            name = _shown(target, known)
            problems.append(Problem(place, f"no gradient exists for {name}", "differentiable parameters"))


def _range(
    fit: ParameterFit, value: Floats, allowed: tuple[float, float], place: str, problems: list[Problem]
) -> tuple[tuple[Array, Array], Array]:
    """Bounds, within what is allowed, and what is free; both broadcast to the value, which lies inside."""
    low, high = (
        _broadcast(within(edge, own), value.shape, f"{place}.bounds", problems)
        for edge, own, within in zip(fit.bounds, allowed, (np.maximum, np.minimum), strict=True)
    )
    outside = (value < low) | (value > high)
    if outside.any():
        at = tuple(int(index) for index in np.argwhere(outside)[0])
        where = f" at {list(at)}" if at else ""
        lowest, highest = (float(np.broadcast_to(edge, value.shape)[at]) for edge in (low, high))
        found = f"the start {value[at]:g}{where} lies outside of [{lowest:g}, {highest:g}]"
        problems.append(Problem(f"{place}.bounds", found, "bounds that hold the start"))
    return (low, high), _broadcast(fit.free, value.shape, f"{place}.free", problems)


def _suits_lbfgs(
    problem: ProblemFile,
    fit: ParameterFit,
    bounds: tuple[Array, Array],
    steps: LargeSteps | None,
    place: str,
    problems: list[Problem],
) -> None:
    if problem.optimizer != "lbfgs":
        return
    if fit.optimizer is not None:
        found = f"{fit.optimizer!r}, beside lbfgs for all"
        problems.append(Problem(f"{place}.optimizer", found, "none: lbfgs takes all parameters together"))
    if steps is not None and (np.isfinite(bounds[0]).any() or np.isfinite(bounds[1]).any()):
        found = "given together with precondition and lbfgs"
        problems.append(Problem(f"{place}.bounds", found, "no bounds, or another optimizer"))


def _broadcast(array: Array, shape: tuple[int, ...], place: str, problems: list[Problem]) -> Array:
    """The array if it broadcasts to `shape`; else a problem, and one that does."""
    try:
        np.broadcast_to(array, shape)
        return array
    except ValueError:
        problems.append(Problem(place, f"an array of shape {array.shape}", f"one that broadcasts to {shape}"))
        return np.zeros((), dtype=array.dtype)
