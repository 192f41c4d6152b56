"""Differentiated: point, spot and directional lights. A ray never meets them; their shadows are sharp."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.device.features import LIGHT_DIRECTIONAL, LIGHT_SPOT
from diffrt.shading.light.base import LightSample


@ti.func
def sample(scene: ti.template(), kind: ti.i32, light: ti.i32, position: vec3) -> LightSample:
    """The one direction towards the light; `pdf` is 1."""
    wi = -scene.delta_direction[light]
    target = vec3(0.0)
    infinite = 1
    arriving = scene.delta_intensity[light]
    if kind != LIGHT_DIRECTIONAL:
        target = scene.delta_position[light]
        offset = target - position
        squared = ti.max(offset.dot(offset), 1e-30)
        wi = offset * (1.0 / ti.sqrt(squared))
        infinite = 0
        arriving /= squared
        if kind == LIGHT_SPOT:
            arriving *= spot_falloff(scene, light, -wi)
    return LightSample(wi, arriving, 1.0, target, infinite, 1, kind, light, vec2(0.0))


@ti.func
def spot_falloff(scene: ti.template(), light: ti.i32, w: vec3) -> ti.f32:
    """1 within the inner cone, 0 beyond the cutoff, linear in the angle between (as in Mitsuba 3)."""
    angles = scene.delta_angles[light]
    cosine = ti.min(ti.max(w.dot(scene.delta_direction[light]), -0.999999), 0.999999)
    width = ti.max(angles[0] - angles[1], 1e-6)
    return ti.min(ti.max((angles[0] - ti.acos(cosine)) / width, 0.0), 1.0)
