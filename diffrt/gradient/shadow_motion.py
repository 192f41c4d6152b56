"""Differentiated: how far sampled edges move, as seen from the light, against where their shadows fall."""

import taichi as ti
from taichi.math import vec3

from diffrt.device.features import LIGHT_DIRECTIONAL, LIGHT_ENVIRONMENT, LIGHT_TRIANGLES
from diffrt.gradient.edge_points import edge_point
from diffrt.gradient.held_fields import hold_camera
from diffrt.gradient.intersection import intersection
from diffrt.gradient.near_points import near_point
from diffrt.gradient.way_points import MOST_POINTS, moves
from diffrt.shading.camera.dispatch import camera_ray


@ti.func
def _on_triangle(scene: ti.template(), triangle: ti.i32, u: ti.f32, v: ti.f32) -> vec3:
    corners = scene.triangles[triangle]
    p0 = scene.positions[corners[0]]
    return p0 + (scene.positions[corners[1]] - p0) * u + (scene.positions[corners[2]] - p0) * v


@ti.kernel
def way_motion(scene: ti.template(), features: ti.template(), samples: ti.template(), count: ti.i32, at: ti.i32):
    """Where point number `at` on the way of samples goes; those before it are there already."""
    ti.static(hold_camera(scene, features))
    for i in range(count):
        last = samples.steps[i]
        if samples.far_kind[i] == LIGHT_TRIANGLES:
            last += 1
        goes = samples.active[i] != 0 and at <= last
        if ti.static(features.still_camera):  # others stay where they are
            goes = goes and (moves(scene, samples.way.triangle[at, i]) or samples.way.near[at, i].share > 0.0)
        if goes:
            triangle = samples.way.triangle[at, i]
            b = samples.way.barycentrics[at, i]
            u, v = b.x, b.y
            if at == 0:
                ray = camera_ray(scene, features, samples.film[i], samples.lens[i])
                corners = scene.triangles[triangle]
                p0 = scene.positions[corners[0]]
                e1, e2 = scene.positions[corners[1]] - p0, scene.positions[corners[2]] - p0
                u, v = intersection(p0, e1, e2, ray.origin, ray.direction)
            elif samples.way.near[at, i].share > 0.0:
                moved, _towards, _factor = near_point(
                    scene, samples.way.triangle[at - 1, i], samples.way.position[at - 1, i], triangle, b, 1.0,
                    samples.way.near[at, i],
                )  # fmt: skip
                u, v = moved.x, moved.y
            samples.way.position[at, i] = _on_triangle(scene, triangle, u, v)


@ti.kernel
def shadow_motion(
    scene: ti.template(), features: ti.template(), samples: ti.template(), count: ti.i32, pierces: ti.template()
):  # fmt: skip
    """The normal times x_b - (1 - s) x_S - s x_E; see shadow_edges.py.

    Args:
        pierces: some are on lines where triangles pierce each other.
    """
    for i in range(count):
        if samples.active[i] != 0:
            moved = edge_point(scene, samples, pierces, i)
            steps = samples.steps[i]
            place = samples.receiver_barycentrics[i]
            shadow = _on_triangle(scene, samples.receiver[i], place.x, place.y)
            if steps < MOST_POINTS:
                shadow = samples.way.position[steps, i]
            share = samples.share[i]
            kind = samples.far_kind[i]
            if kind == LIGHT_TRIANGLES:
                far = samples.far_barycentrics[i]
                light = _on_triangle(scene, samples.far[i], far.x, far.y)
                if steps + 1 < MOST_POINTS:
                    light = samples.way.position[steps + 1, i]
                moved -= light * share
            if ti.static(features.delta_lights):
                if kind == LIGHT_DIRECTIONAL:
                    moved += scene.delta_direction[samples.far[i]] * share
                    share = 0.0
                elif kind != LIGHT_TRIANGLES and kind != LIGHT_ENVIRONMENT:
                    moved -= scene.delta_position[samples.far[i]] * share
            moved -= shadow * (1.0 - share)
            samples.value[i] = samples.normal[i].dot(moved)
