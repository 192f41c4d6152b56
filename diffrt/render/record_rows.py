"""Fills rows of a path record with what tracing decides at a vertex."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import max_component
from diffrt.device.features import LIGHT_DIRECTIONAL, LIGHT_ENVIRONMENT, LIGHT_TRIANGLES
from diffrt.device.surface import Surface
from diffrt.render.record import (
    ABSORBED,
    CAMERA,
    MIRRORED,
    SCATTERED,
    TOWARDS_NEXT,
)
from diffrt.shading.bsdf import dispatch as bsdf
from diffrt.shading.bsdf.base import BsdfSample
from diffrt.shading.light.base import LightSample


@ti.func
def new_camera_row(
    record: ti.template(), path: ti.i32, pixel: ti.i32, film: vec2, lens: vec2, adjoint: vec3
):  # fmt: skip
    """The first row of a path, whose value has this adjoint."""
    record.kind[path] = CAMERA
    record.path[path] = path
    record.previous[path] = -1
    record.next[path] = -1
    record.last[path] = path
    record.pixel[path] = pixel
    record.film[path] = film
    record.lens[path] = lens
    record.value[path] = vec3(0.0)
    record.value.grad[path] = adjoint
    if ti.static(record.geometry):
        record.level[path] = 0
        record.position.grad[path] = vec3(0.0)
        record.direction.grad[path] = vec3(0.0)


@ti.func
def begin_row(record: ti.template(), row: ti.i32, path: ti.i32, previous: ti.i32, kind: ti.i32):
    """Make a row the vertex behind `previous` in a path."""
    record.kind[row] = kind
    record.path[row] = path
    record.previous[row] = previous
    record.next[row] = -1
    record.next[previous] = row
    record.scattering[row] = ABSORBED
    record.light[row] = -1
    record.light_moves[row] = 0
    record.last[path] = row
    if ti.static(record.decides):
        record.decisions.last[row] = -1


@ti.func
def new_row(
    record: ti.template(), first: ti.i32, latest: ti.i32, path: ti.i32, previous: ti.i32, kind: ti.i32
) -> ti.i32:
    """A row behind `previous` in a path; -1 if there is no room left.

    Args:
        first: row of the first page.
        latest: row that the path's group took last; -1 for none.
    """
    row = latest + 1
    if row % record.page == 0:
        row = first + record.page * ti.atomic_add(record.used[None], 1)
    if row < record.rows:
        begin_row(record, row, path, previous, kind)
    else:
        row = -1
    return row


@ti.func
def keep_place(
    features: ti.template(), record: ti.template(), row: ti.i32,
    triangle: ti.i32, u: ti.f32, v: ti.f32, surface: Surface, material: ti.i32, outer: ti.i32, normal: vec3,
):  # fmt: skip
    record.triangle[row] = triangle
    record.material[row] = material
    record.outer[row] = outer
    record.uv[row] = surface.uv
    if ti.static(record.geometry or features.delta_lights):  # whose radiance depends on it
        record.position[row] = surface.position
    if ti.static(record.geometry):
        record.barycentrics[row] = vec2(u, v)
        record.normal[row] = normal


@ti.func
def keep_light(record: ti.template(), row: ti.i32, light: LightSample, factor: ti.f32):
    record.light[row] = light.kind
    record.light_moves[row] = 1
    record.light_index[row] = light.index
    record.light_factor[row] = factor
    record.light_radiance[row] = light.radiance
    record.light_barycentrics[row] = light.b
    record.light_position[row] = light.wi
    if light.kind != LIGHT_TRIANGLES and light.kind != LIGHT_ENVIRONMENT and light.kind != LIGHT_DIRECTIONAL:
        record.light_position[row] = light.target


@ti.func
def keep_scattering(
    scene: ti.template(), features: ti.template(), record: ti.template(), row: ti.i32,
    material: ti.i32, values: ti.template(), wo: vec3, drawn: BsdfSample, survival: ti.f32, counts: ti.i32,
):  # fmt: skip
    if counts:
        record.wi[TOWARDS_NEXT, row] = drawn.wi
    if drawn.delta == 0:
        record.scattering[row] = SCATTERED
        record.f[TOWARDS_NEXT, row] = drawn.weight * drawn.pdf
        record.scatter_factor[row] = 1.0 / (drawn.pdf * survival)
    else:
        record.scattering[row] = MIRRORED
        factor = bsdf.delta(scene, features, material, values, wo, drawn.wi)
        record.f[TOWARDS_NEXT, row] = factor
        # The weight is the factor over the probability of the lobe.
        weight = max_component(drawn.weight)
        chance = ti.select(weight > 0.0, max_component(factor) / ti.max(weight, 1e-20), 1.0)
        record.scatter_factor[row] = 1.0 / ti.max(chance * survival, 1e-20)
