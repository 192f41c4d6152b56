"""Gradients on the Vulkan backend against the CPU's: equal seeds, equal gradients but for rounding."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import diffrt
from diffrt.gradient import backend, run
from tests.gradient.harness import loss_weights
from tests.gradient.scenes import lit
from tests.gradient.test_cases import CASES

pytestmark = pytest.mark.vulkan
ROOT = Path(__file__).parents[2]
NAMES = ("texture", "floor along its normal", "cube moves", "point: quad", "area: quad")
RUNNER = """
import os, sys
import numpy as np, diffrt
from tests.gradient.test_gradient_on_vulkan import gradients
assert diffrt.init() == "vulkan"
np.savez({file!r}, **gradients())
os._exit(0)  # drivers have been seen to crash on the way out
"""


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


@cache
def has_vulkan() -> bool:
    """Whether Taichi finds a Vulkan device and starts on it, tried in a process of its own."""
    probe = "import os, diffrt\nassert diffrt.init() == 'vulkan'\nos._exit(0)"
    environment = {**os.environ, "DIFFRT_ARCH": "vulkan"}
    done = subprocess.run([sys.executable, "-c", probe], env=environment, cwd=ROOT, capture_output=True, timeout=120)
    return done.returncode == 0


@pytest.mark.slow
def test_gradients_on_vulkan_are_those_of_the_cpu(taichi: str, tmp_path: Path) -> None:
    if not has_vulkan():
        pytest.skip("no Vulkan driver")
    file = tmp_path / "gradients.npz"
    done = subprocess.run(
        [sys.executable, "-c", RUNNER.format(file=str(file))],
        env={**os.environ, "DIFFRT_ARCH": "vulkan"}, cwd=ROOT, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    theirs, ours = dict(np.load(file)), gradients()
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
