"""What the camera sees besides radiance: depth, normal, albedo, mask, position, uv and shape of the first surface.

The rays are those of the radiance estimate, replayed by their random numbers: a buffer and the picture see the same
hits. Every buffer is a mean over samples, with zero where a sample meets nothing, so it is linear in its samples.
"""

import taichi as ti
from taichi.math import vec2

from diffrt.core.sampler import pixel_seed, uniform_1d, uniform_2d
from diffrt.device.intersect import closest_hit
from diffrt.device.surface import offset_along, surface_at
from diffrt.render.path import BOUNCE_DIMENSIONS, CHANCE, FIRST_BOUNCE_DIMENSION, LOBE, primary_ray
from diffrt.render.visibility import MOST_LAYERS, passes
from diffrt.shading.bsdf.dispatch import resolve_mix
from diffrt.shading.bsdf.surface_albedo import surface_albedo
from diffrt.shading.camera.dispatch import CameraRay, camera_ray
from diffrt.shading.material import shading_frame

CHANNELS = {
    "depth": (0, 1),
    "normal": (1, 3),
    "albedo": (4, 3),
    "mask": (7, 1),
    "position": (8, 3),
    "uv": (11, 2),
}
"""First channel and number of channels of each buffer in the array that `buffer_samples` fills."""
CHANNEL_COUNT = 13

_Row = ti.types.vector(CHANNEL_COUNT, ti.f32)


@ti.func
def first_surface(
    scene: ti.template(), features: ti.template(), options: ti.template(), ray: CameraRay, key: ti.u32, sample: ti.i32
):
    """The channels of the first surface that does not let the ray pass, and its shape (-1: none)."""
    row = _Row(0.0)
    shape = -1
    origin, t_min, t_max = ray.origin, ray.t_min, ray.t_max
    dimension = FIRST_BOUNCE_DIMENSION
    layers = 0
    while layers < MOST_LAYERS:
        hit = closest_hit(scene, features, origin, ray.direction, t_min, t_max)
        layers += 1
        if hit.triangle < 0:
            layers = MOST_LAYERS
        else:
            surface = surface_at(scene, features, hit.triangle, hit.u, hit.v)
            outer = scene.shape_material[surface.shape]
            lobe = 0.0
            if ti.static(features.needs_lobe):
                lobe = uniform_1d(options.sampler, key, sample, dimension + LOBE)
            acting, _rest = resolve_mix(scene, features, outer, surface.uv, lobe)
            frame = shading_frame(scene, features, acting, outer, hit.triangle, surface)
            through = False
            if ti.static(features.masked):
                chance = uniform_2d(options.sampler, key, sample, dimension + CHANCE)
                through = chance.x < passes(scene, features, acting, surface.uv)
            if through:
                origin = offset_along(surface.position, surface.normal, surface.error, ray.direction)
                t_min = 0.0
                t_max -= hit.t
                dimension += BOUNCE_DIMENSIONS
            else:
                layers = MOST_LAYERS
                shape = surface.shape
                colour = surface_albedo(scene, features, acting, surface.uv)
                row[0] = (surface.position - ray.origin).norm()
                row[7] = 1.0
                for d in ti.static(range(3)):
                    row[1 + d] = frame.n[d]
                    row[4 + d] = colour[d]
                    row[8 + d] = surface.position[d]
                row[11] = surface.uv.x
                row[12] = surface.uv.y
    return row, shape


@ti.kernel
def buffer_samples(
    scene: ti.template(), features: ti.template(), options: ti.template(),
    total: ti.types.ndarray(dtype=ti.f32, ndim=1),
    first_pixel: ti.i32, pixels: ti.i32, first_sample: ti.i32, samples: ti.i32, seed: ti.i32,
):  # fmt: skip
    """Add the channels of `samples` samples to each of a run of pixels, CHANNEL_COUNT floats a pixel."""
    for pixel in range(first_pixel, first_pixel + pixels):
        key = pixel_seed(pixel, seed)
        for sample in range(first_sample, first_sample + samples):
            ray = primary_ray(scene, features, options, pixel, sample, key)
            row, _shape = first_surface(scene, features, options, ray, key, sample)
            for c in ti.static(range(CHANNEL_COUNT)):
                total[pixel * CHANNEL_COUNT + c] += row[c]


@ti.kernel
def shape_ids(
    scene: ti.template(), features: ti.template(), options: ti.template(),
    ids: ti.types.ndarray(dtype=ti.i32, ndim=1), pixels: ti.i32, seed: ti.i32,
):  # fmt: skip
    """The number of the shape seen through the centre of each pixel, -1 for none."""
    for pixel in range(pixels):
        width = scene.film_size[None][0]
        centre = vec2(ti.cast(pixel % width, ti.f32) + 0.5, ti.cast(pixel // width, ti.f32) + 0.5)
        ray = camera_ray(scene, features, centre, vec2(0.5))
        _row, shape = first_surface(scene, features, options, ray, pixel_seed(pixel, seed), 0)
        ids[pixel] = shape
