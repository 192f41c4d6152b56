"""Differentiated: how far sampled points of edges move on the film."""

import taichi as ti

from diffrt.gradient.edge_points import edge_point, mirror_image
from diffrt.gradient.held_fields import hold_camera
from diffrt.gradient.projection import project


@ti.kernel
def film_motion(
    scene: ti.template(), features: ti.template(), samples: ti.template(), count: ti.i32, pierces: ti.template(),
    mirrored: ti.template(),
):  # fmt: skip
    """The normal times the film position of the edge's point, or of its image in a mirror.

    Args:
        pierces: some are on lines where triangles pierce each other.
        mirrored: some are seen in mirrors.
    """
    ti.static(hold_camera(scene, features))
    for i in range(count):
        if samples.active[i] != 0:
            x = edge_point(scene, samples, pierces, i)
            if ti.static(mirrored):
                if samples.mirror[i] >= 0:
                    x = mirror_image(scene, samples.mirror[i], x)
            q = project(scene, features, x, samples.lens[i])
            samples.value[i] = samples.normal[i].x * q.x + samples.normal[i].y * q.y
