"""What a fit moves: the numbers, the coordinates their steps are taken in, where they may go, what they set."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from diffrt.description.values import Array
from diffrt.fit.large_steps import LargeSteps
from diffrt.fit.optimizers import OPTIMIZERS, Moments, rate_factor, tamed
from diffrt.fit.parametrisations import Pull, Values
from diffrt.fit.problem import ParameterFit
from diffrt.scene.scene import Scene

Floats = NDArray[np.float64]
RESPONSE = "camera_response."


@dataclass(frozen=True)
class Step:
    """What a variable did.

    Attributes:
        direction: before the learning rate, in the coordinates of the steps.
        cut: whether the gradient was so much longer than usual that it was cut.
    """

    direction: Floats
    cut: bool


@dataclass
class Variable:
    """A parameter that is fitted, several that are tied, or the numbers of a function that sets some.

    Attributes:
        name: as in the problem.
        targets: the parameters it sets, by their names in the scene that is fitted; none for a camera response.
        spread: from a value to those of the targets, with the pull of derivatives.
        value: where it stands, in its own units. start: where it began.
        low, high: bounds that broadcast over it. free: which entries move, broadcasts over it.
        latent: the coordinates of its steps: the value itself, or u of large steps.
        rate_scale: halved whenever its gradient is not finite.
    """

    name: str
    targets: tuple[str, ...]
    spread: Callable[[Floats], tuple[Values, Pull]]
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
    _values: Values = field(init=False, default_factory=dict, repr=False)
    _pull: Pull = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.start = self.value.copy()
        self.renew()

    def renew(self) -> None:
        """Begin anew from the present value: fresh moments, and coordinates for the present mesh."""
        self.latent = self._encode(self.value)
        self.moments = Moments.like(self.latent)

    def carry(self, change: Callable[[Floats], Floats]) -> None:
        """Take value, start and moments to other entries, each a mean of some of the old ones; the run goes on."""
        self.start = change(self.start)
        self.moments.mean, self.moments.square = change(self.moments.mean), change(self.moments.square)
        self.set(change(self.value))

    def apply(self, scene: Scene) -> None:
        """Bring the value into the scene."""
        self._values, self._pull = self.spread(self.value)
        for target, value in self._values.items():
            scene[target] = value
        if self.fit.function is None and self.name.endswith((".direction", ".normals")):
            self.value = self.latent = scene[self.targets[0]]  # the scene keeps these at unit length

    def gradient(self, by_target: Values) -> Floats:
        """The derivative by the value that `apply` brought in last, from those by its targets; others are zero."""
        return self._pull(
            {target: by_target.get(target, np.zeros_like(value)) for target, value in self._values.items()}
        )

    def inward(self, gradient: Floats) -> Floats:
        """From a derivative by the value to that by the coordinates of the steps; zero where they are not free."""
        gradient = np.where(self.free, gradient, 0.0)
        return gradient if self.steps is None else self.steps.decode(gradient)

    def step(self, gradient: Floats, iteration: int, iterations: int) -> Step:
        """Move against a gradient by the value, finite and of its shape, then back into the bounds."""
        gradient, cut = tamed(self.inward(gradient), self.moments)
        rate = self.fit.learning_rate * self.rate_scale * rate_factor(self.fit.schedule, iteration, iterations)
        direction = OPTIMIZERS[self.optimizer](gradient, self.moments)
        self.latent = self.latent - rate * direction
        self.set(self.latent if self.steps is None else self.steps.decode(self.latent))
        return Step(direction, cut)

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
