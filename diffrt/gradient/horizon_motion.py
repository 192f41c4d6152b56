"""Differentiated: how far the horizons of triangles turn, against what light comes from."""

import taichi as ti

from diffrt.core.vector import safe_normalize
from diffrt.device.features import LIGHT_TRIANGLES


@ti.kernel
def horizon_motion(scene: ti.template(), features: ti.template(), samples: ti.template(), count: ti.i32):
    """The normals of the triangles times the directions, or the way to where light comes from; see horizons.py."""
    for i in range(count):
        if samples.active[i] != 0:
            corners = scene.triangles[samples.receiver[i]]
            p0 = scene.positions[corners[0]]
            cross = (scene.positions[corners[1]] - p0).cross(scene.positions[corners[2]] - p0)
            towards = samples.normal[i]
            if samples.far_kind[i] == LIGHT_TRIANGLES:
                towards = samples.way.position[1, i] - samples.way.position[0, i]
            samples.value[i] = towards.dot(safe_normalize(cross, samples.normal[i]))
