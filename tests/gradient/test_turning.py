"""What is subtracted from the derivative by normals has no mean, and takes noise away."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import taichi as ti
from taichi.math import vec3

import diffrt
from diffrt.description.json_file import read_json
from diffrt.description.primitives import sphere
from diffrt.device.arrays import device_array
from diffrt.gradient import turning
from diffrt.gradient.turning import EvenLight
from diffrt.render.record import PathRecord
from tests.gradient import scenes
from tests.gradient.harness import loss_weights

SCENES = Path(__file__).parents[2] / "scenes"
LIGHT = np.array([[0.4, 0.5, 0.6], [0.3, -0.2, 0.1], [-0.4, 0.2, 0.3], [0.2, 0.3, -0.5]])
"""Brightness from everywhere, and its slopes along the axes; larger than what arrives in the scene."""


def balls() -> dict[str, Any]:
    """Balls of what scatters evenly in part, in a corner with a lamp; some light gets through, and paths end early."""
    mesh = sphere(1)
    materials = {
        "coated": {"type": "plastic", "albedo": [0.7, 0.5, 0.3], "roughness": 0.0},
        "painted": {"type": "principled", "base_color": [0.7, 0.6, 0.8], "metallic": 0.3, "transmission": 0.2},
        "plain": {"type": "diffuse", "albedo": [0.8, 0.7, 0.6], "opacity": 0.7, "two_sided": False},
        "blend": {"type": "mix", "first": "plain", "second": "coated", "weight": 0.4},
    }
    places = ([-0.5, 0.3, 0.1], [0.0, 0.3, -0.2], [0.45, 0.3, 0.1], [0.0, 0.2, 0.4])
    shapes = [
        {"name": name, "type": "mesh", "vertices": 0.2 * mesh.vertices + place, "faces": mesh.faces,
         "shading": "smooth", "material": name}
        for name, place in zip(materials, places, strict=True)
    ]  # fmt: skip
    wall = {"name": "wall", "type": "rectangle", "to_world": [{"scale": 2}, {"translate": [0, 0, -0.8]}]}
    scene = scenes.lit(shapes=[*shapes, wall], depth=5)
    scene["materials"] |= materials
    scene["integrator"]["rr_depth"] = 2
    return scene


@pytest.mark.usefixtures("taichi")
def test_the_integral_over_a_hemisphere_is_along_the_normal() -> None:
    @ti.kernel
    def integral(n: vec3, first: vec3, second: vec3) -> ti.types.matrix(3, 4, ti.f32):
        total = ti.Matrix.zero(ti.f32, 3, 4)
        for i in range(128 * 512):
            cosine, turn = (i % 128 + 0.5) / 128, (i // 128 + 0.5) / 512 * 2.0 * np.pi
            sine = ti.sqrt(1.0 - cosine * cosine)
            w = n * cosine + (first * ti.cos(turn) + second * ti.sin(turn)) * sine
            total += turning._variates(n, w) * (2.0 * np.pi / (128 * 512))
        return total

    axes = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    found = integral(*(vec3(axis) for axis in axes)).to_numpy()
    assert np.abs(found).max() < 1e-3, found


@pytest.mark.usefixtures("taichi")
def test_what_is_subtracted_has_no_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of any light, for all models, whatever else decides how paths go on."""
    scene = diffrt.Scene.from_dict(balls())
    names = [f"shapes.{name}.vertices" for name in ("plain", "coated", "painted", "blend")]
    amounts: dict[float, list[np.ndarray]] = {}
    directions = np.random.default_rng(2).normal(size=(3, *scene[names[0]].shape))

    def given(self: EvenLight, record: PathRecord, first: int, end: int) -> None:
        light = np.broadcast_to(amount * LIGHT, (turning._BINS, *LIGHT.shape))
        self.light = device_array(light.reshape(-1, 3), vec3)
        self.known = turning._ENOUGH
        subtract(self, record, first, end)

    subtract = EvenLight.subtract
    monkeypatch.setattr(EvenLight, "subtract", given)
    for amount in (0.0, 1.0):
        for seed in range(24):
            result = diffrt.render_backward(scene, loss_weights(12, 16), names, spp=64, seed=seed, terms=["interior"])
            slopes = [[float(np.sum(along * result[name])) for along in directions] for name in names]
            amounts.setdefault(amount, []).append(np.array(slopes))
    change = np.array(amounts[1.0]) - np.array(amounts[0.0])
    error = change.std(axis=0, ddof=1) / np.sqrt(len(change))
    assert np.all(error > 0.0)
    assert np.all(np.abs(change.mean(axis=0)) < 4.0 * error), change.mean(axis=0) / error


@pytest.mark.usefixtures("taichi")
def test_it_takes_noise_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where light comes from all sides, once earlier paths have told how bright it is."""
    mesh = sphere(3)
    described = dict(read_json(SCENES / "cornell_box.json"))
    described["shapes"] = [
        *(shape for shape in described["shapes"] if shape["name"] != "small_box"),
        {"name": "ball", "type": "mesh", "vertices": 0.3 * mesh.vertices + [0.335, -0.6, 0.38], "faces": mesh.faces,
         "shading": "smooth", "material": "white"},
    ]  # fmt: skip
    described["integrator"] = {"max_depth": 5, "rr_depth": 6}
    scene = diffrt.Scene.from_dict(described)
    name = "shapes.ball.vertices"

    def variance() -> float:
        runs = [
            diffrt.render_backward(scene, loss_weights(64, 64), [name], spp=16, seed=seed, width=64, height=64,
                                   rows=2**14, terms=["interior"])[name]
            for seed in range(16)
        ]  # fmt: skip
        return float(np.var(runs, axis=0, ddof=1).sum())

    less = variance()
    monkeypatch.setattr(EvenLight, "subtract", lambda *_: None)
    more = variance()
    assert less < 0.95 * more, less / more
