"""One light out of all, and the densities that multiple importance sampling needs."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.box import meets_box
from diffrt.device.features import LIGHT_ENVIRONMENT, LIGHT_TRIANGLES
from diffrt.device.surface import Surface
from diffrt.shading.light import area, choice, delta, environment
from diffrt.shading.light.base import no_light
from diffrt.shading.receiver import Receiver


@ti.func
def sample(scene: ti.template(), features: ti.template(), receiver: Receiver, u: vec2):
    """A direction from the receiver towards a light; the choice of the light is taken out of u.x, which stays uniform.

    Returns:
        A LightSample, whose `pdf` includes the probability of the choice; a constant environment is never sampled. And
        the importance of all lights nearby, which `environment_probability` needs.
    """
    result = no_light()
    chosen, near = choice.choose(scene, features, receiver, u.x)
    if chosen.light >= 0:
        rest = vec2(chosen.rest, u.y)
        kind = scene.lights[chosen.light][0]
        if kind == LIGHT_TRIANGLES:
            if ti.static(features.area_lights):
                result = area.sample(scene, features, chosen.light, receiver.position, rest)
        elif kind == LIGHT_ENVIRONMENT:
            if ti.static(features.environment_image):
                result = environment.sample(scene, features, rest)
        else:
            if ti.static(features.delta_lights):
                result = delta.sample(scene, kind, scene.lights[chosen.light][1], receiver.position)
        result.pdf *= chosen.probability
    return result, near


@ti.func
def area_pdf(
    scene: ti.template(), features: ti.template(), receiver: Receiver, surface: Surface, triangle: ti.i32,
    direction: vec3,
) -> ti.f32:  # fmt: skip
    """Density per solid angle with which `sample` draws this direction towards a triangle that emits."""
    light = scene.triangle_light[triangle]
    offset = surface.position - receiver.position
    density = area.pdf(scene, light, surface, offset.dot(offset), direction)
    return density * choice.near_probability(scene, features, receiver, light)


@ti.func
def environment_pdf(scene: ti.template(), features: ti.template(), receiver: Receiver, direction: vec3) -> ti.f32:
    """Density per solid angle with which `sample` draws this direction towards the environment."""
    return environment.pdf(scene, features, direction) * environment_probability(scene, features, receiver, -1.0)


@ti.func
def environment_probability(scene: ti.template(), features: ti.template(), receiver: Receiver, near: ti.f32) -> ti.f32:
    """Probability with which `sample` goes to the environment.

    Args:
        near: the receiver's, as `sample` found it; negative: not known.
    """
    probability = 0.0
    if ti.static(features.environment_image):
        importance = near
        if near < 0.0:
            importance = choice.near_importance(scene, features, receiver)
        last = scene.light_counts[None][1] - 1  # the environment is the last light of all
        probability = choice.far_probability(scene, features, receiver, importance, last)
    return probability


@ti.func
def may_meet(scene: ti.template(), features: ti.template(), origin: vec3, direction: vec3) -> ti.i32:
    """0 if no light can lie ahead: without an environment, if the ray misses the bounding box of all emitters."""
    result = 1
    if ti.static(not features.environment):
        result = ti.cast(meets_box(scene.emitter_bounds[0], scene.emitter_bounds[1], origin, direction), ti.i32)
    return result
