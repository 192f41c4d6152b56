"""Random numbers: stratified, uniform, independent between dimensions, and functions of their numbers alone."""

import itertools

import numpy as np
import pytest
import taichi as ti
from scipy import stats
from taichi.math import vec2, vec4

from diffrt.core.sampler import INDEPENDENT, SOBOL, joint_2d, joint_4d, pixel_seed, uniform_1d, uniform_2d, uniform_4d

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
def _draw_joint(
    kind: ti.template(), pixel: ti.i32, first: ti.i32, film: ti.types.ndarray(dtype=vec2, ndim=1),
    scattering: ti.types.ndarray(dtype=vec4, ndim=1),
):  # fmt: skip
    key = pixel_seed(pixel, 0)
    for i in film:
        film[i] = joint_2d(kind, key, first + i, 0)
        scattering[i] = joint_4d(kind, key, first + i, 2)


def _joint(count: int, pixel: int = 0, kind: int = SOBOL, first: int = 0) -> np.ndarray:
    """(count, 6): the film's pair, and the two of the first vertex."""
    film, scattering = ti.ndarray(vec2, count), ti.ndarray(vec4, count)
    _draw_joint(kind, pixel, first, film, scattering)
    return np.concatenate([film.to_numpy(), scattering.to_numpy()], axis=1)


def _boxes(points: np.ndarray, cuts: tuple[int, ...]) -> int:
    """How many boxes have a point in them when each side is cut into so many."""
    cells = np.floor(points * np.array(cuts)).astype(int)
    return len(np.unique(cells, axis=0))


@pytest.mark.parametrize("power", [0, 1, 4, 7, 10])
@pytest.mark.parametrize("first", [0, 1 << 20])
def test_each_joint_pair_fills_every_elementary_interval(power: int, first: int) -> None:
    n = 1 << power
    points = _joint(n, 11, first=first)
    for pair in (points[:, :2], points[:, 2:4], points[:, 4:]):
        for columns in range(power + 1):
            assert _boxes(pair, (1 << columns, 1 << (power - columns))) == n


@pytest.mark.parametrize("power", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("first", [0, 3 * 4**5, 1 << 24])
def test_film_and_vertex_are_even_in_four_dimensions(power: int, first: int) -> None:
    """Of 4^m points one in every box, however the m cuts into four are shared out among the four sides."""
    points = _joint(4**power, 5, first=first)
    for pair in (points[:, 2:4], points[:, 4:]):
        four = np.concatenate([points[:, :2], pair], axis=1)
        for cuts in itertools.product(range(power + 1), repeat=4):
            if sum(cuts) == power:
                assert _boxes(four, tuple(4**c for c in cuts)) == 4**power


@pytest.mark.parametrize("kind", [SOBOL, INDEPENDENT])
def test_joint_numbers_are_uniform_over_pixels(kind: int) -> None:
    rows = np.concatenate([_joint(1, pixel, kind, first=37) for pixel in range(1500)])
    assert rows.min() >= 0.0 and rows.max() < 1.0
    for column in rows.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-4
    for a, b in itertools.combinations(range(6), 2):
        counts, _, _ = np.histogram2d(rows[:, a], rows[:, b], bins=8, range=[[0, 1], [0, 1]])
        assert stats.chisquare(counts.ravel()).pvalue > 1e-5


def test_joint_numbers_have_less_error_than_pairs_apart() -> None:
    """On what depends on all four: smooth, and the step where a sum passes a threshold."""
    n, pixels = 64, 100
    functions = [lambda u: np.exp(-((u - 0.4) ** 2).sum(axis=1)), lambda u: (u.sum(axis=1) < 1.7).astype(float)]
    for bound, function in zip((0.5, 0.9), functions, strict=True):
        joint = np.std([function(_joint(n, pixel)[:, :4]).mean() for pixel in range(pixels)])
        apart = np.std(
            [
                function(
                    np.concatenate([_numbers(SOBOL, n, pixel=pixel, dimension=d)[:, :2] for d in (0, 2)], axis=1)
                ).mean()
                for pixel in range(pixels)
            ]
        )
        assert joint < bound * apart
