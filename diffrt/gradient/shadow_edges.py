"""Edges that block light: between a surface and a light, or between two surfaces.

For a point x_b on an edge of unit tangent t, a direction w from it to where light comes from, x_E there (or nowhere:
an environment), x_S where the shadow falls, n the normal of t and w that points away from what blocks the light, and
s = |x_S - x_b| / |x_S - x_E|, the derivative is the integral over edge points and directions of

    - a(u_S) W(x_S) f_s(x_S) L(x_E -> x_S) |t x w|  n . (x_b' - (1 - s) x_S' - s x_E')

W(x_S) is how much light from x_S arrives at the film: directly, and after a random walk. If the camera sees x_S
directly it is the hit of a fixed film ray; else, as x_E, a fixed point of its triangle. For a light without extent the
integral over directions becomes intensity over squared distance to x_b; one infinitely far away, in direction e, moves
the shadow by |x_S - x_b| e'. The light that blocked points themselves send out does not enter: the interior, whose
points keep their barycentrics, accounts for it.
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.distribution import cdf_interval, search_cdf
from diffrt.core.sampler import INDEPENDENT, SOBOL, pixel_seed, uniform_1d, uniform_2d
from diffrt.core.vector import PI, is_finite, max_component
from diffrt.core.warp import sphere_uniform, triangle_uniform
from diffrt.device.features import LIGHT_DIRECTIONAL, LIGHT_ENVIRONMENT, LIGHT_TRIANGLES
from diffrt.device.hit import FAR
from diffrt.device.intersect import closest_hit
from diffrt.device.surface import surface_at
from diffrt.gradient.film_adjoint import gathered
from diffrt.gradient.importance import Walk, connect, scattered, walk_on
from diffrt.gradient.primary_edges import third_corner
from diffrt.render.path import SHADOW_END, trace_path
from diffrt.render.visibility import visibility
from diffrt.shading.bsdf.mix import presence
from diffrt.shading.camera.dispatch import CameraRay
from diffrt.shading.light import area
from diffrt.shading.light import dispatch as lights
from diffrt.shading.receiver import bare_receiver

EXTENDED, DELTA, INDIRECT = range(3)
"""Where the light comes from: lights that have an extent, those that have none, other surfaces."""
_MOST_STEPS = 24
_CLEAR = 8.0
"""How many rounding errors away from the edge rays start."""


@ti.dataclass
class Arrival:
    """Light at an edge.

    Attributes:
        w: unit direction to where it comes from.
        amount: radiance over density; for a light without extent what arrives from it, over its probability.
        kind: of the light, LIGHT_TRIANGLES also for a surface that scatters.
        index: triangle, or number of the light.
        b: barycentrics there.
        place: the point there.
    """

    w: vec3
    amount: vec3
    kind: ti.i32
    index: ti.i32
    b: vec2
    place: vec3


@ti.func
def _from_environment(scene: ti.template(), features: ti.template(), x: vec3, drawn: vec3, u: vec2, half: ti.f32):
    """A direction to the environment, what comes from there over its density, in half of all cases any direction.

    Light samples leave what is no brighter than the mean to BSDF samples, and there are none of these here.
    """
    w = drawn
    if half < 0.5:
        w = sphere_uniform(u)
    emitted, density = lights.environment_emitted_and_pdf(scene, features, bare_receiver(x, vec3(0.0)), w)
    even = lights.environment_probability(scene, features, bare_receiver(x, vec3(0.0))) / (4.0 * PI)
    return w, emitted / ti.max(0.5 * (density + even), 1e-30)


@ti.func
def _from_lights(
    scene: ti.template(), features: ti.template(), mode: ti.template(), x: vec3, u: vec2, half: ti.f32
) -> Arrival:
    """Light that arrives at x from a light, as if nothing were in between."""
    result = Arrival(vec3(0.0, 0.0, 1.0), vec3(0.0), -1, -1, vec2(0.0), x)
    receiver = bare_receiver(x, vec3(0.0))
    light = lights.sample(scene, features, receiver, u)
    kind, index, rest = lights.choose(scene, features, receiver, u)
    without = kind != LIGHT_TRIANGLES and kind != LIGHT_ENVIRONMENT
    if light.pdf > 0.0 and without == ti.static(mode == DELTA):
        place = light.target
        b = triangle_uniform(rest)
        if ti.static(features.area_lights):
            if kind == LIGHT_TRIANGLES:
                place = surface_at(scene, features, index, b.x, b.y).position
        result = Arrival(light.wi, light.radiance / light.pdf, kind, index, b, place)
    if ti.static(features.environment_image and mode == EXTENDED):
        if kind == LIGHT_ENVIRONMENT:
            w, amount = _from_environment(scene, features, x, light.wi, rest, half)
            result = Arrival(w, amount, kind, index, vec2(0.0), x)
    return result


@ti.func
def _from_surfaces(
    scene: ti.template(), features: ti.template(), options: ti.template(), x: vec3, start: vec3, w: vec3,
    key: ti.u32, number: ti.i32, max_depth: ti.i32, rr_depth: ti.i32,
) -> Arrival:  # fmt: skip
    """Light that arrives at x from direction w by scattering; densities are those of the sphere."""
    result = Arrival(w, vec3(0.0), -1, -1, vec2(0.0), x)
    hit = closest_hit(scene, features, start, w, 0.0, FAR)
    if hit.triangle >= 0:
        surface = surface_at(scene, features, hit.triangle, hit.u, hit.v)
        ray = CameraRay(start, w, 0.0, FAR)
        radiance = trace_path(scene, features, options, ray, key, number, max_depth, rr_depth)
        radiance -= area.emitted(scene, features, surface, hit.triangle, hit.u, hit.v, -w)
        result = Arrival(
            w, ti.max(radiance, 0.0) * (4.0 * PI), LIGHT_TRIANGLES, hit.triangle, vec2(hit.u, hit.v), surface.position
        )
    return result


@ti.func
def _walk(
    scene: ti.template(), features: ti.template(), start: Walk, steps: ti.i32, key: ti.u32, number: ti.i32
) -> Walk:
    """Walk on for a number of steps, or until nothing is left."""
    here = start
    for step in range(steps):
        if max_component(here.weight) > 0.0:
            here = walk_on(scene, features, here, key, number, step)
    return here


@ti.func
def _steps(u: ti.f32, most: ti.i32):
    """How many steps a walk takes, 0 to `most`, every one half as likely as the one before; and the probability."""
    steps, chance, rest = 0, 1.0, u
    while steps < most and rest >= 0.5:
        rest = 2.0 * rest - 1.0
        chance *= 0.5
        steps += 1
    if steps < most:
        chance *= 0.5
    return steps, chance


@ti.kernel
def sample_shadows(
    scene: ti.template(), features: ti.template(), options: ti.template(), mode: ti.template(), samples: ti.template(),
    weights: ti.types.ndarray(dtype=vec3, ndim=1), cdf: ti.types.ndarray(dtype=ti.f32, ndim=1),
    ends: ti.types.ndarray(dtype=ti.math.ivec2, ndim=1), faces: ti.types.ndarray(dtype=ti.math.ivec2, ndim=1),
    edges: ti.i32, first: ti.i32, count: ti.i32, total: ti.i32, seed: ti.i32, max_depth: ti.i32, rr_depth: ti.i32,
):  # fmt: skip
    """Draw samples number `first` to `first + count` of `total`, evenly spread over the edges."""
    for i in range(count):
        number = first + i
        key = pixel_seed(0, seed)
        samples.active[i] = 0
        place = ti.min(
            (ti.cast(number, ti.f32) + uniform_1d(INDEPENDENT, key, number, 0)) / ti.cast(total, ti.f32), 0.99999994
        )
        edge = search_cdf(cdf, 0, edges, place)
        samples.edge[i] = edge
        interval = cdf_interval(cdf, 0, edge)
        a, b = scene.positions[ends[edge][0]], scene.positions[ends[edge][1]]
        length = (b - a).norm()
        along = ti.min(ti.max((place - interval.x) / ti.max(interval.y, 1e-30), 0.0), 1.0)
        x = a + (b - a) * along
        tangent = (b - a) / ti.max(length, 1e-30)
        lens = uniform_2d(SOBOL, key, number, 2)
        u = uniform_2d(SOBOL, key, number, 1)
        w = sphere_uniform(u)
        light = Arrival(w, vec3(0.0), -1, -1, vec2(0.0), x)
        if ti.static(mode != INDIRECT):
            light = _from_lights(scene, features, mode, x, u, uniform_1d(INDEPENDENT, key, number, 5))
            w = light.w
        # What blocks the light lies on one side of the plane of the edge and the direction.
        normal = w.cross(tangent)
        sine = normal.norm()
        normal /= ti.max(sine, 1e-20)
        side = normal.dot(third_corner(scene, faces[edge][0], ends[edge]) - x)
        silhouette = True
        if faces[edge][1] >= 0:
            silhouette = side * normal.dot(third_corner(scene, faces[edge][1], ends[edge]) - x) > 0.0
        normal *= ti.select(side > 0.0, -1.0, 1.0)
        blocker = surface_at(scene, features, faces[edge][0], 0.3, 0.3)
        clear = x + normal * (_CLEAR * blocker.error)
        possible = silhouette and side != 0.0 and sine > 1e-6 and interval.y > 0.0
        if ti.static(mode != INDIRECT):
            possible = possible and max_component(light.amount) > 0.0
        hit = closest_hit(scene, features, clear, -w, 0.0, ti.select(possible, FAR, 0.0))
        if possible and hit.triangle >= 0:
            room = max_depth - ti.static(3 if mode == INDIRECT else 2)
            steps, chance = _steps(uniform_1d(INDEPENDENT, key, number, 3), ti.min(room, _MOST_STEPS))
            depth = steps + 1  # of the shadow
            shadow = Walk(hit.triangle, hit.u, hit.v, w, vec3(1.0))
            seen = _walk(scene, features, shadow, steps, key, number)
            surface = surface_at(scene, features, seen.triangle, seen.u, seen.v)
            lobe = uniform_1d(INDEPENDENT, key, number, 4)
            link = connect(scene, features, options, weights, surface, lens)
            arriving = vec3(0.0)
            if link.share > 0.0 and max_component(seen.weight) > 0.0:
                arriving = seen.weight * scattered(scene, features, surface, seen.triangle, lobe, link.wo, seen.wi)
                arriving *= link.share / chance
            if max_component(arriving) > 0.0:
                if ti.static(mode == INDIRECT):
                    light = _from_surfaces(
                        scene, features, options, x, clear, w, key, number, max_depth - depth, rr_depth
                    )
                elif light.kind == LIGHT_ENVIRONMENT or light.kind == LIGHT_DIRECTIONAL:
                    light.amount *= visibility(scene, features, clear, w, FAR)
                else:
                    light.amount *= visibility(scene, features, clear, light.place - clear, SHADOW_END)
                if ti.static(features.masked):
                    shape = scene.triangle_shape[faces[edge][0]]
                    light.amount *= presence(scene, features, scene.shape_material[shape], blocker.uv)
                jump = arriving * light.amount * (-sine * length / (interval.y * ti.cast(total, ti.f32)))
                good = is_finite(jump.x) and is_finite(jump.y) and is_finite(jump.z)
                if good and jump.dot(jump) > 0.0:
                    position = surface_at(scene, features, hit.triangle, hit.u, hit.v).position
                    distance = (position - x).norm()
                    share = 0.0
                    if light.kind == LIGHT_DIRECTIONAL:
                        share = distance
                    elif light.kind != LIGHT_ENVIRONMENT:
                        share = distance / ti.max((light.place - x).norm() + distance, 1e-20)
                    samples.active[i] = 1
                    samples.vertices[i] = ends[edge]
                    samples.along[i] = along
                    samples.film[i] = link.film
                    samples.lens[i] = lens
                    samples.jump[i] = jump
                    samples.normal[i] = normal
                    samples.receiver[i] = hit.triangle
                    samples.receiver_barycentrics[i] = vec2(hit.u, hit.v)
                    samples.receiver_seen[i] = ti.cast(steps == 0, ti.i32)
                    samples.far[i] = light.index
                    samples.far_kind[i] = light.kind
                    samples.far_barycentrics[i] = light.b
                    samples.share[i] = share


@ti.kernel
def importance_of_edges(
    scene: ti.template(), options: ti.template(), samples: ti.template(),
    weights: ti.types.ndarray(dtype=vec3, ndim=1), total: ti.types.ndarray(dtype=ti.f32, ndim=1), count: ti.i32,
):  # fmt: skip
    """Add up, edge by edge, how much samples would contribute."""
    for i in range(count):
        if samples.active[i] != 0:
            adjoint = gathered(scene, options.filter, weights, samples.film[i])
            total[samples.edge[i]] += ti.abs(adjoint * samples.jump[i]).sum()
