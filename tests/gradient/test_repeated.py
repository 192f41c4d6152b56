"""Repeated gradients neither recompile nor leak, and what is asked for together changes nothing."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import diffrt
from diffrt.errors import InputError
from tests.gradient.scenes import CAMERA, TEXTURE, lit, shaded

ROOT = Path(__file__).parents[2]
CALLS = 100
PROGRAM = """
import resource, sys
import numpy as np, diffrt
from taichi.lang import kernel_impl
from tests.gradient.scenes import shaded, shining

diffrt.init("cpu")
scenes = [diffrt.Scene.from_dict(d) for d in (shaded("area"), shining("sphere"))]
names = ["shapes.quad.vertices", "shapes.box.vertices"]
compiled = []
original = kernel_impl.Kernel.materialize

def materialize(kernel, *arguments, **options):
    before = len(kernel.compiled_kernels)
    result = original(kernel, *arguments, **options)
    if len(kernel.compiled_kernels) != before:
        compiled.append(kernel.func.__name__)
    return result

kernel_impl.Kernel.materialize = materialize

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 2**20

for call in range({calls}):
    scene, name, size = scenes[call % 2], names[call % 2], (16, 24)[call % 2]
    weights = np.ones((size * 3 // 4, size, 3))
    diffrt.render_backward(scene, weights, [name], spp=4, seed=call, width=size)
    diffrt.render_forward(scene, {{name: np.ones(scene[name].shape)}}, spp=4, seed=call, width=size)
    if call == 9:
        assert compiled
        compiled.clear()
        before = resident()
print(len(compiled), resident() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_hundred_calls_on_two_scenes_compile_nothing_and_hold_memory() -> None:
    code = PROGRAM.format(calls=CALLS)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    compiled, growth = done.stdout.split()
    assert int(compiled) == 0
    assert float(growth) < 8.0, "MiB; a scene's fields and records take more than that"


def gradient(scene: dict[str, Any], name: str, **options: Any) -> np.ndarray:
    loaded = diffrt.Scene.from_dict(scene)
    weights = np.ones((CAMERA["height"], CAMERA["width"], 3))
    return diffrt.render_backward(loaded, weights, [name], seed=3, **options)[name]


def test_a_path_longer_than_the_rows_is_told(taichi: str) -> None:
    """White walls all around, and no end to paths."""
    scene = lit({"type": "diffuse", "albedo": 1.0}, depth=-1)
    scene["integrator"]["rr_depth"] = 2000
    scene["shapes"].append({"name": "room", "type": "cube", "material": "floor", "to_world": {"scale": 2.9}})
    scene["materials"]["floor"] = {"type": "diffuse", "albedo": 1.0}
    with pytest.raises(InputError, match="rows"):
        gradient(scene, "materials.floor.albedo", spp=1, rows=256)


def test_texels_and_shadow_of_one_call_are_those_of_two(taichi: str) -> None:
    scene = shaded("area")
    scene["textures"] = {"image": {"data": TEXTURE}}
    loaded = diffrt.Scene.from_dict(scene)
    names = ["textures.image", "shapes.quad.translation"]
    weights = np.ones((CAMERA["height"], CAMERA["width"], 3))
    both = diffrt.render_backward(loaded, weights, names, spp=8, seed=3)
    for name in names:
        alone = diffrt.render_backward(loaded, weights, [name], spp=8, seed=3)[name]
        assert both[name] == pytest.approx(alone, rel=2e-3, abs=2e-3 * float(np.abs(alone).max()))


@pytest.mark.parametrize("camera", ["camera.translation", "camera.fov"])
def test_a_camera_that_is_asked_for_too_changes_nothing_else(taichi: str, camera: str) -> None:
    """Kernels leave the camera out where it is not asked for. All shapes move either way, as samples go by that."""
    loaded = diffrt.Scene.from_dict(shaded("area"))
    weights = np.random.default_rng(1).normal(size=(CAMERA["height"], CAMERA["width"], 3))
    shapes = [f"shapes.{name}.vertices" for name in loaded.shapes]
    both = diffrt.render_backward(loaded, weights, [*shapes, camera], spp=8, seed=3)
    for names in (shapes, [camera]):
        for name, alone in diffrt.render_backward(loaded, weights, names, spp=8, seed=3).items():
            assert np.abs(alone).max() > 0.0
            assert both[name] == pytest.approx(alone, rel=2e-3, abs=2e-3 * float(np.abs(alone).max()))
