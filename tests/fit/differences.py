"""Derivatives by central differences."""

from collections.abc import Callable

import numpy as np

Function = Callable[[np.ndarray], tuple[float, np.ndarray]]


def assert_derivative(function: Function, at: np.ndarray, step: float = 1e-6) -> None:
    """The gradient that `function` returns beside its value agrees with differences along random directions.

    The tolerance is the error of a central difference: rounding over the step, and the step squared.
    """
    value, gradient = function(at)
    rng = np.random.default_rng(0)
    for _ in range(5):
        direction = rng.normal(size=at.shape)
        above, below = function(at + step * direction)[0], function(at - step * direction)[0]
        found = (above - below) / (2.0 * step)
        scale = np.abs(gradient * direction).sum() + abs(value)
        assert abs(found - np.sum(gradient * direction)) < 1e-6 * scale
