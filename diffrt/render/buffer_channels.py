"""Differentiated: the numbers that buffers keep of the first surface, from what is known of it."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.render.rendering import CHANNEL_COUNT

Row = ti.types.vector(CHANNEL_COUNT, ti.f32)


@ti.func
def channels(seen_from: vec3, position: vec3, normal: vec3, albedo: vec3, uv: vec2) -> Row:
    """The channels of a surface, in the order of `CHANNELS`; all are zero where none is met.

    Args:
        seen_from: where the camera's ray starts. position: where it ends.
        normal: the shading normal.
    """
    row = Row(0.0)
    for d in ti.static(range(3)):
        row[d] = normal[d]
        row[3 + d] = albedo[d]
        row[6 + d] = position[d]
    row[9] = (position - seen_from).norm()
    row[10] = 1.0
    row[12] = uv.x
    row[13] = uv.y
    return row
