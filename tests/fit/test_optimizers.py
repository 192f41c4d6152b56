"""Optimizers against their formulas, schedules at their ends."""

import numpy as np
import pytest

from diffrt.fit.optimizers import OPTIMIZERS, Moments, adam, adam_uniform, rate_factor, tamed
from diffrt.fit.problem import Schedule


def test_adam_follows_its_paper() -> None:
    gradients = np.random.default_rng(0).normal(size=(7, 4))
    moments = Moments.like(np.zeros(4))
    for number in range(1, 8):
        direction = adam(gradients[number - 1], moments)
        ages = np.arange(number)[::-1, None]
        mean = (0.1 * 0.9**ages * gradients[:number]).sum(axis=0) / (1 - 0.9**number)
        square = (0.001 * 0.999**ages * gradients[:number] ** 2).sum(axis=0) / (1 - 0.999**number)
        assert direction == pytest.approx(mean / (np.sqrt(square) + 1e-8))


def test_uniform_keeps_the_direction_of_the_gradient() -> None:
    gradient = np.array([[3.0, 0.0, -1.0], [0.5, 0.25, 0.0]])
    assert adam_uniform(gradient, Moments.like(gradient)) == pytest.approx(gradient / 3.0)
    assert np.abs(adam(gradient, Moments.like(gradient))[gradient != 0]) == pytest.approx(1.0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_parabola_is_descended(name: str) -> None:
    x, moments = np.array([2.0, -3.0]), Moments.like(np.zeros(2))
    for i in range(400):
        rate = 0.1 * rate_factor(Schedule(type="cosine", final=0.01), i, 400)
        x = x - rate * OPTIMIZERS[name](2.0 * x, moments)
    assert np.abs(x).max() < 1e-2


def test_an_outlier_is_cut_and_a_new_scale_is_not() -> None:
    rng = np.random.default_rng(0)
    moments = Moments.like(np.zeros(3))
    for _ in range(50):
        gradient, cut = tamed(rng.normal(size=3), moments)
        assert not cut
    gradient, cut = tamed(np.array([1e10, 0.0, 0.0]), moments)
    assert cut and 5.0 < gradient[0] < 15.0  # five times the usual length, the root of three
    lengths = [tamed(100.0 * rng.normal(size=3), moments)[1] for _ in range(30)]
    assert not any(lengths[10:])


def test_schedules() -> None:
    def ends(**given: object) -> list[float]:
        return [rate_factor(Schedule(**given), i, 101) for i in (0, 50, 100)]

    assert ends() == [1.0, 1.0, 1.0]
    assert ends(type="exponential", final=0.01) == pytest.approx([1.0, 0.1, 0.01])
    assert ends(type="cosine", final=0.2) == pytest.approx([1.0, 0.6, 0.2])
    assert ends(type="inverse", decay=0.1) == pytest.approx([1.0, 1 / 6, 1 / 11])
