"""Differentiated: from a material to its model, and the rule for surfaces seen from behind.

Only models that occur in the scene are compiled in. Glass and null materials keep their two sides apart. Of all others
the back is the mirror image of the front; if they are one-sided it is black, unless light passes through them.
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import smaller, to_world
from diffrt.device.features import MATERIAL_TYPES, slot
from diffrt.shading.bsdf import conductor, dielectric, diffuse, null, plastic, principled
from diffrt.shading.bsdf.base import BsdfSample, no_sample
from diffrt.shading.bsdf.mix import resolve_mix as resolve_mix
from diffrt.shading.material import field
from diffrt.shading.receiver import Receiver, bare_receiver

MODELS = {
    "diffuse": diffuse,
    "conductor": conductor,
    "dielectric": dielectric,
    "plastic": plastic,
    "principled": principled,
    "null": null,
}
SIDED = ("dielectric", "null")
"""Models that are asked about directions on either side."""
SMOOTH = ("conductor", "dielectric", "plastic", "null")
"""Models with delta lobes."""

MOST_GLOSS = 0.9
"""So much of the choice of lights goes by the glossy lobe at most, of which not everything is known."""

DELTA_ONLY = ("conductor", "dielectric")
"""Models without any other lobe at roughness 0."""


@ti.func
def _flip(scene: ti.template(), features: ti.template(), material: ti.i32, values: ti.template(), wo: vec3) -> ti.f32:
    """Factor of the local Z: -1 to mirror, 0 where the surface is black, else 1."""
    factor = 1.0
    if wo.z < 0.0:
        factor = -1.0
        kind = scene.material_type[material]
        if ti.static(features.one_sided):
            passes = False
            if ti.static(features.has("principled")):
                if kind == ti.static(MATERIAL_TYPES.index("principled")):
                    passes = field(values, principled.TRANSMISSION).x > 0.0
            if scene.material_two_sided[material] == 0 and not passes:
                factor = 0.0
        for name in ti.static(SIDED):
            if ti.static(features.has(name)):
                if kind == ti.static(MATERIAL_TYPES.index(name)):
                    factor = 1.0
    return factor


@ti.func
def lit_side(
    scene: ti.template(), features: ti.template(), material: ti.i32, values: ti.template(), wo: vec3, n: vec3
) -> vec3:
    """The normal on the side that light must come from to be scattered to wo; zero if it may come from either side."""
    result = ti.select(wo.z < 0.0, -n, n)
    kind = scene.material_type[material]
    for name in ti.static(SIDED):
        if ti.static(features.has(name)):
            if kind == ti.static(MATERIAL_TYPES.index(name)):
                result = vec3(0.0)
    if ti.static(features.has("principled")):
        if kind == ti.static(MATERIAL_TYPES.index("principled")):
            if field(values, principled.TRANSMISSION).x > 0.0:
                result = vec3(0.0)
    return result


@ti.func
def receiver(
    scene: ti.template(), features: ti.template(), material: ti.i32, values: ti.template(), wo: vec3,
    frame: ti.template(), position: vec3,
) -> Receiver:  # fmt: skip
    """What the choice of a light is told of a point that scatters to wo."""
    result = bare_receiver(position, lit_side(scene, features, material, values, wo, frame.n))
    if ti.static(features.glossy_choice):
        kind = scene.material_type[material]
        for name, model in ti.static(tuple(MODELS.items())):
            if ti.static(features.has(name) and hasattr(model, "lobe")):
                if kind == ti.static(MATERIAL_TYPES.index(name)):
                    alpha, gloss = model.lobe(values, ti.abs(wo.z))
                    result.spread = alpha * alpha
                    result.gloss = smaller(gloss, MOST_GLOSS)
        result.mirrored = to_world(frame, vec3(-wo.x, -wo.y, wo.z))
    return result


@ti.func
def evaluate(
    scene: ti.template(), features: ti.template(), material: ti.i32, values: ti.template(), wo: vec3, wi: vec3
):
    """Of a material that is no mix: f_s(wo, wi) |cos(wi)|, and the density per solid angle of `sample` for wi.

    Both leave out delta lobes. `values` are those of `values_at`.
    """
    result = vec3(0.0)
    density = 0.0
    kind = scene.material_type[material]
    flip = vec3(1.0, 1.0, _flip(scene, features, material, values, wo))
    if flip.z != 0.0:
        for name, model in ti.static(tuple(MODELS.items())):
            if ti.static(features.has(name)):
                if kind == ti.static(MATERIAL_TYPES.index(name)):
                    if ti.static(hasattr(model, "prepare")):
                        seen = model.prepare(features, values, wo * flip)
                        result, density = model.evaluate(features, seen, wo * flip, wi * flip)
                    else:
                        result, density = model.evaluate(features, values, wo * flip, wi * flip)
    return result, density


@ti.func
def sample(
    scene: ti.template(), features: ti.template(), material: ti.i32, values: ti.template(),
    wo: vec3, lobe: ti.f32, u: vec2,
) -> BsdfSample:  # fmt: skip
    """Draw a direction; see BsdfSample."""
    result = no_sample()
    kind = scene.material_type[material]
    flip = vec3(1.0, 1.0, _flip(scene, features, material, values, wo))
    if flip.z != 0.0:
        for name, model in ti.static(tuple(MODELS.items())):
            if ti.static(features.has(name)):
                if kind == ti.static(MATERIAL_TYPES.index(name)):
                    if ti.static(hasattr(model, "prepare")):
                        seen = model.prepare(features, values, wo * flip)
                        result = model.sample(features, seen, wo * flip, lobe, u)
                    else:
                        result = model.sample(features, values, wo * flip, lobe, u)
        result.wi *= flip
    return result


@ti.func
def sample_and_evaluate(
    scene: ti.template(), features: ti.template(), material: ti.i32, values: ti.template(),
    wo: vec3, lobe: ti.f32, u: vec2, wi: vec3,
):  # fmt: skip
    """`sample`, and `evaluate` for a direction wi of somebody else's: what depends on wo alone is computed once."""
    drawn = no_sample()
    result = vec3(0.0)
    density = 0.0
    kind = scene.material_type[material]
    flip = vec3(1.0, 1.0, _flip(scene, features, material, values, wo))
    if flip.z != 0.0:
        for name, model in ti.static(tuple(MODELS.items())):
            if ti.static(features.has(name)):
                if kind == ti.static(MATERIAL_TYPES.index(name)):
                    if ti.static(hasattr(model, "prepare")):
                        seen = model.prepare(features, values, wo * flip)
                        drawn = model.sample(features, seen, wo * flip, lobe, u)
                        result, density = model.evaluate(features, seen, wo * flip, wi * flip)
                    else:
                        drawn = model.sample(features, values, wo * flip, lobe, u)
                        result, density = model.evaluate(features, values, wo * flip, wi * flip)
        drawn.wi *= flip
    return drawn, result, density


@ti.func
def scatters(scene: ti.template(), features: ti.template(), material: ti.i32, values: ti.template()) -> ti.i32:
    """0 if all that a material does here is done by delta lobes: no light sample can contribute."""
    result = 1
    kind = scene.material_type[material]
    for name in ti.static(DELTA_ONLY):
        if ti.static(features.has(name)):
            if kind == ti.static(MATERIAL_TYPES.index(name)):
                result = ti.cast(field(values, ti.static(slot(name, "roughness"))).x > 0.0, ti.i32)
    return result


@ti.func
def delta(
    scene: ti.template(), features: ti.template(), material: ti.i32, values: ti.template(), wo: vec3, wi: vec3
) -> vec3:
    """Factor on the radiance that the delta lobe on the side of wi carries from wi to wo, wi being its direction.

    A sample's weight for a delta lobe is this over the lobe's probability.
    """
    result = vec3(0.0)
    kind = scene.material_type[material]
    flip = vec3(1.0, 1.0, _flip(scene, features, material, values, wo))
    if flip.z != 0.0:
        for name, model in ti.static(tuple(MODELS.items())):
            if ti.static(features.has(name) and name in SMOOTH):
                if kind == ti.static(MATERIAL_TYPES.index(name)):
                    result = model.delta(features, values, wo * flip, wi * flip)
    return result
