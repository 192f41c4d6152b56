"""Where samples on edges go, learned from earlier ones: which edges matter, which directions there, which walks."""

from typing import Any

import numpy as np
import taichi as ti
from numpy.lib.stride_tricks import sliding_window_view

from diffrt.device.arrays import cdf_of, device_array, read, zeros
from diffrt.gradient.edge_directions import CELLS
from diffrt.gradient.edges import SAMPLES
from diffrt.gradient.walk import FILM_SIDE, LENGTHS, halving

_PRIOR = 0.3
"""Share of samples that do not go by what earlier ones found."""
_HALVING = 0.3
"""Share of walks whose lengths do not go by what earlier ones found."""
_EVEN_FILM = 0.3
"""Share of points from the camera that are even on the film."""
_TRUSTED = 4.0
"""Hits that make what was found at an edge, or in a group of edges, count as much as what was found around it."""
_TRUSTED_SQUARES = 32.0
"""The same, of squares."""
_LEAST_SQUARE = 1e-9
"""Of a group and a length, as a share of all: none is given up."""
_ROUNDS = (0.0625, 0.0625, 0.125, 0.25)
"""Samples of the rounds that look for edges that matter, as shares of those of the gradient."""
_LEAST_ROUND = 512
"""Rounds of fewer samples are taken together: they teach little, and each has to be started."""


class Learning:
    """Distributions that samples on lines are drawn by.

    Args:
        groups: (K,) which lines share a histogram of directions and of lengths of walks.
        parents: (groups,) which groups are near each other.
        kinds: (K,) numbers from 0 on; each kind keeps the share that the prior gives it.
        prior: (K,) probabilities.
        most: steps of a walk.
        alike: lines of a group are; they keep the shares of it that the prior gives them.

    Attributes:
        groups, cdf, guide, lengths, film_cdf: for kernels, see edge_directions.py and walk.py.
    """

    def __init__(
        self, groups: np.ndarray, parents: np.ndarray, kinds: np.ndarray, prior: np.ndarray, most: int,
        alike: bool = False,
    ) -> None:
        self.groups = device_array(groups, ti.i32)
        self.halving = halving(most)
        self.alike = alike
        self.prior, self.group, self.parent, self.kind = prior, groups, parents, kinds
        self.histograms = len(parents)
        # Groups in the order of their parents, and the first one of each parent.
        self.order = np.argsort(parents, kind="stable")
        ordered = parents[self.order]
        self.first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        self.parent_number = np.empty_like(self.order)
        self.parent_number[self.order] = np.repeat(
            np.arange(len(self.first)), np.diff(np.append(self.first, len(ordered)))
        )
        self.forget()

    def forget(self) -> None:
        """Go by the prior alone."""
        self.amounts = zeros(len(self.prior), ti.f32)
        self.hits = zeros(self.histograms, ti.i32)
        self.cells = zeros(self.histograms * CELLS, ti.f32)
        self.squares = zeros(self.histograms * LENGTHS, ti.f32)
        self.film_cells = zeros(FILM_SIDE**2, ti.f32)
        self.cdf = cdf_of(self.prior)
        self.guide = device_array(np.tile(np.arange(1, CELLS + 1) / CELLS, self.histograms), ti.f32)
        self.lengths = device_array(np.tile(self.halving, self.histograms), ti.f32)
        self.film_cdf = cdf_of(np.ones(FILM_SIDE**2))

    @property
    def findings(self) -> tuple[Any, ...]:
        """What `add_findings` takes of it."""
        return (
            self.groups, self.cdf, self.lengths, self.amounts, self.hits, self.cells, self.squares, self.film_cells,
        )  # fmt: skip

    def learn(self) -> None:
        """Let the next samples go by what was found."""
        found = read(self.amounts).astype(np.float64)
        hits = read(self.hits)
        if not 0.0 < found.sum() < np.inf:
            return
        # Where hits are few, what was found is drawn towards that of the group, and of the groups around.
        sums, priors = (np.bincount(self.group, x, minlength=self.histograms) for x in (found, self.prior))
        sums = _shrunk(sums, priors, self.parent, hits)
        lines = np.bincount(self.group, minlength=self.histograms)
        own = np.zeros(len(found)) if self.alike else (hits / np.maximum(lines, 1))[self.group]
        found = _shrunk(found, self.prior, self.group, own, sums, priors)
        # Groups, and lengths within them, get what leaves the least variance (Neyman's allocation; Cochran 1977, 5.5).
        wish = self._wish(hits, sums)
        if wish is not None:
            now = np.bincount(self.group, found, minlength=self.histograms)
            found *= (wish.sum(axis=1) / np.where(now > 0.0, now, 1.0))[self.group]
            lengths = _HALVING * self.halving + (1.0 - _HALVING) * wish / wish.sum(axis=1, keepdims=True)
            self.lengths = device_array(lengths.reshape(-1), ti.f32)
        # Kinds keep their shares: the few hits that some have so far may be more than they are worth.
        sums, priors = (np.bincount(self.kind, x) for x in (found, self.prior))
        found *= (priors / np.where(sums > 0.0, sums, 1.0))[self.kind]
        self.cdf = cdf_of(_PRIOR * self.prior + (1.0 - _PRIOR) * found / found.sum())

        film = read(self.film_cells).astype(np.float64)
        if film.sum() > 0.0:
            around = sliding_window_view(np.pad(film.reshape(FILM_SIDE, -1), 1), (3, 3))
            film = around.sum(axis=(2, 3)).reshape(-1)
            self.film_cdf = cdf_of(_EVEN_FILM / len(film) + (1.0 - _EVEN_FILM) * film / film.sum())

        cells = read(self.cells).reshape(-1, CELLS)
        around = np.add.reduceat(cells[self.order], self.first, axis=0)
        shares = _shares(around)[self.parent_number]
        trust = (hits / (hits + 2.0 * _TRUSTED)).astype(np.float32)[:, None]
        sums = np.cumsum(trust * _shares(cells) + (1.0 - trust) * shares, axis=1)
        self.guide = device_array((sums / sums[:, -1:]).reshape(-1), ti.f32)

    def _wish(self, hits: np.ndarray, sums: np.ndarray) -> np.ndarray | None:
        """(groups, LENGTHS): square roots of the squares that samples of a group and length leave; None if they say
        nothing, as those of what is very small or large do.

        Args:
            hits, sums: (groups,) how many samples contributed, and what.
        """
        squares = read(self.squares).reshape(-1, LENGTHS).astype(np.float64)
        every = squares.sum(axis=0)
        if not 0.0 < every.sum() < np.inf:
            return None
        trust = (hits / (hits + _TRUSTED_SQUARES))[:, None]
        around = (sums**2 / (sums**2).sum())[:, None] * every
        least = _LEAST_SQUARE * every.sum() * (self.halving > 0.0)
        result: np.ndarray = np.sqrt(trust * squares + (1.0 - trust) * around + least)
        return result


def rounds(every: int) -> list[int]:
    """Samples of the rounds that look for edges that matter, where a gradient has so many; none if it has few."""
    counts = [0]
    for share in _ROUNDS:
        if counts[-1] >= _LEAST_ROUND:
            counts.append(0)
        counts[-1] += int(share * every)
    return [min(SAMPLES, count) for count in counts if count >= _LEAST_ROUND]


def _shrunk(
    found: np.ndarray, prior: np.ndarray, group: np.ndarray, hits: np.ndarray,
    sums: np.ndarray | None = None, priors: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """What was found, drawn towards the prior's share of the group's sum: the more so, the fewer hits there were."""
    if sums is None or priors is None:
        sums, priors = np.bincount(group, found), np.bincount(group, prior)
    trust = hits / (hits + _TRUSTED)
    even = prior * (sums / np.where(priors > 0.0, priors, 1.0))[group]
    shrunk: np.ndarray = trust * found + (1.0 - trust) * even
    return shrunk


def _shares(cells: np.ndarray) -> np.ndarray:
    """Rows that add up to one."""
    total = cells.sum(axis=1, keepdims=True)
    shares: np.ndarray = np.where(total > 0.0, cells / np.where(total > 0.0, total, 1.0), 1.0 / CELLS)
    return shares
