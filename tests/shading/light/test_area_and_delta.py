"""Area lights and lights of no size: densities, falloff."""

from typing import Any

import numpy as np
import pytest
from light_bench import LightBench, sphere_grid

from diffrt.scene.scene import Scene

POINT = np.array([0.3, -0.2, 0.5])
SPECK = {"name": "speck", "type": "rectangle", "to_world": [{"scale": 1e-3}, {"translate": [0, -50, 0]}]}
"""Something to be lit, out of the way."""


def lit(shapes: list[dict[str, Any]], lights: Any = (), **more: Any) -> Scene:
    return Scene.from_dict({"camera": {"width": 4, "height": 4}, "shapes": shapes, "lights": list(lights), **more})


def around(count: int = 9, **more: Any) -> list[dict[str, Any]]:
    """Small lamps all around POINT, none before another, of different sizes and strengths."""
    random = np.random.default_rng(3)
    golden = np.pi * (3 - np.sqrt(5))
    shapes = []
    for i in range(count):
        z = 1 - 2 * (i + 0.5) / count
        d = np.array([np.sqrt(1 - z * z) * np.cos(golden * i), np.sqrt(1 - z * z) * np.sin(golden * i), z])
        frame = {"look_at": {"origin": (POINT + 2.5 * d).tolist(), "target": POINT.tolist(), "up": [0.3, 1, 0.2]}}
        steps = [{"scale": random.uniform(0.2, 0.6, 3).tolist()}, {"rotate": {"axis": [1, 1, 0], "degrees": 20}}, frame]
        # look_at frames look along -Z: rectangles, whose normal is +Z, then emit away; turn them round.
        steps.insert(1, {"rotate": {"axis": [0, 1, 0], "degrees": 180}})
        kind = ("rectangle", "disk")[i % 2]
        emission = random.uniform(0.1, 5, 3).tolist()
        shapes.append({"name": f"lamp{i}", "type": kind, "to_world": steps, "emission": emission, **more})
    return shapes


@pytest.mark.parametrize("two_sided", [False, True])
def test_area_density_integrates_to_one(taichi: str, two_sided: bool) -> None:
    """All lights are in sight, so every sample's direction has the density that meets it."""
    bench = LightBench(lit(around(two_sided_emission=two_sided)), POINT)
    directions = sphere_grid(500)
    _, density = bench.density(directions)
    values = 4 * np.pi * density
    assert abs(values.mean() - 1.0) < 4 * values.std() / np.sqrt(len(values))
    assert values.std() / np.sqrt(len(values)) < 0.01


def test_area_samples_know_their_density_and_radiance(taichi: str) -> None:
    bench = LightBench(lit(around()), POINT)
    samples = bench.sample(100**2)
    radiance, density = bench.density(samples["wi"])
    met = density > 0  # not the ones that rounding moves past an edge
    assert met.mean() > 0.999
    assert np.allclose(density[met], samples["pdf"][met], rtol=1e-3)
    assert np.allclose(radiance[met], samples["radiance"][met])
    assert np.all(samples["radiance"].max(axis=1) > 0)


def test_samples_integrate_the_light_that_arrives(taichi: str) -> None:
    """The irradiance on a sphere: sum over samples of radiance / pdf equals the integral over directions."""
    bench = LightBench(lit(around()), POINT)
    samples = bench.sample(300**2)
    estimates = samples["radiance"] / samples["pdf"][:, None]
    radiance, _ = bench.density(sphere_grid(700))
    truth = 4 * np.pi * radiance.mean(axis=0)
    error = np.hypot(estimates.std(axis=0) / 300, 4 * np.pi * radiance.std(axis=0) / np.sqrt(len(radiance)))
    assert np.all(np.abs(estimates.mean(axis=0) - truth) < 4 * error)
    assert np.all(error < 0.02 * truth)


def test_one_sided_lamps_are_dark_from_behind(taichi: str) -> None:
    lamp = {"name": "lamp", "type": "rectangle", "emission": [1, 2, 3]}
    for position, sided, expected in (((0, 0, 2), False, 1), ((0, 0, -2), False, 0), ((0, 0, -2), True, 1)):
        bench = LightBench(lit([{**lamp, "two_sided_emission": sided}]), position)
        towards = np.array([[0, 0, -np.sign(position[2])]])
        assert np.allclose(bench.density(towards)[0], expected * np.array([[1, 2, 3]]))
        assert np.allclose(bench.sample(25)["radiance"], expected * np.array([1, 2, 3]))


def test_textured_lamp(taichi: str) -> None:
    data = np.random.default_rng(6).uniform(0, 3, (3, 4, 3)).astype(np.float32)
    lamp = {"name": "lamp", "type": "rectangle", "emission": {"texture": "glow"}}
    bench = LightBench(lit([lamp], textures={"glow": {"data": data, "filter": "nearest"}}), (0.2, 0.1, 1.5))
    samples = bench.sample(100**2)
    x, y = samples["target"][:, 0], samples["target"][:, 1]
    expected = data[((1 - y) * 1.5).clip(0, 2.999).astype(int), ((x + 1) * 2).clip(0, 3.999).astype(int)]
    assert np.mean(np.all(np.isclose(samples["radiance"], expected), axis=1)) > 0.998  # but at borders of texels
    points = np.column_stack([x, y])
    assert np.abs(points.mean(axis=0)).max() < 0.02  # uniform over the square, whatever the texture
    assert np.abs((points**2).mean(axis=0) - 1 / 3).max() < 0.02


def test_point_light(taichi: str) -> None:
    light = {"type": "point", "position": [1, 2, 3], "intensity": [5, 6, 7]}
    s = LightBench(lit([SPECK], [light]), (2, 2, 1)).sample(4)
    assert np.allclose(s["wi"], np.array([-1, 0, 2]) / np.sqrt(5), atol=1e-6)
    assert np.allclose(s["radiance"], np.array([5, 6, 7]) / 5, rtol=1e-5)
    assert np.allclose(s["pdf"], 1) and s["delta"].all()


def test_directional_light(taichi: str) -> None:
    light = {"type": "directional", "direction": [1, -2, 2], "irradiance": [5, 6, 7]}
    s = LightBench(lit([SPECK], [light]), (20, -7, 1)).sample(4)
    assert np.allclose(s["wi"], np.array([-1, 2, -2]) / 3, atol=1e-6)
    assert np.allclose(s["radiance"], [5, 6, 7], rtol=1e-6)


@pytest.mark.parametrize("start", [10.0, 25.0, 30.0])
def test_spot_falls_off_linearly_in_the_angle(taichi: str, start: float) -> None:
    light = {"type": "spot", "position": [0, 0, 0], "direction": [0, 0, -2], "intensity": [3, 3, 3], "cutoff": 30,
             "falloff_start": start}  # fmt: skip
    for angle in (0.0, 5.0, 9.9, 15.0, 24.0, 27.5, 29.9, 30.5, 45.0, 90.0, 180.0):
        a = np.radians(angle)
        s = LightBench(lit([SPECK], [light]), (2 * np.sin(a), 0, -2 * np.cos(a))).sample(1)
        share = 1.0 if angle <= start else max(0.0, (30.0 - angle) / max(30.0 - start, 1e-9))
        assert s["radiance"][0] == pytest.approx(3 / 4 * share, abs=1e-3 * 3 / 4)
