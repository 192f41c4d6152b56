"""What follows for the rows of a path record once a path is complete."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.device.features import LIGHT_TRIANGLES
from diffrt.device.surface import surface_at
from diffrt.render.decisions import decided
from diffrt.render.nearness import FOLLOWERS, mobility, nearness
from diffrt.render.record import (
    ABSORBED,
    CAMERA,
    DROPPED,
    MIRRORED,
    SURFACE,
    TOWARDS_LIGHT,
    TOWARDS_NEXT,
    solid_angle,
)
from diffrt.shading.bsdf.mix import presence


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
def complete(scene: ti.template(), features: ti.template(), record: ti.template(), path: ti.i32):
    """Add what follows from the decisions: most paths matter to no derivative, and are left without."""
    mirrored = 0  # at some vertex before
    depth = 0
    row = record.next[path]
    while row >= 0:
        depth += 1
        previous = record.previous[row]
        if ti.static(record.geometry):
            determined = 1
            if depth > 1:
                determined = ti.cast(record.scattering[previous] == MIRRORED, ti.i32)
                mirrored |= determined
            record.determined[row] = determined
            record.level[row] = (record.level[previous] + 1) * determined
            if record.kind[row] == SURFACE:
                _complete_place(scene, record, row, previous, depth, mirrored)
            if record.scattering[row] == MIRRORED:
                record.level[row] = record.level[previous] + 1
        if record.kind[row] == SURFACE and record.light[row] == LIGHT_TRIANGLES:
            _complete_light(scene, features, record, row, depth)
        row = record.next[row]


@ti.func
def _cross(scene: ti.template(), triangle: ti.i32) -> vec3:
    corners = scene.triangles[triangle]
    p0 = scene.positions[corners[0]]
    return (scene.positions[corners[1]] - p0).cross(scene.positions[corners[2]] - p0)


@ti.func
def _complete_place(
    scene: ti.template(), record: ti.template(), row: ti.i32, previous: ti.i32, depth: ti.i32, mirrored: ti.i32
):  # fmt: skip
    position, before = record.position[row], record.position[previous]
    record.cross[row] = _cross(scene, record.triangle[row])
    record.measure[row] = 1.0 / ti.max(solid_angle(position, record.cross[row], before), 1e-30)
    record.near[row].share = 0.0
    if record.determined[row] != 0:
        towards = (position - before).normalized(1e-20)
        record.near[row].straight = mobility(scene, record.triangle[row], record.cross[row], towards)
    elif depth <= FOLLOWERS + 1:
        b = record.barycentrics[row]
        record.near[row] = nearness(
            scene, record.triangle[previous], before, record.triangle[row], b.x, b.y, 1 - mirrored
        )
        if record.near[row].share > 0.0:
            record.level[row] = record.level[previous] + 1
            record.towards[row] = (position - before).normalized(1e-20)
            record.spread[row] = ti.Vector([1.0])


@ti.func
def _complete_light(
    scene: ti.template(), features: ti.template(), record: ti.template(), row: ti.i32, depth: ti.i32
):  # fmt: skip
    index, b, wi = record.light_index[row], record.light_barycentrics[row], record.light_position[row]
    surface = surface_at(scene, features, index, b.x, b.y)
    record.light_uv[row] = surface.uv
    if scene.shape_emits[surface.shape] != 2 and wi.dot(surface.normal) >= 0.0:
        record.light[row] = -1  # its dark side; a lit one may be black and still have a derivative
    if ti.static(features.masked):
        share = presence(scene, features, scene.shape_material[surface.shape], surface.uv)
        record.light_factor[row] *= share
        record.light_radiance[row] /= ti.max(share, 1e-20)
    if ti.static(record.geometry):
        record.light_position[row] = surface.position
        record.light_cross[row] = _cross(scene, index)
        seen = solid_angle(surface.position, record.light_cross[row], record.position[row])
        record.light_measure[row] = 1.0 / ti.max(seen, 1e-30)
        record.light_near[row].share = 0.0
        if depth <= FOLLOWERS:
            record.light_near[row] = nearness(
                scene, record.triangle[row], record.position[row], index, b.x, b.y, 0
            )
            record.towards_light[row] = wi
            record.light_spread[row] = ti.Vector([1.0])


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
    """Take the vertices out of all derivatives that do not change and, if things move, have no neighbour that does. Of
    the others those that stay where they are get level -1.

    Lights whose samples lie still are marked.

    Args:
        keep: what is asked of each material.
        changing: whether each shape changes.
    """
    before, before_changes, before_stays, before_moves = -1, False, False, False
    row = record.next[path]
    while row >= 0:
        changes, lit, moves = False, False, False
        if record.kind[row] == SURFACE:
            materials = keep[record.material[row]] | keep[record.outer[row]]
            moves = changing[scene.triangle_shape[record.triangle[row]]] != 0
            changes = moves or materials != 0
            if record.light[row] == LIGHT_TRIANGLES:
                lit = changing[scene.triangle_shape[record.light_index[row]]] != 0
        if ti.static(record.geometry):
            if record.level[row] > 0:  # it follows the vertex before
                changes = changes or before_changes
                moves = moves or before_moves
            if record.kind[row] == SURFACE and record.light[row] == LIGHT_TRIANGLES:
                follows = moves and record.light_near[row].share > 0.0
                record.light_moves[row] = ti.cast(lit or follows, ti.i32)
                if (lit or follows) and record.lights_move[None] == 0:
                    record.lights_move[None] = 1
            if not moves:
                record.level[row] = -1
            if before >= 0:
                if not (before_stays or changes):
                    record.kind[before] = DROPPED
            before, before_stays, before_changes = row, changes or lit or before_changes, changes
            before_moves = moves
        elif not (changes or lit):
            record.kind[row] = DROPPED
        row = record.next[row]
    if before >= 0:
        if not before_stays:
            record.kind[before] = DROPPED
