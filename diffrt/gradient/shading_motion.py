"""Differentiated: how the shading normal turns away from the camera, at fixed points of the film."""

import taichi as ti

from diffrt.gradient.held_fields import hold_camera
from diffrt.gradient.intersection import intersection
from diffrt.shading.camera.dispatch import camera_ray


@ti.kernel
def facing(scene: ti.template(), features: ti.template(), samples: ti.template(), count: ti.i32):
    """The cosine at the camera ray's hit, times the length of the interpolated normal."""
    ti.static(hold_camera(scene, features))
    for i in range(count):
        if samples.active[i] != 0:
            triangle = samples.receiver[i]
            corners = scene.triangles[triangle]
            p0 = scene.positions[corners[0]]
            e1 = scene.positions[corners[1]] - p0
            e2 = scene.positions[corners[2]] - p0
            ray = camera_ray(scene, features, samples.film[i], samples.lens[i])
            u, v = intersection(p0, e1, e2, ray.origin, ray.direction)
            n = scene.triangle_normals[triangle]
            normal = scene.normals[n[0]] * (1.0 - u - v) + scene.normals[n[1]] * u + scene.normals[n[2]] * v
            samples.value[i] = -ray.direction.dot(normal)
