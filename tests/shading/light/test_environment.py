"""Environment lights: which way the image lies, and that samples follow the density they claim."""

from typing import Any

import numpy as np
import pytest
from light_bench import LightBench, sphere_grid
from scipy.stats import chi2

from diffrt.scene.scene import Scene

TURN = [{"rotate": {"axis": [1, 0.4, -0.2], "degrees": 63}}, {"rotate": {"axis": [0, 1, 0], "degrees": -130}}]
FAR_AWAY = {"name": "speck", "type": "rectangle", "to_world": [{"scale": 1e-3}, {"translate": [0, -50, 0]}]}
"""Something to be lit, out of the way."""


def images() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    noise = random.uniform(0, 1, (6, 12, 3)) ** 4
    spot = np.full((8, 16, 3), 0.01)
    spot[2, 5] = 500.0
    dark_rows = noise.copy()
    dark_rows[[0, 2, 3]] = 0.0
    lone = np.zeros((9, 10, 3))
    lone[4, 0, 1] = 3.0
    return {
        "noise": noise,
        "spot": spot,
        "constant": np.full((4, 8, 3), 0.7),
        "dark_rows": dark_rows,
        "single_texel": lone,
        "poles": np.concatenate([np.full((1, 8, 3), 9.0), np.full((2, 8, 3), 0.1), np.full((1, 8, 3), 9.0)]),
        "one_row": random.uniform(0, 1, (1, 5, 3)),
        "one_column": random.uniform(0, 1, (5, 1, 3)),
        "one_pixel": np.full((1, 1, 3), 2.0),
    }


def lit(**light: Any) -> Scene:
    environment = {"type": "environment", **light}
    return Scene.from_dict({"camera": {"width": 4, "height": 4}, "shapes": [FAR_AWAY], "lights": [environment]})


def reference(image: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Bilinear lookup at u = 1/2 + atan2(x, -z) / 2 pi, v = acos(y) / pi; wraps in u, clamps in v."""
    height, width = image.shape[:2]
    d = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    x = (0.5 + np.arctan2(d[:, 0], -d[:, 2]) / (2 * np.pi)) * width - 0.5
    y = np.clip(np.arccos(np.clip(d[:, 1], -1, 1)) / np.pi * height - 0.5, 0, height - 1)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = (x - left)[:, None], (y - top)[:, None]
    below = np.minimum(top + 1, height - 1)
    upper = image[top, left % width] * (1 - fx) + image[top, (left + 1) % width] * fx
    lower = image[below, left % width] * (1 - fx) + image[below, (left + 1) % width] * fx
    return upper * (1 - fy) + lower * fy


@pytest.mark.parametrize("turned", [False, True], ids=["straight", "turned"])
@pytest.mark.parametrize("name", images())
def test_lookup(taichi: str, name: str, turned: bool) -> None:
    image = images()[name].astype(np.float32)
    scene = lit(data=image, scale=1.7, to_world=TURN if turned else [])
    axes = np.array([[1, 0, 0], [0, 0, 1], [-1, 0, 0], [0, 0, -1]])  # no poles: their azimuth is anything
    directions = np.vstack([sphere_grid(40), axes])
    rotation = next(iter(scene.lights.values())).to_world[:3, :3]
    expected = 1.7 * reference(image.astype(float), directions @ rotation)
    radiance, _ = LightBench(scene).density(directions)
    # A direction in single precision is known to 1e-7 radians, 1e-6 texels; near a pole the azimuth to less.
    assert np.abs(radiance - expected).max() < 2e-4 * max(1.0, image.max())


def test_named_directions(taichi: str) -> None:
    """The image's centre lies along -Z, its right half towards +X, its top row at +Y."""
    image = np.zeros((16, 32, 3), np.float32)
    image[7:9, 15:17] = [1, 0, 0]
    image[7:9, 23:25] = [0, 1, 0]
    image[0] = [0, 0, 1]
    radiance, _ = LightBench(lit(data=image)).density(
        np.array([[0, 0, -1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0]])
    )
    assert np.allclose(radiance, [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]], atol=1e-4)


@pytest.mark.parametrize("turned", [False, True], ids=["straight", "turned"])
@pytest.mark.parametrize("name", images())
def test_density_integrates_to_one(taichi: str, name: str, turned: bool) -> None:
    scene = lit(data=images()[name], to_world=TURN if turned else [])
    directions = sphere_grid(300)
    _, density = LightBench(scene).density(directions)
    values = 4 * np.pi * density
    # Jittered strata: the error is at most that of independent samples.
    assert abs(values.mean() - 1.0) < 4.0 * values.std() / np.sqrt(len(values)) + 1e-4


@pytest.mark.parametrize("turned", [False, True], ids=["straight", "turned"])
@pytest.mark.parametrize("name", images())
def test_samples_follow_the_density(taichi: str, name: str, turned: bool) -> None:
    """Chi-square over 12 bands in height times 24 in azimuth."""
    scene = lit(data=images()[name], to_world=TURN if turned else [])
    bench = LightBench(scene)
    bands, sectors, count = 12, 24, 160**2

    def cells(w: np.ndarray) -> np.ndarray:
        band = np.minimum(((1.0 - w[:, 1]) / 2 * bands).astype(int), bands - 1)
        sector = np.minimum(((np.arctan2(w[:, 0], w[:, 2]) / (2 * np.pi) + 0.5) * sectors).astype(int), sectors - 1)
        return np.clip(band, 0, None) * sectors + np.clip(sector, 0, None)

    samples = bench.sample(count)
    assert np.allclose(np.linalg.norm(samples["wi"], axis=1), 1.0, atol=1e-5)
    observed = np.bincount(cells(samples["wi"]), minlength=bands * sectors)
    directions = sphere_grid(600)
    _, density = bench.density(directions)
    expected = np.bincount(cells(directions), weights=density, minlength=bands * sectors)
    expected *= 4 * np.pi / len(directions) * count
    large = expected > 5
    assert observed[~large].sum() <= expected[~large].sum() + 5 * np.sqrt(expected[~large].sum() + 1)
    statistic = ((observed - expected)[large] ** 2 / expected[large]).sum()
    assert statistic < chi2.isf(1e-5, max(1, large.sum() - 1))


@pytest.mark.parametrize("name", images())
def test_samples_know_their_density_and_radiance(taichi: str, name: str) -> None:
    bench = LightBench(lit(data=images()[name], to_world=TURN))
    samples = bench.sample(60**2)
    radiance, density = bench.density(samples["wi"])
    # The density jumps between texels: a direction that rounding moves across a border has the neighbour's.
    same = np.isclose(density, samples["pdf"], rtol=2e-3)
    assert same.mean() > 0.99
    assert np.all(samples["pdf"] > 0)
    assert np.abs(radiance - samples["radiance"]).max() < 1e-3 * max(1.0, radiance.max())
    assert not samples["delta"].any()


@pytest.mark.parametrize("name", images())
def test_importance_samples_integrate_the_image(taichi: str, name: str) -> None:
    """The mean of radiance over density is the integral over the sphere, but for what lies in dim texels, which only
    BSDF samples find. Its spread says that importance sampling is worth its name."""
    image = images()[name]
    bench = LightBench(lit(data=image, to_world=TURN))
    samples = bench.sample(200**2)
    values = samples["radiance"].mean(axis=1) / samples["pdf"]
    directions = sphere_grid(700)
    radiance, density = bench.density(directions)
    truth = 4 * np.pi * radiance.mean()
    dim = 4 * np.pi * np.where(density == 0.0, radiance.mean(axis=1), 0.0).mean()
    assert values.mean() + dim == pytest.approx(truth, abs=4 * values.std() / np.sqrt(len(values)) + 2e-3 * truth)
    assert values.std() < 1.5 * truth
    assert not np.any(density == 0.0) or radiance[density == 0.0].mean() < 1.01 * radiance.mean()


def test_constant_environment_is_left_to_bsdf_samples(taichi: str) -> None:
    bench = LightBench(lit(radiance=[0.2, 0.4, 0.6], scale=2.0))
    assert np.all(bench.sample(16)["pdf"] == 0.0)
    radiance, density = bench.density(sphere_grid(10))
    assert np.allclose(radiance, [0.4, 0.8, 1.2], atol=1e-6)
    assert np.all(density == 0.0)


def test_other_lights_have_all_samples_beside_a_constant_environment(taichi: str) -> None:
    sun = {"name": "sun", "type": "directional", "direction": [0, -1, 0], "irradiance": 0.01}
    scene = Scene.from_dict(
        {"camera": {}, "shapes": [FAR_AWAY], "lights": [sun, {"type": "environment", "radiance": 1.0}]}
    )
    samples = LightBench(scene).sample(16)
    assert np.all(samples["delta"]) and np.all(samples["pdf"] == 1.0)


def test_black_environment_is_never_sampled(taichi: str) -> None:
    for light in ({"radiance": [0, 0, 0]}, {"data": np.zeros((2, 4, 3))}, {"radiance": [1, 1, 1], "scale": 0.0}):
        samples = LightBench(lit(**light)).sample(16)
        assert np.all(samples["pdf"] * samples["radiance"].max(axis=1) == 0.0)
