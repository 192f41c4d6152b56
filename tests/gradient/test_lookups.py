"""Adjoints of lookups: equal whether threads add them up apart or with locks, and as much as was looked up."""

from typing import Any

import numpy as np
import pytest

import diffrt
from diffrt.gradient import lookups
from tests.gradient import scenes
from tests.gradient.harness import loss_weights

NAMES = (
    "textures.image", "textures.glow", "lights.sky.image", "lights.sky.scale", "materials.metal.roughness",
    "materials.metal.reflectance", "shapes.lamp.emission",
)  # fmt: skip


def room() -> dict[str, Any]:
    """Texels, constants, lamps and a sky: a textured floor, something of metal, a lamp of one colour and a picture
    that glows under an image of the sky."""
    random = np.random.default_rng(7)
    sky = {"name": "sky", "type": "environment", "data": random.uniform(0, 1, (4, 8, 3)), "scale": 0.7}
    scene = scenes.lit(lights=[sky])
    scene["textures"]["glow"] = {"data": random.uniform(0, 2, (3, 5, 3)), "filter": "nearest"}
    scene["shapes"] += [
        scenes.lamp(),
        {"name": "box", "type": "cube", "material": "metal",
         "to_world": [{"scale": 0.2}, {"translate": [-0.3, 0.2, 0]}]},
        {"name": "picture", "type": "rectangle", "emission": {"texture": "glow"},
         "to_world": [{"scale": 0.3}, {"translate": [0.4, 0.3, -0.4]}]},
    ]  # fmt: skip
    return scene


@pytest.fixture
def gradients(taichi: str) -> Any:
    scene = diffrt.Scene.from_dict(room())
    weights = loss_weights(12, 16)

    def backward() -> dict[str, np.ndarray]:
        return diffrt.render_backward(scene, weights, NAMES, spp=64, seed=3, terms=["interior"], rows=4096)

    return backward


@pytest.mark.parametrize("way", ["texels in place", "all with locks"])
def test_threads_add_up_apart_what_they_would_add_together(
    gradients: Any, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    apart = gradients()
    if way == "texels in place":
        monkeypatch.setattr(lookups, "_MOST_TEXELS", 0)
    else:
        monkeypatch.setattr(lookups, "current_arch", lambda: "another")
        monkeypatch.setattr(lookups, "zeros", lambda n, kind: np.zeros((n, 3), np.float32))
    together = gradients()
    for name in NAMES:
        assert np.abs(apart[name]).max() > 0.0, name
        assert np.allclose(apart[name], together[name], rtol=1e-4, atol=1e-4 * np.abs(apart[name]).max()), name


def test_all_the_light_that_is_emitted(taichi: str) -> None:
    """Radiance is linear in everything that emits: the scene's picture is its derivatives times what they are by."""
    scene = diffrt.Scene.from_dict(room())
    weights = loss_weights(12, 16)
    emitters = ("textures.glow", "lights.sky.image", "shapes.lamp.emission")
    parts = diffrt.render_backward(scene, weights, emitters, spp=1024, seed=5, terms=["interior"])
    from_lights = sum(float((parts[name] * scene[name]).sum()) for name in emitters)
    by_scale = diffrt.render_backward(scene, weights, ["lights.sky.scale"], spp=1024, seed=5, terms=["interior"])
    sky = float((parts["lights.sky.image"] * scene["lights.sky.image"]).sum())
    assert np.isclose(sky, float(by_scale["lights.sky.scale"]) * float(scene["lights.sky.scale"]), rtol=1e-4)
    losses = [float((diffrt.render(scene, spp=256, seed=10 + k) * weights).sum()) for k in range(8)]
    error = np.std(losses, ddof=1) * np.sqrt(1 / 8 + 1 / 4)  # of their mean, and of one of 1024 samples
    assert abs(from_lights - np.mean(losses)) < 4 * error
