"""What the camera sees besides radiance: depth, normal, albedo, mask, position, uv and shape of the first surface.

The rays are those of the radiance estimate, replayed by their random numbers: a buffer and the picture see the same
hits. Every buffer is a mean over samples, with zero where a sample meets nothing, so it is linear in its samples.
"""

from typing import NamedTuple

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.device.hit import Hit, nowhere
from diffrt.device.surface import Surface, offset_along, surface_at
from diffrt.render.buffer_channels import Row, channels
from diffrt.render.decisions import Spot, meet
from diffrt.render.path import next_hit, primary_ray
from diffrt.render.path_numbers import (
    BOUNCE_DIMENSIONS,
    FIRST_BOUNCE_DIMENSION,
    chance_numbers,
    lobe_number,
    path_key,
    pixel_key,
)
from diffrt.render.rendering import CHANNEL_COUNT
from diffrt.render.visibility import MOST_LAYERS, passes
from diffrt.shading.bsdf.dispatch import resolve_mix
from diffrt.shading.bsdf.mix import PASSED
from diffrt.shading.bsdf.surface_albedo import surface_albedo
from diffrt.shading.camera.dispatch import CameraRay, camera_ray
from diffrt.shading.material import shading_frame, values_at


@ti.dataclass
class FirstSurface:
    """The first surface that does not let a ray pass.

    Attributes:
        triangle: -1 if there is none; the rest is not set then.
        u, v: barycentrics.
        material: the one that acts. outer: the mix that it was chosen from, or itself.
        normal: the shading normal, bent by the normal map.
        factor, last: probability of what was decided on the way over that with which it was drawn, and the last of
            these decisions; 1 and -1 if none are recorded.
    """

    triangle: ti.i32
    u: ti.f32
    v: ti.f32
    material: ti.i32
    outer: ti.i32
    surface: Surface
    normal: vec3
    factor: ti.f32
    last: ti.i32


class _Unrecorded(NamedTuple):
    """In place of a path record."""

    decides: bool = False


UNRECORDED = _Unrecorded()


@ti.func
def first_surface(
    scene: ti.template(), features: ti.template(), options: ti.template(), record: ti.template(), keep: ti.template(),
    known: ti.template(), first: Hit, ray: CameraRay, key: ti.template(), sample: ti.i32,
) -> FirstSurface:  # fmt: skip
    """What a camera ray meets, as the path of these random numbers does; `record` and `keep` as in `meet`, `known` and
    `first` as in `trace_path_from`."""
    nowhere = Surface(vec3(0.0), vec3(0.0), vec3(0.0), vec2(0.0), 0.0, -1)
    result = FirstSurface(-1, 0.0, 0.0, 0, 0, nowhere, vec3(0.0), 1.0, -1)
    origin, t_min, t_max = ray.origin, ray.t_min, ray.t_max
    dimension = FIRST_BOUNCE_DIMENSION
    layers = 0
    while layers < MOST_LAYERS:
        hit = next_hit(scene, features, known, first, dimension, origin, ray.direction, t_min, t_max)
        layers += 1
        if hit.triangle < 0:
            layers = MOST_LAYERS
        else:
            surface = surface_at(scene, features, hit.triangle, hit.u, hit.v)
            outer = scene.shape_material[surface.shape]
            lobe = 0.0
            if ti.static(features.needs_lobe):
                lobe = lobe_number(scene, options, key, sample, dimension)
            acting = outer
            through = False
            chance = vec2(0.0)
            if ti.static(features.masked):
                chance = chance_numbers(scene, options, key, sample, dimension)
            if ti.static(record.decides):
                spot = Spot(hit.triangle, vec2(hit.u, hit.v), surface.uv)
                weight = vec3(result.factor)
                met = meet(scene, features, record, keep, outer, spot, lobe, chance.x, weight, result.last)
                acting, result.last = met.material, met.last
                result.factor *= met.factor
                through = acting == PASSED
            else:
                acting, _rest = resolve_mix(scene, features, outer, surface.uv, lobe)
                if ti.static(features.masked):
                    through = chance.x < passes(scene, features, acting, surface.uv)
            if through:
                origin = offset_along(surface.position, surface.normal, surface.error, ray.direction)
                t_min = 0.0
                t_max -= hit.t
                dimension += BOUNCE_DIMENSIONS
            else:
                layers = MOST_LAYERS
                frame = shading_frame(scene, features, acting, outer, hit.triangle, surface)
                result = FirstSurface(
                    hit.triangle, hit.u, hit.v, acting, outer, surface, frame.n, result.factor, result.last
                )
    return result


@ti.func
def channels_along(
    scene: ti.template(), features: ti.template(), options: ti.template(), known: ti.template(), first: Hit,
    ray: CameraRay, key: ti.template(), sample: ti.i32,
) -> Row:  # fmt: skip
    """The channels that a camera ray sees; `known` and `first` as in `trace_path_from`."""
    row = Row(0.0)
    seen = first_surface(scene, features, options, UNRECORDED, UNRECORDED, known, first, ray, key, sample)
    if seen.triangle >= 0:
        values = values_at(scene, features, seen.material, seen.surface.uv)
        albedo = surface_albedo(scene, features, seen.material, values)
        row = channels(ray.origin, seen.surface.position, seen.normal, albedo, seen.surface.uv)
    return row


@ti.kernel
def buffer_samples(
    scene: ti.template(), features: ti.template(), options: ti.template(),
    total: ti.types.ndarray(dtype=ti.f32, ndim=1),
    first_pixel: ti.i32, pixels: ti.i32, first_sample: ti.i32, samples: ti.i32, seed: ti.i32,
):  # fmt: skip
    """Add the channels of `samples` samples to each of a run of pixels, CHANNEL_COUNT floats a pixel."""
    for pixel in range(first_pixel, first_pixel + pixels):
        own = pixel_key(scene, options, pixel, seed)
        for sample in range(first_sample, first_sample + samples):
            key = path_key(scene, options, own, sample)
            ray = primary_ray(scene, features, options, pixel, sample, key)
            row = channels_along(scene, features, options, False, nowhere(), ray, key, sample)
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
        key = path_key(scene, options, pixel_key(scene, options, pixel, seed), 0)
        seen = first_surface(scene, features, options, UNRECORDED, UNRECORDED, False, nowhere(), ray, key, 0)
        ids[pixel] = seen.surface.shape
