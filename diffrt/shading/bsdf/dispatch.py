"""Differentiated: from a material to its model, and the rule for surfaces seen from behind.

Only models that occur in the scene are compiled in. Materials that transmit keep their two sides apart; all others show
the same face from behind if they are two-sided, and are black there if not.
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.device.features import MATERIAL_TYPES, slot
from diffrt.shading.bsdf import diffuse
from diffrt.shading.bsdf.base import BsdfSample, no_sample
from diffrt.shading.material import value

MODELS = {"diffuse": diffuse}
TRANSMITTING = ("dielectric", "principled")


@ti.func
def _mirrored(features: ti.template(), scene: ti.template(), kind: ti.i32, material: ti.i32, uv: vec2) -> ti.i32:
    """1 if the side behind the normal is handled by mirroring the frame, as for every material that is opaque."""
    opaque = True
    for name in ti.static(TRANSMITTING):
        if ti.static(features.has(name)):
            if kind == ti.static(MATERIAL_TYPES.index(name)):
                opaque = False
                if ti.static(name == "principled"):
                    opaque = value(scene, features, material, slot("principled", "transmission"), uv).x == 0.0
    return opaque


@ti.func
def _flip(scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2, wo: vec3) -> ti.f32:
    """Factor of the local Z: -1 to mirror, 0 where the surface is black, else 1."""
    factor = 1.0
    if wo.z < 0.0:
        if _mirrored(features, scene, scene.material_type[material], material, uv):
            factor = -1.0
            if ti.static(features.one_sided):
                factor = ti.select(scene.material_two_sided[material] != 0, -1.0, 0.0)
    return factor


@ti.func
def resolve_mix(scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2, u: ti.f32):
    """Choose between the two halves of a mix, with probability `weight` for the second: f = (1-w) f1 + w f2 in the mean.

    Returns the material that acts here, and what is left of the random number.
    """
    chosen = material
    rest = u
    if ti.static(features.has("mix")):
        while scene.material_type[chosen] == ti.static(MATERIAL_TYPES.index("mix")):
            weight = ti.min(ti.max(value(scene, features, chosen, slot("mix", "weight"), uv).x, 0.0), 1.0)
            children = scene.material_children[chosen]
            second = rest < weight
            rest = ti.select(second, rest / ti.max(weight, 1e-12), (rest - weight) / ti.max(1.0 - weight, 1e-12))
            rest = ti.min(ti.max(rest, 0.0), 0.9999999)
            chosen = ti.select(second, children[1], children[0])
    return chosen, rest


@ti.func
def evaluate(scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2, wo: vec3, wi: vec3) -> vec3:
    """f_s(wo, wi) |cos(wi)| of a material that is no mix; zero for its delta lobes."""
    result = vec3(0.0)
    kind = scene.material_type[material]
    flip = vec3(1.0, 1.0, _flip(scene, features, material, uv, wo))
    if flip.z != 0.0:
        for name, model in ti.static(tuple(MODELS.items())):
            if ti.static(features.has(name)):
                if kind == ti.static(MATERIAL_TYPES.index(name)):
                    result = model.evaluate(scene, features, material, uv, wo * flip, wi * flip)
    return result


@ti.func
def pdf(scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2, wo: vec3, wi: vec3) -> ti.f32:
    """Density per solid angle with which `sample` draws wi, without delta lobes."""
    result = 0.0
    kind = scene.material_type[material]
    flip = vec3(1.0, 1.0, _flip(scene, features, material, uv, wo))
    if flip.z != 0.0:
        for name, model in ti.static(tuple(MODELS.items())):
            if ti.static(features.has(name)):
                if kind == ti.static(MATERIAL_TYPES.index(name)):
                    result = model.pdf(scene, features, material, uv, wo * flip, wi * flip)
    return result


@ti.func
def sample(
    scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2, wo: vec3, lobe: ti.f32, u: vec2
) -> BsdfSample:
    """Draw a direction; see BsdfSample."""
    result = no_sample()
    kind = scene.material_type[material]
    flip = vec3(1.0, 1.0, _flip(scene, features, material, uv, wo))
    if flip.z != 0.0:
        for name, model in ti.static(tuple(MODELS.items())):
            if ti.static(features.has(name)):
                if kind == ti.static(MATERIAL_TYPES.index(name)):
                    result = model.sample(scene, features, material, uv, wo * flip, lobe, u)
        result.wi *= flip
    return result
