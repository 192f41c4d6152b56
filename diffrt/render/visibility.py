"""Ray queries that see through what lets light pass: null materials and surfaces of partial opacity.

Passing is no path segment. A path passes at random, with probability 1 - opacity; a shadow ray is weighted instead.
"""

import taichi as ti
from taichi.math import vec3

from diffrt.device.hit import FAR
from diffrt.device.intersect import any_hit, closest_hit
from diffrt.device.surface import offset_along, surface_at
from diffrt.shading.bsdf.mix import NULL, PASSED, presence
from diffrt.shading.material import opacity

MOST_LAYERS = 256
"""A ray that meets more transparent layers than this is taken to be blocked."""


@ti.func
def passes(scene: ti.template(), features: ti.template(), material: ti.i32, uv) -> ti.f32:
    """Share of the light that goes straight through a material that is no mix: 1 - opacity, all of it where nothing
    is met and through a null material."""
    share = 1.0
    if material != PASSED:
        if scene.material_type[material] != NULL:
            share -= ti.min(ti.max(opacity(scene, features, material, uv), 0.0), 1.0)
    return share


@ti.func
def visibility(scene: ti.template(), features: ti.template(), origin: vec3, direction: vec3, t_max: ti.f32) -> ti.f32:
    """Share of the light that arrives from `t_max` along the ray: 0 or 1, in between behind partial opacity."""
    result = 1.0
    if ti.static(features.masked):
        start, towards, remaining = origin, direction, t_max
        end = origin + direction * t_max
        layers = 0
        while result > 0.0 and layers < MOST_LAYERS:
            hit = closest_hit(scene, features, start, towards, 0.0, remaining)
            if hit.triangle < 0:
                layers = 2 * MOST_LAYERS
            else:
                surface = surface_at(scene, features, hit.triangle, hit.u, hit.v)
                result *= 1.0 - presence(scene, features, scene.shape_material[surface.shape], surface.uv)
                start = offset_along(surface.position, surface.normal, surface.error, direction)
                if t_max < FAR:
                    # Aim anew: what the steps off the surfaces add up to would reach past the light.
                    towards, remaining = end - start, 1.0
                layers += 1
        if layers == MOST_LAYERS:
            result = 0.0
    else:
        result = 1.0 - ti.cast(any_hit(scene, features, origin, direction, 0.0, t_max), ti.f32)
    return result
