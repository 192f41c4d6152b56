"""L-BFGS-B (Byrd et al. 1995) by SciPy over all variables, on one smooth function: all views, the same samples."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from diffrt.fit.checkpoint import RunState
from diffrt.fit.evaluate import Evaluation, apply_values
from diffrt.fit.prepare import FitSetup
from diffrt.fit.variables import Variable

Floats = NDArray[np.float64]


class _Ended(Exception):
    """The run ends within a line search."""


def run_lbfgs(setup: FitSetup, state: RunState, look: Callable[[int], tuple[Evaluation, bool]]) -> None:
    """Minimise. Each variable is divided by its learning rate, so that a step of one is one learning rate.

    SciPy cannot be stopped and continued; but it is deterministic. So a resumed run starts from the beginning and is
    given the losses and gradients of `state.evaluations` as long as they last.

    Args:
        look: the objective at the variables' present values, and whether it was the last time.
    """
    from scipy.optimize import minimize  # late: it takes a while to load

    variables = list(setup.variables.values())
    start = np.concatenate(
        [_scaled(item, item.start if item.steps is None else item.steps.encode(item.start)) for item in variables]
    )
    known = list(state.evaluations)
    calls = 0

    def objective(x: Floats) -> tuple[float, Floats]:
        nonlocal calls
        calls += 1
        if calls <= len(known):
            return known[calls - 1]
        _set(variables, x)
        apply_values(setup)
        evaluation, last = look(calls)
        gradient = np.concatenate([_gradient(item, evaluation.gradients[item.name]) for item in variables])
        state.evaluations.append((evaluation.loss, gradient))
        if last:
            raise _Ended
        return evaluation.loss, gradient

    bounds = np.concatenate([_bounds(item) for item in variables])
    try:
        minimize(
            objective, start, jac=True, method="L-BFGS-B", bounds=bounds,
            options={"maxiter": setup.iterations, "maxfun": setup.iterations + 1, "ftol": 1e-12, "gtol": 1e-12},
        )  # fmt: skip
    except _Ended:
        pass


def _scaled(variable: Variable, latent: Floats) -> Floats:
    return np.ravel(latent) / variable.fit.learning_rate


def _gradient(variable: Variable, gradient: Floats) -> Floats:
    return np.ravel(variable.inward(gradient)) * variable.fit.learning_rate


def _bounds(variable: Variable) -> Floats:
    """(n, 2); entries that are not free stay where they are."""
    low, high = (np.broadcast_to(edge, variable.value.shape) for edge in (variable.low, variable.high))
    if variable.steps is None:
        low, high = np.where(variable.free, low, variable.start), np.where(variable.free, high, variable.start)
    both: Floats = np.stack([np.ravel(low), np.ravel(high)], axis=1) / variable.fit.learning_rate
    return both


def _set(variables: list[Variable], x: Floats) -> None:
    at = 0
    for item in variables:
        latent = x[at : at + item.latent.size].reshape(item.latent.shape) * item.fit.learning_rate
        at += item.latent.size
        item.latent = latent
        item.set(latent if item.steps is None else item.steps.decode(latent))
