"""Horizons of smooth-shaded triangles, which turn as the triangles do.

A triangle is blind to what lies below its own horizon, where its shading normal may still look. If it turns, some light
appears over the horizon or sets. With the triangle's normal m on the side that is seen, the shading normal n and the
directions w of the horizon, m . w = 0, the radiance of a point changes by

    int f |w . n| [L(just above w) (m' . w + m . v_a) - L(just below w) (m' . w + m . v_b)] dw

over that circle. Directions count against the points that light comes from, which keep their barycentrics in the
interior: v_a and v_b are how these move as seen from the point, (y - x)' / |y - x|, or zero towards an environment. So
one of the two sides is taken by chance, in proportion to its light, unless both see the same triangle, or none. With
flat shading w . n is zero there. On edges the horizon jumps, see smooth_edges.py.
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.distribution import cdf_interval, search_cdf
from diffrt.core.sampler import INDEPENDENT, SOBOL, pixel_seed, uniform_1d, uniform_2d
from diffrt.core.vector import PI, frame_from_normal, max_component, to_world
from diffrt.device.features import LIGHT_ENVIRONMENT, LIGHT_TRIANGLES
from diffrt.device.hit import FAR, nowhere
from diffrt.device.intersect import closest_hit
from diffrt.device.surface import surface_at
from diffrt.device.work import Queue, first_turn, next_turn
from diffrt.gradient.film_adjoint import gathered
from diffrt.gradient.lens import lens_numbers
from diffrt.gradient.smooth_edges import CLEAR, reflected
from diffrt.gradient.way_points import keep_nearness, keep_point, moves
from diffrt.render.path import trace_path_from
from diffrt.shading.camera.dispatch import CameraRay, camera_ray

_LOOKS = 4
_STILL = 0.25
"""How much a shape that stands still counts: lamps and what else shines on it may move."""


@ti.func
def _in_cell(scene: ti.template(), margin: ti.i32, cell: ti.i32, u: vec2) -> vec2:
    """A point of a pixel, counted by rows on a film that is wider by a margin on all sides."""
    width = scene.film_size[None][0] + 2 * margin
    return vec2(ti.cast(cell % width - margin, ti.f32), ti.cast(cell // width - margin, ti.f32)) + u


@ti.kernel
def look_for_horizons(
    scene: ti.template(), features: ti.template(), options: ti.template(),
    weights: ti.types.ndarray(dtype=vec3, ndim=1), seen: ti.types.ndarray(dtype=ti.f32, ndim=1), margin: ti.i32,
    seed: ti.i32,
):  # fmt: skip
    """How much of each pixel shows smooth-shaded triangles, `margin` pixels around the film included."""
    for cell in range(seen.shape[0]):
        key = pixel_seed(cell, seed)
        found = 0.0
        for look in range(_LOOKS):
            film = _in_cell(scene, margin, cell, uniform_2d(INDEPENDENT, key, look, 0))
            adjoint = gathered(scene, options.filter, weights, film)
            ray = camera_ray(scene, features, film, uniform_2d(INDEPENDENT, key, look, 1))
            end = ti.select(max_component(ti.abs(adjoint)) > 0.0, ray.t_max, 0.0)
            hit = closest_hit(scene, features, ray.origin, ray.direction, ray.t_min, end)
            if hit.triangle >= 0 and scene.triangle_normals[ti.max(hit.triangle, 0)][0] >= 0:
                found += ti.select(moves(scene, hit.triangle), 1.0, _STILL)
        seen[cell] = found


@ti.kernel
def sample_horizons(
    scene: ti.template(), features: ti.template(), options: ti.template(), samples: ti.template(),
    queue: Queue, workers: ti.i32,
    weights: ti.types.ndarray(dtype=vec3, ndim=1), cdf: ti.types.ndarray(dtype=ti.f32, ndim=1), margin: ti.i32,
    first: ti.i32, count: ti.i32, total: ti.i32, seed: ti.i32, max_depth: ti.i32, rr_depth: ti.i32,
):  # fmt: skip
    """Draw samples number `first` to `first + count` of `total`, evenly spread over pixels.

    Args:
        cdf: of the pixels, `margin` of them around the film included.
    """
    for worker in range(workers):
        i = first_turn(queue, worker)
        while i < count:
            number = first + i
            samples.active[i] = 0
            key = pixel_seed(number, seed)
            place = (ti.cast(number, ti.f32) + uniform_1d(INDEPENDENT, key, 0, 5)) / ti.cast(total, ti.f32)
            cell = search_cdf(cdf, 0, cdf.shape[0], ti.min(place, 0.99999994))
            chance = cdf_interval(cdf, 0, cell).y
            film = _in_cell(scene, margin, cell, uniform_2d(SOBOL, pixel_seed(0, seed), number, 0))
            lens = lens_numbers(features, INDEPENDENT, key, 0, 1)
            adjoint = gathered(scene, options.filter, weights, film)
            ray = camera_ray(scene, features, film, lens)
            end = ti.select(max_component(ti.abs(adjoint)) > 0.0, ray.t_max, 0.0)
            hit = closest_hit(scene, features, ray.origin, ray.direction, ray.t_min, end)
            if hit.triangle >= 0:
                surface = surface_at(scene, features, hit.triangle, hit.u, hit.v)
                side = ti.select(surface.normal.dot(ray.direction) < 0.0, 1.0, -1.0)
                m = surface.normal * side
                turn = 2.0 * PI * uniform_1d(INDEPENDENT, key, 0, 2)
                w = to_world(frame_from_normal(m), vec3(ti.cos(turn), ti.sin(turn), 0.0))
                lobe = uniform_1d(INDEPENDENT, key, 0, 3)
                f = reflected(scene, features, surface, hit.triangle, lobe, -ray.direction, w)
                beside = m * (CLEAR * surface.error)
                far, far_below = nowhere(), nowhere()
                changes = moves(scene, hit.triangle)
                for half in range(ti.select(f.dot(f) > 0.0, 2, 0)):
                    start = surface.position + beside * (1.0 - 2.0 * ti.cast(half, ti.f32))
                    met = closest_hit(scene, features, start, w, 0.0, FAR)
                    if met.triangle >= 0:
                        changes = changes or moves(scene, met.triangle)
                    if half == 0:
                        far = met
                    else:
                        far_below = met
                if f.dot(f) > 0.0 and changes:
                    more, less = vec3(0.0), vec3(0.0)
                    for half in range(2):
                        ray = CameraRay(surface.position + beside * (1.0 - 2.0 * ti.cast(half, ti.f32)), w, 0.0, FAR)
                        met = far
                        if half == 1:
                            met = far_below
                        arriving = trace_path_from(
                            scene, features, options, True, met, ray, key, number, max_depth - 1, rr_depth
                        )  # fmt: skip
                        if half == 0:
                            more = arriving
                        else:
                            less = arriving
                    jump = more - less
                    if far.triangle != far_below.triangle:
                        share = more.sum() / ti.max((more + less).sum(), 1e-30)
                        jump = more / ti.max(share, 1e-30)
                        if uniform_1d(INDEPENDENT, key, 0, 4) >= share:
                            jump = less / ti.min(share - 1.0, -1e-30)
                            far = far_below
                    samples.active[i] = ti.cast(jump.dot(jump) > 0.0, ti.i32)
                    samples.receiver[i] = hit.triangle
                    samples.film[i] = film
                    samples.lens[i] = lens
                    samples.normal[i] = w
                    samples.steps[i] = 0
                    samples.far_kind[i] = LIGHT_ENVIRONMENT
                    keep_point(scene, features, samples.way, 0, i, hit.triangle, hit.u, hit.v)
                    distance = 1.0
                    if far.triangle >= 0:
                        samples.far_kind[i] = LIGHT_TRIANGLES
                        keep_point(scene, features, samples.way, 1, i, far.triangle, far.u, far.v)
                        keep_nearness(scene, samples.way, 1, i)
                        distance = far.t
                    scale = 2.0 * PI / (distance * ti.max(chance, 1e-30) * ti.cast(total, ti.f32))
                    samples.jump[i] = f * jump * (side * scale)
            i = next_turn(queue, i)
