"""Fills rows of a path record: what tracing decides at a vertex, and what follows once a path is complete."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import max_component
from diffrt.device.features import LIGHT_DIRECTIONAL, LIGHT_ENVIRONMENT, LIGHT_TRIANGLES
from diffrt.device.surface import Surface, surface_at
from diffrt.render.decisions import decided
from diffrt.render.nearness import FOLLOWERS, nearness
from diffrt.render.record import (
    ABSORBED,
    CAMERA,
    DROPPED,
    MIRRORED,
    SCATTERED,
    SURFACE,
    TOWARDS_LIGHT,
    TOWARDS_NEXT,
    solid_angle,
)
from diffrt.shading.bsdf import dispatch as bsdf
from diffrt.shading.bsdf.base import BsdfSample
from diffrt.shading.bsdf.mix import presence
from diffrt.shading.light.base import LightSample


@ti.func
def clear_adjoints(features: ti.template(), record: ti.template(), row: ti.i32):
    """Adjoints of zero."""
    record.emission.grad[row] = vec3(0.0)
    record.light_radiance.grad[row] = vec3(0.0)
    for slot in ti.static(range(features.slots)):
        record.values[slot].grad[row] = vec3(0.0)
    for k in ti.static((TOWARDS_NEXT, TOWARDS_LIGHT)):
        record.f.grad[k, row] = vec3(0.0)
        if ti.static(record.geometry):
            record.wi.grad[k, row] = vec3(0.0)
    if ti.static(record.geometry):
        for state in ti.static((
            record.position, record.normal, record.cross, record.direction, record.light_position, record.light_cross,
            record.wo, record.towards, record.towards_light,
        )):  # fmt: skip
            state.grad[row] = vec3(0.0)
        record.uv.grad[row] = vec2(0.0)
        record.light_uv.grad[row] = vec2(0.0)
        record.spread.grad[row] = ti.Vector([0.0])
        record.light_spread.grad[row] = ti.Vector([0.0])


@ti.func
def _seed_adjoints(features: ti.template(), record: ti.template(), row: ti.i32, path: ti.i32, emits: ti.i32):
    """Adjoints of what a vertex adds to its path's value, which is linear in each: the derivative of `contributions` in
    gradient/interior.py where nothing moves, at the price of the zeros that would be written here."""
    adjoint = record.throughput[row] * record.value.grad[path]
    next_factor, light_factor = vec3(0.0), vec3(0.0)
    if record.kind[row] == SURFACE:
        if record.scattering[row] != ABSORBED and record.next[row] >= 0:
            next_factor = adjoint * record.arriving[row] * record.scatter_factor[row]
        if record.light[row] >= 0:
            light_factor = adjoint * record.light_factor[row] * record.light_radiance[row]
    if emits != 0:
        emission, light_radiance = vec3(0.0), vec3(0.0)
        if record.emission_factor[row] > 0.0:
            emission = adjoint * record.emission_factor[row]
        if record.kind[row] == SURFACE and record.light[row] >= 0:
            light_radiance = adjoint * record.light_factor[row] * record.f[TOWARDS_LIGHT, row]
        record.emission.grad[row] = emission
        record.light_radiance.grad[row] = light_radiance
    record.f.grad[TOWARDS_NEXT, row] = next_factor
    record.f.grad[TOWARDS_LIGHT, row] = light_factor
    for slot in ti.static(range(features.slots)):
        record.values[slot].grad[row] = vec3(0.0)


@ti.func
def new_camera_row(
    record: ti.template(), path: ti.i32, pixel: ti.i32, film: vec2, lens: vec2, adjoint: vec3
):  # fmt: skip
    """The first row of a path, whose value has this adjoint."""
    record.kind[path] = CAMERA
    record.path[path] = path
    record.previous[path] = -1
    record.next[path] = -1
    record.last[path] = path
    record.pixel[path] = pixel
    record.film[path] = film
    record.lens[path] = lens
    record.value[path] = vec3(0.0)
    record.value.grad[path] = adjoint
    if ti.static(record.geometry):
        record.level[path] = 0
        record.position.grad[path] = vec3(0.0)
        record.direction.grad[path] = vec3(0.0)


@ti.func
def begin_row(record: ti.template(), row: ti.i32, path: ti.i32, previous: ti.i32, kind: ti.i32):
    """Make a row the vertex behind `previous` in a path."""
    record.kind[row] = kind
    record.path[row] = path
    record.previous[row] = previous
    record.next[row] = -1
    record.next[previous] = row
    record.scattering[row] = ABSORBED
    record.light[row] = -1
    record.last[path] = row
    if ti.static(record.geometry):
        record.determined[row] = 0
        record.level[row] = 0
    if ti.static(record.decides):
        record.decisions.last[row] = -1


@ti.func
def new_row(
    record: ti.template(), first: ti.i32, latest: ti.i32, path: ti.i32, previous: ti.i32, kind: ti.i32
) -> ti.i32:
    """A row behind `previous` in a path; -1 if there is no room left.

    Args:
        first: row of the first page.
        latest: row that the path's group took last; -1 for none.
    """
    row = latest + 1
    if row % record.page == 0:
        row = first + record.page * ti.atomic_add(record.used[None], 1)
    if row < record.rows:
        begin_row(record, row, path, previous, kind)
    else:
        row = -1
    return row


@ti.func
def _cross(scene: ti.template(), triangle: ti.i32) -> vec3:
    corners = scene.triangles[triangle]
    p0 = scene.positions[corners[0]]
    return (scene.positions[corners[1]] - p0).cross(scene.positions[corners[2]] - p0)


@ti.func
def keep_place(
    scene: ti.template(), features: ti.template(), record: ti.template(), row: ti.i32,
    triangle: ti.i32, u: ti.f32, v: ti.f32, surface: Surface, material: ti.i32, outer: ti.i32, normal: vec3,
    determined: ti.i32, mirrored: ti.i32, depth: ti.i32,
):  # fmt: skip
    record.triangle[row] = triangle
    record.material[row] = material
    record.outer[row] = outer
    record.uv[row] = surface.uv
    if ti.static(record.geometry or features.delta_lights):  # whose radiance depends on it
        record.position[row] = surface.position
    if ti.static(record.geometry):
        record.barycentrics[row] = vec2(u, v)
        previous = record.previous[row]
        record.normal[row] = normal
        record.cross[row] = _cross(scene, triangle)
        record.determined[row] = determined
        record.level[row] = (record.level[previous] + 1) * determined
        seen = solid_angle(surface.position, record.cross[row], record.position[previous])
        record.measure[row] = 1.0 / ti.max(seen, 1e-30)
        record.near[row].share = 0.0
        if determined == 0 and 1 < depth <= FOLLOWERS + 1:
            record.near[row] = nearness(
                scene, record.triangle[previous], record.position[previous], triangle, u, v, 1 - mirrored
            )
            if record.near[row].share > 0.0:
                record.level[row] = record.level[previous] + 1
                record.towards[row] = (surface.position - record.position[previous]).normalized(1e-20)
                record.spread[row] = ti.Vector([1.0])


@ti.func
def keep_light(
    scene: ti.template(), features: ti.template(), record: ti.template(), row: ti.i32,
    light: LightSample, factor: ti.f32, depth: ti.i32,
):  # fmt: skip
    record.light[row] = light.kind
    record.light_index[row] = light.index
    record.light_factor[row] = factor
    record.light_radiance[row] = light.radiance
    record.light_position[row] = light.wi
    record.light_uv[row] = vec2(0.0)
    if light.kind == LIGHT_TRIANGLES:
        surface = surface_at(scene, features, light.index, light.b.x, light.b.y)
        record.light_uv[row] = surface.uv
        if scene.shape_emits[surface.shape] != 2 and light.wi.dot(surface.normal) >= 0.0:
            record.light[row] = -1  # its dark side; a lit one may be black and still have a derivative
        if ti.static(features.masked):
            share = presence(scene, features, scene.shape_material[surface.shape], surface.uv)
            record.light_factor[row] *= share
            record.light_radiance[row] /= ti.max(share, 1e-20)
        if ti.static(record.geometry):
            record.light_barycentrics[row] = light.b
            record.light_position[row] = surface.position
            record.light_cross[row] = _cross(scene, light.index)
            seen = solid_angle(surface.position, record.light_cross[row], record.position[row])
            record.light_measure[row] = 1.0 / ti.max(seen, 1e-30)
            record.light_near[row].share = 0.0
            if depth <= FOLLOWERS:
                record.light_near[row] = nearness(
                    scene, record.triangle[row], record.position[row], light.index, light.b.x, light.b.y, 0
                )
                record.towards_light[row] = light.wi
                record.light_spread[row] = ti.Vector([1.0])
    elif light.kind != LIGHT_ENVIRONMENT and light.kind != LIGHT_DIRECTIONAL:
        record.light_position[row] = light.target


@ti.func
def keep_scattering(
    scene: ti.template(), features: ti.template(), record: ti.template(), row: ti.i32,
    material: ti.i32, values: ti.template(), wo: vec3, drawn: BsdfSample, survival: ti.f32, counts: ti.i32,
):  # fmt: skip
    if counts:
        record.wi[TOWARDS_NEXT, row] = drawn.wi
    if drawn.delta == 0:
        record.scattering[row] = SCATTERED
        record.f[TOWARDS_NEXT, row] = drawn.weight * drawn.pdf
        record.scatter_factor[row] = 1.0 / (drawn.pdf * survival)
    else:
        record.scattering[row] = MIRRORED
        factor = bsdf.delta(scene, features, material, values, wo, drawn.wi)
        record.f[TOWARDS_NEXT, row] = factor
        # The weight is the factor over the probability of the lobe.
        weight = max_component(drawn.weight)
        chance = ti.select(weight > 0.0, max_component(factor) / ti.max(weight, 1e-20), 1.0)
        record.scatter_factor[row] = 1.0 / ti.max(chance * survival, 1e-20)


@ti.func
def arrivals(record: ti.template(), path: ti.i32) -> vec3:
    """Let every vertex know the radiance that arrives from the next; returns that of the path."""
    arriving = vec3(0.0)
    row = record.last[path]
    while record.kind[row] != CAMERA:
        direct = record.arriving[row]
        record.arriving[row] = arriving
        scattered = vec3(0.0)
        if record.scattering[row] != ABSORBED:
            scattered = record.f[TOWARDS_NEXT, row] * record.scatter_factor[row] * arriving
        arriving = direct + scattered
        if ti.static(record.decides):
            arriving = decided(record.decisions, row, arriving)
        row = record.previous[row]
    return arriving


@ti.func
def begin_adjoints(features: ti.template(), record: ti.template(), path: ti.i32, emits: ti.i32) -> ti.i32:
    """Begin with the adjoints of all vertices that count: zero, or without geometry those that their path's value
    gives. Returns the highest level."""
    level = 0
    row = record.next[path]
    while row >= 0:
        if record.kind[row] != DROPPED:
            if ti.static(record.geometry):
                clear_adjoints(features, record, row)
                level = ti.max(level, record.level[row])
            else:
                _seed_adjoints(features, record, row, path, emits)
        row = record.next[row]
    return level


@ti.func
def drop(record: ti.template(), path: ti.i32):
    """Take a path out of all derivatives."""
    row = record.last[path]
    while record.kind[row] != CAMERA:
        record.kind[row] = DROPPED
        row = record.previous[row]


@ti.func
def leave_still(
    scene: ti.template(), record: ti.template(), keep: ti.template(), changing: ti.template(), path: ti.i32
):  # fmt: skip
    """Take the vertices out of all derivatives that do not change and, if things move, have no neighbour that does.

    Args:
        keep: what is asked of each material.
        changing: whether each shape changes.
    """
    before, before_changes, before_stays = -1, False, False
    row = record.next[path]
    while row >= 0:
        changes, lit = False, False
        if record.kind[row] == SURFACE:
            materials = keep[record.material[row]] | keep[record.outer[row]]
            changes = changing[scene.triangle_shape[record.triangle[row]]] != 0 or materials != 0
            if record.light[row] == LIGHT_TRIANGLES:
                lit = changing[scene.triangle_shape[record.light_index[row]]] != 0
        if ti.static(record.geometry):
            if record.level[row] > 0:  # it follows the vertex before
                changes = changes or before_changes
            if before >= 0:
                if not (before_stays or changes):
                    record.kind[before] = DROPPED
            before, before_stays, before_changes = row, changes or lit or before_changes, changes
        elif not (changes or lit):
            record.kind[row] = DROPPED
        row = record.next[row]
    if before >= 0:
        if not before_stays:
            record.kind[before] = DROPPED
