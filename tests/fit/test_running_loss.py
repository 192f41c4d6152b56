"""The smoothed loss: its error, and that the best state is none that looked good by chance."""

import numpy as np
import pytest

from diffrt.fit.running_loss import RunningLoss


def test_mean_of_a_window_and_its_error() -> None:
    random = np.random.default_rng(0)
    means, errors = [], []
    for _ in range(400):
        loss = RunningLoss()
        for value in random.normal(1.0, 0.3, 60):
            loss.add(value, 10.0)
        low, high = loss.bounds()
        means.append(0.5 * (low + high))
        errors.append(0.25 * (high - low))
    assert np.mean(means) == pytest.approx(1.0, abs=4 * 0.3 / np.sqrt(10 * 400))
    # Weights fall by age, so the variance is share / (2 - share) of one loss's; the error stated is that of ten.
    assert np.std(means) == pytest.approx(0.3 * np.sqrt(0.1 / 1.9), rel=0.15)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(0.3 / np.sqrt(10), rel=0.1)


def test_one_loss_says_nothing() -> None:
    loss = RunningLoss()
    loss.add(0.1, 10.0)
    assert loss.bounds() == (-float("inf"), float("inf"))
    loss.add(0.1, 10.0)
    assert loss.bounds() == (0.1, 0.1)


def test_lucky_first_look_is_not_the_best() -> None:
    """Noise about a constant: the first, low loss has no bound; the lowest bound comes when the mean is known well."""
    loss, bounds = RunningLoss(), []
    for value in [0.3, *np.random.default_rng(1).normal(1.0, 0.3, 40)]:
        loss.add(value, 10.0)
        bounds.append(loss.bounds()[1])
    assert int(np.argmin(bounds)) > 3
    assert loss.bounds()[0] < 1.5 * min(bounds)


def test_rise_beyond_the_noise_is_told() -> None:
    loss, best = RunningLoss(), float("inf")
    for value in np.concatenate([np.linspace(1.0, 0.1, 30), np.linspace(0.1, 2.0, 30)]):
        loss.add(value, 10.0)
        best = min(best, loss.bounds()[1])
    assert loss.bounds()[0] > 1.5 * best
