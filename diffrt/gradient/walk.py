"""How much of the light that leaves a point arrives at the film: after a walk whose length is drawn at random.

A walk goes with the light, from its start on, and its last point is connected with the camera. On glossy surfaces near
the camera that is noisy: they send light on in few directions, and seldom towards the camera. Where there are such, the
last two points of some walks come from the camera, which sees the last one and scatters to the one before. The two ways
to the same points are weighted by the balance heuristic (Veach 1997, sections 9.2 and 10.2).
"""

import numpy as np
import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.distribution import cdf_interval, search_cdf
from diffrt.core.sampler import INDEPENDENT, uniform_1d, uniform_2d
from diffrt.core.vector import max_component
from diffrt.device.features import Features
from diffrt.device.intersect import closest_hit
from diffrt.device.surface import offset_along, surface_at
from diffrt.gradient.film_adjoint import gathered
from diffrt.gradient.importance import Walk, bsdf_at, connect, film_per_area, lobe_of, walk_from, walk_on
from diffrt.gradient.way_points import keep_nearness, keep_point
from diffrt.render.film import FILTERS, RADII
from diffrt.render.path import SHADOW_END
from diffrt.render.visibility import visibility
from diffrt.shading.camera.dispatch import camera_ray

MOST_STEPS = 24
LENGTHS = MOST_STEPS + 1
FILM_SIDE = 16
"""Cells of the film across and down."""
_GLOSSY = ("conductor", "dielectric", "plastic", "principled")
_FROM_CAMERA = 0.5
"""Share of walks of two steps and more whose last two points come from the camera, where some do."""
_MARGIN = {FILTERS[name]: radius - 0.5 for name, radius in RADII.items()}
"""Of the film, in pixels: so far beyond it filters reach."""


def halving(most: int) -> np.ndarray:
    """(LENGTHS,): probabilities of 0 to `most` steps, each half that of the one before, but for the last one."""
    lengths = 0.5 ** np.arange(1.0, LENGTHS + 1.0)
    lengths[most] *= 2.0
    lengths[most + 1 :] = 0.0
    return lengths


def from_both_ends(features: Features) -> bool:
    """Whether some walks end with points from the camera, which sees nothing by way of what lets light pass."""
    return not features.masked and any(features.has(name) for name in _GLOSSY)


@ti.func
def arriving_at_film(
    scene: ti.template(), features: ti.template(), options: ti.template(), way: ti.template(), i: ti.i32,
    weights: ti.template(), lengths: ti.template(), group: ti.i32, film_cdf: ti.template(), start: Walk, room: ti.i32,
    lens: vec2, key: ti.u32, number: ti.i32,
):  # fmt: skip
    """Film area (pixels) times radiance there, per area that faces the light and radiance that arrives at the start of
    a walk; where on the film; and the number of steps. The points of the walk are kept as those of sample i.

    Args:
        lengths: probabilities of 0, 1, ... steps, LENGTHS of them for each group of walks.
        film_cdf: of the cells of the film, where points from the camera start.
        room: steps at most, or MOST_STEPS.
    """
    u = uniform_1d(INDEPENDENT, key, number, 3)
    steps, chance, rest = _steps(lengths, group * ti.static(LENGTHS), u, ti.min(room, MOST_STEPS))
    from_camera = 0
    if ti.static(from_both_ends(features)):
        from_camera = ti.cast(steps >= 2 and rest < _FROM_CAMERA, ti.i32)
    film = vec2(0.0)
    here, before, last = start, start, start
    keep_point(scene, features, way, steps, i, start.triangle, start.u, start.v)
    for step in range(steps - from_camera):
        against_light = from_camera != 0 and step == steps - 2
        before = here
        if ti.static(from_both_ends(features)):
            if against_light and max_component(here.weight) > 0.0:
                here, film = _seen_by_camera(scene, features, options, weights, film_cdf, lens, key, number)
                last = here
                keep_point(scene, features, way, 0, i, ti.max(here.triangle, 0), here.u, here.v)
        if max_component(here.weight) > 0.0:
            here = walk_on(scene, features, here, key, number, step, ti.cast(not against_light, ti.i32))
            at = steps - step
            keep_point(scene, features, way, at - 1, i, here.triangle, here.u, here.v)
            keep_nearness(scene, way, at, i)
            if against_light:
                keep_nearness(scene, way, 1, i)
    arriving = vec3(0.0)
    if max_component(here.weight) > 0.0:
        surface = surface_at(scene, features, here.triangle, here.u, here.v)
        if from_camera == 0:
            link = connect(scene, features, options, weights, surface, lens)
            film = link.film
            if link.share > 0.0:
                lobe = uniform_1d(INDEPENDENT, key, number, 4)
                f, density, _m = bsdf_at(scene, features, surface, here.triangle, lobe, link.wo, here.wi)
                arriving = here.weight * f * (link.share / ti.max(ti.abs(here.wi.dot(surface.normal)), 1e-4))
                if ti.static(from_both_ends(features)):
                    if steps >= 2:
                        joint = surface_at(scene, features, before.triangle, before.u, before.v)
                        camera = link.share * _film_density(scene, options, film_cdf, film)
                        arriving *= _share_of_light(
                            camera, density, joint.normal.dot(here.wi), before.distance,
                            before.density, joint.normal.dot(before.wi), here.density, surface.normal.dot(here.wi),
                        ) / (1.0 - _FROM_CAMERA)  # fmt: skip
        elif ti.static(from_both_ends(features)):
            arriving = _joined(
                scene, features, options, film_cdf, film, lens, key, number, steps, before, here, last, surface
            ) / _FROM_CAMERA  # fmt: skip
    return arriving / chance, film, steps


@ti.func
def _steps(lengths: ti.template(), first: ti.i32, u: ti.f32, most: ti.i32):
    """How many steps a walk takes, 0 to `most`, the probability, and what is left of the random number."""
    steps, rest = 0, u
    while steps < most and rest >= lengths[first + steps]:
        rest -= lengths[first + steps]
        steps += 1
    chance = lengths[first + steps]
    return steps, chance, rest / ti.max(chance, 1e-20)


@ti.func
def film_cell_size(scene: ti.template(), options: ti.template()) -> vec2:
    """Width and height, in pixels, of the cells of the film and as much around it as filters reach."""
    size = scene.film_size[None]
    margin = ti.static(2.0 * _MARGIN[options.filter])
    return vec2(ti.cast(size[0], ti.f32) + margin, ti.cast(size[1], ti.f32) + margin) / ti.static(1.0 * FILM_SIDE)


@ti.func
def film_cell(scene: ti.template(), options: ti.template(), film: vec2) -> ti.i32:
    """The cell of a point of the film."""
    at = (film + ti.static(_MARGIN[options.filter])) / film_cell_size(scene, options)
    last = ti.static(FILM_SIDE - 1)
    column, row = ti.floor(at.x, ti.i32), ti.floor(at.y, ti.i32)
    return ti.min(ti.max(row, 0), last) * ti.static(FILM_SIDE) + ti.min(ti.max(column, 0), last)


@ti.func
def _film_density(scene: ti.template(), options: ti.template(), film_cdf: ti.template(), film: vec2) -> ti.f32:
    """Per pixel, of points of the film that `_seen_by_camera` draws."""
    size = film_cell_size(scene, options)
    return cdf_interval(film_cdf, 0, film_cell(scene, options, film)).y / (size.x * size.y)


@ti.func
def _seen_by_camera(
    scene: ti.template(), features: ti.template(), options: ti.template(), weights: ti.template(),
    film_cdf: ti.template(), lens: vec2, key: ti.u32, number: ti.i32,
):  # fmt: skip
    """A walk that starts where the camera sees a surface, at a point of the film drawn by its cells; and that point.
    The weight, 0 if it sees none, is one over the density."""
    u = uniform_2d(INDEPENDENT, key, number, 5)
    cell = search_cdf(film_cdf, 0, ti.static(FILM_SIDE * FILM_SIDE), u.x)
    interval = cdf_interval(film_cdf, 0, cell)
    u.x = ti.min(ti.max((u.x - interval.x) / ti.max(interval.y, 1e-30), 0.0), 1.0)
    corner = vec2(ti.cast(cell % ti.static(FILM_SIDE), ti.f32), ti.cast(cell // ti.static(FILM_SIDE), ti.f32))
    size = film_cell_size(scene, options)
    film = (corner + u) * size - ti.static(_MARGIN[options.filter])
    adjoint = gathered(scene, options.filter, weights, film)
    ray = camera_ray(scene, features, film, lens)
    end = ti.select(max_component(ti.abs(adjoint)) > 0.0, ray.t_max, 0.0)
    hit = closest_hit(scene, features, ray.origin, ray.direction, ray.t_min, end)
    result = walk_from(hit.triangle, hit.u, hit.v, -ray.direction)
    result.weight = vec3(ti.select(hit.triangle >= 0, size.x * size.y / ti.max(interval.y, 1e-30), 0.0))
    return result, film


@ti.func
def _joined(
    scene: ti.template(), features: ti.template(), options: ti.template(), film_cdf: ti.template(), film: vec2,
    lens: vec2, key: ti.u32, number: ti.i32, steps: ti.i32, front: Walk, here: Walk, last: Walk, surface: ti.template(),
) -> vec3:  # fmt: skip
    """What arrives at the film where a walk with the light, up to `front`, and one from the camera, by way of `last` up
    to `here`, are joined; weighted."""
    result = vec3(0.0)
    there = surface_at(scene, features, front.triangle, front.u, front.v)
    way = there.position - surface.position
    distance = way.norm()
    towards = way / ti.max(distance, 1e-20)
    factor = vec3(1.0)
    with_light, to_front = 0.0, 0.0
    for k in range(4):  # scattered at both points, and densities of the steps of the other way to these points
        at_here = k < 2
        point = there
        triangle, lobe, wo, wi = front.triangle, lobe_of(key, number, steps - 1), -towards, front.wi
        if at_here:
            point = surface
            triangle, lobe, wo, wi = here.triangle, uniform_1d(INDEPENDENT, key, number, 4), here.wi, towards
        if k % 2 == 1:
            wo, wi = wi, wo
        if max_component(factor) > 0.0:
            f, density, _m = bsdf_at(scene, features, point, triangle, lobe, wo, wi)
            if k % 2 == 0:
                factor *= f
            elif at_here:
                with_light = density
            else:
                to_front = density
    if max_component(factor) > 0.0 and distance > 0.0:
        start = offset_along(surface.position, surface.normal, surface.error, towards)
        lit = visibility(scene, features, start, there.position - start, SHADOW_END)
        if lit > 0.0:
            seen = surface_at(scene, features, last.triangle, last.u, last.v)
            cosine = ti.abs(there.normal.dot(towards)) / ti.max(ti.abs(there.normal.dot(front.wi)), 1e-4)
            result = front.weight * here.weight * factor * (lit * cosine / (distance * distance))
            camera = film_per_area(scene, features, seen, lens) * _film_density(scene, options, film_cdf, film)
            result *= 1.0 - _share_of_light(
                camera, here.density, surface.normal.dot(here.wi), distance, to_front,
                surface.normal.dot(towards), with_light, seen.normal.dot(here.wi),
            )  # fmt: skip
    return result


@ti.func
def _share_of_light(
    camera: ti.f32, against: ti.f32, cosine_against: ti.f32,
    distance: ti.f32, first: ti.f32, cosine_first: ti.f32, second: ti.f32, cosine_second: ti.f32,
) -> ti.f32:  # fmt: skip
    """Weight of walks that go with the light all the way: the share of the last two points' density that is theirs.

    Args:
        camera: density per area with which the camera sees the last point.
        against: density of the step from there to the point before.
        cosine_against: at that point, of this step.
        distance: between the point before the last and the one before that.
        first, second: densities of the steps with the light to the point before the last, and on.
        cosine_first, cosine_second: at the points that they lead to.
    """
    other = camera * against * ti.abs(cosine_against) * distance * distance
    light = first * ti.abs(cosine_first) * second * ti.abs(cosine_second)
    return (1.0 - _FROM_CAMERA) * light / ti.max((1.0 - _FROM_CAMERA) * light + _FROM_CAMERA * other, 1e-30)
