"""Inversion of cumulative sums."""

import numpy as np
import pytest
import taichi as ti
from taichi.math import vec2

from diffrt.core.distribution import cdf_interval, search_cdf

pytestmark = pytest.mark.usefixtures("taichi")


@ti.kernel
def _search(
    cdf: ti.types.ndarray(dtype=ti.f32, ndim=1), offset: ti.i32, count: ti.i32,
    u: ti.types.ndarray(dtype=ti.f32, ndim=1), found: ti.types.ndarray(dtype=ti.i32, ndim=1),
    interval: ti.types.ndarray(dtype=vec2, ndim=1),
):  # fmt: skip
    for i in u:
        found[i] = search_cdf(cdf, offset, count, u[i])
        interval[i] = cdf_interval(cdf, offset, found[i])


def _run(weights: list[float], u: np.ndarray, offset: int = 0) -> tuple[np.ndarray, np.ndarray]:
    cdf = np.cumsum(weights) / np.sum(weights)
    stored = np.concatenate([np.full(offset, 7.0), cdf]).astype(np.float32)
    numbers = np.ascontiguousarray(u, dtype=np.float32)
    found, interval = np.zeros(len(u), np.int32), ti.ndarray(vec2, len(u))
    _search(stored, offset, len(weights), numbers, found, interval)
    return found, interval.to_numpy()


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 9, 100, 1000])
@pytest.mark.parametrize("offset", [0, 5])
def test_search_inverts_the_cumulative_sum(count: int, offset: int) -> None:
    rng = np.random.default_rng(count)
    weights = rng.random(count) + 0.01
    u = rng.random(2000).astype(np.float32)
    found, interval = _run(list(weights), u, offset)
    cdf = (np.cumsum(weights) / weights.sum()).astype(np.float32)
    assert np.array_equal(found, np.minimum(np.searchsorted(cdf, u, side="right"), count - 1))
    widths = np.diff(np.concatenate([[0], cdf]))
    assert np.allclose(interval[:, 1], widths[found], atol=1e-6)
    inside = (u - interval[:, 0]) / interval[:, 1]
    assert inside.min() >= -1e-3 and inside.max() <= 1 + 1e-3


def test_entries_without_probability_are_never_chosen() -> None:
    weights = [0.0, 0.0, 1.0, 0.0, 2.0, 0.0, 1.0, 0.0]
    u = np.concatenate([[0.0], np.linspace(0, 1, 4001)[:-1], [1 - 2.0**-24, 0.25, 0.75]])
    found, _ = _run(weights, u)
    assert set(found.tolist()) == {2, 4, 6}


def test_frequencies_are_the_weights() -> None:
    weights = [1.0, 5.0, 0.5, 3.5]
    found, _ = _run(weights, (np.arange(10_000) + 0.5) / 10_000)
    assert np.allclose(np.bincount(found, minlength=4) / 10_000, np.array(weights) / 10, atol=1e-3)
