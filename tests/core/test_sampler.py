"""Random numbers: stratified, uniform, independent between dimensions, and functions of their numbers alone."""

from collections.abc import Callable

import numpy as np
import pytest
import taichi as ti
from scipy import stats
from taichi.math import vec2, vec4

from diffrt.core.sampler import INDEPENDENT, SOBOL, lattice_2d, pixel_seed, uniform_1d, uniform_2d, uniform_4d

pytestmark = pytest.mark.usefixtures("taichi")


@ti.kernel
def _draw(
    kind: ti.template(), four: ti.template(), pixel: ti.i32, seed: ti.i32, first: ti.i32, dimension: ti.i32,
    out: ti.types.ndarray(dtype=vec4, ndim=1),
):  # fmt: skip
    key = pixel_seed(pixel, seed)
    for i in out:
        if ti.static(four):
            out[i] = uniform_4d(kind, key, first + i, dimension)
        else:
            pair = uniform_2d(kind, key, first + i, dimension)
            out[i] = vec4(pair.x, pair.y, uniform_1d(kind, key, first + i, dimension), 0.0)


def _numbers(
    kind: int, count: int, *, four: bool = False, pixel: int = 3, seed: int = 0, first: int = 0, dimension: int = 0
) -> np.ndarray:
    out = ti.ndarray(vec4, count)
    _draw(kind, four, pixel, seed, first, dimension, out)
    numbers: np.ndarray = out.to_numpy()
    return numbers


def _pairs(kind: int, count: int, **numbers: int) -> list[np.ndarray]:
    four = _numbers(kind, count, four=True, **numbers)
    return [_numbers(kind, count, **numbers)[:, :2], four[:, :2], four[:, 2:]]


@pytest.mark.parametrize("power", [0, 1, 4, 8, 10])
@pytest.mark.parametrize("first", [0, 1 << 20])
def test_powers_of_two_fill_every_elementary_interval(power: int, first: int) -> None:
    """The first 2^m points, and every aligned block of so many, have one in each box of area 2^-m."""
    n = 1 << power
    for pixel, dimension in ((0, 0), (17, 5), (1000, 40)):
        for points in _pairs(SOBOL, n, pixel=pixel, dimension=dimension, first=first):
            for columns in range(power + 1):
                x = np.floor(points[:, 0] * (1 << columns)).astype(int)
                y = np.floor(points[:, 1] * (1 << (power - columns))).astype(int)
                assert len(set(zip(x.tolist(), y.tolist(), strict=True))) == n


@pytest.mark.parametrize("kind", [SOBOL, INDEPENDENT])
def test_numbers_are_uniform(kind: int) -> None:
    """Over pixels, where a sampler is not stratified: one sample each."""
    rows = np.concatenate(
        [np.concatenate(_pairs(kind, 1, pixel=pixel, dimension=2, first=5), axis=1) for pixel in range(1500)]
    )
    assert rows.min() >= 0.0 and rows.max() < 1.0
    for column in rows.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-4
    counts, _, _ = np.histogram2d(rows[:, 2], rows[:, 3], bins=8, range=[[0, 1], [0, 1]])
    assert stats.chisquare(counts.ravel()).pvalue > 1e-4


@pytest.mark.parametrize("kind", [SOBOL, INDEPENDENT])
def test_dimensions_are_independent(kind: int) -> None:
    n = 4096
    columns = [_numbers(kind, n, dimension=dimension)[:, k] for dimension in range(6) for k in (0, 1)]
    for i, a in enumerate(columns):
        for b in columns[:i]:
            assert abs(np.corrcoef(a, b)[0, 1]) < 5 / np.sqrt(n)
    for a, b in ((0, 2), (0, 3), (5, 8)):
        counts, _, _ = np.histogram2d(columns[a], columns[b], bins=16, range=[[0, 1], [0, 1]])
        assert stats.chisquare(counts.ravel()).pvalue > 1e-4


@pytest.mark.parametrize("kind", [SOBOL, INDEPENDENT])
def test_pixels_and_seeds_are_independent(kind: int) -> None:
    n = 4096
    reference = _numbers(kind, n)[:, 0]
    for other in (_numbers(kind, n, pixel=4), _numbers(kind, n, seed=1)):
        counts, _, _ = np.histogram2d(reference, other[:, 0], bins=16, range=[[0, 1], [0, 1]])
        assert stats.chisquare(counts.ravel()).pvalue > 1e-4


@pytest.mark.parametrize("kind", [SOBOL, INDEPENDENT])
def test_samples_do_not_depend_on_what_was_drawn_before(kind: int) -> None:
    whole = _numbers(kind, 64, dimension=7)
    assert np.array_equal(whole[40:], _numbers(kind, 24, dimension=7, first=40))


def test_one_dimension_is_the_first_of_two() -> None:
    numbers = _numbers(SOBOL, 32, dimension=3)
    assert np.array_equal(numbers[:, 0], numbers[:, 2])


def test_sobol_converges_faster_than_chance() -> None:
    """On a smooth integrand, whose mean is 4/pi^2; by pixel, as in a picture."""
    n = 256
    errors = {}
    for kind in (SOBOL, INDEPENDENT):
        means = []
        for pixel in range(32):
            x, y = _numbers(kind, n, pixel=pixel)[:, :2].T
            means.append(np.mean(np.sin(np.pi * x) * np.sin(np.pi * y)))
        errors[kind] = np.sqrt(np.mean((np.array(means) - 4 / np.pi**2) ** 2))
    assert errors[SOBOL] < 0.15 * errors[INDEPENDENT]


@ti.kernel
def _draw_lattice(kind: ti.template(), pixel: ti.i32, first: ti.i32, out: ti.types.ndarray(dtype=vec2, ndim=1)):
    for i in out:
        out[i] = lattice_2d(kind, pixel_seed(pixel, 0), first + i, 0)


def _lattice(count: int, pixel: int = 0, kind: int = SOBOL, first: int = 0) -> np.ndarray:
    out = ti.ndarray(vec2, count)
    _draw_lattice(kind, pixel, first, out)
    points: np.ndarray = out.to_numpy()
    return points


@pytest.mark.parametrize("power", range(2, 13))
def test_lattice_is_even_at_every_power_of_two(power: int) -> None:
    """Its points keep apart, on the torus, by nearly as much as those of a square lattice; so does every block."""
    n = 1 << power
    for first in (0, 3 * n):
        points = _lattice(n, 11, first=first)
        apart = points - points[0]
        apart -= np.round(apart)
        distance = np.sort(np.hypot(*apart.T))
        assert distance[0] == 0.0 and distance[1] > 0.7 / np.sqrt(n)
        assert len(np.unique(np.floor(points[:, 0] * n + 1e-3))) > 0.99 * n


@pytest.mark.parametrize("kind", [SOBOL, INDEPENDENT])
def test_lattice_points_are_uniform_over_pixels(kind: int) -> None:
    rows = np.concatenate([_lattice(1, pixel, kind, first=37) for pixel in range(1500)])
    assert rows.min() >= 0.0 and rows.max() < 1.0
    for column in rows.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-4
    counts, _, _ = np.histogram2d(rows[:, 0], rows[:, 1], bins=8, range=[[0, 1], [0, 1]])
    assert stats.chisquare(counts.ravel()).pvalue > 1e-4


def test_lattice_has_less_error_at_edges() -> None:
    """The area beneath lines across the square, of all directions, by 64 points."""
    n = 64
    random = np.random.default_rng(0)
    angle = random.uniform(0, np.pi, 300)
    normal = np.stack([np.cos(angle), np.sin(angle)])
    beneath = (normal.T * random.uniform(0, 1, (300, 2))).sum(axis=1)
    grid = (np.stack(np.meshgrid(range(256), range(256)), axis=-1).reshape(-1, 2) + 0.5) / 256
    truth = (grid @ normal < beneath).mean(axis=0)

    def error(draw: Callable[[int], np.ndarray]) -> float:
        means = np.stack([(draw(pixel) @ normal < beneath).mean(axis=0) for pixel in range(60)])
        return float(np.sqrt(((means - truth) ** 2).mean()))

    assert error(lambda pixel: _lattice(n, pixel)) < 0.95 * error(lambda pixel: _numbers(SOBOL, n, pixel=pixel)[:, :2])
