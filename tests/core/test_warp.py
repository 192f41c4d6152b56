"""Warps: where they send the square, uniformly or by the density they claim."""

import numpy as np
import pytest
import taichi as ti
from scipy import stats
from taichi.math import vec2, vec3

from diffrt.core import warp

pytestmark = pytest.mark.usefixtures("taichi")

SIDE = 300


@ti.kernel
def _warp(which: ti.template(), u: ti.types.ndarray(dtype=vec2, ndim=1), out: ti.types.ndarray(dtype=vec3, ndim=1)):
    for i in u:
        if ti.static(which == "disk"):
            out[i] = vec3(warp.disk_concentric(u[i]), 0.0)
        elif ti.static(which == "hemisphere"):
            out[i] = warp.hemisphere_cosine(u[i])
        elif ti.static(which == "triangle"):
            out[i] = vec3(warp.triangle_uniform(u[i]), 0.0)
        elif ti.static(which == "tent"):
            out[i] = vec3(warp.tent(u[i].x), 0.0, 0.0)
        elif ti.static(which == "octant"):
            out[i] = vec3(warp.cos_sin_octant(u[i].x), 0.0)
        elif ti.static(which == "turn"):
            out[i] = vec3(warp.cos_sin_turn(u[i].x), 0.0)
        else:
            out[i] = vec3(warp.turn_of(u[i].y, u[i].x), 0.0, 0.0)


def _apply(which: str, u: np.ndarray) -> np.ndarray:
    given, out = ti.ndarray(vec2, len(u)), ti.ndarray(vec3, len(u))
    given.from_numpy(np.ascontiguousarray(u, dtype=np.float32))
    _warp(which, given, out)
    result: np.ndarray = out.to_numpy().astype(np.float64)
    return result


@pytest.fixture
def square() -> np.ndarray:
    """One random point in each of SIDE^2 cells."""
    rng = np.random.default_rng(0)
    cells = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1).reshape(-1, 2)
    u: np.ndarray = np.minimum((cells + rng.random((SIDE * SIDE, 2))) / SIDE, 1 - 2.0**-24)
    return u


def _uniform(*coordinates: np.ndarray) -> bool:
    """Whether the coordinates, each within [0, 1], fill their square or line evenly, without any gaps or heaps."""
    bins = 20 if len(coordinates) == 2 else 200
    counts, _ = np.histogramdd(np.stack(coordinates, 1), bins=bins, range=[(0, 1)] * len(coordinates))
    # Stratified points fit better than random ones.
    return bool(stats.chisquare(counts.ravel()).pvalue > 0.5)


def test_disk_is_uniform(square: np.ndarray) -> None:
    x, y, _ = _apply("disk", square).T
    assert np.max(x * x + y * y) <= 1.0 + 1e-6
    assert _uniform(np.minimum(x * x + y * y, 1.0), np.arctan2(y, x) / (2 * np.pi) % 1.0)


def test_disk_keeps_its_centre_and_its_axes() -> None:
    u = np.array([[0.5, 0.5], [1.0, 0.5], [0.0, 0.5], [0.5, 1.0], [0.5, 0.0], [1.0, 1.0]])
    r = np.sqrt(0.5)
    expected = [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1], [r, r]]
    assert np.allclose(_apply("disk", u)[:, :2], expected, atol=2e-7)


def test_hemisphere_follows_the_cosine(square: np.ndarray) -> None:
    w = _apply("hemisphere", square)
    assert np.allclose(np.linalg.norm(w, axis=1), 1.0, atol=1e-5)
    assert w[:, 2].min() >= 0.0
    # The projection is uniform in the disk, so the square of the cosine is uniform.
    assert _uniform(np.minimum(w[:, 2] ** 2, 1.0), np.arctan2(w[:, 1], w[:, 0]) / (2 * np.pi) % 1.0)


def test_triangle_is_uniform(square: np.ndarray) -> None:
    b1, b2, _ = _apply("triangle", square).T
    assert min(b1.min(), b2.min(), (1 - b1 - b2).min()) >= -1e-6
    # Moments of the uniform distribution on the unit simplex.
    assert np.allclose([b1.mean(), b2.mean()], 1 / 3, atol=1e-5)
    assert np.allclose([(b1 * b1).mean(), (b2 * b2).mean()], 1 / 6, atol=1e-5)
    assert (b1 * b2).mean() == pytest.approx(1 / 12, abs=1e-5)
    # And its distribution along each of the three corners.
    for b in (b1, b2, 1 - b1 - b2):
        assert _uniform(np.clip(1 - (1 - b) ** 2, 0, 1))


def test_tent_is_a_tent(square: np.ndarray) -> None:
    x = _apply("tent", square)[:, 0]
    assert np.all(np.abs(x) <= 1.0)
    assert _uniform(np.where(x < 0, (1 + x) ** 2 / 2, 1 - (1 - x) ** 2 / 2))


@pytest.mark.parametrize(
    ("which", "scale", "low", "high"), [("octant", 1.0, -np.pi / 4, np.pi / 4), ("turn", 2 * np.pi, 0.0, 1.0)]
)
def test_cosine_and_sine_are_exact_to_single_precision(which: str, scale: float, low: float, high: float) -> None:
    x = np.linspace(low, high, 100_001).astype(np.float32)
    cosine, sine, _ = _apply(which, np.stack([x, x], 1)).T
    angle = scale * x.astype(np.float64)
    assert np.abs(cosine - np.cos(angle)).max() < 2e-7
    assert np.abs(sine - np.sin(angle)).max() < 2e-7


def test_turn_of_is_exact_to_single_precision() -> None:
    angle = np.linspace(-np.pi, np.pi, 100_001)[1:-1]
    points = (np.stack([np.cos(angle), np.sin(angle)], 1) * np.logspace(-6, 6, len(angle))[:, None]).astype(np.float32)
    expected = np.arctan2(points[:, 1].astype(np.float64), points[:, 0]) / (2 * np.pi)
    assert np.abs(_apply("turn_of", points)[:, 0] - expected).max() < 1e-7
    assert np.all(np.isfinite(_apply("turn_of", np.zeros((1, 2)))))
