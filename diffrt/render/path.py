"""Radiance by path tracing: next-event estimation and BSDF sampling, combined by multiple importance sampling.

The estimator of Kajiya 1986 with the power heuristic of Veach 1997.
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import is_finite, max_component, to_local, to_world
from diffrt.device.hit import FAR, Hit, nowhere
from diffrt.device.intersect import closest_hit
from diffrt.device.surface import offset_along, surface_at
from diffrt.device.work import Queue, first_turn, next_turn
from diffrt.render.film import film_point
from diffrt.render.path_numbers import (
    BOUNCE_DIMENSIONS,
    FIRST_BOUNCE_DIMENSION,
    chance_numbers,
    film_numbers,
    lens_numbers,
    lobe_number,
    path_key,
    pixel_key,
    scattering_numbers,
)
from diffrt.render.visibility import passes, visibility
from diffrt.shading.bsdf import dispatch as bsdf
from diffrt.shading.camera.dispatch import CameraRay, camera_ray
from diffrt.shading.light import area, environment
from diffrt.shading.light import dispatch as lights
from diffrt.shading.light.base import no_light
from diffrt.shading.material import shading_frame, values_at
from diffrt.shading.receiver import bare_receiver

SHADOW_END = 0.99999
_ROUND = 128
"""Samples of a round: about the square root of many."""


@ti.func
def power_heuristic(a: ti.f32, b: ti.f32) -> ti.f32:
    """Weight of a sample of density a that a second strategy would have drawn with density b."""
    ratio = b / ti.max(a, 1e-30)
    return 1.0 / (1.0 + ratio * ratio)


@ti.func
def film_and_lens(
    scene: ti.template(), features: ti.template(), options: ti.template(), pixel: ti.i32, sample: ti.i32,
    key: ti.template(),
):
    """Where a pixel's sample falls on the film, and the numbers that choose the point of the lens."""
    width = scene.film_size[None][0]
    film = film_point(options.filter, pixel % width, pixel // width, film_numbers(scene, options, key, sample))
    lens = vec2(0.0)
    if ti.static(features.camera == 1):
        lens = lens_numbers(scene, options, key, sample)
    return film, lens


@ti.func
def primary_ray(
    scene: ti.template(), features: ti.template(), options: ti.template(), pixel: ti.i32, sample: ti.i32,
    key: ti.template(),
) -> CameraRay:
    """The camera ray of a pixel's sample."""
    film, lens = film_and_lens(scene, features, options, pixel, sample, key)
    return camera_ray(scene, features, film, lens)


@ti.func
def next_hit(
    scene: ti.template(), features: ti.template(), known: ti.template(), first: Hit, dimension: ti.i32,
    origin: vec3, direction: vec3, t_min: ti.f32, t_max: ti.f32,
) -> Hit:  # fmt: skip
    """The closest hit; at the beginning of a path the one that is `known`, unless its triangle is -1."""
    result = first
    search = True
    if ti.static(known):
        search = dimension != FIRST_BOUNCE_DIMENSION or first.triangle < 0
    if search:
        result = closest_hit(scene, features, origin, direction, t_min, t_max)
    return result


@ti.func
def trace_path(
    scene: ti.template(), features: ti.template(), options: ti.template(), ray: CameraRay, key: ti.template(),
    sample: ti.i32, max_depth: ti.i32, rr_depth: ti.i32,
) -> vec3:  # fmt: skip
    """Radiance along a camera ray."""
    return trace_path_from(scene, features, options, False, nowhere(), ray, key, sample, max_depth, rr_depth)


@ti.func
def trace_path_from(
    scene: ti.template(), features: ti.template(), options: ti.template(), known: ti.template(), first: Hit,
    ray: CameraRay, key: ti.template(), sample: ti.i32, max_depth: ti.i32, rr_depth: ti.i32,
) -> vec3:  # fmt: skip
    """Radiance along a camera ray of which it may be `known` what it meets first; a triangle of -1 is to be found."""
    radiance = vec3(0.0)
    throughput = vec3(1.0)
    origin, direction = ray.origin, ray.direction
    t_min, t_max = ray.t_min, ray.t_max
    previous = bare_receiver(origin, vec3(0.0))  # the vertex that light samples were drawn for
    previous_pdf = -1.0  # of the direction; negative if no light sample competes
    near = -1.0  # what that light sample learnt of lights
    eta2 = 1.0
    depth = 0
    dimension = FIRST_BOUNCE_DIMENSION
    running = True
    while running:
        # Drawn before they are needed: the processor computes them while the query waits for memory.
        u = scattering_numbers(scene, options, key, sample, dimension)
        hit = next_hit(scene, features, known, first, dimension, origin, direction, t_min, t_max)
        if hit.triangle < 0:
            running = False
            if ti.static(features.environment):
                emitted, density = environment.emitted_and_pdf(scene, features, direction)
                weight = 1.0
                if previous_pdf > 0.0:
                    chosen = lights.environment_probability(scene, features, previous, near)
                    weight = power_heuristic(previous_pdf, density * chosen)
                radiance += throughput * emitted * weight
        else:
            surface = surface_at(scene, features, hit.triangle, hit.u, hit.v)
            outer = scene.shape_material[surface.shape]
            lobe = 0.0
            if ti.static(features.needs_lobe):
                lobe = lobe_number(scene, options, key, sample, dimension)
            material, rest = bsdf.resolve_mix(scene, features, outer, surface.uv, lobe)
            frame = shading_frame(scene, features, material, outer, hit.triangle, surface)
            chance = vec2(0.0)
            through = False
            if ti.static(features.masked):
                chance = chance_numbers(scene, options, key, sample, dimension)
                through = chance.x < passes(scene, features, material, surface.uv)
            if through:
                origin = offset_along(surface.position, surface.normal, surface.error, direction)
                t_min = 0.0
                t_max -= hit.t
                dimension += BOUNCE_DIMENSIONS
                if dimension > 1024:
                    running = False
            else:
                depth += 1
                if ti.static(features.area_lights):
                    emitted = area.emitted(scene, features, surface, hit.triangle, hit.u, hit.v, -direction)
                    if max_component(emitted) > 0.0:
                        weight = 1.0
                        if previous_pdf > 0.0:
                            light_pdf = lights.area_pdf(scene, features, previous, surface, hit.triangle, direction)
                            weight = power_heuristic(previous_pdf, light_pdf)
                        radiance += throughput * emitted * weight
                if depth == max_depth:
                    running = False
                else:
                    wo = to_local(frame, -direction)
                    values = values_at(scene, features, material, surface.uv)

                    light, learnt = no_light(), -1.0
                    receiver = bsdf.receiver(scene, features, material, values, wo, frame, surface.position)
                    if bsdf.scatters(scene, features, material, values):
                        light, learnt = lights.sample(scene, features, receiver, u.xy)
                    drawn, scattered, bsdf_pdf = bsdf.sample_and_evaluate(
                        scene, features, material, values, wo, rest, u.zw, to_local(frame, light.wi)
                    )
                    direction = to_world(frame, drawn.wi)
                    origin = offset_along(surface.position, surface.normal, surface.error, direction)

                    if max_component(light.radiance) > 0.0 and max_component(scattered) > 0.0:
                        start = offset_along(surface.position, surface.normal, surface.error, light.wi)
                        towards, end = light.wi, FAR
                        if light.infinite == 0:
                            towards = light.target - start
                            end = SHADOW_END
                        lit = visibility(scene, features, start, towards, end)
                        weight = ti.select(light.pdf > 0.0, lit / light.pdf, 0.0)
                        if light.delta == 0:
                            weight *= power_heuristic(light.pdf, bsdf_pdf)
                        radiance += throughput * scattered * light.radiance * weight

                    throughput *= drawn.weight
                    t_min, t_max = 0.0, FAR
                    previous = receiver
                    near = learnt
                    previous_pdf = ti.select(drawn.delta != 0, -1.0, drawn.pdf)
                    eta2 *= drawn.eta * drawn.eta
                    if max_component(throughput) <= 0.0:
                        running = False
                    if depth >= rr_depth and running:
                        survival = ti.min(max_component(throughput) * eta2, 0.95)
                        if ti.static(not features.masked):
                            chance = chance_numbers(scene, options, key, sample, dimension)
                        if chance.y >= survival:
                            running = False
                        throughput /= survival
                    dimension += BOUNCE_DIMENSIONS
                    # The last segment counts only if it ends at a light.
                    if depth + 1 == max_depth and lights.may_meet(scene, features, origin, direction) == 0:
                        running = False
    return radiance


@ti.func
def _render_pixel(
    scene: ti.template(), features: ti.template(), options: ti.template(),
    total: ti.template(), recent: ti.template(), squares: ti.template(), dropped: ti.template(),
    pixel: ti.i32, first_sample: ti.i32, samples: ti.i32, seed: ti.i32, max_depth: ti.i32, rr_depth: ti.i32,
):  # fmt: skip
    """Add samples to a pixel."""
    # Adding to the sum so far, sample by sample, makes the result independent of how they are grouped in calls.
    pixel_sum, round_sum, pixel_squares = total[pixel], recent[pixel], squares[pixel]
    bad = 0
    own = pixel_key(scene, options, pixel, seed)
    for sample in range(first_sample, first_sample + samples):
        key = path_key(scene, options, own, sample)
        ray = primary_ray(scene, features, options, pixel, sample, key)
        radiance = trace_path(scene, features, options, ray, key, sample, max_depth, rr_depth)
        if is_finite(radiance.x) and is_finite(radiance.y) and is_finite(radiance.z):
            round_sum += radiance
            pixel_squares += radiance * radiance
        else:
            bad += 1
        if (sample + 1) % _ROUND == 0:
            pixel_sum += round_sum
            round_sum = vec3(0.0)
    total[pixel] = pixel_sum
    recent[pixel] = round_sum
    squares[pixel] = pixel_squares
    if bad > 0:
        ti.atomic_add(dropped[0], bad)


@ti.kernel
def render_samples(
    scene: ti.template(), features: ti.template(), options: ti.template(),
    total: ti.types.ndarray(dtype=vec3, ndim=1), recent: ti.types.ndarray(dtype=vec3, ndim=1),
    squares: ti.types.ndarray(dtype=vec3, ndim=1), dropped: ti.types.ndarray(dtype=ti.i32, ndim=1),
    queue: Queue, workers: ti.i32, first_pixel: ti.i32, pixels: ti.i32, first_sample: ti.i32, samples: ti.i32,
    seed: ti.i32, max_depth: ti.i32, rr_depth: ti.i32,
):  # fmt: skip
    """Add `samples` samples to each of a run of pixels: their sum, that of their squares, and how many were no number.

    One thread owns a pixel, so the result depends neither on the number of threads nor on the grouping. The sum is
    `total` + `recent`: samples are added up in rounds, since a long sum would lose the last bits of every addition.
    """
    for worker in range(workers):
        pixel = first_turn(queue, worker)
        while pixel < pixels:
            _render_pixel(
                scene, features, options, total, recent, squares, dropped, first_pixel + pixel, first_sample, samples,
                seed, max_depth, rr_depth,
            )  # fmt: skip
            pixel = next_turn(queue, pixel)
