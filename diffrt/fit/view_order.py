"""Which views an iteration looks at."""

import numpy as np

from diffrt.fit.evaluate import ORDER, seed_of
from diffrt.fit.prepare import FitSetup
from diffrt.fit.views import View


class ViewOrder:
    """All fitted views, shuffled, one round after the other; none twice in a step."""

    def __init__(self, setup: FitSetup) -> None:
        self.views = setup.fitted_views
        self.count = min(setup.problem.views_per_iteration or len(self.views), len(self.views))
        self.seed = setup.problem.seed
        self._queue: list[int] = []
        self._rounds = 0

    @property
    def steps(self) -> float:
        """Steps for one round."""
        return len(self.views) / self.count

    def at(self, iteration: int) -> list[View]:
        """The views of an iteration."""
        while len(self._queue) < (iteration + 1) * self.count:
            self._queue += self._round()
        return [self.views[i] for i in self._queue[iteration * self.count : (iteration + 1) * self.count]]

    def _round(self) -> list[int]:
        """The next round; those that the step across the border already has do not come first."""
        order = np.random.default_rng(seed_of(self.seed, ORDER, self._rounds)).permutation(len(self.views)).tolist()
        self._rounds += 1
        open_step = len(self._queue) % self.count
        used = self._queue[len(self._queue) - open_step :]
        first = [i for i in order if i not in used][: (self.count - open_step) % self.count]
        return first + [i for i in order if i not in first]
