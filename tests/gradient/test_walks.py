"""How long walks from shadows to the camera are."""

import numpy as np
import pytest

import diffrt
from diffrt.device.arrays import read
from diffrt.gradient.shadow_pass import ShadowEdges
from diffrt.gradient.walk import halving
from tests.gradient import scenes
from tests.gradient.harness import loss_weights


@pytest.mark.parametrize("most", [0, 1, 3, 24])
def test_probabilities_of_lengths_halve_and_sum_to_one(most: int) -> None:
    lengths = halving(most)
    assert np.isclose(lengths.sum(), 1.0) and np.all(lengths[most + 1 :] == 0.0) and lengths[most] > 0.0
    assert np.allclose(lengths[1:most], 0.5 * lengths[: max(most - 1, 0)])


@pytest.mark.usefixtures("taichi")
@pytest.mark.parametrize("scale", [1.0, 1e-25])
def test_lengths_go_by_what_earlier_walks_brought(monkeypatch: pytest.MonkeyPatch, scale: float) -> None:
    """Under an open sky nearly all is brought by those of no step; where squares vanish, lengths keep to halving."""
    box = {"name": "box", "type": "cube", "to_world": [{"scale": 0.15}, {"translate": [0, 0.5, 0]}]}
    scene = diffrt.Scene.from_dict(scenes.lit(shapes=[box], depth=4))
    found = []
    learn = ShadowEdges._learn

    def noting(self: ShadowEdges) -> None:
        learn(self)
        found.append(read(self.lengths).copy())

    monkeypatch.setattr(ShadowEdges, "_learn", noting)
    diffrt.render_backward(
        scene, scale * loss_weights(12, 16), ["shapes.box.translation"], spp=64, seed=1, terms=["shadow"]
    )
    for lengths in found:
        assert np.isclose(lengths.sum(), 1.0, atol=1e-5) and np.all(lengths >= 0.49 * halving(2))
    assert found[-1][0] > 0.6 if scale == 1.0 else np.allclose(found[-1], halving(2))
