"""Direct light by light samples alone and by BSDF samples alone equals the path tracer's combination of both."""

from collections.abc import Callable

import numpy as np
import pytest
import taichi as ti
from agreement import compare
from parts import body, camera, checker, quad, scene, sky
from taichi.math import vec2, vec3

from diffrt.core.sampler import INDEPENDENT, SOBOL, pixel_seed, uniform_1d, uniform_2d
from diffrt.core.vector import to_local, to_world
from diffrt.device.hit import FAR
from diffrt.device.intersect import any_hit, closest_hit
from diffrt.device.surface import offset_along, surface_at
from diffrt.device.upload import upload
from diffrt.render.film import FILTERS, film_point
from diffrt.render.options import Options
from diffrt.render.path import power_heuristic, primary_ray
from diffrt.render.render import render
from diffrt.scene.scene import Scene
from diffrt.shading.bsdf import dispatch as bsdf
from diffrt.shading.light import area, environment
from diffrt.shading.light import dispatch as lights
from diffrt.shading.material import shading_frame, values_at

LIGHT, BSDF = 0, 1
BATCHES, SAMPLES = 16, 256
"""Light samples alone have rare strong ones where a lamp is outside of the lobe that they are drawn for."""


@ti.func
def _seen(scene: ti.template(), features: ti.template(), origin: vec3, direction: vec3):
    """Radiance that arrives along a ray, from lights that it meets."""
    radiance = vec3(0.0)
    hit = closest_hit(scene, features, origin, direction, 0.0, FAR)
    if hit.triangle < 0:
        radiance = environment.emitted(scene, features, direction)
    else:
        surface = surface_at(scene, features, hit.triangle, hit.u, hit.v)
        radiance = area.emitted(scene, features, surface, hit.triangle, hit.u, hit.v, -direction)
    return radiance


@ti.kernel
def _direct(
    scene: ti.template(), features: ti.template(), options: ti.template(), strategy: ti.template(),
    total: ti.types.ndarray(dtype=vec3, ndim=1), samples: ti.i32, seed: ti.i32,
):  # fmt: skip
    for pixel in range(total.shape[0]):
        key = pixel_seed(pixel, seed)
        for sample in range(samples):
            ray = primary_ray(scene, features, options, pixel, sample, key)
            radiance = _seen(scene, features, ray.origin, ray.direction)
            hit = closest_hit(scene, features, ray.origin, ray.direction, 0.0, FAR)
            if hit.triangle >= 0:
                surface = surface_at(scene, features, hit.triangle, hit.u, hit.v)
                material = scene.shape_material[surface.shape]
                frame = shading_frame(scene, features, material, material, hit.triangle, surface)
                wo = to_local(frame, -ray.direction)
                values = values_at(scene, features, material, surface.uv)
                receiver = bsdf.receiver(scene, features, material, values, wo, frame, surface.position)
                u = uniform_2d(INDEPENDENT, key, sample, 7)
                if ti.static(strategy == LIGHT):
                    light, _near = lights.sample(scene, features, receiver, u)
                    if light.pdf > 0.0:
                        f, _ = bsdf.evaluate(scene, features, material, values, wo, to_local(frame, light.wi))
                        start = offset_along(surface.position, surface.normal, surface.error, light.wi)
                        towards, end = light.wi, FAR
                        if light.infinite == 0:
                            towards, end = light.target - start, 0.99999
                        if any_hit(scene, features, start, towards, 0.0, end) == 0:
                            radiance += f * light.radiance / light.pdf
                    # Dim parts of the sky are left to BSDF samples.
                    lobe = uniform_1d(INDEPENDENT, key, sample, 8)
                    again = uniform_2d(INDEPENDENT, key, sample, 9)
                    drawn = bsdf.sample(scene, features, material, values, wo, lobe, again)
                    if drawn.weight.max() > 0.0:
                        wi = to_world(frame, drawn.wi)
                        start = offset_along(surface.position, surface.normal, surface.error, wi)
                        if any_hit(scene, features, start, wi, 0.0, FAR) == 0:
                            if lights.environment_pdf(scene, features, receiver, wi) == 0.0:
                                radiance += drawn.weight * environment.emitted(scene, features, wi)
                else:
                    lobe = uniform_1d(INDEPENDENT, key, sample, 8)
                    drawn = bsdf.sample(scene, features, material, values, wo, lobe, u)
                    if drawn.weight.max() > 0.0:
                        wi = to_world(frame, drawn.wi)
                        start = offset_along(surface.position, surface.normal, surface.error, wi)
                        radiance += drawn.weight * _seen(scene, features, start, wi)
            total[pixel] += radiance / samples


def direct(built: Scene, strategy: int, seed: int) -> np.ndarray:
    view = built.camera()
    device = upload(built, view)
    total = np.zeros((view.height * view.width, 3), np.float32)
    _direct(device.fields, device.features, Options(INDEPENDENT, FILTERS["box"]), strategy, total, SAMPLES, seed)
    return total.reshape(view.height, view.width, 3)


def lamps_and_sky() -> Scene:
    """A floor and ball rough enough for light samples alone, a large textured lamp, a small bright one, a sky."""
    materials = {
        "floor": {"type": "conductor", "roughness": 0.75, "reflectance": 0.8},
        "ball": {"type": "plastic", "albedo": 0.4, "roughness": 0.7},
    }
    shapes = [
        quad("floor", "+y", (0, -1, 0), 3.0, material="floor"),
        body("ball", "sphere", (-0.6, -0.3, 0), 0.7, subdivisions=2, material="ball"),
        quad("large", "+z", (0, 0.5, -2), [2, 1, 1], emission={"texture": "glow"}),
        quad("small", "-y", (0.8, 1.0, 0.3), 0.25, emission=[12, 10, 8]),
    ]
    return scene(
        camera((0, 1, 4), (0, -0.3, 0), size=32), shapes, materials, textures={"glow": {"data": checker()}},
        lights=[{"type": "environment", "data": sky(), "scale": 0.5}], max_depth=2,
    )  # fmt: skip


@pytest.mark.parametrize("strategy", [LIGHT, BSDF], ids=["light", "bsdf"])
def test_combination_equals_either_strategy(taichi: str, strategy: int) -> None:
    built = lamps_and_sky()
    combined = np.stack([render(built, spp=SAMPLES, seed=seed) for seed in range(BATCHES)])
    alone = np.stack([direct(built, strategy, 500 + seed) for seed in range(BATCHES)])
    agreement = compare(combined, alone, SAMPLES)
    assert agreement.problems() == []
    assert agreement.precision < 0.02
    # And it is worth it: less noise than either alone.
    assert combined.var(axis=0).mean() < alone.var(axis=0).mean()


@ti.kernel
def _weights(a: ti.types.ndarray(dtype=ti.f32, ndim=1), b: ti.types.ndarray(dtype=ti.f32, ndim=1),
             out: ti.types.ndarray(dtype=ti.f32, ndim=1)):  # fmt: skip
    for i in range(a.shape[0]):
        out[i] = power_heuristic(a[i], b[i])


def test_weights_of_two_strategies_sum_to_one(taichi: str) -> None:
    densities = np.array([1e-20, 1e-6, 0.3, 1.0, 50.0, 1e8, 1e15], np.float32)
    a, b = (np.ascontiguousarray(grid.ravel()) for grid in np.meshgrid(densities, densities))
    forward, backward = np.zeros_like(a), np.zeros_like(a)
    _weights(a, b, forward)
    _weights(b, a, backward)
    assert np.allclose(forward + backward, 1.0, atol=1e-5)
    assert np.allclose(forward, a.astype(float) ** 2 / (a.astype(float) ** 2 + b.astype(float) ** 2), atol=1e-5)


# Reconstruction filters


@ti.kernel
def _film(kind: ti.template(), sampler: ti.template(), out: ti.types.ndarray(dtype=vec2, ndim=1), seed: ti.i32):
    for i in range(out.shape[0]):
        out[i] = film_point(kind, 3, 5, uniform_2d(sampler, pixel_seed(seed, 0), i, 0))


def _tent(x: np.ndarray) -> np.ndarray:
    return np.maximum(1.0 - np.abs(x), 0.0)


def _gaussian(x: np.ndarray) -> np.ndarray:
    return np.where(np.abs(x) <= 2.0, np.exp(-0.5 * (x / 0.5) ** 2), 0.0)


def _box(x: np.ndarray) -> np.ndarray:
    return (np.abs(x) <= 0.5).astype(float)


@pytest.mark.parametrize("sampler", [SOBOL, INDEPENDENT], ids=["sobol", "independent"])
@pytest.mark.parametrize(("name", "shape"), [("box", _box), ("tent", _tent), ("gaussian", _gaussian)])
def test_film_points_follow_the_filter(
    taichi: str, name: str, shape: Callable[[np.ndarray], np.ndarray], sampler: int
) -> None:
    """Kolmogorov-Smirnov distance of each axis to the filter's own distribution, centred on the pixel's centre."""
    count = 20000
    points = np.zeros((count, 2), np.float32)
    _film(FILTERS[name], sampler, points, 1)
    x = np.linspace(-2.5, 2.5, 50001)
    cdf = np.cumsum(shape(x))
    cdf /= cdf[-1]
    for axis, centre in ((0, 3.5), (1, 5.5)):
        offset = np.sort(points[:, axis].astype(float) - centre)
        distance = np.abs(np.interp(offset, x, cdf) - (np.arange(count) + 0.5) / count).max()
        assert distance < 2.2 / np.sqrt(count)
        assert np.abs(offset).max() <= {"box": 0.5, "tent": 1.0, "gaussian": 2.0}[name] + 1e-5
    assert np.abs(np.corrcoef(points.T)[0, 1]) < 4.5 / np.sqrt(count)


@pytest.mark.parametrize("name", ["box", "tent", "gaussian"])
def test_filters_keep_what_is_constant_and_blur_what_is_not(taichi: str, name: str) -> None:
    """Weights sum to one; an edge through a pixel's centre is spread by the filter's integral."""
    wall = quad("wall", scale=50, emission=[2, 3, 4])
    view = camera((0, 0, 4), type="orthographic", scale=4.0, size=8)  # pixels of unit size
    assert np.allclose(render(scene(view, [wall], film=name), spp=64), [2, 3, 4], rtol=1e-6)
    half = quad("half", at=(50.0, 0, 0), scale=50, emission=[1, 1, 1])
    picture = render(scene(view, [half], film=name, sampler="sobol"), spp=4096)[..., 0]
    integral = {"box": _box, "tent": _tent, "gaussian": _gaussian}[name]
    x = np.linspace(-3, 3, 60001)
    weights = integral(x) / integral(x).sum()
    centres = np.arange(8) + 0.5 - 4.0
    expected = np.array([weights[x + centre > 0].sum() for centre in centres])
    assert np.allclose(picture, expected, atol=0.01)
