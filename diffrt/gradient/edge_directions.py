"""Directions along which an edge is a silhouette, and their histogram, which guides where samples go.

An edge of unit tangent t separates light from shadow along w if both triangles beside it lie on one side of the plane
of t and w. About t these directions make two opposite wedges of angle a, the outer angle between the triangles, which
is small on a fine mesh: directions of the sphere would miss them. So they are drawn from the wedges, with the density
1 / (4 a) per solid angle, in coordinates y (about t, in either wedge) and z (along t), both in [0, 1). Half of them
follow a histogram over these coordinates instead, which edges near each other share (Mueller et al. 2017 guide paths
in a similar way).
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.distribution import cdf_interval, search_cdf
from diffrt.core.vector import PI

ROWS, COLUMNS = 16, 8
"""Cells of a histogram along y and z."""
CELLS = ROWS * COLUMNS
_GUIDED = 0.5
"""Share of directions that follow the histogram."""


@ti.dataclass
class Wedges:
    """Directions of silhouettes.

    Attributes:
        t: unit tangent of the edge. u, v: unit vectors normal to it and each other; the first wedge begins at u and
            turns towards v, the second is opposite.
        angle: of a wedge.
    """

    t: vec3
    u: vec3
    v: vec3
    angle: ti.f32


@ti.func
def wedges(x: vec3, t: vec3, corner: vec3, other: vec3, border: ti.i32) -> Wedges:
    """The wedges of an edge through x, of unit tangent t, with corners of the triangles beside it; at a border all
    directions, whatever `other`. Neighbours on a fine mesh get similar coordinates."""
    a = corner - x
    a = (a - t * a.dot(t)).normalized(1e-20)
    b = other - x
    b = (b - t * b.dot(t)).normalized(1e-20)
    across = t.cross(a)
    angle = PI
    if border == 0:
        # The wedge lies between a and the continuation of b's triangle.
        across *= ti.select(across.dot(b) > 0.0, -1.0, 1.0)
        angle = ti.atan2(-b.dot(across), -b.dot(a))
    along = t
    along *= ti.select(_upper(t), 1.0, -1.0)
    middle = a * ti.cos(0.5 * angle) + across * ti.sin(0.5 * angle)
    sign = ti.select(_upper(middle), 1.0, -1.0)
    return Wedges(along, a * sign, across * sign, angle)


@ti.func
def _upper(a: vec3):
    """Whether the largest component is positive."""
    size = ti.abs(a)
    largest = ti.select(size.x >= size.y, a.x, a.y)
    largest = ti.select(size.z > ti.max(size.x, size.y), a.z, largest)
    return largest > 0.0


@ti.func
def direction(w: Wedges, place: vec2) -> vec3:
    """The direction at coordinates (y, z)."""
    half = ti.cast(place.x >= 0.5, ti.f32)
    turn = (2.0 * place.x - half) * w.angle
    z = 2.0 * place.y - 1.0
    r = ti.sqrt(ti.max(1.0 - z * z, 0.0)) * (1.0 - 2.0 * half)
    return w.t * z + (w.u * ti.cos(turn) + w.v * ti.sin(turn)) * r


@ti.func
def coordinates(w: Wedges, towards: vec3) -> vec2:
    """(y, z) of a direction, y negative if it lies in neither wedge."""
    turn = ti.atan2(towards.dot(w.v), towards.dot(w.u))
    half = ti.cast(turn < 0.0, ti.f32)
    y = (turn + half * PI) / ti.max(w.angle, 1e-20)
    z = 0.5 + 0.5 * ti.min(ti.max(towards.dot(w.t), -1.0), 1.0)
    return vec2(ti.select(y <= 1.0, 0.5 * (ti.min(y, 0.9999999) + half), -1.0), ti.min(z, 0.9999999))


@ti.func
def cell(place: vec2) -> ti.i32:
    """Of the histogram."""
    row = ti.min(ti.cast(place.x * ti.static(ROWS), ti.i32), ti.static(ROWS - 1))
    column = ti.min(ti.cast(place.y * ti.static(COLUMNS), ti.i32), ti.static(COLUMNS - 1))
    return row * ti.static(COLUMNS) + column


@ti.func
def along_circle(place: vec2) -> ti.f32:
    """One coordinate instead of two, in [0, 1), for directions of a circle: its cells follow each other."""
    row = ti.floor(place.x * ti.static(float(ROWS)))
    return (row + place.y) / ti.static(float(ROWS))


@ti.func
def draw(guide: ti.template(), group: ti.i32, u: vec2) -> vec2:
    """Coordinates by histogram number `group`; `guide` holds all of them as cumulative sums."""
    place = vec2((u.x - _GUIDED) / (1.0 - _GUIDED), u.y)
    if u.x < _GUIDED:
        inner = u.x / _GUIDED
        chosen = search_cdf(guide, group * ti.static(CELLS), ti.static(CELLS), inner)
        interval = cdf_interval(guide, group * ti.static(CELLS), chosen)
        rest = ti.min(ti.max((inner - interval.x) / ti.max(interval.y, 1e-20), 0.0), 0.9999999)
        row = chosen // ti.static(COLUMNS)
        place.x = (ti.cast(row, ti.f32) + rest) / ti.static(float(ROWS))
        place.y = (ti.cast(chosen - row * ti.static(COLUMNS), ti.f32) + u.y) / ti.static(float(COLUMNS))
    return place


@ti.func
def relative_density(guide: ti.template(), group: ti.i32, place: vec2) -> ti.f32:
    """Of coordinates that `draw` draws, over that of even ones."""
    share = cdf_interval(guide, group * ti.static(CELLS), cell(place)).y
    return 1.0 - _GUIDED + _GUIDED * share * ti.static(float(CELLS))


@ti.func
def density(w: Wedges, guide: ti.template(), group: ti.i32, place: vec2) -> ti.f32:
    """Per solid angle, of `draw`; 0 outside of the wedges."""
    result = 0.0
    if place.x >= 0.0:
        result = relative_density(guide, group, place) / (4.0 * ti.max(w.angle, 1e-20))
    return result
