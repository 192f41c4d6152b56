"""The loss of a fit, smoothed: no look at it is exact, and the best state is not the one that a lucky look made so."""

from dataclasses import dataclass

import numpy as np


@dataclass
class RunningLoss:
    """Mean of the last losses, and how far it may be off.

    Attributes:
        count: losses so far.
        mean: of them; once there are more than a window holds, weighted by their age.
        last: the last one.
        share: of the last one in the mean.
        variance: half the mean squared difference of one loss from the next, weighted likewise. What the loss falls by
            counts, too.
    """

    count: int = 0
    mean: float = 0.0
    last: float = 0.0
    variance: float = 0.0
    share: float = 1.0

    def add(self, loss: float, window: float) -> None:
        """Take the next loss into account; the mean is that of about `window` of them."""
        if self.count:
            share = 1.0 / min(self.count, window)
            self.variance += share * (0.5 * (loss - self.last) ** 2 - self.variance)
        self.count += 1
        self.share = 1.0 / min(self.count, window)
        self.mean += self.share * (loss - self.mean)
        self.last = loss

    def bounds(self) -> tuple[float, float]:
        """Two standard errors below and above the mean; infinite as long as there is one loss only."""
        if self.count < 2:
            return -float("inf"), float("inf")
        error = 2.0 * float(np.sqrt(self.variance * self.share))
        return self.mean - error, self.mean + error
