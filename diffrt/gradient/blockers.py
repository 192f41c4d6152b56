"""How a line ends the light that comes from a direction: as an edge of what blocks it, where triangles pierce each
other, and as an edge of the surface that the light comes from.
"""

import taichi as ti
from taichi.math import vec3

from diffrt.device.surface import surface_at

_CLEAR = 8.0
"""How many rounding errors away from the edge rays start."""
_BACK = 32.0
"""So many times farther towards the shadow: an edge may stand on the surface that it hides."""


@ti.dataclass
class Blocker:
    """How an edge blocks light that comes from direction w.

    Attributes:
        normal: unit, of the edge and w, away from what blocks the light; zero if nothing does.
        sine: of the angle between the edge and w.
        clear: a point beside the edge from which rays start.
        triangle: what blocks the light.
    """

    normal: vec3
    sine: ti.f32
    clear: vec3
    triangle: ti.i32


@ti.func
def normal_of(scene: ti.template(), triangle: ti.i32) -> vec3:
    corners = scene.triangles[triangle]
    p0 = scene.positions[corners[0]]
    return (scene.positions[corners[1]] - p0).cross(scene.positions[corners[2]] - p0).normalized(1e-20)


@ti.func
def at_edge(scene: ti.template(), features: ti.template(), x: vec3, t: vec3, w: vec3, faces, corners) -> Blocker:
    """What blocks the light lies on one side of the plane of the edge and the direction."""
    normal = w.cross(t)
    sine = normal.norm()
    normal /= ti.max(sine, 1e-20)
    side = normal.dot(scene.positions[corners[0]] - x)
    silhouette = side != 0.0 and sine > 1e-6
    if faces[1] >= 0:
        silhouette = silhouette and side * normal.dot(scene.positions[corners[1]] - x) > 0.0
    normal *= ti.select(silhouette, ti.select(side > 0.0, -1.0, 1.0), 0.0)
    error = surface_at(scene, features, faces[0], 0.3, 0.3).error
    return Blocker(normal, sine, x + (normal - w * _BACK) * (_CLEAR * error), faces[0])


@ti.func
def at_piercing(scene: ti.template(), features: ti.template(), x: vec3, t: vec3, w: vec3, faces, corners):
    """The second triangle blocks what the first one sends out against w; also the corner of the first one, on the side
    from which that is seen."""
    first, second = normal_of(scene, faces[0]), normal_of(scene, faces[1])
    first *= ti.select(first.dot(w) < 0.0, 1.0, -1.0)
    second *= ti.select(second.dot(w) < 0.0, 1.0, -1.0)
    shown, other = scene.positions[corners[0]], scene.positions[corners[2]]
    if second.dot(shown - x) < 0.0:
        shown = scene.positions[corners[1]]
    if first.dot(other - x) < 0.0:
        other = scene.positions[corners[3]]
    normal = w.cross(t)
    sine = normal.norm()
    normal /= ti.max(sine, 1e-20)
    normal *= ti.select(normal.dot(shown - x) > 0.0, 1.0, -1.0)
    possible = sine > 1e-6 and normal.dot(other - x) < 0.0
    error = (
        surface_at(scene, features, faces[0], 0.3, 0.3).error + surface_at(scene, features, faces[1], 0.3, 0.3).error
    )
    clear = x + (first + second) * (_CLEAR * error)
    return Blocker(normal * ti.cast(possible, ti.f32), sine, clear, faces[1]), shown


@ti.func
def at_own(
    scene: ti.template(), features: ti.template(), x: vec3, t: vec3, w: vec3, faces, corners, joins: ti.i32,
    bends: ti.i32,
):  # fmt: skip
    """Where a surface that slides ends, or two of its triangles join: the normal points to the first one that is shown.
    Also whether that is the other one of the two, and corners of the shown and the second one."""
    normal = w.cross(t)
    sine = normal.norm()
    normal /= ti.max(sine, 1e-20)
    shown, second = scene.positions[corners[0]], scene.positions[corners[1]]
    height, other = normal.dot(shown - x), normal.dot(second - x)
    possible = sine > 1e-6 and height != 0.0
    swapped = False
    error = surface_at(scene, features, faces[0], 0.3, 0.3).error
    clear = x
    if joins != 0:
        possible = possible and height * other < 0.0
        one, two = normal_of(scene, faces[0]), normal_of(scene, faces[1])
        one *= ti.select(one.dot(w) < 0.0, 1.0, -1.0)
        two *= ti.select(two.dot(w) < 0.0, 1.0, -1.0)
        if bends:
            possible = possible and one.dot(second - x) < 0.0
        clear += (one + two) * (_CLEAR * error)
        normal *= ti.select(height > 0.0, 1.0, -1.0)
    else:
        if faces[1] >= 0:
            possible = possible and height * other > 0.0
            # Of two triangles on one side, the one is shown that the viewer meets first.
            swapped = (shown - x).dot(w) * ti.abs(other) > (second - x).dot(w) * ti.abs(height)
        normal *= ti.select(height > 0.0, 1.0, -1.0)
        clear -= (normal + w * _BACK) * (_CLEAR * error)
    if swapped:
        shown = second
    return Blocker(normal * ti.cast(possible, ti.f32), sine, clear, faces[0]), swapped, shown, second
