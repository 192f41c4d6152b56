"""Gradients that are known without differences: closed forms, zeros, and scenes that look alike."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

import diffrt
from tests.gradient.harness import loss_weights, mean_and_error
from tests.gradient.scenes import ALBEDO_ONE, CAMERA, turned

pytestmark = pytest.mark.usefixtures("taichi")
DOWN = {"look_at": {"origin": [0, 2, 0], "target": [0, 0, 0], "up": [0, 0, -1]}}
ABOVE = {"type": "orthographic", "scale": 0.5, "to_world": DOWN, "width": 12, "height": 8}
HALF = np.array([0.5, 0.5 * 8 / 12])
"""Half-width and half-height of what ABOVE sees."""
FLOOR = {"name": "floor", "type": "rectangle", "material": {"type": "diffuse", "albedo": 0.6},
         "to_world": [turned([1, 0, 0], -90), {"scale": 3}]}  # fmt: skip
SUN = {"name": "sun", "type": "directional", "direction": [-1, -1, 0], "irradiance": [3, 3, 3]}


def gradients(scene: diffrt.Scene, name: str, seeds: int = 16, spp: int = 64, **options: Any) -> np.ndarray:
    """(seeds, ...) derivatives of the mean of the picture's first channel."""
    view = scene.camera()
    weights = np.zeros((view.height, view.width, 3))
    weights[..., 0] = 1.0 / (view.height * view.width)
    adjoint = {"mask": weights[..., 0]} if options.pop("mask", False) else weights
    return np.array([
        diffrt.render_backward(scene, adjoint, [name], spp=spp, seed=seed, **options)[name] for seed in range(seeds)
    ])  # fmt: skip


def assert_is(values: np.ndarray, expected: float, least: float, bias: float = 0.002) -> None:
    """The mean is what is expected, within three standard errors, which are no larger than `least`."""
    mean, error = mean_and_error(list(values))
    quantile = float(student.ppf(norm.cdf(3.0), len(values) - 1))
    assert error <= least
    rounding = 1e-3 * least
    allowed = quantile * error + bias * abs(expected) + rounding
    assert abs(mean - expected) <= allowed, f"{mean} ({error}) for {expected}"


def test_area_of_a_rectangle_on_the_film() -> None:
    """Half-widths a, b seen from above cover a b / (A B) of the film: its derivatives by the two scales."""
    sheet = {"name": "sheet", "type": "rectangle", "emission": [2, 2, 2],
             "to_world": [turned([1, 0, 0], -90), {"scale": [0.3, 1, 0.2]}]}  # fmt: skip
    scene = diffrt.Scene.from_dict({"camera": ABOVE, "integrator": {"max_depth": 1}, "shapes": [sheet]})
    covered = 0.3 * 0.2 / HALF.prod()
    for mask, brightness in ((False, 2.0), (True, 1.0)):
        got = gradients(scene, "shapes.sheet.scale", seeds=4, mask=mask)
        assert_is(got[:, 0], brightness * covered, 0.002 * covered)
        assert_is(got[:, 2], brightness * covered, 0.002 * covered)
        assert abs(got[:, 1]).max() < 1e-5


def test_a_bulb_that_rises() -> None:
    """A tiny floor right below: radiance I albedo / (pi h^2), derivative -2 / h of it."""
    bulb = {"name": "bulb", "type": "point", "position": [0, 1.5, 0], "intensity": [5, 5, 5]}
    near = {**ABOVE, "scale": 1e-3}
    scene = diffrt.Scene.from_dict(
        {"camera": near, "integrator": {"max_depth": 2}, "shapes": [FLOOR], "lights": [bulb]}
    )
    radiance = 5 * 0.6 / (np.pi * 1.5**2)
    got = gradients(scene, "lights.bulb.position", seeds=4)
    assert_is(got[:, 1], -2 / 1.5 * radiance, 1e-3 * radiance)
    assert_is(gradients(scene, "shapes.floor.translation", seeds=4)[:, 1], 2 / 1.5 * radiance, 1e-3 * radiance)


def test_the_edge_of_a_shadow_in_the_sun() -> None:
    """A wall out of sight darkens what lies beyond a line: it moves with the wall, and with the floor's height.

    The sun comes down at 45 degrees, so the line is as far from the foot of the wall's edge as that is high.
    """
    wall = {"name": "wall", "type": "rectangle", "to_world": [{"scale": [2, 2, 1]}, turned([1, 0, 0], -90),
            {"translate": [3.1, 1, 0]}]}  # fmt: skip
    scene = diffrt.Scene.from_dict(
        {"camera": ABOVE, "integrator": {"max_depth": 2}, "shapes": [FLOOR, wall], "lights": [SUN]}
    )  # its edge at x = 1.1 and height 1: the shadow's at 0.1, dark beyond
    lit = 3 * np.sqrt(0.5) * 0.6 / np.pi
    per_length = lit / (2 * HALF[0])
    moved = gradients(scene, "shapes.wall.translation", seeds=8)
    assert_is(moved[:, 0], per_length, 0.002 * per_length)  # more floor in the sun
    assert_is(moved[:, 1], -per_length, 0.002 * per_length)  # the shadow moves on by as much as the wall rises
    raised = gradients(scene, "shapes.floor.translation", seeds=8)
    assert_is(raised[:, 1], per_length, 0.002 * per_length)
    assert_is(raised[:, 0], 0.0, 0.002 * per_length)
    assert_is(gradients(scene, "camera.translation", seeds=8)[:, 0], -per_length, 0.002 * per_length)


@pytest.mark.parametrize("shape", [{"type": "cube"}, {"type": "sphere", "subdivisions": 2, "shading": "flat"}])
def test_a_white_convex_body_in_a_white_sky_is_not_there(shape: dict[str, Any]) -> None:
    """Whatever it does, the picture stays white: all terms together are zero."""
    body = {"name": "body", **shape, "material": ALBEDO_ONE, "to_world": [{"scale": 0.2}, turned([1, 2, 0.3], 40)]}
    sky = {"name": "sky", "type": "environment", "radiance": [1, 1, 1]}
    scene = diffrt.Scene.from_dict(
        {"camera": CAMERA, "integrator": {"max_depth": 2}, "shapes": [body], "lights": [sky]}
    )
    assert np.allclose(diffrt.render(scene, spp=1024), 1.0, atol=0.05)
    weights = loss_weights(12, 16)
    for name in ("translation", "rotation", "scale"):
        name = f"shapes.body.{name}"
        got = [diffrt.render_backward(scene, weights, [name], spp=64, seed=seed)[name] for seed in range(16)]
        for d in range(3):
            # A silhouette that moved alone would be worth about 0.3 per length.
            assert_is(np.array(got)[:, d], 0.0, 0.02)


def test_seams_of_texture_coordinates_change_nothing() -> None:
    """A cube whose faces share their corners, and one that is torn along every edge of its texture."""
    whole = diffrt.Scene.from_dict({"shapes": [{"name": "a", "type": "cube"}], "camera": CAMERA}).shapes["a"].mesh
    loose = {"vertices": whole.vertices, "faces": whole.faces}
    uvs = np.random.default_rng(0).uniform(size=(3 * len(whole.faces), 2))
    torn = {**loose, "uvs": uvs, "uv_faces": np.arange(3 * len(whole.faces)).reshape(-1, 3)}
    found = []
    for arrays in (loose, torn):
        box = {"name": "box", "type": "mesh", **arrays, "shading": "flat",
               "material": {"type": "diffuse", "albedo": 0.7},
               "to_world": [{"scale": 0.2}, turned([1, 2, 0.3], 40)]}  # fmt: skip
        scene = diffrt.Scene.from_dict(
            {"camera": CAMERA, "integrator": {"max_depth": 2}, "shapes": [box], "lights": [SUN]}
        )
        found.append(gradients(scene, "shapes.box.vertices", seeds=2, spp=64))
    assert np.allclose(found[0], found[1], rtol=1e-4, atol=1e-5 * np.abs(found[0]).max())
    assert np.abs(found[0]).max() > 0.01


def test_a_lamp_seen_from_behind_is_dark() -> None:
    """One-sided: the camera sees the back of it against a dark sky, so nothing changes, however it moves or turns."""
    lamp = {"name": "lamp", "type": "rectangle", "emission": [5, 5, 5],
            "to_world": [{"scale": 0.2}, turned([1, 0, 0], 90), turned([0, 0, 1], 30)]}  # fmt: skip
    scene = diffrt.Scene.from_dict({"camera": CAMERA, "integrator": {"max_depth": 3}, "shapes": [lamp]})
    assert np.all(diffrt.render(scene, spp=16) == 0.0)
    for name in ("shapes.lamp.translation", "shapes.lamp.rotation"):
        assert np.all(gradients(scene, name, seeds=1) == 0.0)
