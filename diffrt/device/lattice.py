"""Rank-1 lattices for the random numbers of paths: sample i of a pixel is at frac(i step + shift) in every dimension.

A lattice is made for its number of samples, so any number is as good as a power of two, and all dimensions of a path's
first vertices are even together, not pair by pair. The multiples of 1 / n that steps are made of are found component by
component (Sloan and Reztsov 2002): each minimizes the mean square error, over random shifts (Cranley and Patterson
1976), of functions whose squared Fourier coefficients fall off like |h|^-DECAY in each dimension, with a weight for
each dimension that falls with its number of bounces.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from diffrt.core.sampler import TILE_BITS

VERTICES = 8
"""Vertices whose numbers come from the lattice; what follows is independent."""
ROWS = 2 + 3 * VERTICES
"""Rows of four dimensions each: the film, the lens, and three of a vertex; see render/path_numbers.py."""
LONGEST = 4096
"""Samples of a lattice at most; of more, every block of so many has shifts of its own."""

DECAY = 1.0
"""As of a jump across a pixel's diagonal, |h|^-2 in all."""
_WEIGHT = 0.1
_FALL = 0.6
_CANDIDATES = 64
_ALL_BELOW = 1024
_SHORTEST_PART = 16
_ENOUGH = 6
_FIRST = 6  # dimensions of film and first vertex
_LINKED = 20  # dimensions of lattices for many pixels that are chosen
_LARGEST = 65536  # points of these
_FILM = 0.2  # factor on the film's weight in them: pixels lie side by side on it anyway


def period(samples: int) -> int:
    """Samples of a block: all, or nearly equal parts that are no longer than LONGEST."""
    return -(-samples // -(-samples // LONGEST))


class Tables(NamedTuple):
    """(ROWS, 4) uint32 each, in units of 2^-32: from a sample to the next one, and from a pixel's place to the next.
    Links of zero: independent of all else."""

    steps: np.ndarray
    links: np.ndarray


@lru_cache(maxsize=64)
def tables(n: int, lens: bool = True, lobes: bool = True) -> Tables:
    """A lattice of n samples, and how those of pixels nearby are parts of a larger one.

    Args:
        lens: the camera has one; lobes: materials choose among lobes. Independent are dimensions that nobody asks
            for, and lobes if there are too few different steps for all.
    """
    units = np.flatnonzero(np.gcd(np.arange(n), n) == 1)
    units = units[units <= max(n // 2, 1)]  # -z does what z does
    if len(units) > _CANDIDATES and n >= _ALL_BELOW:
        units = np.sort(np.random.default_rng(n).choice(units, _CANDIDATES, replace=False))
    order = _dimensions(lens, lobes and len(units) >= _ENOUGH)
    multiples = np.outer(units, np.arange(n)) % n
    kernel = _kernel(n)[multiples]
    product = np.ones(n)
    chosen: list[int] = []
    for _, weight in order:
        best = int(np.argmin(kernel @ product)) if chosen else 0
        product *= 1.0 + weight * kernel[best]
        chosen.append(int(units[best]))
    vector = np.array(chosen) * _order(n, units, chosen[:_FIRST], [weight for _, weight in order[:_FIRST]]) % n
    linked = _linked(n, vector, [(_FILM * weight if row == 0 else weight) for (row, _), weight in order])
    result = Tables(np.zeros((ROWS, 4), dtype=np.uint32), np.zeros((ROWS, 4), dtype=np.uint32))
    for (dimension, _), z, link in zip(order, vector, linked, strict=True):
        result.steps[dimension] = np.uint32(round(int(z) * 2**32 / n) % 2**32)
        result.links[dimension] = np.uint32(round(int(link) * 2 ** (32 - TILE_BITS) / n) % 2**32)
    for table in result:
        table.setflags(write=False)
    return result


def _linked(n: int, vector: np.ndarray, weights: list[float]) -> np.ndarray:
    """int64: the vector of a lattice of 2^TILE_BITS n points whose part of every 2^TILE_BITS-th is that of n points.

    Chosen from lattice to lattice of four times the points, each component with the least error (embedded lattices;
    Cools, Kuo and Nuyens 2006), as long as they are not too large; the rest at random.
    """
    result, sizes = vector.astype(np.int64), np.full(len(vector), n)
    sequence = np.argsort(-np.array(weights), kind="stable")[:_LINKED]
    size = n
    while 4 * size <= _LARGEST:
        at = np.arange(4 * size)
        kernel = _kernel(4 * size)
        product = np.ones(4 * size)
        for d in sequence:
            candidates = result[d] + size * np.arange(4)
            candidates = candidates[candidates % 2 == 1]
            tried = kernel[np.outer(candidates, at) % (4 * size)]
            best = int(np.argmin(tried @ product))
            product *= 1.0 + weights[d] * tried[best]
            result[d] = candidates[best]
        size *= 4
        sizes[sequence] = size
    result += sizes * np.random.default_rng(n).integers(0, (n << TILE_BITS) // sizes)
    return np.where(result % 2 == 0, (result + sizes) % (n << TILE_BITS), result)  # odd, without factors of 2^TILE_BITS


def _dimensions(lens: bool, lobes: bool) -> list[tuple[tuple[int, int], float]]:
    """(row, column) of dimensions with their weights, in the order in which they are chosen."""
    parts = [(0, 2, 1.0)] + [(1, 2, 0.9)] * lens
    for vertex in range(VERTICES):
        fall = _FALL**vertex
        parts += [(3 + 3 * vertex, 1, 0.97 * fall)] * lobes
        parts += [(2 + 3 * vertex, 4, 0.95 * fall), (4 + 3 * vertex, 2, 0.4 * fall)]
    parts.sort(key=lambda part: -part[2])
    return [((row, k), _WEIGHT * weight) for row, count, weight in parts for k in range(count)]


def _kernel(n: int) -> np.ndarray:
    """sum over h != 0 of |h|^-DECAY exp(2 pi i h x) at the multiples of 1 / n."""
    h = np.arange(1, 4 * n + 1)
    return np.fft.fft(np.bincount(h % n, weights=2.0 * h.astype(float) ** -DECAY, minlength=n)).real


def _order(n: int, units: np.ndarray, vector: list[int], weights: list[float]) -> int:
    """A factor for all steps, which leaves the set of points but changes their order: the one whose first points are
    the most even, too, if there is no time for all."""
    if n < _SHORTEST_PART:
        return 1
    at = np.arange(n)
    kernel = _kernel(n)
    product = np.ones(n)
    for z, weight in zip(vector, weights, strict=True):
        product *= 1.0 + weight * kernel[at * z % n]
    worst = np.zeros(len(units))
    part = n // 2
    while part >= _SHORTEST_PART // 2:
        pairs = 2.0 * (part - np.arange(1, part))
        between = product[np.outer(units, np.arange(1, part)) % n] - 1.0
        worst = np.maximum(worst, (between @ pairs) / part)  # in units of the error of independent points
        part //= 2
    return int(units[np.argmin(worst)])
