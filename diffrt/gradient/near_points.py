"""Differentiated: points that follow the vertex before, see render/nearness.py.

With x the vertex before, y(b) the point of the triangle at barycentrics b, w the direction carried along by the
triangle of x, and d the barycentrics at which the ray from x along w meets the plane, the share a moves the point to

    b + a (d - b)

An area element of barycentrics grows by 1 + grad a . (d - b) + a div (d - b); and the directions of the ray keep their
solid angle, S(x, d) (1 + div (d - b)) = S(x, b), S being that per area of barycentrics. To first order, for all the
solid angle that the point stands for this is

    S(x, b + a (d - b)) (1 + ...) / S_0 = a + (1 - a) S(x, b) / S_0 + grad a . (d - b)

which has no large terms that must cancel. In the same way its direction is a w + (1 - a) (y(b) - x) / |y(b) - x|.

With y(b) seen from x as k, and the triangle's edges e1 and e2, the plane is met d - b from there:

    d - b = -w . (k x e2, e1 x k) / w . (e1 x e2)
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import safe_normalize
from diffrt.gradient.intersection import reciprocal
from diffrt.render.nearness import Near, triangle_frame


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
    cross = e1.cross(e2)
    kept = p0 + e1 * b.x + e2 * b.y - origin
    by_u, by_v = e2.cross(kept), kept.cross(e1)
    moved = vec2(carried.dot(by_u), carried.dot(by_v)) * reciprocal(carried.dot(cross))
    straight = vec2(near.direction.dot(by_u), near.direction.dot(by_v)) * reciprocal(near.direction.dot(cross))
    turning, rest = near.share - near.straight, near.kept
    inverse = 1.0 / ti.sqrt(ti.max(kept.dot(kept), 1e-20))
    factor = 1.0 - rest + near.slope.dot(moved) + near.straight_slope.dot(straight)
    factor += rest * measure * ti.abs(cross.dot(kept)) * (inverse * inverse * inverse)  # see `solid_angle`
    towards = carried * turning + near.direction * near.straight + kept * (inverse * rest)
    return b + moved * turning + straight * near.straight, safe_normalize(towards, carried), factor
