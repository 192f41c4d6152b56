"""One light out of all, chosen by power, and the densities that multiple importance sampling needs."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.distribution import cdf_interval, search_cdf
from diffrt.core.vector import larger, smaller
from diffrt.device.features import LIGHT_ENVIRONMENT, LIGHT_TRIANGLE
from diffrt.shading.light import area, delta, environment
from diffrt.shading.light.base import LightSample, no_light


@ti.func
def choose(scene: ti.template(), u: vec2):
    """A light by its probability: its kind, its index among its kind, its probability (0: there is no light), and what
    is left of u."""
    kind, index, probability = -1, -1, 0.0
    rest = u
    count = scene.light_count[None]
    if count > 0:
        light = search_cdf(scene.light_cdf, 0, count, u.x)
        interval = cdf_interval(scene.light_cdf, 0, light)
        probability = interval.y
        rest.x = ti.min(ti.max((u.x - interval.x) / ti.max(probability, 1e-20), 0.0), 0.9999999)
        kind, index = scene.light_kind[light], scene.light_index[light]
    return kind, index, probability, rest


@ti.func
def sample(scene: ti.template(), features: ti.template(), position: vec3, u: vec2) -> LightSample:
    """A direction from `position` towards a light; the choice of the light is taken out of u.x, which stays uniform.

    `pdf` includes the probability of the choice.
    """
    result = no_light()
    kind, index, probability, rest = choose(scene, u)
    if probability > 0.0:
        if kind == LIGHT_TRIANGLE:
            if ti.static(features.area_lights):
                result = area.sample(scene, features, index, position, rest)
        elif kind == LIGHT_ENVIRONMENT:
            if ti.static(features.environment):
                result = environment.sample(scene, features, rest)
                result.pdf *= probability
        else:
            if ti.static(features.delta_lights):
                result = delta.sample(scene, kind, index, position)
                result.pdf *= probability
    return result


@ti.func
def environment_pdf(scene: ti.template(), features: ti.template(), direction: vec3) -> ti.f32:
    """Density per solid angle with which `sample` draws this direction towards the environment."""
    return environment.pdf(scene, features, direction) * scene.environment_probability[None]


@ti.func
def environment_emitted_and_pdf(scene: ti.template(), features: ti.template(), direction: vec3):
    """The environment's radiance, and `environment_pdf`."""
    radiance, density = environment.emitted_and_pdf(scene, features, direction)
    return radiance, density * scene.environment_probability[None]


@ti.func
def may_meet(scene: ti.template(), features: ti.template(), origin: vec3, direction: vec3) -> ti.i32:
    """0 if no light can lie ahead: without an environment, if the ray misses the bounding box of all emitters."""
    result = 1
    if ti.static(not features.environment):
        near, far = 0.0, 1e30
        for d in ti.static(range(3)):
            tiny = ti.abs(direction[d]) < 1e-18
            inverse = 1.0 / ti.select(tiny, 1e-18, direction[d])
            a = (scene.emitter_bounds[0][d] - origin[d]) * inverse
            b = (scene.emitter_bounds[1][d] - origin[d]) * inverse
            near, far = larger(near, smaller(a, b)), smaller(far, larger(a, b))
        result = ti.cast(near <= far, ti.i32)
    return result
