"""Gradients on the Vulkan backend against the CPU's: equal seeds, equal gradients but for rounding."""

from pathlib import Path

import numpy as np
import pytest

import diffrt
from diffrt.gradient import backend, run
from tests.gradient.cases import CASES
from tests.gradient.harness import loss_weights
from tests.gradient.scenes import lit
from tests.vulkan import arrays_on_vulkan

pytestmark = pytest.mark.vulkan
NAMES = ("texture", "floor along its normal", "cube moves", "point: quad", "area: quad")


def gradients() -> dict[str, np.ndarray]:
    """Backward for each of the cases, forward for the first."""
    result = {}
    for case in (next(case for case in CASES if case.name == name) for name in NAMES):
        scene = diffrt.Scene.from_dict(case.scene())
        view = scene.camera()
        weights = loss_weights(view.height, view.width)
        result[case.name] = diffrt.render_backward(scene, weights, [case.parameter], spp=32, seed=5)[case.parameter]
        if case.name == NAMES[0]:
            along = np.asarray(case.direction) * np.ones(scene[case.parameter].shape)
            result["forward"] = diffrt.render_forward(scene, {case.parameter: along}, spp=32, seed=5)
    return result


@pytest.mark.slow
def test_gradients_on_vulkan_are_those_of_the_cpu(taichi: str, tmp_path: Path) -> None:
    code = "from tests.gradient.test_gradient_on_vulkan import gradients"
    theirs, ours = arrays_on_vulkan(tmp_path, code, "gradients()"), gradients()
    for name in ours:
        assert np.isfinite(theirs[name]).all()
        # Rounding may send single paths another way.
        scale = float(np.abs(ours[name]).max())
        assert float(np.abs(theirs[name] - ours[name]).mean()) < 0.005 * scale, name
        assert np.sum(theirs[name]) == pytest.approx(np.sum(ours[name]), abs=0.01 * float(np.abs(ours[name]).sum()))


def test_a_backend_with_wrong_derivatives_is_refused(taichi: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert backend.derivatives_right()
    monkeypatch.setattr(backend, "derivatives_right", lambda: False)
    monkeypatch.setattr(backend._taichi, "current_arch", lambda: "metal")
    monkeypatch.setattr(run, "upload", None)  # refused before any work
    scene = diffrt.Scene.from_dict(lit())
    with pytest.raises(diffrt.InputError, match=r"metal.*derivatives are wrong"):
        diffrt.render_backward(scene, np.ones((12, 16, 3)), ["textures.image"])
