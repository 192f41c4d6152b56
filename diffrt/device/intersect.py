"""Ray queries, by what the scene is held in: a tree, or facets side by side."""

import taichi as ti
from taichi.math import vec3

from diffrt.core.subroutine import subroutine
from diffrt.device import bvh_traverse, facet_query
from diffrt.device.hit import Hit


@ti.func
def closest_hit(
    scene: ti.template(), features: ti.template(), origin: vec3, direction: vec3, t_min: ti.f32, t_max: ti.f32
) -> Hit:
    """The nearest triangle with t_min < t < t_max, from either side."""
    return _query(scene, features, origin, direction, t_min, t_max, 0)


@ti.func
def any_hit(
    scene: ti.template(), features: ti.template(), origin: vec3, direction: vec3, t_min: ti.f32, t_max: ti.f32
) -> ti.i32:
    """1 if some triangle lies in t_min < t < t_max."""
    hit = 0
    if ti.static(features.facets and not features.one_query):
        hit = facet_query.any_hit(scene, features.facets, origin, direction, t_min, t_max)
    else:
        hit = ti.cast(_query(scene, features, origin, direction, t_min, t_max, 1).triangle >= 0, ti.i32)
    return hit


@subroutine
def _query(
    scene: ti.template(), features: ti.template(), origin: vec3, direction: vec3, t_min: ti.f32, t_max: ti.f32,
    any_will_do: ti.i32,
) -> Hit:  # fmt: skip
    """Either of them in a tree, the closest hit among facets."""
    hit = Hit(-1, 0.0, 0.0, 0.0)
    if ti.static(features.facets):
        hit = facet_query.closest_hit(scene, features.facets, origin, direction, t_min, t_max)
    else:
        hit = bvh_traverse.traverse(scene, features, origin, direction, t_min, t_max, any_will_do)
    return hit
