"""Differentiated: points that follow the vertex before, see render/nearness.py.

With x the vertex before, y(b) the point of the triangle at barycentrics b, w the direction carried along by the
triangle of x, and d the barycentrics at which the ray from x along w meets the plane, the share a moves the point to

    b + a (d - b)

An area element of barycentrics grows by 1 + grad a . (d - b) + a div (d - b); and the directions of the ray keep their
solid angle, S(x, d) (1 + div (d - b)) = S(x, b), S being that per area of barycentrics. To first order, for all the
solid angle that the point stands for this is

    S(x, b + a (d - b)) (1 + ...) / S_0 = a + (1 - a) S(x, b) / S_0 + grad a . (d - b)

which has no large terms that must cancel. In the same way its direction is a w + (1 - a) (y(b) - x) / |y(b) - x|.
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import safe_normalize
from diffrt.gradient.intersection import intersection
from diffrt.render.nearness import Near, triangle_frame
from diffrt.render.record import solid_angle


@ti.func
def near_point(
    scene: ti.template(), before: ti.i32, origin: vec3, triangle: ti.i32, b: vec2, measure: ti.f32, near: Near
):  # fmt: skip
    """Where the point b of a triangle goes: its barycentrics, the unit direction to it, and the factor on its solid
    angle, 1 / `measure` at first."""
    s, t, n = triangle_frame(scene, before)
    carried = s * near.carried.x + t * near.carried.y + n * near.carried.z
    corners = scene.triangles[triangle]
    p0 = scene.positions[corners[0]]
    e1, e2 = scene.positions[corners[1]] - p0, scene.positions[corners[2]] - p0
    u, v = intersection(p0, e1, e2, origin, carried)
    moved = vec2(u, v) - b
    u, v = intersection(p0, e1, e2, origin, near.direction)
    straight = vec2(u, v) - b
    kept = p0 + e1 * b.x + e2 * b.y
    turning, rest = near.share - near.straight, near.kept
    factor = 1.0 - rest + near.slope.dot(moved) + near.straight_slope.dot(straight)
    factor += rest * measure * solid_angle(kept, e1.cross(e2), origin)
    towards = carried * turning + near.direction * near.straight + safe_normalize(kept - origin, carried) * rest
    return b + moved * turning + straight * near.straight, safe_normalize(towards, carried), factor
