"""Records what buffers see: camera rays and the first surfaces that they meet, by the random numbers of gradients."""

import taichi as ti
from taichi.math import vec3

from diffrt.device.hit import nowhere
from diffrt.render.buffer_channels import channels
from diffrt.render.buffers import first_surface
from diffrt.render.decisions import decided
from diffrt.render.path import film_and_lens
from diffrt.render.path_numbers import path_key, pixel_key
from diffrt.render.record import DROPPED, SURFACE
from diffrt.render.record_completion import clear_adjoints, complete
from diffrt.render.record_rows import begin_row, keep_place, new_camera_row
from diffrt.render.rendering import CHANNEL_COUNT
from diffrt.shading.bsdf.surface_albedo import surface_albedo
from diffrt.shading.camera.dispatch import camera_ray
from diffrt.shading.material import values_at


@ti.kernel
def record_first_surfaces(
    scene: ti.template(), features: ti.template(), options: ti.template(), record: ti.template(),
    weights: ti.types.ndarray(dtype=ti.f32, ndim=1), keep: ti.types.ndarray(dtype=ti.i32, ndim=1), share: ti.f32,
    pixels: ti.i32, first_pixel: ti.i32, first_sample: ti.i32, paths: ti.i32, seed: ti.i32,
):  # fmt: skip
    """Record `paths` camera rays: the samples of the film in order, as `record_paths` does.

    Args:
        weights: adjoints of the buffers, CHANNEL_COUNT a pixel; rays of pixels where all are zero are not traced.
        keep: what is asked of each material, KEEP_OPACITY and so on.
        share: adjoint of a ray's value: one over the number of samples.
    """
    record.used[None] = (paths + record.page - 1) // record.page
    first = record.used[None] * record.page
    for path in range(paths):
        number = first_pixel + path
        pixel = number % pixels
        sample = first_sample + number // pixels
        key = path_key(scene, options, pixel_key(scene, options, pixel, seed), sample)
        film, lens = film_and_lens(scene, features, options, pixel, sample, key)
        new_camera_row(record, path, pixel, film, lens, vec3(share))
        row = first + path
        record.kind[row] = DROPPED
        matters = False
        for c in range(CHANNEL_COUNT):
            matters = matters or weights[pixel * CHANNEL_COUNT + c] != 0.0
        if matters:
            ray = camera_ray(scene, features, film, lens)
            record.position[path] = ray.origin
            record.direction[path] = ray.direction
            seen = first_surface(scene, features, options, record, keep, False, nowhere(), ray, key, sample)
            if seen.triangle >= 0:
                begin_row(record, row, path, path, SURFACE)
                keep_place(
                    features, record, row, seen.triangle, seen.u, seen.v, seen.surface, seen.material, seen.outer,
                    seen.normal,
                )  # fmt: skip
                complete(scene, features, record, path)
                clear_adjoints(features, record, row)
                record.throughput[row] = vec3(seen.factor)
                if ti.static(record.decides):
                    total = 0.0
                    values = values_at(scene, features, seen.material, seen.surface.uv)
                    albedo = surface_albedo(scene, features, seen.material, values)
                    shown = channels(ray.origin, seen.surface.position, seen.normal, albedo, seen.surface.uv)
                    for c in ti.static(range(CHANNEL_COUNT)):
                        total += weights[pixel * CHANNEL_COUNT + c] * shown[c]
                    record.decisions.last[row] = seen.last
                    decided(record.decisions, row, vec3(total, 0.0, 0.0))
                record.emission_factor[row] = 0.0
                if ti.static(record.geometry):
                    record.levels[None] = 1
