"""Variance of terms as measured, and the split of samples that follows."""

from collections.abc import Mapping

import numpy as np
import pytest

import diffrt
from diffrt.gradient.budget import TermCost, best_split
from tests.gradient.harness import loss_weights
from tests.gradient.scenes import lit, shaded

NAME = "camera.translation"


def variance_of(terms: dict[str, TermCost], counts: Mapping[str, float]) -> float:
    return sum(term.variance * term.spp / counts[name] for name, term in terms.items())


def test_no_split_of_the_same_time_is_better() -> None:
    terms = {"interior": TermCost(1.0, 2.0, 64), "primary": TermCost(9.0, 0.5, 64), "shadow": TermCost(3.0, 0.1, 64)}
    counts = best_split(terms)
    seconds = sum(terms[name].seconds * count / 64 for name, count in counts.items())
    assert seconds == pytest.approx(2.6, rel=0.02)
    random = np.random.default_rng(1)
    for _ in range(200):
        share = random.dirichlet(np.ones(3))
        other = {name: 2.6 * s / term.seconds * 64 for s, (name, term) in zip(share, terms.items(), strict=True)}
        assert variance_of(terms, counts) <= 1.01 * variance_of(terms, other)


def test_no_term_is_starved_and_none_is_overdrawn() -> None:
    terms = {"interior": TermCost(1.0, 1.0, 64), "shadow": TermCost(0.0, 1.0, 64)}
    assert best_split(terms) == {"interior": 120, "shadow": 8}
    assert best_split({"interior": TermCost(0.0, 1.0, 64)}) == {"interior": 64}


def test_measured_split_lowers_the_variance(taichi: str) -> None:
    """What the terms add is known from runs of their own; the measurement says the same, to the noise of its seeds."""
    scene = diffrt.Scene.from_dict(shaded("area"))
    view = scene.camera()
    weights = loss_weights(view.height, view.width)
    found = diffrt.gradient_variance(scene, weights, [NAME], spp=16, seeds=12)
    assert set(found.terms) >= {"interior", "shadow"}
    assert set(found.split) == {f"spp_{name}" for name in found.terms}
    assert found.gain >= 1.0 or found.gain == pytest.approx(1.0, abs=0.02)
    runs = [diffrt.render_backward(scene, weights, [NAME], spp=16, seed=100 + i)[NAME] for i in range(12)]
    whole = np.sum(np.var(runs, axis=0, ddof=1)) / np.sum(np.mean(runs, axis=0) ** 2)
    measured = sum(term.variance for term in found.terms.values())
    # Either is known to sqrt(2 / 11) of itself, or better: 3 standard errors of their ratio's logarithm.
    assert abs(np.log(whole / measured)) < 3.0 * np.sqrt(2.0) * np.sqrt(2.0 / 11.0)
    diffrt.render_backward(scene, weights, [NAME], **found.split)


def test_pixels_share_their_samples(taichi: str) -> None:
    """Noise of what is summed over pixels, the texels of a sky: against that of pixels that know nothing of another."""
    sky = {"name": "sky", "type": "environment", "data": np.ones((16, 32, 3), dtype=np.float32)}
    name, noise = "lights.sky.image", {}
    for sampler in ("lattice", "sobol"):
        scene = diffrt.Scene.from_dict({**lit(lights=[sky], depth=2), "sampling": {"sampler": sampler}})
        view = scene.camera().resized(64)
        weights = loss_weights(view.height, view.width)
        runs = [diffrt.render_backward(scene, weights, [name], camera=view, spp=16, seed=i)[name] for i in range(12)]
        noise[sampler] = np.sum(np.var(runs, axis=0, ddof=1))
    assert noise["lattice"] < 0.05 * noise["sobol"]


def test_samples_of_shadows_are_even(taichi: str) -> None:
    """Of a cube under a lamp: sixteen times the samples leave a sixteenth of the variance if they are independent."""
    described = shaded("area")
    described["shapes"][-1] |= {"type": "cube", "to_world": [{"scale": 0.2}, *described["shapes"][-1]["to_world"][1:]]}
    scene = diffrt.Scene.from_dict(described)
    view = scene.camera()
    weights, name = loss_weights(view.height, view.width), "shapes.quad.vertices"

    def noise(spp: int) -> float:
        runs = [diffrt.render_backward(scene, weights, [name], spp, i, terms=["shadow"])[name] for i in range(16)]
        return float(np.sum(np.var(runs, axis=0, ddof=1)))

    assert noise(256) < noise(16) / 40.0


def test_arguments_are_checked() -> None:
    scene = diffrt.Scene.from_dict(shaded("area"))
    with pytest.raises(diffrt.InputError, match="seeds"):
        diffrt.gradient_variance(scene, np.ones((12, 16, 3)), [NAME], seeds=1)


def test_rounds_that_look_for_edges_are_not_too_small() -> None:
    """Of half the samples; few ones are drawn in fewer rounds."""
    from diffrt.gradient.edges import SAMPLES
    from diffrt.gradient.learning import rounds

    assert rounds(2**15) == [2**11, 2**11, 2**12, 2**13]
    assert rounds(48 * 48) == [576, 576]
    assert rounds(2**10) == [512] and rounds(1000) == rounds(1) == []
    assert max(rounds(2**24)) == SAMPLES
