"""Differentiated: recorded vertices of paths, evaluated again from the scene's parameters.

Every kernel is one stage, from parameters to state or from state to state of its own row and its neighbours':

    cameras -> vertices, light_points -> local_directions -> (emissions, material_values) -> scatterings
        -> contributions

Forward they run in this order, backward in the other. Everything that was chosen is taken as given, so the sum over
rows of `contributions` has the derivative of the path's radiance, though not its value: a path is counted once from
each of its vertices.
"""

import taichi as ti
from taichi.math import vec3

from diffrt.core.vector import frame_from_normal, reflect, safe_normalize, to_local
from diffrt.device.features import LIGHT_DIRECTIONAL, LIGHT_ENVIRONMENT, LIGHT_TRIANGLES, Features
from diffrt.device.surface import surface_at, texture_coordinates
from diffrt.gradient.held_fields import hold
from diffrt.gradient.intersection import intersection
from diffrt.gradient.lookups import LOOKED_UP
from diffrt.gradient.near_points import near_point
from diffrt.render.record import (
    ABSORBED,
    ESCAPE,
    MIRRORED,
    SCATTERED,
    SURFACE,
    TOWARDS_LIGHT,
    TOWARDS_NEXT,
    solid_angle,
)
from diffrt.shading.bsdf import dielectric, fresnel
from diffrt.shading.bsdf import dispatch as bsdf
from diffrt.shading.camera.dispatch import camera_ray
from diffrt.shading.light import delta, environment
from diffrt.shading.material import shading_frame, value
from diffrt.shading.texture import lookup

_LEAST_COSINE = 1e-7


def _has_smooth(features: Features) -> bool:
    """Whether a surface may be perfectly smooth."""
    return any(features.has(name) for name in bsdf.SMOOTH)


@ti.func
def _mirrored(scene: ti.template(), features: ti.template(), record: ti.template(), row: ti.i32, wo: vec3, n: vec3):
    """Where the ray goes from a perfectly smooth surface."""
    result = reflect(wo, n)
    if ti.static(features.has("dielectric")):
        if record.wo[row].z * record.wi[TOWARDS_NEXT, row].z < 0.0:
            material = record.material[row]
            inside = value(scene, features, material, dielectric.IOR, record.uv[row]).x
            outside = value(scene, features, material, dielectric.EXTERIOR_IOR, record.uv[row]).x
            upright = ti.select(wo.dot(n) > 0.0, 1.0, -1.0)
            eta = ti.select(wo.dot(n) > 0.0, inside / outside, outside / inside)
            cos_o = wo.dot(n) * upright
            _reflectance, cos_t = fresnel.dielectric(cos_o, eta)
            result = n * (upright * (cos_o / eta - cos_t)) - wo / eta
    return result


@ti.kernel
def cameras(scene: ti.template(), features: ti.template(), record: ti.template(), paths: ti.i32):
    """Where the camera's rays start, and their directions."""
    for row in range(paths):
        ray = camera_ray(scene, features, record.film[row], record.lens[row])
        record.position[row] = ray.origin
        record.direction[row] = ray.direction


@ti.kernel
def vertices(scene: ti.template(), features: ti.template(), record: ti.template(), begin: ti.i32, end: ti.i32):
    """Positions, normals and directions of listed vertices, those of one level; those of lower levels are there
    already."""
    for i in range(begin, end):
        row = record.listed[i]
        kind = record.kind[row]
        if kind == SURFACE:
            triangle = record.triangle[row]
            previous = record.previous[row]
            u, v = record.barycentrics[row].x, record.barycentrics[row].y
            corners = scene.triangles[triangle]
            p0 = scene.positions[corners[0]]
            e1 = scene.positions[corners[1]] - p0
            e2 = scene.positions[corners[2]] - p0
            if record.determined[row] != 0:
                met_u, met_v = intersection(p0, e1, e2, record.position[previous], record.direction[previous])
                moves = record.near[row].straight
                u, v = u + (met_u - u) * moves, v + (met_v - v) * moves
            elif record.near[row].share > 0.0:
                b, towards, factor = near_point(
                    scene, record.triangle[previous], record.position[previous], triangle,
                    record.barycentrics[row], record.measure[row], record.near[row],
                )  # fmt: skip
                u, v = b.x, b.y
                record.towards[row] = towards
                record.spread[row] = ti.Vector([factor])
            surface = surface_at(scene, features, triangle, u, v)
            frame = shading_frame(scene, features, record.material[row], record.outer[row], triangle, surface)
            record.position[row] = surface.position
            record.normal[row] = frame.n
            record.cross[row] = e1.cross(e2)
            record.uv[row] = surface.uv
            if ti.static(_has_smooth(features)):
                if record.scattering[row] == MIRRORED:
                    wo = safe_normalize(record.position[previous] - surface.position, frame.n)
                    record.direction[row] = _mirrored(scene, features, record, row, wo, frame.n)
        if kind == ESCAPE and record.determined[row] != 0:
            record.direction[row] = record.direction[record.previous[row]]


@ti.kernel
def light_points(scene: ti.template(), features: ti.template(), record: ti.template(), first: ti.i32, end: ti.i32):
    """Where the light samples lie."""
    for row in range(first, end):
        kind = record.light[row]
        if record.kind[row] == SURFACE and kind >= 0 and record.light_moves[row] != 0:
            index = record.light_index[row]
            if ti.static(features.area_lights):
                if kind == LIGHT_TRIANGLES:
                    b = record.light_barycentrics[row]
                    if record.light_near[row].share > 0.0:
                        b, towards, factor = near_point(
                            scene, record.triangle[row], record.position[row], index, b, record.light_measure[row],
                            record.light_near[row],
                        )  # fmt: skip
                        record.towards_light[row] = towards
                        record.light_spread[row] = ti.Vector([factor])
                    corners = scene.triangles[index]
                    p0 = scene.positions[corners[0]]
                    e1 = scene.positions[corners[1]] - p0
                    e2 = scene.positions[corners[2]] - p0
                    record.light_position[row] = p0 + e1 * b.x + e2 * b.y
                    record.light_cross[row] = e1.cross(e2)
                    if ti.static(features.textures):
                        record.light_uv[row] = texture_coordinates(scene, index, b.x, b.y)
            if ti.static(features.delta_lights):
                if kind == LIGHT_DIRECTIONAL:
                    record.light_position[row] = -scene.delta_direction[index]
                elif kind != LIGHT_TRIANGLES and kind != LIGHT_ENVIRONMENT:
                    record.light_position[row] = scene.delta_position[index]


@ti.kernel
def local_directions(record: ti.template(), first: ti.i32, end: ti.i32):
    """Directions about the shading normal, from the positions."""
    for row in range(first, end):
        if record.kind[row] == SURFACE:
            n = record.normal[row]
            frame = frame_from_normal(n)
            here = record.position[row]
            back = -record.towards[row]
            if record.near[row].share <= 0.0:
                back = safe_normalize(record.position[record.previous[row]] - here, n)
            wo = to_local(frame, back)
            # Which side is seen was decided; where that changes is a line of its own (gradient/shading_silhouettes.py).
            record.wo[row] = vec3(wo.x, wo.y, record.side[row] * ti.max(record.side[row] * wo.z, _LEAST_COSINE))
            following = record.next[row]
            if record.scattering[row] == SCATTERED and following >= 0:
                towards = record.direction[following]
                if record.kind[following] == SURFACE:
                    towards = safe_normalize(record.position[following] - here, n)
                    if record.near[following].share > 0.0:
                        towards = record.towards[following]
                record.wi[TOWARDS_NEXT, row] = to_local(frame, towards)
            kind = record.light[row]
            if kind >= 0:
                towards = record.light_position[row]
                if kind != LIGHT_ENVIRONMENT and kind != LIGHT_DIRECTIONAL:
                    towards = safe_normalize(record.light_position[row] - here, n)
                    if kind == LIGHT_TRIANGLES and record.light_near[row].share > 0.0:
                        towards = record.towards_light[row]
                record.wi[TOWARDS_LIGHT, row] = to_local(frame, towards)


@ti.kernel
def material_values(
    scene: ti.template(), features: ti.template(), record: ti.template(), slots: ti.template(),
    first: ti.i32, end: ti.i32,
):  # fmt: skip
    """Fields of the materials at the vertices; bit k of `slots` is set for those to look up.

    The derivative has nothing by LOOKED_UP, see lookups.py.
    """
    ti.static(hold(scene, LOOKED_UP))
    for row in range(first, end):
        if record.kind[row] == SURFACE:
            for slot in ti.static([k for k in range(features.slots) if slots >> k & 1]):
                record.values[slot][row] = value(scene, features, record.material[row], slot, record.uv[row])


@ti.func
def _emitted(scene: ti.template(), features: ti.template(), triangle: ti.i32, uv: ti.math.vec2) -> vec3:
    shape = scene.triangle_shape[triangle]
    result = scene.shape_emission[shape]
    if ti.static(features.textures):
        texture = scene.shape_emission_texture[shape]
        if texture >= 0:
            result = lookup(scene, texture, uv)
    return result


@ti.kernel
def emissions(
    scene: ti.template(), features: ti.template(), record: ti.template(), held: ti.template(),
    first: ti.i32, end: ti.i32,
):  # fmt: skip
    """Radiance that vertices emit, and that of light samples (irradiance for lights without extent).

    Args:
        held: fields by which no derivative is asked for, besides LOOKED_UP, see lookups.py.
    """
    ti.static(hold(scene, held | LOOKED_UP))
    for row in range(first, end):
        kind = record.kind[row]
        if ti.static(features.environment):
            if kind == ESCAPE:
                record.emission[row] = environment.emitted(scene, features, record.direction[row])
        if kind == SURFACE:
            light = record.light[row]
            index = record.light_index[row]
            if ti.static(features.area_lights):
                if record.emission_factor[row] > 0.0:
                    record.emission[row] = _emitted(scene, features, record.triangle[row], record.uv[row])
                if light == LIGHT_TRIANGLES:
                    record.light_radiance[row] = _emitted(scene, features, index, record.light_uv[row])
            if ti.static(features.environment):
                if light == LIGHT_ENVIRONMENT:
                    record.light_radiance[row] = environment.emitted(scene, features, record.light_position[row])
            if ti.static(features.delta_lights):
                if light >= 0 and light != LIGHT_TRIANGLES and light != LIGHT_ENVIRONMENT:
                    drawn = delta.sample(scene, light, index, record.position[row])
                    record.light_radiance[row] = drawn.radiance


@ti.func
def kept_values(features: ti.template(), record: ti.template(), row: ti.i32):
    """The material's fields at a vertex, as BSDFs take them."""
    return ti.Matrix(
        [[record.values[slot][row][d] for d in ti.static(range(3))] for slot in ti.static(range(features.slots))]
    )


@ti.kernel
def scatterings(
    scene: ti.template(), features: ti.template(), record: ti.template(), model: ti.template(), kind: ti.template(),
    k: ti.i32, first: ti.i32, end: ti.i32,
):  # fmt: skip
    """The BSDF of the vertices of one model, towards the next vertex or towards the light.

    Args:
        features: of a scene that has this model alone.
        model: its name; kind: its number.
        k: TOWARDS_NEXT or TOWARDS_LIGHT.
    """
    for row in range(first, end):
        if record.kind[row] == SURFACE and scene.material_type[record.material[row]] == kind:
            scattering = record.scattering[row]
            values = kept_values(features, record, row)
            if (k == TOWARDS_NEXT and scattering == SCATTERED) or (k == TOWARDS_LIGHT and record.light[row] >= 0):
                f, _density = bsdf.evaluate(
                    scene, features, record.material[row], values, record.wo[row], record.wi[k, row]
                )
                record.f[k, row] = f
            if ti.static(model in bsdf.SMOOTH):
                if k == TOWARDS_NEXT and scattering == MIRRORED:
                    record.f[k, row] = bsdf.delta(
                        scene, features, record.material[row], values, record.wo[row], record.wi[k, row]
                    )


@ti.kernel
def contributions(record: ti.template(), k: ti.i32, first: ti.i32, end: ti.i32):
    """Radiance of a path as seen from each of its vertices, added up.

    Args:
        k: TOWARDS_NEXT for what vertices emit and what arrives from the next, TOWARDS_LIGHT for light samples.
    """
    for row in range(first, end):
        kind = record.kind[row]
        if kind == SURFACE or kind == ESCAPE:
            total = vec3(0.0)
            if k == TOWARDS_NEXT:
                if record.emission_factor[row] > 0.0:
                    total += record.emission[row] * record.emission_factor[row]
                following = record.next[row]
                if kind == SURFACE and record.scattering[row] != ABSORBED and following >= 0:
                    ratio = 1.0
                    if ti.static(record.geometry):
                        if record.scattering[row] == SCATTERED and record.kind[following] == SURFACE:
                            if record.near[following].share > 0.0:
                                ratio = record.spread[following][0]
                            else:
                                ratio = record.measure[following] * solid_angle(
                                    record.position[following], record.cross[following], record.position[row]
                                )
                    total += record.f[k, row] * record.arriving[row] * (record.scatter_factor[row] * ratio)
            elif kind == SURFACE:
                light = record.light[row]
                if light >= 0:
                    ratio = 1.0
                    if ti.static(record.geometry):
                        if light == LIGHT_TRIANGLES:
                            ratio = record.light_measure[row] * solid_angle(
                                record.light_position[row], record.light_cross[row], record.position[row]
                            )
                            if record.light_near[row].share > 0.0:
                                ratio = record.light_spread[row][0]
                    total += record.f[k, row] * record.light_radiance[row] * (record.light_factor[row] * ratio)
            record.value[record.path[row]] += record.throughput[row] * total
