"""Gradients against finite differences, backward and forward: edges that the camera sees. And sums over buffers."""

import numpy as np
import pytest

import diffrt
from tests.gradient import scenes
from tests.gradient.cases import PRIMARY_CASES
from tests.gradient.harness import Case, check, parameters

pytestmark = pytest.mark.usefixtures("taichi")


@pytest.mark.parametrize("case", parameters(PRIMARY_CASES))
def test_gradient(case: Case) -> None:
    check(case)


def test_losses_on_several_buffers_add_up() -> None:
    scene = diffrt.Scene.from_dict(scenes.shining())
    image = np.random.default_rng(2).normal(size=(12, 16, 3)) / 192
    losses = {"radiance": image, "mask": image[..., 0], "depth": image[..., 1], "normal": image, "uv": image[..., :2]}
    name = "shapes.box.translation"
    alone = [diffrt.render_backward(scene, {key: array}, [name], spp=16)[name] for key, array in losses.items()]
    assert diffrt.render_backward(scene, losses, [name], spp=16)[name] == pytest.approx(sum(alone), rel=1e-4, abs=1e-6)
    assert diffrt.render_backward(scene, image, [name], spp=16)[name] == pytest.approx(alone[0], rel=1e-5)
    assert np.all(diffrt.render_backward(scene, {}, [name], spp=16)[name] == 0.0)
