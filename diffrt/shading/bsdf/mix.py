"""Mixed materials: which half acts. Chosen at random before the BSDF is asked, so no model ever sees a mix."""

import taichi as ti
from taichi.math import vec2

from diffrt.device.features import MATERIAL_TYPES, slot
from diffrt.shading.material import opacity, value

WEIGHT = slot("mix", "weight")
MIX = MATERIAL_TYPES.index("mix")
NULL = MATERIAL_TYPES.index("null")
PASSED = -1
"""In place of a material: nothing is met."""
DEEPEST = 16
"""Halves that wait for their turn in `presence`: enough for mixes nested as deep."""
Numbers = ti.types.vector(DEEPEST, ti.i32)
Shares = ti.types.vector(DEEPEST, ti.f32)


@ti.func
def resolve_mix(scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2, u: ti.f32):
    """Choose between the two halves of a mix, the second with probability `weight`: f = (1-w) f1 + w f2 in the mean.

    Returns the material that acts here, and what is left of the random number. Where the mix itself, with the
    complement of its opacity, is not there, the material is PASSED.
    """
    chosen = material
    rest = u
    if ti.static(features.has("mix")):
        kind = scene.material_type[chosen]
        while kind == MIX:
            there = 1.0
            if ti.static(features.masked):
                there = ti.min(ti.max(opacity(scene, features, chosen, uv), 0.0), 1.0)
            if rest < there:
                rest = rest / there
                weight = ti.min(ti.max(value(scene, features, chosen, WEIGHT, uv).x, 0.0), 1.0)
                children = scene.material_children[chosen]
                second = rest < weight
                rest = ti.select(second, rest / ti.max(weight, 1e-12), (rest - weight) / ti.max(1.0 - weight, 1e-12))
                rest = ti.min(ti.max(rest, 0.0), 0.9999999)
                chosen = ti.select(second, children[1], children[0])
                kind = scene.material_type[chosen]
            else:
                chosen = PASSED
                kind = NULL
    return chosen, rest


@ti.func
def presence(scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2) -> ti.f32:
    """Share of the light that meets a surface instead of passing it, in the mean over the halves of a mix."""
    total = 0.0
    if ti.static(not features.has("mix")):
        if scene.material_type[material] != NULL:
            total = ti.min(ti.max(opacity(scene, features, material, uv), 0.0), 1.0)
    else:
        waiting, shares = Numbers(0), Shares(0.0)
        waiting[0], shares[0] = material, 1.0
        size = 1
        while size > 0:
            size -= 1
            number, share = waiting[size], shares[size]
            kind = scene.material_type[number]
            if kind == MIX and size + 2 <= DEEPEST:
                share *= ti.min(ti.max(opacity(scene, features, number, uv), 0.0), 1.0)
                weight = ti.min(ti.max(value(scene, features, number, WEIGHT, uv).x, 0.0), 1.0)
                children = scene.material_children[number]
                waiting[size], shares[size] = children[0], share * (1.0 - weight)
                waiting[size + 1], shares[size + 1] = children[1], share * weight
                size += 2
            elif kind != NULL:
                total += share * ti.min(ti.max(opacity(scene, features, number, uv), 0.0), 1.0)
    return total
