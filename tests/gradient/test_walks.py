"""How long walks from shadows to the camera are."""

from typing import Any

import numpy as np
import pytest

import diffrt
from diffrt.device.arrays import read
from diffrt.gradient import walk
from diffrt.gradient.edges import samples
from diffrt.gradient.learning import Learning
from diffrt.gradient.shadow_pass import ShadowEdges
from diffrt.gradient.walk import LENGTHS, halving
from tests.gradient import scenes
from tests.gradient.harness import loss_weights


@pytest.mark.parametrize("most", [0, 1, 3, 24])
def test_probabilities_of_lengths_halve_and_sum_to_one(most: int) -> None:
    lengths = halving(most)
    assert np.isclose(lengths.sum(), 1.0) and np.all(lengths[most + 1 :] == 0.0) and lengths[most] > 0.0
    assert np.allclose(lengths[1:most], 0.5 * lengths[: max(most - 1, 0)])


@pytest.mark.usefixtures("taichi")
@pytest.mark.parametrize("scale", [1.0, 1e-28])
def test_lengths_go_by_what_earlier_walks_brought(monkeypatch: pytest.MonkeyPatch, scale: float) -> None:
    """Under an open sky nearly all is brought by those of no step; where squares vanish, lengths keep to halving."""
    box = {"name": "box", "type": "cube", "to_world": [{"scale": 0.15}, {"translate": [0, 0.5, 0]}]}
    scene = diffrt.Scene.from_dict(scenes.lit(shapes=[box], depth=4))
    found = []
    learn = Learning.learn

    def noting(self: Learning) -> None:
        learn(self)
        found.append((read(self.hits).copy(), read(self.lengths).reshape(-1, LENGTHS).copy()))

    monkeypatch.setattr(Learning, "learn", noting)
    diffrt.render_backward(
        scene, scale * loss_weights(12, 16), ["shapes.box.translation"], spp=256, seed=1, terms=["shadow"]
    )
    for _hits, lengths in found:
        assert np.allclose(lengths.sum(axis=1), 1.0, atol=1e-5) and np.all(lengths >= 0.29 * halving(2))
    hits, lengths = found[-1]
    often = hits > 200
    assert often.any()
    assert np.all(lengths[often, 0] > 0.6) if scale == 1.0 else np.allclose(lengths, halving(2))


@pytest.mark.usefixtures("taichi")
def test_walks_from_both_ends_bring_what_walks_with_the_light_bring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Walks of two steps, whose last points come from the camera, too. What they bring in all, without its signs."""
    sample = ShadowEdges.sample
    weights = loss_weights(12, 16)
    sums: list[float] = []

    def noting(self: ShadowEdges, adjoint: Any, first: int, count: int, run: Any, total: int, seed: int) -> None:
        sample(self, adjoint, first, count, run, total, seed)
        if seed == self.seed:  # no round that looks for edges
            drawn = samples()
            used = (drawn.active.to_numpy() != 0) & (drawn.steps.to_numpy() == 2)
            used[count:] = False
            column, row = drawn.film.to_numpy()[used].astype(int).T
            sums[-1] += np.abs(weights[row, column] * drawn.jump.to_numpy()[used]).sum()

    monkeypatch.setattr(ShadowEdges, "sample", noting)
    ball = {"name": "ball", "type": "sphere", "subdivisions": 2, "material": "grey",
            "to_world": [{"scale": 0.4}, {"translate": [0, 0.6, 0]}]}  # fmt: skip
    grey = {"type": "diffuse", "albedo": 0.6}
    # What is one-sided makes the kernels others: those that are compiled already draw from both ends.
    away = {"name": "away", "type": "rectangle", "material": "away", "to_world": {"translate": [0, -9, 0]}}
    found = []
    for with_light_alone in (False, True):
        if with_light_alone:
            monkeypatch.setattr(walk, "from_both_ends", lambda features: False)
        document = scenes.lit("metal", shapes=[ball, away], depth=4)
        document["materials"] |= {"grey": grey, "away": {**grey, "two_sided": not with_light_alone}}
        scene = diffrt.Scene.from_dict(document)
        sums.clear()
        for seed in range(12):
            sums.append(0.0)
            diffrt.render_backward(
                scene, weights, ["shapes.ball.translation"], spp=2048, seed=seed, terms=["shadow"]
            )  # fmt: skip
        found.append(np.array(sums))
    both, light = found
    error = np.sqrt(both.var(ddof=1) / len(both) + light.var(ddof=1) / len(light))
    assert abs(both.mean() - light.mean()) < 3.0 * error < 0.25 * light.mean()


@pytest.mark.usefixtures("taichi")
@pytest.mark.parametrize("term", ["primary", "shadow"])
def test_edges_of_a_small_loss_count(term: str) -> None:
    """Whose squares are no longer single-precision numbers."""
    box = {"name": "box", "type": "cube", "to_world": [{"scale": 0.15}, {"translate": [0, 0.5, 0]}]}
    scene = diffrt.Scene.from_dict(scenes.lit(shapes=[box], depth=2))
    name = "shapes.box.translation"
    large, small = (
        diffrt.render_backward(scene, scale * loss_weights(12, 16), [name], spp=8, seed=1, terms=[term])[name] / scale
        for scale in (1.0, 1e-25)
    )
    assert np.abs(large).max() > 0.0 and np.allclose(small, large, rtol=0.5, atol=0.2 * np.abs(large).max())
