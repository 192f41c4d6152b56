"""The choice among lights: what is chosen how often, that probabilities are those claimed, and that it is worth it."""

from typing import Any

import numpy as np
import pytest
from light_bench import LightBench, sphere_grid
from scipy.stats import chi2
from test_area_and_delta import lit

from diffrt.device.light_tree import tree_order
from diffrt.scene.scene import Scene


def crowd(count: int, seed: int = 0, **more: Any) -> Scene:
    """Lamps of several kinds about the origin, at random places; none hides itself."""
    random = np.random.default_rng(seed)
    shapes, lights = [], []
    for i in range(count):
        place = random.normal(size=3)
        place *= random.uniform(2, 8) / np.linalg.norm(place)
        turn = {"rotate": {"axis": random.normal(size=3).tolist(), "degrees": random.uniform(0, 360)}}
        steps = [{"scale": random.uniform(0.02, 0.3)}, turn, {"translate": place.tolist()}]
        kind = ("rectangle", "sphere", "cube")[i % 3]
        emission = (random.uniform(0.1, 5, 3) * random.choice([0.1, 1.0])).tolist()
        shapes.append({"name": f"lamp{i}", "type": kind, "to_world": steps, "emission": emission,
                       "two_sided_emission": i % 6 == 0})  # fmt: skip
    for i in range(count // 4):
        place = random.uniform(-6, 6, 3).tolist()
        light = {"name": f"bulb{i}", "position": place, "intensity": random.uniform(0.1, 2, 3).tolist()}
        spot = {"type": "spot", "direction": random.normal(size=3).tolist(), "cutoff": 60, "falloff_start": 20}
        lights.append({**light, **(spot if i % 2 else {"type": "point"})})
    lights += more.pop("lights", [])
    return lit(shapes, lights, **more)


FAR = [
    {"name": "sun", "type": "directional", "direction": [0, -1, 0.2], "irradiance": [0.4, 0.5, 0.6]},
    {"name": "sky", "type": "environment", "data": np.full((2, 4, 3), [0.1, 0.2, 0.3])},
]


@pytest.mark.parametrize("normal", [(0, 0, 0), (0.6, 0, 0.8)], ids=["all_round", "facing"])
@pytest.mark.parametrize(("count", "far"), [(1, []), (1, FAR), (3, FAR), (9, []), (70, FAR)])
def test_samples_and_densities_agree(taichi: str, count: int, far: list[Any], normal: Any) -> None:
    """What a sample claims as its density is what a ray in its direction is told, for all that rays can meet."""
    bench = LightBench(crowd(count, lights=far), normal=normal)
    samples = bench.sample(120**2)
    seen = (samples["pdf"] > 0) & ~samples["delta"] & (samples["radiance"].max(axis=1) > 0)
    radiance, density = bench.density(samples["wi"][seen])
    open_way = np.isclose(radiance, samples["radiance"][seen], rtol=1e-4).all(axis=1)
    same = np.isclose(density, samples["pdf"][seen], rtol=2e-3)
    assert open_way.mean() > 0.5  # lamps hide each other
    assert same[open_way].mean() > 0.995


@pytest.mark.parametrize("count", [0, 1, 3, 70])
def test_samples_learn_how_likely_the_environment_is(taichi: str, count: int) -> None:
    """Whatever light they go to: what they learn says it as the tree does when it is asked again."""
    image = np.ones((2, 4, 3))
    image[0, 1] = 9.0
    sky = {"name": "sky", "type": "environment", "data": image}
    scene = crowd(count, lights=[FAR[0], sky])
    bench = LightBench(scene, normal=(0.36, 0.48, 0.8))
    learnt = bench.sample(30**2)["environment"]
    towards = np.array([[-0.7, 0.7, -0.1]])  # the bright texel
    density = bench.density(np.repeat(towards / np.linalg.norm(towards), 2, axis=0))[1]
    alone = LightBench(crowd(0, lights=[sky]), normal=(0.36, 0.48, 0.8)).density(towards / np.linalg.norm(towards))[1]
    assert np.all(learnt == learnt[0]) and 0.0 < learnt[0] < 1.0
    assert density[0] == pytest.approx(learnt[0] * alone[0], rel=1e-4)


METAL = {"metal": {"type": "conductor", "roughness": 0.3}}


@pytest.mark.parametrize("roughness", [0.05, 0.3, 1.0])
@pytest.mark.parametrize(("count", "far"), [(3, FAR), (70, FAR)])
def test_samples_and_densities_agree_for_glossy_surfaces(
    taichi: str, count: int, far: list[Any], roughness: float
) -> None:
    scene = crowd(count, lights=far, materials=METAL)
    next(iter(scene.shapes.values())).material = "metal"
    bench = LightBench(scene, normal=(0.6, 0, 0.8), glossy=(roughness, 0.9), mirrored=(0.8, 0, 0.6))
    assert bench.device.features.glossy_choice
    samples = bench.sample(120**2)
    seen = (samples["pdf"] > 0) & ~samples["delta"] & (samples["radiance"].max(axis=1) > 0)
    radiance, density = bench.density(samples["wi"][seen])
    open_way = np.isclose(radiance, samples["radiance"][seen], rtol=1e-4).all(axis=1)
    assert open_way.mean() > 0.5
    assert np.isclose(density, samples["pdf"][seen], rtol=2e-3)[open_way].mean() > 0.995


def test_lights_in_the_lobe_are_chosen_more_and_none_is_left_out(taichi: str) -> None:
    """Bulbs all round, equal but for where they are: nine tenths of the choice go by the lobe."""
    z = 1 - 2 * (np.arange(100) + 0.5) / 100
    around = np.pi * (3 - np.sqrt(5)) * np.arange(100)
    place = 4 * np.stack([np.sqrt(1 - z * z) * np.cos(around), np.sqrt(1 - z * z) * np.sin(around), z], axis=1)
    lights = [
        {"name": f"bulb{i}", "type": "point", "position": p.tolist(), "intensity": 1.0} for i, p in enumerate(place)
    ]
    speck = {"name": "speck", "type": "rectangle", "to_world": [{"scale": 1e-3}, {"translate": [0, -50, 0]}],
             "material": "metal"}  # fmt: skip
    bench = LightBench(lit([speck], lights, materials=METAL), normal=(0, 0, 1), glossy=(0.3, 0.9), mirrored=(0, 0, 1))
    samples = bench.sample(300**2)
    above = place[:, 2] > 1e-3
    # Bounds of many lights are wider than the lobe: less than the nine tenths of it that lie there.
    assert (samples["wi"][:, 2] > 0.95).mean() > 5 * (place[above, 2] > 0.95 * 4).mean()
    met = np.unique(np.argmax(samples["wi"] @ place.T, axis=1))
    assert set(met) == set(np.flatnonzero(above))
    assert np.mean(1.0 / samples["pdf"]) == pytest.approx(above.sum(), rel=0.03)


@pytest.mark.parametrize("normal", [(0, 0, 0), (0.6, 0, 0.8)], ids=["all_round", "facing"])
def test_samples_follow_the_density(taichi: str, normal: Any) -> None:
    """Chi-square over the sphere: lamps around a point, none before another."""
    golden, shapes = np.pi * (3 - np.sqrt(5)), []
    random = np.random.default_rng(1)
    for i in range(40):
        z, far = 1 - 2 * (i + 0.5) / 40, random.uniform(2, 6)
        d = far * np.array([np.sqrt(1 - z * z) * np.cos(golden * i), np.sqrt(1 - z * z) * np.sin(golden * i), z])
        # look_at frames look along -Z: turned round, a rectangle emits to where they look.
        frame = {"look_at": {"origin": d.tolist(), "target": [0, 0, 0], "up": [0.3, 1, 0.2]}}
        steps = [{"scale": 0.1 * far}, {"rotate": {"axis": [0, 1, 0], "degrees": 180}}, frame]
        emission = random.uniform(0.1, 5, 3).tolist()
        shapes.append({"name": f"lamp{i}", "type": "rectangle", "to_world": steps, "emission": emission})
    sky = {"name": "sky", "type": "environment", "data": np.full((2, 4, 3), 0.05)}
    bench = LightBench(lit(shapes, [sky]), normal=normal)
    bands, sectors = 12, 24

    def cells(w: np.ndarray) -> np.ndarray:
        band = np.minimum(((1.0 - w[:, 2]) / 2 * bands).astype(int), bands - 1)
        sector = np.minimum(((np.arctan2(w[:, 1], w[:, 0]) / (2 * np.pi) + 0.5) * sectors).astype(int), sectors - 1)
        return band * sectors + sector

    samples = bench.sample(200**2)
    # The sky is chosen in vain where a lamp is.
    radiance, _ = bench.density(samples["wi"])
    met = np.isclose(radiance, samples["radiance"], rtol=1e-4).all(axis=1)
    observed = np.bincount(cells(samples["wi"][met]), minlength=bands * sectors)
    grid = sphere_grid(1000)
    _, density = bench.density(grid)
    expected = np.bincount(cells(grid), weights=density, minlength=bands * sectors)
    expected *= 4 * np.pi / len(grid) * len(samples["pdf"])
    large = expected > 20
    # Jittered strata and a grid: both sides have an error, that of the grid by the lamps' edges.
    statistic = ((observed - expected)[large] ** 2 / (expected[large] * 1.3 + (0.01 * expected[large]) ** 2)).sum()
    assert large.sum() > (25 if np.any(normal) else 35)
    assert statistic < chi2.isf(1e-5, large.sum())


@pytest.mark.parametrize("normal", [(0, 0, 0), (0.6, 0, 0.8)], ids=["all_round", "facing"])
def test_probabilities_of_lights_sum_to_one(taichi: str, normal: Any) -> None:
    """Point lights: each sample says the probability of its light; over the lights found they sum to one."""
    random = np.random.default_rng(5)
    place = random.uniform(-4, 4, (60, 3))
    lights = [
        {"name": f"bulb{i}", "type": "point", "position": p.tolist(), "intensity": random.uniform(0.5, 2, 3).tolist()}
        for i, p in enumerate(place)
    ]
    speck = {"name": "speck", "type": "rectangle", "to_world": [{"scale": 1e-3}, {"translate": [0, -50, 0]}]}
    bench = LightBench(lit([speck], lights), normal=normal)
    samples = bench.sample(300**2)
    towards = place / np.linalg.norm(place, axis=1, keepdims=True)
    which = np.argmax(samples["wi"] @ towards.T, axis=1)
    counts = np.bincount(which, minlength=60)
    probability = np.zeros(60)
    probability[which] = samples["pdf"]
    facing = towards @ np.asarray(normal, float) > 1e-3 if np.any(normal) else np.ones(60, bool)
    assert np.all(probability[facing] > 0)  # no ray can make up for a light that is never chosen
    assert probability.sum() == pytest.approx(1.0, abs=2e-3)
    assert np.abs(counts / counts.sum() - probability).max() < 0.003
    if np.any(normal):
        assert np.all(counts[towards @ np.asarray(normal, float) < -1e-3] == 0)


def test_near_and_bright_lights_are_chosen_more(taichi: str) -> None:
    """Of many bulbs that hide nothing, the sum over samples of intensity / probability has little spread."""
    random = np.random.default_rng(2)
    place = random.uniform(-10, 10, (200, 3))
    lights = [
        {"name": f"bulb{i}", "type": "point", "position": p.tolist(), "intensity": 1.0} for i, p in enumerate(place)
    ]
    speck = {"name": "speck", "type": "rectangle", "to_world": [{"scale": 1e-3}, {"translate": [0, -50, 0]}]}
    samples = LightBench(lit([speck], lights)).sample(200**2)
    values = samples["radiance"][:, 0] / samples["pdf"]
    truth = (1 / (place**2).sum(axis=1)).sum()
    assert values.mean() == pytest.approx(truth, abs=4 * values.std() / 200)
    uniform = np.sqrt(200 * ((1 / (place**2).sum(axis=1)) ** 2).sum() - truth**2)
    assert values.std() < 0.5 * uniform


def test_dark_lights_are_hardly_ever_chosen(taichi: str) -> None:
    """A lamp never, which paths find by themselves; a bulb at times, for it has a derivative."""
    shapes = [
        {"name": "lamp", "type": "rectangle", "emission": [2, 2, 2], "to_world": [{"translate": [0, 0, -3]}]},
        {"name": "dark", "type": "rectangle", "emission": [0, 0, 0], "to_world": [{"translate": [0, 3, 0]}]},
        {"name": "turned_away", "type": "rectangle", "emission": [9, 9, 9], "to_world": [{"translate": [0, 0, 3]}]},
    ]
    lights = [{"name": "c", "type": "point", "position": [0, -3, 0], "intensity": [0, 0, 0]}]
    samples = LightBench(lit(shapes, lights)).sample(40**2)
    lamp = samples["wi"][:, 2] < 0
    assert np.all(samples["radiance"][lamp] == 2)
    assert np.all(samples["delta"] == ~lamp)
    assert 0 < np.mean(samples["delta"]) < 0.02


def test_far_lights_share_by_the_cosine(taichi: str) -> None:
    """And none goes to lights below the horizon."""
    suns = [
        {"name": f"sun{i}", "type": "directional", "direction": d, "irradiance": 1.0}
        for i, d in enumerate(([0, 0, -1], [0, 0.8, -0.6], [0.9999, 0, -0.01], [0, 0, 1]))
    ]
    speck = {"name": "speck", "type": "rectangle", "to_world": [{"scale": 1e-3}, {"translate": [0, -50, 0]}]}
    bench = LightBench(lit([speck], suns), normal=(0, 0, 1))
    samples = bench.sample(60**2)
    shares = [np.mean(samples["wi"][:, 2] == np.float32(z)) for z in np.unique(samples["wi"][:, 2])]
    assert np.allclose(shares, np.array([0.1, 0.6, 1.0]) / 1.7, atol=0.01)
    for z, cosine in ((1.0, 1.0), (0.6, 0.6)):
        assert np.allclose(samples["pdf"][np.isclose(samples["wi"][:, 2], z, atol=1e-3)], cosine / 1.7, rtol=1e-3)


def test_far_lights_share_by_irradiance_within_bounds(taichi: str) -> None:
    """A sky of radiance L counts as irradiance pi L, a bulb as I / d^2; neither gets less than a tenth."""
    for intensity, expected in ((np.pi, 0.5), (1e4, 0.1), (1e-4, 0.9)):
        bulb = {"name": "bulb", "type": "point", "position": [0, 1, 0], "intensity": intensity}
        sky = {"name": "sky", "type": "environment", "data": np.ones((2, 4, 3))}
        speck = {"name": "speck", "type": "rectangle", "to_world": [{"scale": 1e-3}, {"translate": [0, -50, 0]}]}
        samples = LightBench(lit([speck], [bulb, sky])).sample(100**2)
        assert np.mean(~samples["delta"]) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 64, 65, 500])
def test_tree_order_is_a_permutation_of_neighbours(count: int) -> None:
    points = np.random.default_rng(count).uniform(0, 1, (count, 3))
    order = tree_order(points)
    assert np.array_equal(np.sort(order), np.arange(count))
    if count >= 64:
        blocks = points[order][: count // 8 * 8].reshape(-1, 8, 3)
        assert np.ptp(blocks, axis=1).mean() < 0.6
