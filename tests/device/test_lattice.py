"""Lattices of the sampler: every dimension even, many together more even than by chance, for any number of samples."""

import itertools

import numpy as np
import pytest
import taichi as ti
from scipy import stats
from taichi.math import ivec2, vec4

from diffrt.core.sampler import block_key, lattice_4d, lattice_key
from diffrt.device import lattice
from diffrt.render.steps import STEP_BITS, place_of

pytestmark = pytest.mark.usefixtures("taichi")


_Tables = tuple[ti.MatrixField, ti.MatrixField]


@ti.kernel
def _draw(
    steps: ti.template(), links: ti.template(), x: ti.i32, y: ti.i32, block: ti.i32, seed: ti.i32, bits: ti.i32,
    step: ti.i32, dimension: ti.i32, out: ti.types.ndarray(dtype=vec4, ndim=1),
):  # fmt: skip
    key = block_key(lattice_key(x, y, seed, ivec2(bits, step)), block)
    for i in out:
        out[i] = lattice_4d(steps, links, key, i, dimension)


@pytest.fixture(scope="module")
def tables(taichi: str) -> _Tables:
    return ti.Vector.field(4, ti.i32, shape=lattice.ROWS), ti.Vector.field(4, ti.i32, shape=lattice.ROWS)


def _numbers(
    tables: _Tables, n: int, dimension: int, pixel: tuple[int, int] = (3, 0), block: int = 0, seed: int = 0,
    count: int = 0, step: int | None = None,
) -> np.ndarray:  # fmt: skip
    """(count, 4), or (n, 4): of the samples of a pixel, given by column and row."""
    for table, values in zip(tables, lattice.tables(n), strict=True):
        table.from_numpy(values.view(np.int32))
    out = ti.ndarray(vec4, count or n)
    _draw(*tables, *pixel, block, seed, *place_of(step), dimension, out)
    numbers: np.ndarray = out.to_numpy()
    return numbers


def _in_cells(column: np.ndarray) -> bool:
    """Whether one number lies in each of as many cells as there are numbers."""
    # Cells begin at the least number; rounding may move one by 2^-24.
    return len(set(np.round((column - column.min()) * len(column)).astype(int).tolist())) == len(column)


@pytest.mark.parametrize("n", [1, 2, 3, 16, 58, 64, 97, 100, 1000, 4096])
def test_each_dimension_has_one_sample_in_each_of_n_cells(tables: _Tables, n: int) -> None:
    for dimension in (0, 2, lattice.ROWS - 1, *([3] if lattice.tables(n).links[3, 0] else [])):
        for column in _numbers(tables, n, dimension).T[: 2 if dimension == 0 else 1]:
            assert _in_cells(column)


@pytest.mark.parametrize(("n", "side"), [(1, 2), (1, 16), (3, 4), (16, 2), (16, 16), (58, 4), (64, 8), (97, 4)])
def test_pixels_of_a_square_share_a_lattice(tables: _Tables, n: int, side: int) -> None:
    """Squares that are aligned to their size: in each dimension one sample in each of n side^2 cells."""
    for x, y in ((0, 0), (32, 16), (1024, 48)):
        square = [(x + i, y + j) for i in range(side) for j in range(side)]
        for dimension in (0, 2, lattice.ROWS - 1):
            numbers = np.concatenate([_numbers(tables, n, dimension, pixel, seed=5) for pixel in square])
            assert all(_in_cells(column) for column in numbers.T[: 2 if dimension == 0 else 1])


@pytest.mark.parametrize(("n", "count"), [(1, 16), (3, 4), (16, 64), (58, 2), (64, 8), (97, 4)])
def test_steps_of_a_loop_share_a_lattice(tables: _Tables, n: int, count: int) -> None:
    """Of a pixel, steps aligned to their number: in each dimension one sample in each of n count cells."""
    for pixel, first in (((0, 0), 0), ((33, 16), 2**STEP_BITS - count), ((1027, 48), 0)):
        for dimension in (0, 2, lattice.ROWS - 1):
            numbers = [_numbers(tables, n, dimension, pixel, seed=5, step=first + step) for step in range(count)]
            assert all(_in_cells(column) for column in np.concatenate(numbers).T[: 2 if dimension == 0 else 1])


def test_pixels_and_steps_share_a_lattice(tables: _Tables) -> None:
    """Those of a square and all that belong together."""
    square = [(x, y) for x in (6, 7) for y in (4, 5)]
    numbers = [_numbers(tables, 16, 2, pixel, step=step) for pixel in square for step in range(2**STEP_BITS)]
    assert all(_in_cells(column) for column in np.concatenate(numbers).T)


@pytest.mark.parametrize("n", [1, 4, 16, 50, 64])
def test_pixels_together_are_more_even_than_each(tables: _Tables, n: int) -> None:
    """On steps across light and direction of the first vertex: squares of 16 pixels, against as many pixels apart."""
    normals = np.random.default_rng(0).standard_normal((4, 32))
    errors = []
    for seed in range(24):
        pixels = [(x, y) for x in range(8, 12) for y in range(4)]
        u = np.array([_numbers(tables, n, 2, pixel, seed=seed) for pixel in pixels])
        errors.append(np.mean((u - 0.5) @ normals < 0.0, axis=1) - 0.5)
    together = np.sqrt(np.mean(np.mean(errors, axis=1) ** 2))
    assert together < 0.8 * np.sqrt(np.mean(np.square(errors)) / 16)


@pytest.mark.parametrize("n", [16, 58, 64, 97, 100])
def test_steps_are_those_that_minimize_the_error(n: int) -> None:
    """Of the film's two dimensions: the error by its definition, as a sum over the dual lattice, for every choice."""
    steps = lattice.tables(n).steps.astype(float) * n / 2.0**32
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
def test_film_and_first_vertex_are_more_even_than_chance(tables: _Tables, n: int) -> None:
    """On what depends on six dimensions, smooth, and on steps across four in all directions: errors over pixels."""
    smooth, step = [], []
    random = np.random.default_rng(0)
    chance, normals = random.random((64, n, 6)), random.standard_normal((4, 32))
    for seed in range(64):
        u = np.concatenate([_numbers(tables, n, 0, seed=seed)[:, :2], _numbers(tables, n, 2, seed=seed)], axis=1)
        smooth.append(np.mean(np.prod(1.0 + 0.5 * np.sin(2 * np.pi * u), axis=1)))
        step.append(np.mean((u[:, :4] - 0.5) @ normals < 0.0, axis=0))
    expected = np.std(np.mean(np.prod(1.0 + 0.5 * np.sin(2 * np.pi * chance), axis=2), axis=1))
    assert np.sqrt(np.mean((np.array(smooth) - 1.0) ** 2)) < 0.5 * expected
    assert np.sqrt(np.mean((np.array(step) - 0.5) ** 2)) < 0.75 * 0.5 / np.sqrt(n)


def test_numbers_are_uniform_over_seeds_tiles_and_blocks(tables: _Tables) -> None:
    """Whatever the lattice, a sample is uniform: pictures are unbiased."""
    keys = itertools.product(((0, 1), (1025, 1)), (0, 5), range(150))
    rows = [_numbers(tables, 64, 2, pixel, block, seed, 1)[0] for pixel, block, seed in keys]
    for column in np.array(rows).T:
        assert stats.kstest(column, "uniform").pvalue > 1e-4
    for a, b in itertools.combinations(range(4), 2):
        counts, _, _ = np.histogram2d(np.array(rows)[:, a], np.array(rows)[:, b], bins=8, range=[[0, 1], [0, 1]])
        assert stats.chisquare(counts.ravel()).pvalue > 1e-5


def test_dimensions_beyond_the_lattice_are_independent(tables: _Tables) -> None:
    """Their means vary over pixels as those of independent samples do."""
    n, pixels = 64, 1600
    means = np.array([_numbers(tables, n, lattice.ROWS + 4, (x, 7)).mean(axis=0) for x in range(pixels)])
    squares = (means - 0.5) ** 2 * 12 * n
    assert means.mean() == pytest.approx(0.5, abs=4 / np.sqrt(12 * n * pixels * 4))
    assert np.all(np.abs(squares.mean(axis=0) - 1.0) < 4 * squares.std(axis=0, ddof=1) / np.sqrt(pixels))


def test_long_runs_are_cut_into_equal_blocks() -> None:
    assert [lattice.period(n) for n in (1, 100, lattice.LONGEST)] == [1, 100, lattice.LONGEST]
    for n in (lattice.LONGEST + 1, 10_000, 1_000_000):
        blocks = -(-n // lattice.period(n))
        assert lattice.period(n) <= lattice.LONGEST and blocks * lattice.period(n) - n < blocks


@pytest.mark.parametrize("n", [256, 1000, 4096])
def test_a_part_of_a_lattice_is_even_too(tables: _Tables, n: int) -> None:
    """A picture that is stopped early has less error than one of as many independent samples."""
    part = n // 5
    errors = []
    for seed in range(64):
        x, y = _numbers(tables, n, 0, seed=seed, count=part)[:, :2].T
        errors.append(np.mean(np.sin(np.pi * x) * np.sin(np.pi * y)) - 4 / np.pi**2)
    variance = 0.25 - 16 / np.pi**4
    assert np.sqrt(np.mean(np.square(errors))) < 0.7 * np.sqrt(variance / part)
