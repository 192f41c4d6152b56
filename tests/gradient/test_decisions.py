"""Opacities and weights where one side is never met in a picture, and what gradients say they lack."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import diffrt
from tests.gradient import scenes
from tests.gradient.cases.appearance import PAINT
from tests.gradient.harness import loss_weights, mean_and_error

pytestmark = pytest.mark.usefixtures("taichi")
WEIGHTS = loss_weights(12, 16)
SEEDS = 16


def material(**fields: Any) -> dict[str, Any]:
    return {"type": "diffuse", "albedo": [0.3, 0.6, 0.5], **fields}


def losses(scene: diffrt.Scene, name: str, value: float) -> np.ndarray:
    """Of pictures with one seed each."""
    scene[name] = value
    return np.array([np.sum(WEIGHTS * diffrt.render(scene, spp=256, seed=seed)) for seed in range(SEEDS)])


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (partial(scenes.shaded, "point", quad=material(opacity=0.5)), "materials.quad.opacity"),
        (partial(scenes.lit, {"type": "mix", "first": "textured", "second": "metal"}), "materials.floor.weight"),
        (partial(scenes.veil, material(opacity=0.5)), "materials.veil.opacity"),
    ],
    ids=["shadow", "mix", "veil"],
)
def test_what_is_never_met_has_a_derivative(make: Callable[[], dict[str, Any]], name: str, value: float) -> None:
    scene = diffrt.Scene.from_dict(make())
    inwards = 0.02 if value == 0.0 else -0.02
    at, near, far = (losses(scene, name, value + k * inwards) for k in range(3))
    difference, error = mean_and_error(list((4.0 * near - 3.0 * at - far) / (2.0 * inwards)))
    scene[name] = value
    found = [float(diffrt.render_backward(scene, WEIGHTS, [name], spp=256, seed=seed)[name]) for seed in range(SEEDS)]
    gradient, gradient_error = mean_and_error(found)
    both = float(np.hypot(error, gradient_error))
    assert abs(difference - gradient) < 4.0 * both + 0.01 * abs(difference)
    assert both < 0.06 * abs(difference)


def test_an_opaque_scene_has_a_derivative_by_opacity() -> None:
    """A picture has no code for surfaces that light passes then; its gradient has to."""
    scene = diffrt.Scene.from_dict(scenes.lit(material(), depth=2))
    image = diffrt.render(scene, spp=256)
    gradient = diffrt.render_backward(scene, WEIGHTS, ["materials.floor.opacity"], spp=256)
    # Behind the floor is nothing, and it throws no light on itself: the picture is proportional to the opacity.
    assert float(gradient["materials.floor.opacity"]) == pytest.approx(float(np.sum(WEIGHTS * image)), rel=0.02)


@pytest.mark.slow
def test_a_path_that_does_not_fit_says_so() -> None:
    """Light passes many layers of many numbers each on its way to the floor."""
    scene = scenes.lit(lights=[{**scenes.POINT[0], "position": [4, 1, 0]}], depth=2)
    scene["materials"] |= {"white": material(), "veil": scenes.nested()}
    for i in range(60):
        place = [scenes.turned([0, 1, 0], 90), {"scale": 5}, {"translate": [1 + 0.01 * i, 0, 0]}]
        scene["shapes"].append({"name": f"layer{i}", "type": "rectangle", "material": "veil", "to_world": place})
    loaded = diffrt.Scene.from_dict(scene)
    names = [name for name in loaded.parameters if name.startswith("materials.veil") and "albedo" not in name]
    assert np.isfinite(list(diffrt.render_backward(loaded, WEIGHTS, names, spp=1).values())).all()
    with pytest.raises(diffrt.InputError, match="rows"):
        diffrt.render_backward(loaded, WEIGHTS, names, spp=1, rows=256)


@pytest.mark.parametrize(
    ("make", "name", "said"),
    [
        (partial(scenes.mirror, normal_map="bumps"), "textures.bumps", "mirrors"),
        (scenes.glass, "materials.glass.ior", "smooth glass"),
        (scenes.glass, "materials.glass.roughness", "perfectly smooth"),
        (partial(scenes.painted, transmission=0.0), "materials.floor.transmission", "lacks what would"),
        (partial(scenes.textured, {**PAINT, "transmission": {"texture": "number"}}, 0.0, 0.0), "textures.number",
         "lacks what would"),
        (partial(scenes.lit, lights=[{**scenes.SPOT[0], "falloff_start": 70}]), "lights.bulb.cutoff", "abruptly"),
        (partial(scenes.lit, lights=[{**scenes.SPOT[0], "falloff_start": 70}]), "camera.translation", "cone of bulb"),
        (partial(scenes.lit, textures={"image": {"data": scenes.TEXTURE, "filter": "nearest"}}), "shapes.floor.uvs",
         "nearest"),
    ],
    ids=["bent mirror", "glass", "smooth", "transmission", "transmission texels", "spot", "under a spot", "nearest"],
)  # fmt: skip
def test_what_is_missing_is_said(make: Callable[[], dict[str, Any]], name: str, said: str) -> None:
    scene = diffrt.Scene.from_dict(make())
    with pytest.warns(diffrt.DiffrtWarning, match=said):
        diffrt.render_backward(scene, WEIGHTS, [name], spp=1, max_depth=1, terms=["indirect"])  # nothing to compute
