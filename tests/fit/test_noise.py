"""The noise of gradients: measured as it is, and samples that follow it within their bounds."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffrt.fit import loop
from diffrt.fit.evaluate import Evaluation, evaluate
from diffrt.fit.fit import fit
from diffrt.fit.noise import EVERY
from diffrt.fit.optimizers import OPTIMIZERS, Moments, noise_of_direction
from diffrt.fit.prepare import prepare

WALL, BULB = "materials.wall.albedo", "lights.bulb.intensity"
BOTH = {WALL, BULB}


def test_two_looks_tell_the_variance(problem: dict[str, Any]) -> None:
    """Their estimate against the spread of gradients with independent random numbers.

    The mean of n estimates has a relative standard error of about sqrt(2 / n), as has the spread of n gradients.
    """
    setup = prepare(problem, Path("."))
    views = setup.fitted_views
    found = [evaluate(setup, views, number, setup.stages[0], 2, 2) for number in range(30)]
    single = [evaluate(setup, views, number, setup.stages[0], 2) for number in range(30, 90)]
    for name in BOTH:
        estimated = np.mean([item.variances[name].sum() for item in found])
        true = np.var([item.gradients[name] for item in single], axis=0, ddof=1).sum()
        assert abs(np.log(estimated / true)) < 4.0 * np.sqrt(2.0 / 30 + 2.0 / 60)


def test_two_looks_are_two_pictures(problem: dict[str, Any]) -> None:
    """Their mean has half the variance, and its samples are counted."""
    setup = prepare(problem, Path("."))
    once, twice = (evaluate(setup, setup.fitted_views, 5, setup.stages[0], 3, looks) for looks in (1, 2))
    assert once.samples == {"picture": 9, "gradient": 3} and twice.samples == {"picture": 18, "gradient": 6}
    assert once.spp == twice.spp == 3
    assert all((once.gradients[name] != twice.gradients[name]).all() for name in BOTH)
    assert not once.variances and set(twice.variances) == BOTH


@pytest.mark.parametrize(
    ("kind", "steps"), [("adam", 40), ("adam_uniform", 1), ("adam_uniform", 3), ("adam_uniform", 40), ("sgd", 3)]
)
def test_what_an_optimizer_makes_of_noise(kind: str, steps: int) -> None:
    """Directions of many runs on noise alone. Adam knows little of their sizes at first."""
    rng = np.random.default_rng(steps)
    size, runs = np.array([0.1, 1.0, 7.0]), 3000
    moments = Moments.like(np.zeros((runs, 3)))
    for _ in range(steps):
        direction = OPTIMIZERS[kind](size * rng.normal(size=(runs, 3)), moments)
    expected = noise_of_direction(kind, np.broadcast_to(size**2, (runs, 3)), moments)
    assert np.mean(direction**2, axis=0) == pytest.approx(np.mean(expected, axis=0), rel=0.15)


class Bowl:
    """A loss with a slope that falls with the steps and noise of a given size, in place of pictures."""

    def __init__(self, slope: float, noise: float, fall: float = 1.0) -> None:
        self.slope, self.noise, self.fall = slope, noise, fall

    def __call__(
        self, setup: Any, views: list[Any], iteration: int, stage: Any, spp: int, looks: int, look: Any
    ) -> Evaluation:
        rng = np.random.default_rng(iteration)
        size = self.noise / np.sqrt(spp)
        found = [
            {
                name: self.slope * self.fall**iteration + size * rng.normal(size=item.value.shape)
                for name, item in setup.variables.items()
            }
            for _ in range(looks)
        ]
        gradients = {name: np.mean([look[name] for look in found], axis=0) for name in setup.variables}
        variances = {name: 0.5 * (found[0][name] - found[-1][name]) ** 2 for name in setup.variables}
        names = {view.name: 1.0 for view in views}
        return Evaluation(1.0, {}, names, gradients, variances if looks == 2 else {}, spp)


def history_of(problem: dict[str, Any], monkeypatch: pytest.MonkeyPatch, bowl: Bowl, **more: Any) -> list[Any]:
    monkeypatch.setattr(loop, "evaluate", bowl)
    problem["parameters"] = {name: {"learning_rate": 1e-5} for name in BOTH}
    problem["views"] = problem["views"][:1]
    return fit(problem | {"iterations": 200, "spp": 2} | more).history


def test_shares(problem: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise of so many times the slope: Adam leaves a nineteenth of its variance."""
    for ratio in (0.1, 1.0, 5.0):
        rows = history_of(problem, monkeypatch, Bowl(1.0, ratio * np.sqrt(2.0)), iterations=2000)
        shares = [share for row in rows[100:] for share in row["noise"].values()]
        expected = ratio**2 / 19.0 / (1.0 + ratio**2 / 19.0)
        assert np.mean(shares) == pytest.approx(expected, rel=0.25)  # four standard errors of 570 squares
        assert {row["spp"] for row in rows} == {2}  # no more were allowed


def test_samples_follow_the_noise(problem: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A slope that vanishes leaves noise alone: samples double, one step at a time, up to the bound."""
    rows = history_of(problem, monkeypatch, Bowl(1.0, 0.3, fall=0.97), max_spp=20)
    samples = [row["spp"] for row in rows]
    assert samples[:20] == [2] * 20 and samples[-1] == 16  # the next doubling would pass 20
    changes = [(i, b / a) for i, (a, b) in enumerate(pairwise(samples)) if a != b]
    assert len(changes) >= 3
    assert all(place % EVERY == EVERY - 1 and factor in (2.0, 0.5) for place, factor in changes)


def test_samples_fall_again(problem: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    rows = history_of(problem, monkeypatch, Bowl(1e-4, 1.0, fall=1.1), max_spp=8)
    samples = [row["spp"] for row in rows]
    assert max(samples) == 8 and samples[-1] == 2


def test_a_new_stage_begins_with_its_own_samples(problem: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    stages = [{"iterations": 100}, {"iterations": 100, "spp": 4}]
    rows = history_of(problem, monkeypatch, Bowl(0.0, 1.0), max_spp=8, stages=stages)
    assert [rows[place]["spp"] for place in (99, 109, 199)] == [8, 4, 8]


def test_resumed_with_the_same_samples(
    problem: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    problem |= {"iterations": 60, "spp": 2, "max_spp": 16, "views": problem["views"][:1]}
    monkeypatch.setattr(loop, "evaluate", Bowl(1.0, 1.0, fall=0.9))
    whole = fit(problem)
    for last in (17, 43):
        fit(problem, tmp_path, resume=last > 17, callback=lambda row, scene, last=last: row["iteration"] < last)
    parts = fit(problem, tmp_path, resume=True)
    assert max(row["spp"] for row in whole.history) > 2
    for key in ("spp", "noise"):
        assert [row[key] for row in parts.history] == [row[key] for row in whole.history]


def test_more_samples_where_noise_drowns_the_step(problem: dict[str, Any]) -> None:
    """From pictures: near the solution, at one sample a pixel, the slope is lost in the noise."""
    problem |= {"spp": 1, "iterations": 90, "views_per_iteration": 3}
    fixed, free = fit(problem), fit(problem | {"max_spp": 8})
    assert {row["spp"] for row in fixed.history} == {1}
    assert {row["spp"] for row in free.history[:10]} == {1}
    assert 1 < max(row["spp"] for row in free.history) <= 8
