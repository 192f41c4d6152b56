"""One light out of all, chosen by power, and the densities that multiple importance sampling needs."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.distribution import cdf_interval, search_cdf
from diffrt.device.features import LIGHT_ENVIRONMENT, LIGHT_TRIANGLE
from diffrt.shading.light import area, delta, environment
from diffrt.shading.light.base import LightSample, no_light


@ti.func
def sample(scene: ti.template(), features: ti.template(), position: vec3, u: vec2) -> LightSample:
    """A direction from `position` towards a light; the choice of the light is taken out of u.x, which stays uniform.

    `pdf` includes the probability of the choice.
    """
    result = no_light()
    count = scene.light_count[None]
    if count > 0:
        light = search_cdf(scene.light_cdf, 0, count, u.x)
        interval = cdf_interval(scene.light_cdf, 0, light)
        probability = interval.y
        rest = vec2(ti.min(ti.max((u.x - interval.x) / ti.max(probability, 1e-20), 0.0), 0.9999999), u.y)
        kind, index = scene.light_kind[light], scene.light_index[light]
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
