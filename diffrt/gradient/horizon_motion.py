"""Differentiated: how far the horizons of triangles turn."""

import taichi as ti

from diffrt.core.vector import safe_normalize


@ti.kernel
def horizon_motion(scene: ti.template(), features: ti.template(), samples: ti.template(), count: ti.i32):
    """The directions times the normals of the triangles; see horizons.py."""
    for i in range(count):
        if samples.active[i] != 0:
            corners = scene.triangles[samples.receiver[i]]
            p0 = scene.positions[corners[0]]
            cross = (scene.positions[corners[1]] - p0).cross(scene.positions[corners[2]] - p0)
            samples.value[i] = samples.normal[i].dot(safe_normalize(cross, samples.normal[i]))
