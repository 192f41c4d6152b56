"""Edges of smooth-shaded meshes that the camera sees from outside: a little radiance jumps there.

Each triangle is blind to what lies below its own horizon, whatever its shading normals say. Where two triangles meet in
an outer angle t, either sees directions that the other does not: those of one of the two opposite wedges of that angle
(see `edge_directions.py`). So with a BSDF f and a shading normal n, which do not jump,

    L(one side) - L(other side) = int f |w . n| L dw over its wedge - the same over the other one

of which both |w . n| and the wedge are as small as t. Such edges get more numerous on a finer mesh, by 1 / t, so all of
them together matter by t, which is little on a fine mesh of a round body, and more than all else on a mesh as rough as
it is fine. In an inner angle both sides see the same.

What is lit from below, through the body, is not looked for.
"""

import taichi as ti
from taichi.math import ivec2, vec2, vec3

from diffrt.core.distribution import cdf_interval, search_cdf
from diffrt.core.sampler import INDEPENDENT, pixel_seed, uniform_1d, uniform_2d
from diffrt.core.vector import max_component
from diffrt.device.hit import FAR
from diffrt.device.surface import surface_at
from diffrt.device.work import Queue, first_turn, next_turn
from diffrt.gradient.edge_directions import Wedges, direction, wedges
from diffrt.gradient.film_adjoint import gathered
from diffrt.gradient.importance import bsdf_at
from diffrt.gradient.lens import lens_numbers
from diffrt.gradient.primary_edges import place_on_line, step_into
from diffrt.render.path import SHADOW_END, trace_path
from diffrt.render.visibility import passes, visibility
from diffrt.shading.camera.dispatch import CameraRay, camera_ray

CLEAR = 8.0
"""How many rounding errors off the edge rays start."""


@ti.func
def surface_on_edge(scene: ti.template(), features: ti.template(), triangle: ti.i32, ends: ivec2, along: ti.f32):
    """The surface of a triangle at a point of the edge between two of its vertices."""
    corners = scene.triangles[triangle]
    b = vec3(0.0)
    for k in ti.static(range(3)):
        b[k] = ti.select(corners[k] == ends[0], 1.0 - along, ti.select(corners[k] == ends[1], along, 0.0))
    return surface_at(scene, features, triangle, b[1], b[2])


@ti.func
def reflected(
    scene: ti.template(), features: ti.template(), surface: ti.template(), triangle: ti.i32, lobe: ti.f32, wo: vec3,
    wi: vec3,
) -> vec3:  # fmt: skip
    """The BSDF times the cosine of wi, times the share of light that the surface does not let pass."""
    result, _density, material = bsdf_at(scene, features, surface, triangle, lobe, wo, wi)
    if ti.static(features.masked):
        if material >= 0:
            result *= 1.0 - passes(scene, features, material, surface.uv)
    return result


@ti.func
def into_wedge(
    scene: ti.template(), features: ti.template(), fan: Wedges, here: ti.template(), there: ti.template(), one: ti.i32,
    other: ti.i32, in_one: ti.i32, lobe: ti.f32, wo: vec3, half: ti.i32, u: vec2,
):  # fmt: skip
    """A direction of one half of the wedges, and what light from there counts in the difference of radiances that
    triangles `one` and `other` send towards wo: an estimate is the sum over both halves.

    Args:
        here, there: the surfaces of the triangles at the edge.
        in_one: whether `one` sees the first wedge; it is the other one's that it does not see.
        u: two random numbers.
    """
    w = direction(fan, vec2(0.5 * (ti.cast(half, ti.f32) + u.x), u.y))
    seen = (half == 0) == (in_one != 0)
    surface, triangle = there, other
    if seen:
        surface, triangle = here, one
    f = reflected(scene, features, surface, triangle, lobe, wo, w)
    return w, f * (2.0 * fan.angle * ti.select(seen, 1.0, -1.0))


@ti.kernel
def sample_smooth_edges(
    scene: ti.template(), features: ti.template(), options: ti.template(), samples: ti.template(),
    queue: Queue, workers: ti.i32,
    weights: ti.types.ndarray(dtype=vec3, ndim=1), cdf: ti.types.ndarray(dtype=ti.f32, ndim=1),
    starts: ti.types.ndarray(dtype=vec3, ndim=1), ends: ti.types.ndarray(dtype=vec3, ndim=1),
    ranges: ti.types.ndarray(dtype=vec2, ndim=1),
    vertices: ti.types.ndarray(dtype=ivec2, ndim=1), triangles: ti.types.ndarray(dtype=ivec2, ndim=1),
    corners: ti.types.ndarray(dtype=ivec2, ndim=1),
    edges: ti.i32, first: ti.i32, count: ti.i32, total: ti.i32, seed: ti.i32, max_depth: ti.i32, rr_depth: ti.i32,
):  # fmt: skip
    """Draw samples number `first` to `first + count` of `total`, evenly spread over the edges.

    Args:
        starts, ends, ranges, vertices, triangles, corners: of edges, see visible_lines.py.
    """
    for worker in range(workers):
        i = first_turn(queue, worker)
        while i < count:
            number = first + i
            key = pixel_seed(number, seed)
            u = uniform_2d(INDEPENDENT, key, 0, 0)
            lens = lens_numbers(features, INDEPENDENT, key, 0, 1)
            towards = uniform_2d(INDEPENDENT, key, 0, 2)
            at = ti.min((ti.cast(number, ti.f32) + u.x) / ti.cast(total, ti.f32), 0.99999994)
            edge = search_cdf(cdf, 0, edges, at)
            interval = cdf_interval(cdf, 0, edge)
            s = ti.min(ti.max((at - interval.x) / ti.max(interval.y, 1e-30), 0.0), 1.0)
            samples.active[i] = 0
            start, end = starts[edge], ends[edge]
            place = place_on_line(scene, features, start, end, ranges[edge], s, lens)
            length = place.tangent.norm()
            adjoint = gathered(scene, options.filter, weights, place.film)
            if max_component(ti.abs(adjoint)) > 0.0 and length > 0.0 and interval.y > 0.0:
                x = start + (end - start) * place.along
                tangent = (end - start).normalized(1e-30)
                ray = camera_ray(scene, features, place.film, lens)
                distance = (x - ray.origin).norm()
                one, other = triangles[edge][0], triangles[edge][1]
                here = surface_on_edge(scene, features, one, vertices[edge], place.along)
                there = surface_on_edge(scene, features, other, vertices[edge], place.along)
                outwards = (here.normal + there.normal).normalized(1e-20)
                outwards *= ti.select(outwards.dot(ray.direction) < 0.0, 1.0, -1.0)
                clear = x + outwards * (CLEAR * ti.max(here.error, there.error))
                seen = 0.0
                if ray.t_min < distance < ray.t_max:
                    seen = visibility(scene, features, clear, ray.origin - clear, SHADOW_END)
                if seen > 0.0:
                    corner, corner_there = scene.positions[corners[edge][0]], scene.positions[corners[edge][1]]
                    fan = wedges(x, tangent, corner, corner_there, 0)
                    lobe = uniform_1d(INDEPENDENT, key, 0, 3)
                    more = vec3(0.0)  # that is seen in triangle `one`
                    for half in range(2):
                        w, f = into_wedge(
                            scene, features, fan, here, there, one, other, fan.u.dot(corner - x) > 0.0, lobe,
                            -ray.direction, half, towards,
                        )  # fmt: skip
                        if f.dot(f) > 0.0:
                            away = CameraRay(clear, w, 0.0, FAR)
                            more += f * trace_path(
                                scene, features, options, away, key, number, max_depth - 1, rr_depth
                            )  # fmt: skip
                    normal = vec2(-place.tangent.y, place.tangent.x) / length
                    across = vec2(-place.line.y, place.line.x).normalized()
                    _step, side = step_into(scene, features, x, corner, lens, place.image_point, across, normal)
                    jump = more * (seen * ti.select(side < 0.0, 1.0, -1.0))
                    samples.active[i] = ti.cast(jump.dot(jump) > 0.0, ti.i32)
                    samples.vertices[i] = vertices[edge]
                    samples.pierced[i] = ivec2(-1)
                    samples.point[i] = x
                    samples.mirror[i] = -1
                    samples.along[i] = place.along
                    samples.film[i] = place.film
                    samples.lens[i] = lens
                    samples.normal[i] = vec3(normal.x, normal.y, 0.0)
                    samples.jump[i] = jump * (length / (interval.y * ti.cast(total, ti.f32)))
            i = next_turn(queue, i)
