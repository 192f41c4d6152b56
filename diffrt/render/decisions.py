"""Random decisions about what a surface is: whether it is there (opacity), and which half of a mix acts (weight).

A decision that is so with probability v and was drawn with probability q multiplies what follows with v / q, or with
(1 - v) / (1 - q) if it is not so. A picture draws it with q = v. Where the derivative by v is asked for q stays away
from 0 and 1, so that what a clear or an opaque surface would show is seen, too, by paths that weigh nothing.

Shadow rays do not decide: they are weighed with what every surface lets pass, a function of its opacities and weights.

Every row here is a number v that the radiance of a path depends on, and `slope`, the derivative by it; the rows of one
segment are linked. As v is all that derivatives go through, slopes are taken as given (gradient/interior_decisions.py).
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import max_component
from diffrt.device.features import LIGHT_TRIANGLES, MATERIAL_SLOTS, OPACITY_SLOT
from diffrt.device.hit import FAR
from diffrt.device.intersect import closest_hit
from diffrt.device.surface import offset_along, surface_at
from diffrt.render.visibility import MOST_LAYERS, visibility
from diffrt.shading.bsdf.mix import DEEPEST, MIX, NULL, PASSED, WEIGHT, Numbers, Shares, presence
from diffrt.shading.light import area
from diffrt.shading.light.base import LightSample
from diffrt.shading.material import value

KEEP_VALUES, KEEP_OPACITY, KEEP_WEIGHT = 1, 2, 4
"""Bits of what is asked of a material: derivatives by its fields, its opacity, its weight if it is a mix."""
TO_VERTEX, TO_LIGHT = range(2)
"""Which segment of a path's row a decision lies on: the one that ends there, or the one to its light sample."""
_RAREST = 0.25
"""Probability of what would not happen, where its derivative is asked for."""
_NOTHING = 1e-6


class Decisions:
    """Rows for decisions, and for every row of the path record the last one on the way to it.

    Args:
        rows: how many.
    """

    def __init__(self, rows: int) -> None:
        def number() -> ti.ScalarField:
            return ti.field(ti.i32, shape=rows)

        self.rows = rows
        self.used = ti.field(ti.i32, shape=())  # more than there are: the chunk was too large
        self.last = number()
        self.before = number()  # the decision before on the same segment, -1 for none
        self.row = number()  # of the path record; -1: nothing follows
        self.segment = number()
        self.triangle = number()
        self.barycentrics = ti.Vector.field(2, ti.f32, shape=rows)
        self.material = number()
        self.of_opacity = number()  # 1: v is the opacity of the material, 0: its weight
        self.factor = ti.field(ti.f32, shape=rows)  # what it multiplies the radiance with
        self.slope = ti.Vector.field(3, ti.f32, shape=rows)  # of the path's radiance by v


@ti.dataclass
class Spot:
    """A point of a surface: triangle, barycentrics, texture coordinates."""

    triangle: ti.i32
    b: vec2
    uv: vec2


@ti.dataclass
class Meeting:
    """What is met at a surface.

    Attributes:
        material: that acts, PASSED if nothing is met.
        rest: what is left of the random number.
        factor: probability of all this over that with which it was drawn.
        last: the last decision.
    """

    material: ti.i32
    rest: ti.f32
    factor: ti.f32
    last: ti.i32


@ti.func
def _share(scene: ti.template(), features: ti.template(), material: ti.i32, slot: ti.template(), uv: vec2) -> ti.f32:
    return ti.min(ti.max(value(scene, features, material, slot, uv).x, 0.0), 1.0)


@ti.func
def _matters(
    scene: ti.template(), record: ti.template(), keep: ti.template(), material: ti.i32, slot: ti.template()
) -> ti.i32:
    """Whether derivatives go through a number: it is asked for, or a texture that may move over the surface."""
    bit = ti.static(KEEP_OPACITY if slot == OPACITY_SLOT else KEEP_WEIGHT)
    result = keep[material] & bit
    if ti.static(record.geometry):
        if scene.material_textures[material * MATERIAL_SLOTS + slot] >= 0:
            result = bit
    return result


@ti.func
def _note(
    decisions: ti.template(), before: ti.i32, row: ti.i32, segment: ti.i32, spot: Spot, material: ti.i32,
    slot: ti.template(), factor: ti.f32, slope: vec3,
) -> ti.i32:  # fmt: skip
    i = ti.atomic_add(decisions.used[None], 1)
    result = before
    if i < decisions.rows:
        decisions.before[i] = before
        decisions.row[i] = row
        decisions.segment[i] = segment
        decisions.triangle[i] = spot.triangle
        decisions.barycentrics[i] = spot.b
        decisions.material[i] = material
        decisions.of_opacity[i] = ti.cast(slot == OPACITY_SLOT, ti.i32)
        decisions.factor[i] = factor
        decisions.slope[i] = slope
        result = i
    return result


@ti.func
def _decide(
    scene: ti.template(), features: ti.template(), record: ti.template(), keep: ti.template(), slot: ti.template(),
    spot: Spot, met: Meeting, u: ti.f32, throughput: vec3,
):  # fmt: skip
    """Whether the surface is there, or the second half acts; `met.rest` is what is left of u."""
    result = met
    v = _share(scene, features, met.material, slot, spot.uv)
    matters = _matters(scene, record, keep, met.material, slot)
    q = v
    if keep[met.material] & matters != 0 and max_component(throughput) > 0.0:
        q = _RAREST + (1.0 - 2.0 * _RAREST) * v
    so = u < q
    chance = ti.max(ti.select(so, q, 1.0 - q), 1e-12)
    result.rest = ti.min(ti.max(ti.select(so, u, u - q) / chance, 0.0), 0.9999999)
    factor = ti.select(so, v, 1.0 - v) / chance
    result.factor *= factor
    if matters != 0:
        slope = throughput * (met.factor * ti.select(so, 1.0, -1.0) / chance)
        result.last = _note(record.decisions, met.last, -1, TO_VERTEX, spot, met.material, slot, factor, slope)
    return so, result


@ti.func
def meet(
    scene: ti.template(), features: ti.template(), record: ti.template(), keep: ti.template(), outer: ti.i32,
    spot: Spot, lobe: ti.f32, chance: ti.f32, throughput: vec3, last: ti.i32,
) -> Meeting:  # fmt: skip
    """What `resolve_mix` and `passes` decide in a picture. `throughput` is that of the path so far."""
    met = Meeting(outer, lobe, 1.0, last)
    there = True
    if ti.static(features.has("mix")):
        while met.material != PASSED and scene.material_type[met.material] == MIX:
            if ti.static(features.masked):
                there, met = _decide(scene, features, record, keep, OPACITY_SLOT, spot, met, met.rest, throughput)
            if there:
                second, met = _decide(scene, features, record, keep, WEIGHT, spot, met, met.rest, throughput)
                children = scene.material_children[met.material]
                met.material = ti.select(second, children[1], children[0])
            else:
                met.material = PASSED
    if ti.static(features.masked):
        if met.material != PASSED:
            if scene.material_type[met.material] == NULL:
                met.material = PASSED
            else:
                rest = met.rest
                there, met = _decide(scene, features, record, keep, OPACITY_SLOT, spot, met, chance, throughput)
                met.rest = rest
                if not there:
                    met.material = PASSED
    return met


@ti.func
def decided(decisions: ti.template(), row: ti.i32, radiance: vec3) -> vec3:
    """Complete the slopes of the decisions on the way to a vertex; returns its radiance as it arrives behind them."""
    result = radiance
    i = decisions.last[row]
    while i >= 0:
        decisions.row[i] = row
        decisions.slope[i] *= result
        result *= decisions.factor[i]
        i = decisions.before[i]
    return result


@ti.func
def _note_presence(
    scene: ti.template(), features: ti.template(), record: ti.template(), keep: ti.template(), row: ti.i32,
    outer: ti.i32, spot: Spot, sign: ti.f32, factor: ti.f32, last: ti.i32,
) -> ti.i32:  # fmt: skip
    """Note every number that `presence` depends on, with its derivative by it times `sign` as slope."""
    result = last
    waiting, shares = Numbers(0), Shares(0.0)
    waiting[0], shares[0] = outer, 1.0
    size = 1
    while size > 0:
        size -= 1
        number, share = waiting[size], shares[size]
        kind = scene.material_type[number]
        inner = 1.0
        if ti.static(features.has("mix")):
            if kind == MIX and size + 2 <= DEEPEST:
                there = _share(scene, features, number, OPACITY_SLOT, spot.uv)
                weight = _share(scene, features, number, WEIGHT, spot.uv)
                children = scene.material_children[number]
                first = presence(scene, features, children[0], spot.uv)
                second = presence(scene, features, children[1], spot.uv)
                inner = (1.0 - weight) * first + weight * second
                slope = share * there * (second - first)
                if slope != 0.0 and _matters(scene, record, keep, number, WEIGHT) != 0:
                    result = _note(
                        record.decisions, result, row, TO_LIGHT, spot, number, WEIGHT, factor, vec3(sign * slope)
                    )
                waiting[size], shares[size] = children[0], share * there * (1.0 - weight)
                waiting[size + 1], shares[size + 1] = children[1], share * there * weight
                size += 2
        slope = share * inner
        if kind != NULL and slope != 0.0 and _matters(scene, record, keep, number, OPACITY_SLOT) != 0:
            result = _note(
                record.decisions, result, row, TO_LIGHT, spot, number, OPACITY_SLOT, factor, vec3(sign * slope)
            )
    return result


@ti.func
def weighed(
    scene: ti.template(), features: ti.template(), record: ti.template(), keep: ti.template(), row: ti.i32,
    light: LightSample, start: vec3, direction: vec3, t_max: ti.f32, weight: vec3,
):  # fmt: skip
    """`visibility` towards a light sample, and whether derivatives go through what it passes.

    Args:
        weight: what the light's radiance is multiplied with on its way to the camera, apart from visibility.
    """
    result, last = 0.0, -1
    if ti.static(not features.masked):
        result = visibility(scene, features, start, direction, t_max)
    else:
        product, dark = 1.0, 0  # of the layers that let something pass; how many let nothing pass
        radiance = light.radiance
        if light.kind == LIGHT_TRIANGLES:
            # A light that is partly there is one of its own layers.
            b = light.b
            surface = surface_at(scene, features, light.index, b.x, b.y)
            radiance = area.emitted(scene, features, surface, light.index, b.x, b.y, -light.wi)
            outer = scene.shape_material[surface.shape]
            share = presence(scene, features, outer, surface.uv)
            spot = Spot(light.index, b, surface.uv)
            last = _note_presence(scene, features, record, keep, row, outer, spot, 1.0, share, last)
            if share > _NOTHING:
                product = share
            else:
                dark = 1
        at_light = product
        origin, towards, remaining = start, direction, t_max
        end = start + direction * t_max
        layers = 0
        blocked = 0
        while layers < MOST_LAYERS and dark < 2:
            hit = closest_hit(scene, features, origin, towards, 0.0, remaining)
            if hit.triangle < 0:
                layers = 2 * MOST_LAYERS
            else:
                surface = surface_at(scene, features, hit.triangle, hit.u, hit.v)
                outer = scene.shape_material[surface.shape]
                passing = 1.0 - presence(scene, features, outer, surface.uv)
                spot = Spot(hit.triangle, vec2(hit.u, hit.v), surface.uv)
                known = last
                last = _note_presence(scene, features, record, keep, row, outer, spot, -1.0, passing, last)
                if passing > _NOTHING:
                    product *= passing
                else:
                    blocked = 1
                    dark += ti.select(last == known, 2, 1)
                origin = offset_along(surface.position, surface.normal, surface.error, direction)
                if t_max < FAR:
                    towards, remaining = end - origin, 1.0
                layers += 1
        if layers == MOST_LAYERS:
            blocked, dark = 1, 2
        if blocked == 0:
            result = product / at_light
        _settle(record.decisions, last, product, dark, weight * radiance)
    return result, last >= 0


@ti.func
def _settle(decisions: ti.template(), last: ti.i32, product: ti.f32, dark: ti.i32, radiance: vec3):
    """Multiply the slopes of the layers of a shadow ray with what the others let pass."""
    i = last
    while i >= 0:
        others = 0.0
        if dark == 0:
            others = product / decisions.factor[i]
        elif dark == 1 and decisions.factor[i] <= _NOTHING:
            others = product
        decisions.slope[i] *= radiance * others
        i = decisions.before[i]
