"""Differentiated: how far sampled points of edges move on the film."""

import taichi as ti

from diffrt.gradient.projection import project


@ti.kernel
def film_motion(scene: ti.template(), features: ti.template(), samples: ti.template(), count: ti.i32):
    """The normal times the film position of the edge's point."""
    for i in range(count):
        if samples.active[i] != 0:
            a = scene.positions[samples.vertices[i][0]]
            b = scene.positions[samples.vertices[i][1]]
            q = project(scene, features, a + (b - a) * samples.along[i], samples.lens[i])
            samples.value[i] = samples.normal[i].x * q.x + samples.normal[i].y * q.y
