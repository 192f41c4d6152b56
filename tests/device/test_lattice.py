"""Lattices of the sampler: every dimension even, many together more even than by chance, for any number of samples."""

import itertools

import numpy as np
import pytest
import taichi as ti
from scipy import stats
from taichi.math import vec4

from diffrt.core.sampler import block_key, lattice_4d, pixel_seed
from diffrt.device import lattice

pytestmark = pytest.mark.usefixtures("taichi")


@ti.kernel
def _draw(
    steps: ti.template(), pixel: ti.i32, block: ti.i32, first: ti.i32, dimension: ti.i32,
    out: ti.types.ndarray(dtype=vec4, ndim=1),
):  # fmt: skip
    key = block_key(pixel_seed(pixel, 0), block)
    for i in out:
        out[i] = lattice_4d(steps, key, first + i, dimension)


@pytest.fixture(scope="module")
def table(taichi: str) -> ti.MatrixField:
    return ti.Vector.field(4, ti.i32, shape=lattice.ROWS)


def _numbers(
    table: ti.MatrixField, n: int, dimension: int, pixel: int = 3, block: int = 0, count: int = 0
) -> np.ndarray:
    table.from_numpy(lattice.steps(n).view(np.int32))
    out = ti.ndarray(vec4, count or n)
    _draw(table, pixel, block, 0, dimension, out)
    numbers: np.ndarray = out.to_numpy()
    return numbers


@pytest.mark.parametrize("n", [1, 2, 3, 16, 58, 64, 97, 100, 1000, 4096])
def test_each_dimension_has_one_sample_in_each_of_n_cells(table: ti.MatrixField, n: int) -> None:
    for dimension in (0, 2, lattice.ROWS - 1, *([3] if lattice.steps(n)[3, 0] else [])):
        for column in _numbers(table, n, dimension).T[: 2 if dimension == 0 else 1]:
            # Cells begin at the least sample; rounding may move one by 2^-24.
            cells = np.round((column - column.min()) * n).astype(int)
            assert len(set(cells.tolist())) == n


@pytest.mark.parametrize("n", [16, 58, 64, 97, 100])
def test_steps_are_those_that_minimize_the_error(n: int) -> None:
    """Of the film's two dimensions: the error by its definition, as a sum over the dual lattice, for every choice."""
    steps = lattice.steps(n).astype(float) * n / 2.0**32
    z = np.round(steps[0, :2]).astype(int)
    most = 40
    h = np.arange(-most, most + 1)
    decay = np.where(h == 0, 1.0, lattice._WEIGHT * np.abs(np.where(h == 0, 1, h)) ** -lattice.DECAY)
    both = decay[:, None] * decay[None]

    def error(a: int, b: int) -> float:
        dual = (h[:, None] * a + h[None] * b) % n == 0
        return float(both[dual].sum())

    best = min(error(1, b) for b in range(1, n) if np.gcd(b, n) == 1)
    assert error(*z) == pytest.approx(best, rel=0.05)


@pytest.mark.parametrize("n", [37, 64, 100, 256])
def test_film_and_first_vertex_are_more_even_than_chance(table: ti.MatrixField, n: int) -> None:
    """On what depends on six dimensions, smooth, and on steps across four in all directions: errors over pixels."""
    smooth, step = [], []
    random = np.random.default_rng(0)
    chance, normals = random.random((64, n, 6)), random.standard_normal((4, 32))
    for pixel in range(64):
        u = np.concatenate([_numbers(table, n, 0, pixel)[:, :2], _numbers(table, n, 2, pixel)], axis=1)
        smooth.append(np.mean(np.prod(1.0 + 0.5 * np.sin(2 * np.pi * u), axis=1)))
        step.append(np.mean((u[:, :4] - 0.5) @ normals < 0.0, axis=0))
    expected = np.std(np.mean(np.prod(1.0 + 0.5 * np.sin(2 * np.pi * chance), axis=2), axis=1))
    assert np.sqrt(np.mean((np.array(smooth) - 1.0) ** 2)) < 0.5 * expected
    assert np.sqrt(np.mean((np.array(step) - 0.5) ** 2)) < 0.75 * 0.5 / np.sqrt(n)


def test_numbers_are_uniform_over_pixels_and_blocks(table: ti.MatrixField) -> None:
    """Whatever the lattice, a sample is uniform: pictures are unbiased."""
    rows = [_numbers(table, 64, 2, pixel, block, 1)[0] for pixel in range(750) for block in (0, 5)]
    for column in np.array(rows).T:
        assert stats.kstest(column, "uniform").pvalue > 1e-4
    for a, b in itertools.combinations(range(4), 2):
        counts, _, _ = np.histogram2d(np.array(rows)[:, a], np.array(rows)[:, b], bins=8, range=[[0, 1], [0, 1]])
        assert stats.chisquare(counts.ravel()).pvalue > 1e-5


def test_dimensions_beyond_the_lattice_are_independent(table: ti.MatrixField) -> None:
    """Their means vary over pixels as those of independent samples do."""
    n, pixels = 64, 400
    means = np.array([_numbers(table, n, lattice.ROWS + 4, pixel).mean(axis=0) for pixel in range(pixels)])
    assert means.mean() == pytest.approx(0.5, abs=4 / np.sqrt(12 * n * pixels * 4))
    variance = means.var(axis=0, ddof=1) * 12 * n
    assert np.all(np.abs(variance - 1.0) < 4 * np.sqrt(2 / pixels) * 2)


def test_long_runs_are_cut_into_equal_blocks() -> None:
    assert [lattice.period(n) for n in (1, 100, lattice.LONGEST)] == [1, 100, lattice.LONGEST]
    for n in (lattice.LONGEST + 1, 10_000, 1_000_000):
        blocks = -(-n // lattice.period(n))
        assert lattice.period(n) <= lattice.LONGEST and blocks * lattice.period(n) - n < blocks


@pytest.mark.parametrize("n", [256, 1000, 4096])
def test_a_part_of_a_lattice_is_even_too(table: ti.MatrixField, n: int) -> None:
    """A picture that is stopped early has less error than one of as many independent samples."""
    part = n // 5
    errors = []
    for pixel in range(64):
        x, y = _numbers(table, n, 0, pixel, count=part)[:, :2].T
        errors.append(np.mean(np.sin(np.pi * x) * np.sin(np.pi * y)) - 4 / np.pi**2)
    variance = 0.25 - 16 / np.pi**4
    assert np.sqrt(np.mean(np.square(errors))) < 0.7 * np.sqrt(variance / part)
