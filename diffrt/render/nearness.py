"""Which vertices of a path are so near the one before that derivatives let them follow it.

A derivative that keeps the points of a path on their triangles, at fixed barycentrics, has terms as large as one over
the distance of neighbours: where surfaces meet in an inner angle its variance is infinite. If the farther point instead
moves on its plane such that it is always met in the same direction, as the nearer one's triangle sees it, nothing of
the kind is left. A share of that motion, 1 nearby and 0 far off and at the edges of the triangle, keeps the edges where
they are. Towards the line in which the two planes meet no such care is needed: points of it stay on it.
"""

import taichi as ti
from taichi.math import vec2, vec3

FOLLOWERS = 4
"""Vertices behind that many ones keep their barycentrics."""
_REACH = 0.25
"""Distance, over the smaller triangle's size, within which points follow in full; none do beyond twice of it."""
_RAMP = 1.0
"""Width of the ramp along an edge, over the distance from the line in which the planes meet."""


_GRAZING = 5e-3
"""Cosine below which what slides does so less: at grazing angles the way has no bound, nor has its variance. What is
left out is about this share of the motion of silhouettes."""


@ti.dataclass
class Near:
    """How a point follows the one before.

    Attributes:
        share: of the motions that it takes part in, 0 to 1.
        kept: the part of it that keeps its barycentrics.
        straight: the part of it that goes by a direction that is fixed in the world; the rest goes by one that turns
            with the triangle before. Of the hit of a ray its `mobility`.
        slope, straight_slope: derivatives of both parts by the barycentrics u and v.
        carried: unit direction to the point, in the frame of the triangle before.
        direction: the same in the world.
    """

    share: ti.f32
    kept: ti.f32
    straight: ti.f32
    slope: vec2
    straight_slope: vec2
    carried: vec3
    direction: vec3


@ti.func
def triangle_frame(scene: ti.template(), triangle: ti.i32):
    """Orthonormal axes that move with a triangle: along its first edge, across, and its normal."""
    corners = scene.triangles[triangle]
    p0 = scene.positions[corners[0]]
    e1 = scene.positions[corners[1]] - p0
    e2 = scene.positions[corners[2]] - p0
    cross = e1.cross(e2)
    s = e1 / ti.sqrt(ti.max(e1.dot(e1), 1e-30))
    n = cross / ti.sqrt(ti.max(cross.dot(cross), 1e-36))
    return s, n.cross(s), n


@ti.func
def _smoothstep(x: ti.f32):
    """Value and slope of the cubic that goes from 0 to 1."""
    t = ti.min(ti.max(x, 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t), 6.0 * t * (1.0 - t)


@ti.func
def _steepness(cross: vec3, direction: vec3) -> ti.f32:
    """1, or less at grazing angles."""
    return ti.min(ti.abs(cross.normalized(1e-20).dot(direction)) / _GRAZING, 1.0)


@ti.func
def mobility(scene: ti.template(), triangle: ti.i32, cross: vec3, direction: vec3) -> ti.f32:
    """Share of its motion that the hit of a ray is given: 1, but for grazing hits of fine meshes."""
    result = 1.0
    if scene.shape_slides[scene.triangle_shape[triangle]] != 0:
        result = _steepness(cross, direction)
    return result


@ti.func
def nearness(
    scene: ti.template(), before: ti.i32, origin: vec3, triangle: ti.i32, u: ti.f32, v: ti.f32, slides: ti.i32
) -> Near:  # fmt: skip
    """How the point (u, v) of a triangle follows the point `origin` of the triangle `before`.

    Args:
        slides: 0 if points of shapes that slide keep their places here all the same.
    """
    result = Near(0.0, 0.0, 0.0, vec2(0.0), vec2(0.0), vec3(0.0), vec3(0.0))
    if slides != 0 and scene.shape_slides[scene.triangle_shape[triangle]] != 0:
        corners = scene.triangles[triangle]
        p0 = scene.positions[corners[0]]
        e1, e2 = scene.positions[corners[1]] - p0, scene.positions[corners[2]] - p0
        result.direction = (p0 + e1 * u + e2 * v - origin).normalized(1e-20)
        result.carried = result.direction
        result.share = _steepness(e1.cross(e2), result.direction)
        result.straight = result.share
    else:
        result = _near(scene, before, origin, triangle, u, v)
        if scene.shape_slides[scene.triangle_shape[before]] != 0:
            # The small triangle before turns too easily.
            result.straight, result.straight_slope = result.share, result.slope
            result.slope = vec2(0.0)
    return result


@ti.func
def _near(
    scene: ti.template(), before: ti.i32, origin: vec3, triangle: ti.i32, u: ti.f32, v: ti.f32
) -> Near:  # fmt: skip
    """The part that goes by how near the point is."""
    s, t, n = triangle_frame(scene, before)
    of_before = scene.triangles[before]
    corners = scene.triangles[triangle]
    points = ti.Matrix.rows([scene.positions[corners[0]], scene.positions[corners[1]], scene.positions[corners[2]]])
    p0 = vec3(points[0, 0], points[0, 1], points[0, 2])
    e1 = vec3(points[1, 0], points[1, 1], points[1, 2]) - p0
    e2 = vec3(points[2, 0], points[2, 1], points[2, 2]) - p0
    cross = e1.cross(e2)
    b0 = scene.positions[of_before[0]]
    area = cross.norm()
    reach = _REACH * ti.sqrt(area)
    offset = p0 + e1 * u + e2 * v - origin
    distance = offset.norm()
    towards = offset / ti.max(distance, 1e-20)
    carried = vec3(towards.dot(s), towards.dot(t), towards.dot(n))
    result = Near(0.0, 1.0, 0.0, vec2(0.0), vec2(0.0), carried, towards)
    if before != triangle and distance > 0.0 and distance < 2.0 * reach:
        share, steepness = _smoothstep(2.0 - distance / reach)
        slope = vec2(towards.dot(e1), towards.dot(e2)) * (-steepness / reach)
        barycentrics = vec3(1.0 - u - v, u, v)
        # Heights over the plane before; with the sine between the planes, distances from the line in which they meet.
        height_0 = n.dot(p0 - b0)
        heights = vec3(height_0, height_0 + n.dot(e1), height_0 + n.dot(e2))
        sine = ti.max(n.cross(cross / ti.max(area, 1e-30)).norm(), 1e-3)
        slopes = ti.Matrix([[-1.0, -1.0], [1.0, 0.0], [0.0, 1.0]])
        for k in range(3):
            i, j = (k + 1) % 3, (k + 2) % 3
            start = vec3(points[i, 0], points[i, 1], points[i, 2])
            edge = vec3(points[j, 0], points[j, 1], points[j, 2]) - start
            squared = ti.max(edge.dot(edge), 1e-30)
            along = ((origin + offset) - start).dot(edge) / squared
            d_along = vec2(edge.dot(e1), edge.dot(e2)) / squared
            altitude = area / ti.sqrt(squared)
            height = heights[i] + along * (heights[j] - heights[i])
            width = ti.max(ti.abs(height) * (_RAMP / sine), 1e-20)
            d_width = d_along * ((heights[j] - heights[i]) * ti.select(height < 0.0, -1.0, 1.0) * (_RAMP / sine))
            ratio = barycentrics[k] * altitude / width
            factor, steep = _smoothstep(ratio)
            d_ratio = (vec2(slopes[k, 0], slopes[k, 1]) * altitude - d_width * ratio) / width
            d_factor = vec2(0.0)
            if steep > 0.0:
                d_factor = d_ratio * steep
            slope = slope * factor + d_factor * share
            share *= factor
        result.share, result.kept = share, 1.0 - share
        result.slope = slope
    return result
