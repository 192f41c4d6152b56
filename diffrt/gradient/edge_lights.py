"""Light that arrives at an edge: from lights, from other surfaces, from a triangle that is pierced there."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.sampler import hash32
from diffrt.core.vector import max_component
from diffrt.device.features import LIGHT_ENVIRONMENT, LIGHT_TRIANGLES
from diffrt.device.hit import FAR
from diffrt.device.intersect import closest_hit
from diffrt.device.surface import surface_at
from diffrt.gradient.edge_directions import Wedges
from diffrt.gradient.intersection import intersection
from diffrt.gradient.lamp_directions import lamp_density, share_of_lamp, towards_lamp
from diffrt.render.path import trace_path_from
from diffrt.render.visibility import visibility
from diffrt.shading.bsdf.mix import presence
from diffrt.shading.camera.dispatch import CameraRay
from diffrt.shading.light import area, choice, environment
from diffrt.shading.light import dispatch as lights
from diffrt.shading.receiver import bare_receiver

EXTENDED, DELTA, INDIRECT = range(3)
"""Where the light comes from: lights that have an extent, those that have none, other surfaces."""
_ASIDE = 1e-4
"""Share of a triangle's size by which rays that are to meet it start aside of its edge."""


@ti.dataclass
class Arrival:
    """Light at an edge.

    Attributes:
        w: unit direction to where it comes from.
        amount: radiance over density; for a light without extent what arrives from it, over its probability.
        kind: of the light, LIGHT_TRIANGLES also for a surface that scatters.
        index: triangle, or number of the light.
        b: barycentrics there.
        place: the point there.
    """

    w: vec3
    amount: vec3
    kind: ti.i32
    index: ti.i32
    b: vec2
    place: vec3


@ti.func
def nothing(x: vec3) -> Arrival:
    return Arrival(vec3(0.0, 0.0, 1.0), vec3(0.0), -1, -1, vec2(0.0), x)


@ti.func
def from_lights(scene: ti.template(), features: ti.template(), delta: ti.template(), fan: Wedges, x: vec3, u: vec2):
    """Light that arrives at x from a light that has an extent, or with `delta` none, as if nothing were in between: the
    radiance; and its density. From lamps it comes along the wedges of an edge."""
    result = nothing(x)
    found = 0.0
    receiver = bare_receiver(x, vec3(0.0))
    if ti.static(delta):
        light, _near = lights.sample(scene, features, receiver, u)
        if light.pdf > 0.0 and light.kind != LIGHT_TRIANGLES and light.kind != LIGHT_ENVIRONMENT:
            result = Arrival(light.wi, light.radiance, light.kind, light.index, light.b, light.target)
            found = light.pdf
    else:
        chosen, _near = choice.choose(scene, features, receiver, u.x)
        if chosen.light >= 0:
            rest = vec2(chosen.rest, u.y)
            kind = scene.lights[chosen.light][0]
            if ti.static(features.area_lights):
                if kind == LIGHT_TRIANGLES:
                    triangle, inner = area.pick(scene, chosen.light, rest)
                    w, density = towards_lamp(scene, fan, x, triangle, inner)
                    result = _from_lamp(scene, features, x, triangle, w)
                    found = density * chosen.probability * share_of_lamp(scene, chosen.light, triangle)
            if ti.static(features.environment_image):
                if kind == LIGHT_ENVIRONMENT:
                    light = environment.sample(scene, features, rest)
                    result = Arrival(light.wi, light.radiance, light.kind, light.index, light.b, light.target)
                    found = light.pdf * chosen.probability
    if found <= 0.0:
        result = nothing(x)
    return result, found


@ti.func
def _from_lamp(scene: ti.template(), features: ti.template(), x: vec3, triangle: ti.i32, w: vec3) -> Arrival:
    """Radiance that arrives at x from direction w from a triangle there."""
    b = met_along(scene, triangle, x, w)
    surface = surface_at(scene, features, triangle, b.x, b.y)
    radiance = area.emitted(scene, features, surface, triangle, b.x, b.y, -w)
    if ti.static(features.masked):
        radiance *= presence(scene, features, scene.shape_material[surface.shape], surface.uv)
    return Arrival(w, radiance, LIGHT_TRIANGLES, triangle, b, surface.position)


@ti.func
def straight_from_lights(
    scene: ti.template(), features: ti.template(), fan: Wedges, x: vec3, start: vec3, w: vec3
):  # fmt: skip
    """Light that arrives at x from direction w, one of the wedges, straight from a light that has an extent, and the
    density with which `from_lights` finds it. Where light passes surfaces, only the environment's: see
    `sample_shadows`."""
    result = nothing(x)
    found = 0.0
    hit = closest_hit(scene, features, start, w, 0.0, FAR)
    if hit.triangle >= 0:
        if ti.static(features.area_lights and not features.masked):
            surface = surface_at(scene, features, hit.triangle, hit.u, hit.v)
            emitted = area.emitted(scene, features, surface, hit.triangle, hit.u, hit.v, -w)
            if max_component(emitted) > 0.0:
                found = lamp_density(scene, features, fan, x, hit.triangle, w)
            result = Arrival(w, emitted, LIGHT_TRIANGLES, hit.triangle, vec2(hit.u, hit.v), surface.position)
    lit = ti.cast(hit.triangle < 0, ti.f32)
    if ti.static(features.masked and features.environment):
        lit = visibility(scene, features, start, w, FAR)
    if ti.static(features.environment):
        if lit > 0.0:
            emitted, density = environment.emitted_and_pdf(scene, features, w)
            receiver = bare_receiver(x, vec3(0.0))
            found = density * lights.environment_probability(scene, features, receiver, -1.0)
            result = Arrival(w, emitted * lit, LIGHT_ENVIRONMENT, -1, vec2(0.0), x)
    return result, found


@ti.func
def from_surfaces(
    scene: ti.template(), features: ti.template(), options: ti.template(), x: vec3, start: vec3, w: vec3,
    all_light: ti.i32, key: ti.u32, number: ti.i32, max_depth: ti.i32, rr_depth: ti.i32,
) -> Arrival:  # fmt: skip
    """Radiance that arrives at x from direction w by scattering, or with `all_light` from lights, too."""
    result = nothing(x)
    hit = closest_hit(scene, features, start, w, 0.0, FAR)
    if hit.triangle >= 0 or all_light != 0:
        ray = CameraRay(start, w, 0.0, FAR)
        # A key of its own: other numbers of the sample have dimensions that paths use, too.
        result.amount = trace_path_from(
            scene, features, options, True, hit, ray, hash32(key), number, max_depth, rr_depth
        )  # fmt: skip
        if all_light == 0:
            surface = surface_at(scene, features, hit.triangle, hit.u, hit.v)
            amount = result.amount - area.emitted(scene, features, surface, hit.triangle, hit.u, hit.v, -w)
            b = vec2(hit.u, hit.v)
            result = Arrival(w, ti.max(amount, 0.0), LIGHT_TRIANGLES, hit.triangle, b, surface.position)
    return result


@ti.func
def from_pierced(scene: ti.template(), features: ti.template(), x: vec3, w: vec3, triangle: ti.i32) -> Arrival:
    """Radiance that a triangle that is pierced at x emits against w."""
    b = met_along(scene, triangle, x, w)
    surface = surface_at(scene, features, triangle, b.x, b.y)
    emitted = area.emitted(scene, features, surface, triangle, b.x, b.y, -w)
    return Arrival(w, emitted, LIGHT_TRIANGLES, triangle, b, x)


@ti.func
def met_along(scene: ti.template(), triangle: ti.i32, x: vec3, w: vec3) -> vec2:
    """Barycentrics at which a line through x along w meets the plane of a triangle."""
    corners = scene.triangles[triangle]
    p0 = scene.positions[corners[0]]
    u, v = intersection(p0, scene.positions[corners[1]] - p0, scene.positions[corners[2]] - p0, x - w, w)
    return vec2(u, v)


@ti.func
def beside(x: vec3, w: vec3, corner: vec3) -> vec3:
    """Where a ray along w starts that is to meet a triangle beside its edge at x, on the side of a corner."""
    return x + (corner - x) * _ASIDE - w * (_ASIDE * (corner - x).norm())
