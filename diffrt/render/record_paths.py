"""Traces the paths of `path.py` and keeps what was decided; same estimator, other random numbers.

Two things differ from a picture: a direction of zero weight is followed where the derivative of that weight is asked
for (a black surface would be brighter if it were grey), and every vertex learns the radiance that arrives at it.
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.box import meets_box
from diffrt.core.vector import is_finite, max_component, to_local, to_world
from diffrt.device.features import LIGHT_TRIANGLES
from diffrt.device.hit import FAR
from diffrt.device.intersect import closest_hit
from diffrt.device.surface import offset_along, surface_at
from diffrt.device.work import Queue, fetch, is_worker
from diffrt.render.decisions import KEEP_VALUES, Spot, meet, weighed
from diffrt.render.path import SHADOW_END, film_and_lens, power_heuristic
from diffrt.render.path_numbers import (
    BOUNCE_DIMENSIONS,
    FIRST_BOUNCE_DIMENSION,
    chance_numbers,
    lobe_number,
    path_key,
    pixel_key,
    scattering_numbers,
)
from diffrt.render.record import (
    DROPPED,
    ESCAPE,
    SURFACE,
    TOWARDS_LIGHT,
)
from diffrt.render.record_completion import arrivals, begin_adjoints, complete, drop, leave_still
from diffrt.render.record_rows import (
    keep_light,
    keep_place,
    keep_scattering,
    new_camera_row,
    new_row,
)
from diffrt.render.visibility import passes, visibility
from diffrt.shading.bsdf import dispatch as bsdf
from diffrt.shading.bsdf.mix import PASSED
from diffrt.shading.camera.dispatch import camera_ray
from diffrt.shading.light import area, environment
from diffrt.shading.light import dispatch as lights
from diffrt.shading.light.base import no_light
from diffrt.shading.material import field, shading_frame, values_at
from diffrt.shading.receiver import bare_receiver

_LEAST_SURVIVAL = 0.05
_FOLLOWED = 0.25
_RUN = 64
"""Neighbouring pixels that stay together when they are spread."""
_SPREAD_PRIME = 7919


@ti.func
def _record_path(
    scene: ti.template(), features: ti.template(), options: ti.template(), record: ti.template(),
    keep: ti.template(), changing: ti.template(), even: ti.template(), bounds: ti.template(), whole: ti.i32,
    lamps: ti.i32, first: ti.i32, latest: ti.i32, path: ti.i32, key: ti.template(), sample: ti.i32, max_depth: ti.i32,
    rr_depth: ti.i32,
):  # fmt: skip
    """Fill the rows of a path; returns the row that was taken last, and whether something changes along the path.

    Args:
        whole: fill them all; 0: where nothing moves, only those whose material is asked for.
        lamps: as for `record_paths`.
    """
    changes = False
    ray = camera_ray(scene, features, record.film[path], record.lens[path])
    if ti.static(record.geometry):
        record.position[path] = ray.origin
        record.direction[path] = ray.direction
    row = path
    throughput = vec3(1.0)
    chances = 1.0  # what roulette goes by
    origin, direction = ray.origin, ray.direction
    t_min, t_max = ray.t_min, ray.t_max
    previous = bare_receiver(origin, vec3(0.0))
    previous_pdf = -1.0
    near = -1.0
    decision = -1  # the last one since the last vertex
    depth = 0
    dimension = FIRST_BOUNCE_DIMENSION
    running = True
    while running:
        u = scattering_numbers(scene, options, key, sample, dimension)
        hit = closest_hit(scene, features, origin, direction, t_min, t_max)
        if hit.triangle < 0:
            running = False
            if ti.static(features.environment):
                row = new_row(record, first, latest, path, row, ESCAPE)
                if row >= 0:
                    latest = row
                    emitted, density = environment.emitted_and_pdf(scene, features, direction)
                    weight = 1.0
                    if previous_pdf > 0.0:
                        chosen = lights.environment_probability(scene, features, previous, near)
                        weight = power_heuristic(previous_pdf, density * chosen)
                    if ti.static(record.decides):
                        record.decisions.last[row] = decision
                    record.throughput[row] = throughput
                    record.direction[row] = direction
                    record.emission[row] = emitted
                    record.emission_factor[row] = weight
                    record.arriving[row] = emitted * weight
        else:
            surface = surface_at(scene, features, hit.triangle, hit.u, hit.v)
            outer = scene.shape_material[surface.shape]
            lobe = 0.0
            if ti.static(features.needs_lobe):
                lobe = lobe_number(scene, options, key, sample, dimension)
            material, rest = outer, lobe
            chance = vec2(0.0)
            through = False
            shines = False
            if ti.static(features.masked):
                chance = chance_numbers(scene, options, key, sample, dimension)
            if ti.static(record.decides):
                spot = Spot(hit.triangle, vec2(hit.u, hit.v), surface.uv)
                met = meet(scene, features, record, keep, outer, spot, lobe, chance.x, throughput, decision)
                material, rest, decision = met.material, met.rest, met.last
                throughput *= met.factor
                through = material == PASSED
            else:
                material, rest = bsdf.resolve_mix(scene, features, outer, surface.uv, lobe)
                if ti.static(features.masked):
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
                emits = scene.shape_emits[surface.shape]
                shines = emits == 2 or (emits == 1 and direction.dot(surface.normal) < 0.0)
                if depth == max_depth and not shines:
                    running = False
                else:
                    row = new_row(record, first, latest, path, row, SURFACE)
                    running = row >= 0
                    latest = ti.select(running, row, latest)
                    if ti.static(record.decides):
                        if running:
                            record.decisions.last[row] = decision
                            decision = -1
            if running and not through:
                frame = shading_frame(scene, features, material, outer, hit.triangle, surface)
                keep_place(
                    features, record, row, hit.triangle, hit.u, hit.v, surface, material, outer, frame.n
                )  # fmt: skip
                record.throughput[row] = throughput
                record.emission_factor[row] = 0.0
                changes = changes or changing[surface.shape] != 0 or keep[material] | keep[outer] != 0
                direct = vec3(0.0)
                if ti.static(features.area_lights):
                    if shines:
                        emitted = area.emitted(scene, features, surface, hit.triangle, hit.u, hit.v, -direction)
                        weight = 1.0
                        if previous_pdf > 0.0:
                            light_pdf = lights.area_pdf(scene, features, previous, surface, hit.triangle, direction)
                            weight = power_heuristic(previous_pdf, light_pdf)
                        record.emission[row] = emitted
                        record.emission_factor[row] = weight
                        direct += emitted * weight
                if depth == max_depth:
                    running = False
                else:
                    wo = to_local(frame, -direction)
                    values = values_at(scene, features, material, surface.uv)
                    if ti.static(features.wide_lobes):
                        values[features.slots, 0] = even[surface.shape]
                    counts = ti.static(record.geometry) or whole != 0 or keep[material] | keep[outer] != 0
                    if ti.static(record.geometry):
                        record.side[row] = ti.select(wo.z < 0.0, -1.0, 1.0)
                    if counts:
                        record.wo[row] = wo
                        for slot in ti.static(range(features.slots)):
                            record.values[slot][row] = field(values, slot)

                    light, learnt = no_light(), -1.0
                    receiver = bsdf.receiver(scene, features, material, values, wo, frame, surface.position)
                    if (changes or lamps != 0) and bsdf.scatters(scene, features, material, values):
                        light, learnt = lights.sample(scene, features, receiver, u.xy)
                    wi = to_local(frame, light.wi)
                    drawn, scattered, bsdf_pdf = bsdf.sample_and_evaluate(
                        scene, features, material, values, wo, rest, u.zw, wi
                    )
                    if light.pdf > 0.0:
                        if max_component(scattered) > 0.0 or (keep[material] & KEEP_VALUES != 0 and bsdf_pdf > 0.0):
                            start = offset_along(surface.position, surface.normal, surface.error, light.wi)
                            towards, end = light.wi, FAR
                            if light.infinite == 0:
                                towards = light.target - start
                                end = SHADOW_END
                            factor = 1.0 / light.pdf
                            if light.delta == 0:
                                factor *= power_heuristic(light.pdf, bsdf_pdf)
                            noted = False
                            if ti.static(record.decides):
                                lit, noted = weighed(
                                    scene, features, record, keep, row, light, start, towards, end,
                                    throughput * scattered * factor,
                                )  # fmt: skip
                                factor *= lit
                            else:
                                factor *= visibility(scene, features, start, towards, end)
                            if factor > 0.0 or noted:
                                if counts:
                                    keep_light(record, row, light, factor)
                                    record.wi[TOWARDS_LIGHT, row] = wi
                                    record.f[TOWARDS_LIGHT, row] = scattered
                                direct += scattered * light.radiance * factor
                                if light.kind == LIGHT_TRIANGLES:
                                    changes = changes or changing[scene.triangle_shape[light.index]] != 0

                    # A weight of zero ends the path, unless its derivative is asked for: then all that follows has
                    # throughput zero, and what arrives from there still counts here.
                    dark = max_component(drawn.weight) <= 0.0
                    running = drawn.pdf > 0.0 or drawn.delta != 0
                    if dark and (keep[material] & KEEP_VALUES == 0 or max_component(throughput) <= 0.0):
                        running = False
                    direction = to_world(frame, drawn.wi)
                    origin = offset_along(surface.position, surface.normal, surface.error, direction)
                    # The last segment counts only if it ends at a light. Where lights do not change, it does not if
                    # nothing has changed before; so the one before it counts only if it meets what does.
                    if depth + 1 == max_depth and lights.may_meet(scene, features, origin, direction) == 0:
                        running = False
                    if not changes and lamps == 0:
                        if depth + 1 == max_depth:
                            running = False
                        elif depth + 2 == max_depth:
                            running = running and meets_box(bounds[0], bounds[1], origin, direction)
                    if running:
                        chances *= ti.select(dark, _FOLLOWED, max_component(drawn.weight)) * drawn.eta * drawn.eta
                        survival = 1.0
                        if depth >= rr_depth:
                            survival = ti.min(ti.max(chances, _LEAST_SURVIVAL), 0.95)
                            if ti.static(not features.masked):
                                chance = chance_numbers(scene, options, key, sample, dimension)
                            if chance.y >= survival:
                                running = False
                            chances /= survival
                        if running:
                            keep_scattering(scene, features, record, row, material, values, wo, drawn, survival, counts)
                        throughput *= drawn.weight / survival
                        t_min, t_max = 0.0, FAR
                        previous = receiver
                        near = learnt
                        previous_pdf = ti.select(drawn.delta != 0, -1.0, drawn.pdf)
                        dimension += BOUNCE_DIMENSIONS
                        if ti.static(record.geometry):
                            record.direction[row] = direction
                record.arriving[row] = direct
    return latest, changes


@ti.func
def _spread(i: ti.i32, count: ti.i32) -> ti.i32:
    """A permutation of [0, count) that scatters runs of pixels, so that every chunk has its share of long paths."""
    runs = count // _RUN
    result = i
    if i < runs * _RUN and runs % _SPREAD_PRIME != 0:
        run = ti.cast(ti.cast(i // _RUN, ti.i64) * _SPREAD_PRIME % runs, ti.i32)
        result = run * _RUN + i % _RUN
    return result


@ti.func
def _record_group(
    scene: ti.template(), features: ti.template(), options: ti.template(), record: ti.template(),
    weights: ti.template(), keep: ti.template(), changing: ti.template(), even: ti.template(),
    bounds: ti.template(), everything: ti.i32, lamps: ti.i32, emits: ti.i32, share: ti.f32,
    pixels: ti.i32, first_pixel: ti.i32, first_sample: ti.i32, first: ti.i32, begin: ti.i32, end: ti.i32,
    seed: ti.i32, max_depth: ti.i32, rr_depth: ti.i32,
):  # fmt: skip
    """Record the paths [begin, end), whose rows take pages of their own."""
    latest, highest = -1, 0
    for path in range(begin, end):
        number = first_pixel + path
        pixel = _spread(number % pixels, pixels)
        sample = first_sample + number // pixels
        key = path_key(scene, options, pixel_key(scene, options, pixel, seed), sample)
        film, lens = film_and_lens(scene, features, options, pixel, sample, key)
        weight = weights[pixel]
        new_camera_row(record, path, pixel, film, lens, weight * share)
        if weight.dot(weight) > 0.0:
            before = latest
            latest, changes = _record_path(
                scene, features, options, record, keep, changing, even, bounds, everything | emits, lamps,
                first, latest, path, key, sample, max_depth, rr_depth,
            )  # fmt: skip
            if changes or everything != 0:
                total = arrivals(record, path)
                if not (is_finite(total.x) and is_finite(total.y) and is_finite(total.z)):
                    drop(record, path)
                    record.dropped[None] += 1
                else:
                    complete(scene, features, record, path)
                    if everything == 0:
                        leave_still(scene, record, keep, changing, path)
                    highest = ti.max(highest, begin_adjoints(features, record, path, emits))
            else:
                # The next path takes its rows, those of the page that it reached. Others remain, of no path.
                if latest // record.page != before // record.page:
                    drop(record, path)
                record.next[path], record.last[path] = -1, path
                latest = ti.max(before, ti.select(latest < 0, latest, latest // record.page * record.page))
    if ti.static(record.geometry):
        if highest > 0:
            ti.atomic_max(record.levels[None], highest)
    if latest >= 0:
        for row in range(latest + 1, latest // record.page * record.page + record.page):
            record.kind[row] = DROPPED


@ti.kernel
def record_paths(
    scene: ti.template(), features: ti.template(), options: ti.template(), record: ti.template(),
    weights: ti.types.ndarray(dtype=vec3, ndim=1), keep: ti.types.ndarray(dtype=ti.i32, ndim=1),
    changing: ti.types.ndarray(dtype=ti.i32, ndim=1), even: ti.types.ndarray(dtype=ti.f32, ndim=1),
    bounds: ti.types.ndarray(dtype=vec3, ndim=1),
    everything: ti.i32, lamps: ti.i32, emits: ti.i32, share: ti.f32,
    queue: Queue, workers: ti.i32, pixels: ti.i32, first_pixel: ti.i32, first_sample: ti.i32, paths: ti.i32,
    seed: ti.i32, max_depth: ti.i32, rr_depth: ti.i32,
):  # fmt: skip
    """Record `paths` paths: the samples of the film in order, from sample `first_sample` of pixel `first_pixel` on.

    Args:
        weights: adjoint of each pixel; paths of pixels where it is zero are not traced. `share` of it becomes the
            adjoint of the path's value: one over the number of samples.
        keep: what is asked of each material, KEEP_VALUES and so on.
        changing: whether each shape changes. Vertices on others whose materials are not asked for are left out, unless
            `everything` is kept.
        even: of each shape the share of even directions in diffuse lobes, see `even_shares` in gradient/changes.py.
        bounds: of these and of all shapes whose materials are asked for, two corners.
        lamps: whether something that emits changes. If not, no light is sampled before a path meets what changes: what
            arrives there from lights has no derivative.
        emits: whether derivatives by what is emitted are asked for.
    """
    first = (paths + record.page - 1) // record.page * record.page
    for i in range(workers):
        if is_worker(i):
            start = fetch(queue, record.group)
            while start < paths:
                _record_group(
                    scene, features, options, record, weights, keep, changing, even, bounds, everything, lamps, emits,
                    share, pixels, first_pixel, first_sample, first, start, ti.min(start + record.group, paths),
                    seed, max_depth, rr_depth,
                )  # fmt: skip
                start = fetch(queue, record.group)


@ti.kernel
def forget(record: ti.template(), paths: ti.i32):
    """Make room for another chunk."""
    record.used[None] = 0
    record.dropped[None] = 0
    record.lights_move[None] = 0
    record.levels[None] = 0
    if ti.static(record.decides):
        record.decisions.used[None] = 0
    for row in range(paths, (paths + record.page - 1) // record.page * record.page):
        record.kind[row] = DROPPED
