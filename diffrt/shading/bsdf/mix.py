"""Mixed materials: which half acts. Chosen at random before the BSDF is asked, so no model ever sees a mix."""

import taichi as ti
from taichi.math import vec2

from diffrt.device.features import MATERIAL_TYPES, slot
from diffrt.shading.material import value

WEIGHT = slot("mix", "weight")
MIX = MATERIAL_TYPES.index("mix")


@ti.func
def resolve_mix(scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2, u: ti.f32):
    """Choose between the two halves of a mix, the second with probability `weight`: f = (1-w) f1 + w f2 in the mean.

    Returns the material that acts here, and what is left of the random number.
    """
    chosen = material
    rest = u
    if ti.static(features.has("mix")):
        while scene.material_type[chosen] == MIX:
            weight = ti.min(ti.max(value(scene, features, chosen, WEIGHT, uv).x, 0.0), 1.0)
            children = scene.material_children[chosen]
            second = rest < weight
            rest = ti.select(second, rest / ti.max(weight, 1e-12), (rest - weight) / ti.max(1.0 - weight, 1e-12))
            rest = ti.min(ti.max(rest, 0.0), 0.9999999)
            chosen = ti.select(second, children[1], children[0])
    return chosen, rest
