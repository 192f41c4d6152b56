"""How much of a step is the noise of its samples, and how many samples the next steps take.

Every twentieth step is looked at twice, with other random numbers each time. Half the squared differences of the two
gradients are their variance; both count for the step, so nothing is thrown away. The optimizer makes less of it, since
it averages: what is left, over the squared length of the direction it takes, is the share of noise in the step.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from diffrt.fit.optimizers import noise_of_direction
from diffrt.fit.variables import Step, Variable

Floats = NDArray[np.float64]
EVERY = 20
_DROWNED, _CLEAR = 0.25, 0.1
"""Mean share of noise beyond which samples are doubled; and that with half of them below which they are halved."""
_MEMORY = 0.9, 0.5
"""How much of their past running means remember: of lengths at every step, of variances at every measurement."""


@dataclass
class Noise:
    """What is known of the noise in a stage.

    Attributes:
        doublings: of the samples per pixel.
        lengths: of each variable the mean squared length of its directions, times the weight of what it is a mean of.
        variances: and that of the noise in them with the stage's samples; steps and measurements so far.
    """

    doublings: int = 0
    steps: int = 0
    measured: int = 0
    lengths: dict[str, float] = field(default_factory=dict)
    variances: dict[str, float] = field(default_factory=dict)

    def due(self) -> bool:
        """Whether the next step is looked at twice."""
        return self.steps % EVERY == EVERY - 1

    def samples(self, spp: int) -> int:
        """Per pixel, of the next step; `spp` are the stage's."""
        return spp << self.doublings

    def add(self, variable: Variable, step: Step, variance: Floats | None) -> None:
        """Take a variable's step into account, and the variance of its gradient if that was measured.

        Args:
            variance: of each number, in the coordinates of the steps, at the samples of this step.
        """
        name, keep = variable.name, _MEMORY[0]
        self.lengths[name] = keep * self.lengths.get(name, 0.0) + (1.0 - keep) * float(np.sum(step.direction**2))
        if variance is not None:
            keep = _MEMORY[1]
            noise = noise_of_direction(variable.optimizer, variance, variable.moments) * 2.0**self.doublings
            self.variances[name] = keep * self.variances.get(name, 0.0) + (1.0 - keep) * float(np.sum(noise))

    def end_step(self, spp: int, most: int) -> None:
        """Count the step; after a measurement choose the samples of the next ones, at most so many per pixel."""
        due = self.due()
        self.steps += 1
        if not due or not self.variances:
            return
        self.measured += 1
        if self.mean_share() > _DROWNED:
            self.doublings += self.samples(spp) * 2 <= most
        elif self.doublings and self.mean_share(halvings=1) < _CLEAR:
            self.doublings -= 1

    def shares(self, halvings: int = 0) -> dict[str, float]:
        """For each variable, what part of its steps' squared length is noise, from 0 to 1; with fewer samples."""
        result = {}
        for name, variance in self.variances.items() if self.measured else ():
            now = variance / (1.0 - _MEMORY[1] ** self.measured) / 2.0**self.doublings
            length = max(self.lengths[name] / (1.0 - _MEMORY[0] ** self.steps), now)
            then = now * 2.0**halvings
            result[name] = then / (length - now + then) if length > 0.0 else 0.0
        return result

    def mean_share(self, halvings: int = 0) -> float:
        """The mean of these."""
        return float(np.mean(list(self.shares(halvings).values())))
