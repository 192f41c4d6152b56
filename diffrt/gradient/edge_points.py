"""Differentiated: where sampled points of edges and of lines of piercing are, and their images in flat mirrors."""

import taichi as ti
from taichi.math import vec3


@ti.func
def edge_point(scene: ti.template(), samples: ti.template(), pierces: ti.template(), i: ti.i32) -> vec3:
    """The point of sample i.

    Args:
        pierces: some are on lines where triangles pierce each other.
    """
    result = vec3(0.0)
    if ti.static(pierces):
        if samples.pierced[i][0] >= 0:
            result = _on_line(scene, samples, i)
        else:
            result = _on_edge(scene, samples, i)
    else:
        result = _on_edge(scene, samples, i)
    return result


@ti.func
def _on_edge(scene: ti.template(), samples: ti.template(), i: ti.i32) -> vec3:
    start = scene.positions[samples.vertices[i][0]]
    end = scene.positions[samples.vertices[i][1]]
    return start + (end - start) * samples.along[i]


@ti.func
def _on_line(scene: ti.template(), samples: ti.template(), i: ti.i32) -> vec3:
    """The point x that lies in both triangles' planes, with corners a, b and normals m, n, and in that plane through
    the recorded point p that is normal to the line, of direction t = m x n:

        x = p + [m.(a - p) (n x t) + n.(b - p) (t x m)] / t.t

    Velocities along the line do not count. At x = p the brackets vanish, so derivatives of what they are multiplied
    with do not matter.
    """
    first, second = scene.triangles[samples.pierced[i][0]], scene.triangles[samples.pierced[i][1]]
    p = samples.point[i]
    a, b = scene.positions[first[0]], scene.positions[second[0]]
    m = (scene.positions[first[1]] - a).cross(scene.positions[first[2]] - a)
    n = (scene.positions[second[1]] - b).cross(scene.positions[second[2]] - b)
    t = m.cross(n)
    return p + (n.cross(t) * m.dot(a - p) + t.cross(m) * n.dot(b - p)) / t.dot(t)


@ti.func
def mirror_image(scene: ti.template(), triangle: ti.i32, x: vec3) -> vec3:
    """x behind the plane of a triangle."""
    corners = scene.triangles[triangle]
    p0 = scene.positions[corners[0]]
    n = (scene.positions[corners[1]] - p0).cross(scene.positions[corners[2]] - p0)
    return x - n * (2.0 * n.dot(x - p0) / n.dot(n))
