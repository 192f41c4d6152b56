"""Directions to lamps along which an edge is a silhouette: few directions to points of a lamp are, on a fine mesh.

About the edge a triangle that emits covers an interval of angles, of which the wedges (edge_directions.py) cut a part
out. The half plane at such an angle meets the triangle in a segment, which covers an interval of angles from the edge's
tangent. A triangle is drawn as any light is, then one angle and the other, evenly: with the probability P of the
triangle, and d and e the sizes of the intervals, the density per solid angle at angle e from the tangent is

    P / (d e sin(angle from the tangent))
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import PI
from diffrt.gradient.edge_directions import Wedges
from diffrt.shading.light import choice
from diffrt.shading.receiver import bare_receiver


@ti.dataclass
class Turns:
    """Angles about an edge that a triangle and the wedges share: `sizes` of them from `starts` on, in either wedge."""

    starts: vec2
    sizes: vec2


@ti.func
def _within(turn: ti.f32) -> ti.f32:
    """The same angle in [0, 2 pi)."""
    return turn - ti.floor(turn / (2.0 * PI)) * (2.0 * PI)


@ti.func
def _turns(scene: ti.template(), fan: Wedges, x: vec3, triangle: ti.i32) -> Turns:
    corners = scene.triangles[triangle]
    middle = (scene.positions[corners[0]] + scene.positions[corners[1]] + scene.positions[corners[2]]) / 3.0 - x
    a, b = middle.dot(fan.u), middle.dot(fan.v)
    low, high = 0.0, 0.0
    for k in ti.static(range(3)):
        corner = scene.positions[corners[k]] - x
        c, d = corner.dot(fan.u), corner.dot(fan.v)
        turn = ti.atan2(a * d - b * c, a * c + b * d)
        low, high = ti.min(low, turn), ti.max(high, turn)
    result = Turns(vec2(0.0, PI), vec2(fan.angle))  # if the triangle is all around, since the edge's line meets it
    if high - low < PI:
        first, size = ti.atan2(b, a) + low, high - low
        for k in ti.static(range(2)):
            start = _within(k * PI - first)  # of the wedge, from the triangle's first angle on
            end = start + fan.angle
            if start >= size:
                start, end = 0.0, end - 2.0 * PI
            result.starts[k] = first + start
            result.sizes[k] = ti.max(ti.min(end, size) - start, 0.0)
    return result


@ti.func
def _tilts(scene: ti.template(), fan: Wedges, x: vec3, triangle: ti.i32, turn: ti.f32) -> vec2:
    """Angles from the edge's tangent between which the half plane at an angle about the edge meets a triangle; twice
    the same if nowhere."""
    outwards = fan.u * ti.cos(turn) + fan.v * ti.sin(turn)
    across = fan.v * ti.cos(turn) - fan.u * ti.sin(turn)
    corners = scene.triangles[triangle]
    first, last = vec2(0.0), vec2(0.0)  # where the plane meets the border: along the tangent, and outwards
    for k in ti.static(range(3)):
        p, q = scene.positions[corners[k]] - x, scene.positions[corners[(k + 1) % 3]] - x
        height, other = p.dot(across), q.dot(across)
        if (height < 0.0) != (other < 0.0):
            met = p + (q - p) * (height / (height - other))
            last = first
            first = vec2(met.dot(fan.t), met.dot(outwards))
    if (first.y < 0.0) != (last.y < 0.0):  # the edge's line lies between
        inner = vec2(first.x + (last.x - first.x) * (first.y / (first.y - last.y)), 0.0)
        if first.y < 0.0:
            first = inner
        else:
            last = inner
    a, b = ti.atan2(first.y, first.x), ti.atan2(last.y, last.x)
    return ti.select(ti.min(first.y, last.y) >= 0.0, vec2(ti.min(a, b), ti.max(a, b)), vec2(0.0))


@ti.func
def towards_lamp(scene: ti.template(), fan: Wedges, x: vec3, triangle: ti.i32, u: vec2):
    """A direction from x to a triangle within the wedges, and its density per solid angle given the triangle; a density
    of zero if there is none."""
    turns = _turns(scene, fan, x, triangle)
    size = turns.sizes[0] + turns.sizes[1]
    along = u.x * size
    turn = turns.starts[0] + along
    if along >= turns.sizes[0]:
        turn = turns.starts[1] + along - turns.sizes[0]
    tilts = _tilts(scene, fan, x, triangle, turn)
    tilt = tilts[0] + u.y * (tilts[1] - tilts[0])
    w = fan.t * ti.cos(tilt) + (fan.u * ti.cos(turn) + fan.v * ti.sin(turn)) * ti.sin(tilt)
    return w, _density(size, tilts, ti.sin(tilt))


@ti.func
def lamp_density(
    scene: ti.template(), features: ti.template(), fan: Wedges, x: vec3, triangle: ti.i32, w: vec3
) -> ti.f32:  # fmt: skip
    """Per solid angle, of directions that `towards_lamp` draws, for one within the wedges that meets a triangle that
    emits; with the probability of that triangle."""
    turns = _turns(scene, fan, x, triangle)
    turn = ti.atan2(w.dot(fan.v), w.dot(fan.u))
    tilts = _tilts(scene, fan, x, triangle, turn)
    along = w.dot(fan.t)
    sine = ti.sqrt(ti.max(1.0 - along * along, 0.0))
    light = scene.triangle_light[triangle]
    chosen = choice.near_probability(scene, features, bare_receiver(x, vec3(0.0)), light)
    return _density(turns.sizes[0] + turns.sizes[1], tilts, sine) * chosen * share_of_lamp(scene, light, triangle)


@ti.func
def share_of_lamp(scene: ti.template(), light: ti.i32, triangle: ti.i32) -> ti.f32:
    """Probability of a triangle of a group that is drawn by area."""
    corners = scene.triangles[triangle]
    p0 = scene.positions[corners[0]]
    cross = (scene.positions[corners[1]] - p0).cross(scene.positions[corners[2]] - p0)
    return 0.5 * cross.norm() * scene.light_density[light]


@ti.func
def _density(size: ti.f32, tilts: vec2, sine: ti.f32) -> ti.f32:
    """Of angles about the edge, `size` of them, and of those from its tangent."""
    whole = size * (tilts[1] - tilts[0]) * sine
    return ti.select(tilts[1] > tilts[0] and whole > 1e-20, 1.0 / ti.max(whole, 1e-20), 0.0)
