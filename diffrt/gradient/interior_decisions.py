"""Differentiated: the opacities and weights of mixes that recorded paths went by, where they may move with the surface.

See render/decisions.py: the radiance of a path is linear in each of these numbers, with the recorded slope.
"""

import taichi as ti
from taichi.math import vec3

from diffrt.device.features import LIGHT_DIRECTIONAL, LIGHT_ENVIRONMENT, OPACITY_SLOT
from diffrt.device.surface import texture_coordinates
from diffrt.gradient.intersection import intersection
from diffrt.render.decisions import TO_VERTEX
from diffrt.render.record import DROPPED, ESCAPE
from diffrt.shading.bsdf.mix import WEIGHT
from diffrt.shading.material import value


@ti.func
def _crossing(scene: ti.template(), record: ti.template(), i: ti.i32):
    """Barycentrics at which the segment of a decision meets its triangle."""
    row = record.decisions.row[i]
    origin = record.position[row]
    direction = record.light_position[row]  # of lights infinitely far away
    if record.decisions.segment[i] == TO_VERTEX:
        previous = record.previous[row]
        origin = record.position[previous]
        direction = record.position[row] - origin
        if record.determined[row] != 0:
            direction = record.direction[previous]
        elif record.kind[row] == ESCAPE:
            direction = record.direction[row]
    elif record.light[row] != LIGHT_ENVIRONMENT and record.light[row] != LIGHT_DIRECTIONAL:
        direction -= origin
    corners = scene.triangles[record.decisions.triangle[i]]
    p0 = scene.positions[corners[0]]
    return intersection(p0, scene.positions[corners[1]] - p0, scene.positions[corners[2]] - p0, origin, direction)


@ti.kernel
def decisions(scene: ti.template(), features: ti.template(), record: ti.template(), moves: ti.template(), end: ti.i32):
    """Add the decisions' numbers times their slopes to the paths' values.

    Args:
        moves: textures may move over the surface.
        end: how many decisions there are.
    """
    for i in range(end):
        row = record.decisions.row[i]
        if row >= 0 and record.kind[row] != DROPPED:
            material = record.decisions.material[i]
            b = record.decisions.barycentrics[i]
            if ti.static(moves):
                u, v = _crossing(scene, record, i)
                b = ti.math.vec2(u, v)
            uv = texture_coordinates(scene, record.decisions.triangle[i], b.x, b.y)
            number = vec3(0.0)
            if record.decisions.of_opacity[i] != 0:
                number = value(scene, features, material, OPACITY_SLOT, uv)
            else:
                number = value(scene, features, material, WEIGHT, uv)
            record.value[record.path[row]] += record.decisions.slope[i] * number.x
