"""Pictures whose value is known: furnaces, form factors, lights at a distance, counted path segments."""

from typing import Any

import numpy as np
import pytest
from agreement import compare
from estimates import estimate
from parts import body, camera, cornell_box, quad, scene

from diffrt.render.render import render
from diffrt.scene.scene import Scene

SURE = 4.0
"""Standard errors that an estimate may deviate by."""


def spot_camera(at: Any = (0.0, 0.0, 0.0), origin: Any = (3.0, 0.5, 2.0)) -> dict[str, Any]:
    """A camera that sees nearly one point only."""
    return camera(origin, at, (0, 1, 0), size=2, fov=0.002)


# Irradiance from polygons


def polygon_irradiance(corners: np.ndarray, point: np.ndarray, normal: np.ndarray) -> float:
    """Irradiance per unit radiance from a polygon above the horizon, its corners clockwise as seen from the point
    (Lambert 1760): half the sum over edges of the angle they span times the cosine of their plane's normal."""
    d = corners - point
    d = d / np.linalg.norm(d, axis=1, keepdims=True)
    total = 0.0
    for a, b in zip(d, np.roll(d, -1, axis=0), strict=True):
        cross = np.cross(a, b)
        length = np.linalg.norm(cross)
        total += np.arctan2(length, a @ b) * (cross @ normal) / length
    return 0.5 * total


def parallel_element(a: float, b: float, c: float) -> float:
    """Form factor from an element to a parallel rectangle a x b at distance c, one corner above the element
    (Howell, Catalog of Radiation Heat Transfer Configuration Factors, B-3)."""
    x, y = a / c, b / c
    u, v = np.sqrt(1 + x * x), np.sqrt(1 + y * y)
    return (x / u * np.arctan(y / u) + y / v * np.arctan(x / v)) / (2 * np.pi)


def perpendicular_element(a: float, b: float, c: float) -> float:
    """Form factor from an element to a rectangle in a perpendicular plane: b wide, a high from the element's plane up,
    at distance c, one lower corner opposite the element (Howell, B-4)."""
    x, y = a / b, c / b
    s = np.sqrt(x * x + y * y)
    return (np.arctan(1 / y) - y / s * np.arctan(1 / s)) / (2 * np.pi)


def parallel_squares(side: float, distance: float) -> float:
    """Form factor between two equal, directly opposed parallel squares (Howell, C-11)."""
    x = side / distance
    q = np.sqrt(1 + x * x)
    terms = np.log(np.sqrt((1 + x * x) ** 2 / (1 + 2 * x * x))) + 2 * x * q * np.arctan(x / q) - 2 * x * np.arctan(x)
    return float(2 / (np.pi * x * x) * terms)


def test_formulas_agree_with_each_other() -> None:
    above = np.array([[0, 0, 1.5], [2, 0, 1.5], [2, 3, 1.5], [0, 3, 1.5]])
    up = np.array([0, 0, 1.0])
    assert polygon_irradiance(above, np.zeros(3), up) / np.pi == pytest.approx(parallel_element(2, 3, 1.5))
    beside = np.array([[0, 1.5, 0], [0, 1.5, 2], [3, 1.5, 2], [3, 1.5, 0]])
    assert polygon_irradiance(beside, np.zeros(3), up) / np.pi == pytest.approx(perpendicular_element(2, 3, 1.5))


RECEIVER = quad("receiver", "+z", (0, 0, 0), 0.1, material={"type": "diffuse", "albedo": [0.8, 0.5, 0.2]})


def test_irradiance_of_a_parallel_rectangle(taichi: str) -> None:
    lamp = quad("lamp", "-z", (1.0, 1.5, 1.5), [1.0, 1.5, 1.0], emission=[2, 3, 4])
    result = estimate(scene(spot_camera(origin=(-3, -0.5, 1)), [RECEIVER, lamp], max_depth=2), spp=256)
    factor = parallel_element(2.0, 3.0, 1.5)
    assert result.deviation(np.array([0.8, 0.5, 0.2]) * [2, 3, 4] * factor) < SURE
    assert result.precision() < 0.01


def test_irradiance_of_a_perpendicular_rectangle(taichi: str) -> None:
    lamp = quad("lamp", "-y", (1.5, 1.5, 1.0), [1.5, 1.0, 1.0], emission=[2, 3, 4])
    result = estimate(scene(spot_camera(origin=(-3, -0.5, 1)), [RECEIVER, lamp], max_depth=2), spp=256)
    factor = perpendicular_element(2.0, 3.0, 1.5)
    assert result.deviation(np.array([0.8, 0.5, 0.2]) * [2, 3, 4] * factor) < SURE
    assert result.precision() < 0.01


def test_form_factor_of_parallel_squares(taichi: str) -> None:
    """The mean over a plate, seen by a parallel projection from between the plates."""
    plate = quad("plate", "+z", (0, 0, 0), 1.0, material={"type": "diffuse", "albedo": 0.5})
    lamp = quad("lamp", "-z", (0, 0, 1.2), 1.0, emission=[2, 2, 2])
    view = camera((0, 0, 1.0), (0, 0, 0), size=16, type="orthographic", scale=1.0)
    result = estimate(scene(view, [plate, lamp], max_depth=2))
    assert result.deviation(0.5 * 2 * parallel_squares(2.0, 1.2)) < SURE
    assert result.precision() < 0.01


def test_irradiance_of_a_sphere(taichi: str) -> None:
    """Its lit triangles one by one, and close to the smooth sphere's pi (R / d)^2."""
    lamp = body("lamp", "sphere", (0, 0, 2.5), 0.8, subdivisions=3, emission=[3, 3, 3])
    built = scene(spot_camera(), [RECEIVER, lamp], max_depth=2)
    shape = built.shapes["lamp"]
    corners = shape.world_vertices()[shape.mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lit = np.einsum("ij,ij->i", normals, corners[:, 0]) < 0  # faces the origin
    up = np.array([0, 0, 1.0])
    # The winding is anticlockwise as seen from outside.
    total = sum(-polygon_irradiance(triangle, np.zeros(3), up) for triangle in corners[lit])
    assert total == pytest.approx(np.pi * (0.8 / 2.5) ** 2, rel=0.01)
    result = estimate(built, spp=1024)
    assert result.deviation(np.array([0.8, 0.5, 0.2]) * 3 * total / np.pi) < SURE
    assert result.precision() < 0.01


# Lights of no size: no noise at all


@pytest.mark.parametrize("distance", [0.5, 2.0, 30.0])
@pytest.mark.parametrize("degrees", [0.0, 40.0, 80.0])
def test_point_light_falls_with_distance_and_cosine(taichi: str, distance: float, degrees: float) -> None:
    a = np.radians(degrees)
    at = [0.0, float(-distance * np.sin(a)), float(distance * np.cos(a))]
    light = {"type": "point", "position": at, "intensity": [3, 2, 1]}
    picture = render(scene(spot_camera(), [RECEIVER], lights=[light], max_depth=2), spp=1)
    expected = np.array([0.8, 0.5, 0.2]) / np.pi * [3, 2, 1] * np.cos(a) / distance**2
    assert np.allclose(picture, expected, rtol=1e-3)  # the point is known to the pixel's size, 1e-4


def test_directional_light(taichi: str) -> None:
    light = {"type": "directional", "direction": [0, 0.6, -0.8], "irradiance": [3, 2, 1]}
    picture = render(scene(spot_camera(), [RECEIVER], lights=[light], max_depth=2), spp=1)
    assert np.allclose(picture, np.array([0.8, 0.5, 0.2]) / np.pi * [3, 2, 1] * 0.8, rtol=1e-5)


@pytest.mark.parametrize(("degrees", "share"), [(0, 1.0), (14, 1.0), (20, 0.5), (24, 0.1), (26, 0.0)])
def test_spot_light(taichi: str, degrees: float, share: float) -> None:
    a = np.radians(degrees)
    light = {"type": "spot", "position": [0, 0, 2], "direction": [float(np.sin(a)), 0, float(-np.cos(a))],
             "intensity": [3, 2, 1], "cutoff": 25, "falloff_start": 15}  # fmt: skip
    picture = render(scene(spot_camera(), [RECEIVER], lights=[light], max_depth=2), spp=16)
    expected = np.array([0.8, 0.5, 0.2]) / np.pi * [3, 2, 1] / 4 * share
    assert np.allclose(picture.mean(axis=(0, 1)), expected, rtol=2e-3, atol=1e-6)


# Furnaces


SKY = {"type": "environment", "radiance": [0.5, 1.0, 2.0]}


@pytest.mark.parametrize("albedo", [1.0, 0.6])
def test_convex_body_under_a_constant_sky(taichi: str, albedo: float) -> None:
    """A convex diffuse body sends back its albedo times the sky, at every pixel."""
    ball = body("ball", "sphere", subdivisions=2, shading="flat", material={"type": "diffuse", "albedo": albedo})
    built = scene(camera((0, 0, 3), fov=20, size=16), [ball], lights=[SKY], max_depth=-1)
    stack = np.stack([render(built, spp=64, seed=seed) for seed in range(16)]).astype(float)
    z = (stack.mean(axis=0) - albedo * np.array([0.5, 1, 2])) / (stack.std(axis=0, ddof=1) / 4 + 1e-6)
    assert np.abs(z).max() < 6.5  # Student's t with 15 degrees, 768 values
    assert np.sqrt(np.mean(z**2)) < 1.3
    assert estimate(built).deviation(albedo * np.array([0.5, 1, 2])) < SURE


def test_a_floor_under_sky_and_suns_has_no_noise(taichi: str) -> None:
    """The sky is found by the path, which follows the cosine; the sun has all light samples, and the one below the
    horizon none. So each sample is worth the same."""
    albedo, irradiance = 0.7, np.array([2.0, 1.5, 1.0])
    sun = {"type": "directional", "direction": [0.6, -0.8, 0.0], "irradiance": irradiance.tolist()}
    below = {"type": "directional", "direction": [0.0, 1.0, 0.3], "irradiance": [5.0, 5.0, 5.0]}
    lights = [{**SKY, "name": "sky"}, {**sun, "name": "sun"}, {**below, "name": "below"}]
    floor = quad("floor", "+y", (0, 0, 0), 50.0, material={"type": "diffuse", "albedo": albedo, "two_sided": False})
    built = scene(camera((0, 2, 3), size=8), [floor], lights=lights, max_depth=3)
    expected = albedo * (np.array([0.5, 1.0, 2.0]) + 0.8 * irradiance / np.pi)
    assert np.allclose(render(built, spp=1), expected, rtol=1e-5)


def test_sky_is_seen_directly(taichi: str) -> None:
    far = body("speck", "cube", (0, -50, 0), 0.01)
    assert np.allclose(render(scene(camera(size=8), [far], lights=[SKY], max_depth=1), spp=4), [0.5, 1, 2], rtol=1e-6)


def test_white_furnace_of_a_concave_room(taichi: str) -> None:
    """Nothing absorbs: everything looks like the sky, and cannot be told from it."""
    white, glass = {"type": "diffuse", "albedo": 1.0}, {"type": "dielectric", "ior": 1.5}
    mirror = {"type": "conductor", "roughness": 0.0}
    shapes = [
        quad("floor", "+y", (0, -1, 0), 1.5, material=white),
        quad("back", "+z", (0, 0.4, -1.4), 1.5, material=white),
        body("ball", "sphere", (-0.5, -0.4, 0), 0.5, subdivisions=2, shading="flat", material=glass),
        body("block", "cube", (0.6, -0.55, 0), 0.4, 30, material=mirror),
    ]
    built = scene(camera((0, 0.5, 3.5), (0, -0.4, 0), size=24, fov=50), shapes, lights=[SKY], max_depth=-1)
    result = estimate(built, spp=64)
    assert result.deviation([0.5, 1, 2]) < SURE
    assert result.precision() < 2e-3
    picture = np.mean([render(built, spp=64, seed=seed) for seed in range(4)], axis=0)
    assert np.abs(picture / [0.5, 1, 2] - 1.0).max() < 0.35  # no pixel sticks out


def closed_room(albedo: float, emission: float, **more: Any) -> Scene:
    """Six walls that face inwards, all alike: radiance is emission times the sum of powers of the albedo."""
    material = {"type": "diffuse", "albedo": albedo}
    sides = {"+x": (-1, 0, 0), "-x": (1, 0, 0), "+y": (0, -1, 0), "-y": (0, 1, 0), "+z": (0, 0, -1), "-z": (0, 0, 1)}
    shapes = [
        quad(f"wall{i}", normal, at, material=material, emission=[emission] * 3)
        for i, (normal, at) in enumerate(sides.items())
    ]
    return scene(camera((0.3, 0.1, 0.2), (1, 0.4, -1), size=12, fov=90), shapes, **more)


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_max_depth_counts_segments(taichi: str, depth: int) -> None:
    result = estimate(closed_room(0.6, 2.0), spp=64, max_depth=depth)
    assert result.deviation(2.0 * sum(0.6**k for k in range(depth))) < SURE
    assert result.precision() < 0.005


@pytest.mark.parametrize("rr_depth", [0, 1, 4])
def test_paths_without_limit_sum_the_whole_series(taichi: str, rr_depth: int) -> None:
    result = estimate(closed_room(0.8, 2.0, rr_depth=rr_depth), spp=64, max_depth=-1)
    assert result.deviation(2.0 / (1.0 - 0.8)) < SURE
    assert result.precision() < 0.01


def test_roulette_is_unbiased(taichi: str) -> None:
    def batches(rr_depth: int, seed: int) -> np.ndarray:
        built = cornell_box(camera((0, 0, 4.5), fov=38, size=24), max_depth=8, rr_depth=rr_depth)
        return np.stack([render(built, spp=16, seed=seed + k) for k in range(16)])

    assert compare(batches(1, 0), batches(1000, 500), 16).problems() == []


def test_roulette_does_not_count_the_shrinking_of_radiance_in_glass(taichi: str) -> None:
    """Inside glass the throughput falls by 1 / ior^2 without any loss: roulette must not end such paths more often."""
    glass = {"type": "dielectric", "ior": 2.0}
    ball = body("ball", "sphere", subdivisions=2, shading="flat", material=glass)
    built = scene(camera((0, 0, 3), fov=20, size=8), [ball], lights=[SKY], max_depth=-1, rr_depth=1)
    result = estimate(built, spp=64)
    assert result.deviation([0.5, 1, 2]) < SURE
    # Without roulette every sample is exactly the sky; with it survival is 0.95 at each of a few bounces.
    assert result.precision() < 0.005


def test_sum_of_lights(taichi: str) -> None:
    """Light is linear: four lamps give the sum of what each gives alone."""
    names = ["a", "b", "c", "d"]
    random = np.random.default_rng(4)
    lamps = [
        body(
            name,
            "cube",
            random.uniform(-1.2, 1.2, 3).tolist(),
            0.1,
            20.0 * i,
            emission=random.uniform(0, 9, 3).tolist(),
        )
        for i, name in enumerate(names)
    ]
    floor = quad("floor", "+y", (0, -1.4, 0), 2)

    def lit(on: list[str]) -> Scene:
        shapes = [lamp if lamp["name"] in on else {**lamp, "emission": [0, 0, 0]} for lamp in lamps]
        return scene(camera((0, 1, 5), size=16), [floor, *shapes], max_depth=3)

    together = estimate(lit(names), spp=128)
    alone = [estimate(lit([name]), spp=128) for name in names]
    total = sum(part.mean for part in alone)
    error = np.sqrt(together.error**2 + sum(part.error**2 for part in alone))
    assert np.all(np.abs(together.mean - total) < SURE * error)
    assert np.all(error < 0.02 * total)


def test_nothing_but_sky(taichi: str) -> None:
    """A scene without any shape."""
    assert np.allclose(render(scene(camera(size=8), [], lights=[SKY]), spp=2), [0.5, 1, 2], rtol=1e-5)


def test_darkness(taichi: str) -> None:
    assert np.all(render(scene(camera(size=8), [quad("wall")]), spp=2) == 0.0)
