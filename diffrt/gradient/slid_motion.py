"""Differentiated: how shading normals turn away from other surfaces, seen in fixed directions."""

import taichi as ti

from diffrt.gradient.intersection import intersection


@ti.kernel
def turning(scene: ti.template(), features: ti.template(), samples: ti.template(), count: ti.i32):
    """The cosine, times the length of the interpolated normal, where the surface is met from x_S."""
    for i in range(count):
        if samples.active[i] != 0:
            corners = scene.triangles[samples.far[i]]
            p0 = scene.positions[corners[0]]
            e1, e2 = scene.positions[corners[1]] - p0, scene.positions[corners[2]] - p0
            w = samples.normal[i]
            u, v = intersection(p0, e1, e2, samples.way.position[samples.steps[i], i], -w)
            n = scene.triangle_normals[samples.far[i]]
            normal = scene.normals[n[0]] * (1.0 - u - v) + scene.normals[n[1]] * u + scene.normals[n[2]] * v
            samples.value[i] = w.dot(normal)
