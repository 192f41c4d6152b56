"""Differentiated: how far sampled edges move, as seen from the light, against where their shadows fall."""

import taichi as ti
from taichi.math import vec3

from diffrt.device.features import LIGHT_DIRECTIONAL, LIGHT_ENVIRONMENT, LIGHT_TRIANGLES
from diffrt.gradient.edge_points import edge_point
from diffrt.gradient.interior import intersection
from diffrt.shading.camera.dispatch import camera_ray


@ti.func
def _on_triangle(scene: ti.template(), triangle: ti.i32, u: ti.f32, v: ti.f32) -> vec3:
    corners = scene.triangles[triangle]
    p0 = scene.positions[corners[0]]
    return p0 + (scene.positions[corners[1]] - p0) * u + (scene.positions[corners[2]] - p0) * v


@ti.kernel
def shadow_motion(scene: ti.template(), features: ti.template(), samples: ti.template(), count: ti.i32):
    """The normal times x_b - (1 - s) x_S - s x_E; see shadow_edges.py."""
    for i in range(count):
        if samples.active[i] != 0:
            moved = edge_point(scene, samples, i)
            triangle = samples.receiver[i]
            place = samples.receiver_barycentrics[i]
            u, v = place.x, place.y
            if samples.receiver_seen[i] != 0:
                ray = camera_ray(scene, features, samples.film[i], samples.lens[i])
                corners = scene.triangles[triangle]
                p0 = scene.positions[corners[0]]
                e1, e2 = scene.positions[corners[1]] - p0, scene.positions[corners[2]] - p0
                u, v = intersection(p0, e1, e2, ray.origin, ray.direction)
            share = samples.share[i]
            kind = samples.far_kind[i]
            if kind == LIGHT_DIRECTIONAL:
                moved -= _on_triangle(scene, triangle, u, v) - scene.delta_direction[samples.far[i]] * share
            else:
                moved -= _on_triangle(scene, triangle, u, v) * (1.0 - share)
                if kind == LIGHT_TRIANGLES:
                    far = samples.far_barycentrics[i]
                    moved -= _on_triangle(scene, samples.far[i], far.x, far.y) * share
                elif kind != LIGHT_ENVIRONMENT:
                    moved -= scene.delta_position[samples.far[i]] * share
            samples.value[i] = samples.normal[i].dot(moved)
