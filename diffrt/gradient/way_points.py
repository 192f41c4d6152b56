"""The first points on the way from the camera to the shadow of an edge and on to its light, in the order of paths."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.device.surface import surface_at
from diffrt.render.nearness import FOLLOWERS, Near, nearness

MOST_POINTS = FOLLOWERS + 1
"""Those farther on keep their barycentrics, wherever the others go."""


class WayPoints:
    """Points of `count` samples, by their number on the way, the hit of the film point's ray being 0."""

    def __init__(self, count: int) -> None:
        shape = (MOST_POINTS, count)
        self.triangle = ti.field(ti.i32, shape=shape)
        self.barycentrics = ti.Vector.field(2, ti.f32, shape=shape)
        self.near = Near.field(shape=shape)  # how the point follows the one before
        self.position = ti.Vector.field(3, ti.f32, shape=shape, needs_grad=True)


@ti.func
def keep_point(
    scene: ti.template(), features: ti.template(), way: ti.template(), at: ti.i32, i: ti.i32,
    triangle: ti.i32, u: ti.f32, v: ti.f32,
):  # fmt: skip
    """Keep point number `at` of sample i, if it may follow another or be followed."""
    if at < MOST_POINTS:
        way.position[at, i] = surface_at(scene, features, triangle, u, v).position
        way.triangle[at, i] = triangle
        way.barycentrics[at, i] = vec2(u, v)
        way.near[at, i].share = 0.0
        way.position.grad[at, i] = vec3(0.0)


@ti.func
def moves(scene: ti.template(), triangle: ti.i32):
    """Whether the shape of a triangle moves."""
    return scene.shape_moves[scene.triangle_shape[triangle]] != 0


@ti.func
def way_moves(scene: ti.template(), way: ti.template(), last: ti.i32, i: ti.i32):
    """Whether point number `last` of sample i moves, of its own or behind those before it."""
    result = False
    for at in range(ti.min(last + 1, MOST_POINTS)):
        result = moves(scene, way.triangle[at, i]) or (result and way.near[at, i].share > 0.0)
    return result


@ti.func
def keep_nearness(scene: ti.template(), way: ti.template(), at: ti.i32, i: ti.i32):
    """How point number `at` of sample i follows the one before; both are kept."""
    if 0 < at < MOST_POINTS:
        b = way.barycentrics[at, i]
        way.near[at, i] = nearness(
            scene, way.triangle[at - 1, i], way.position[at - 1, i], way.triangle[at, i], b.x, b.y, 1
        )
