"""Runs terms of edges whose samples go where earlier ones found something."""

from abc import abstractmethod
from typing import Any

from diffrt.gradient.edge_pass import EdgePass
from diffrt.gradient.edges import SAMPLES, samples
from diffrt.gradient.findings import add_findings
from diffrt.gradient.learning import Learning, rounds


class LearnedPass(EdgePass):
    """A subclass has a seed, and something to learn unless it is empty."""

    seed: int
    learning: Learning
    even = False
    """Runs of chunks, of which samples are even together and know the same, are each twice as long as the one before.
    Where noise comes from what is not even anyway, each chunk is a run."""

    @abstractmethod
    def sample(self, weights: Any, first: int, count: int, run: tuple[int, int], total: int, seed: int) -> None:
        """Draw samples number `first` to `first + count` of `total`, part of a run: its first one, and how many."""

    def prepare(self, weights: Any) -> None:
        self.learning.forget()
        for k, count in enumerate(rounds(self.samples)):
            self.sample(weights, 0, count, (0, count), count, self.seed ^ (0x777 + k))
            self._note(weights, count, count)
            self.learning.learn()

    def draw(self, weights: Any, first: int, count: int, total: int) -> None:
        start, length = first, SAMPLES
        if self.even:
            length = SAMPLES << (first // SAMPLES + 1).bit_length() - 1
            start = length - SAMPLES
        self.sample(weights, first, count, (start, min(length, total - start)), total, self.seed)
        if first + count < total:
            self._note(weights, count, total)
            if first + count == start + length:
                self.learning.learn()

    def _note(self, weights: Any, count: int, total: int) -> None:
        """Take in what the last `count` samples, of `total`, found."""
        add_findings(
            self.device.fields, self.options, samples(), weights, *self.learning.findings, count, total
        )  # fmt: skip
