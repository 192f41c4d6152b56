"""Differentiated: parallel projection. Here the intrinsics are pixels per unit of length, and the centre in pixels."""

import taichi as ti
from taichi.math import vec2, vec3


@ti.func
def local_ray(scene: ti.template(), features: ti.template(), film: vec2, u: vec2):
    f = scene.camera_intrinsics[None]
    return vec3((film.x - f[2]) / f[0], -(film.y - f[3]) / f[1], 0.0), vec3(0.0, 0.0, -1.0)
