"""From the numbers that a fit moves to parameters of the scene: the same for all that are tied, or by a function.

To add one, register a function by its name; a problem may then use it:

    @add_parametrisation("inflated")
    def inflated(x, scene):
        name = "shapes.ball.vertices"
        start = scene[name]
        return {name: x * start}, lambda gradients: np.sum(gradients[name] * start)
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from diffrt.scene.scene import Scene

Floats = NDArray[np.float64]
Values: TypeAlias = dict[str, Floats]
"""Arrays by name of a parameter."""
Pull: TypeAlias = Callable[[Values], Floats]
"""From dLoss/dParameter, by name, to dLoss/dx: the product with the transposed Jacobian."""
Parametrisation: TypeAlias = Callable[[Floats, Scene], tuple[Values, Pull]]
"""(x, the scene that the run started from) -> (the parameters that x sets, by name as in the problem; the pull)."""

_functions: dict[str, Parametrisation] = {}


def add_parametrisation(name: str) -> Callable[[Parametrisation], Parametrisation]:
    """Register a function under a name."""

    def decorate(function: Parametrisation) -> Parametrisation:
        _functions[name] = function
        return function

    return decorate


def known_parametrisations() -> list[str]:
    """The names of all functions."""
    return list(_functions)


def parametrise(name: str, x: Floats, scene: Scene) -> tuple[Values, Pull]:
    """What a registered function makes of x, as arrays of double precision whatever library made them."""
    values, pull = _functions[name](x, scene)

    def back(gradients: Values) -> Floats:
        return np.asarray(pull(gradients), dtype=np.float64)

    return {key: np.asarray(value, dtype=np.float64) for key, value in values.items()}, back


def tie(x: Floats, names: tuple[str, ...]) -> tuple[Values, Pull]:
    """One value for all names; their derivatives add up."""
    return dict.fromkeys(names, x), lambda gradients: np.sum([gradients[name] for name in names], axis=0)


def project(values: Values, pull: Pull, limits: Mapping[str, tuple[float, float]]) -> tuple[Values, Pull]:
    """Values brought within what each parameter allows; derivatives that push further out do not count."""
    inside = {name: np.clip(value, *limits[name]) for name, value in values.items()}

    def back(gradients: Values) -> Floats:
        return pull(
            {
                name: np.where((inside[name] - values[name]) * gradient > 0.0, 0.0, gradient)
                for name, gradient in gradients.items()
            }
        )

    return inside, back
