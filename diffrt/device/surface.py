"""Differentiated: what a hit is made of, from a triangle and barycentrics: point, normals, texture coordinates."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import max_component, safe_normalize


@ti.dataclass
class Surface:
    """A point of the scene's surface.

    Attributes:
        position: world space.
        normal: geometric unit normal, by the winding of the triangle.
        shading_normal: interpolated unit normal where the triangle has normals, else `normal`.
        uv: texture coordinates; the barycentrics (u, v) where the triangle has none.
        error: how far rounding may have moved `position`, in world units.
        shape: number of the shape.
    """

    position: vec3
    normal: vec3
    shading_normal: vec3
    uv: vec2
    error: ti.f32
    shape: ti.i32


VERTEX, EDGE_1, EDGE_2, NORMAL, CORNER_NORMALS, SHAPE = 0, 1, 2, 3, 4, 7
"""Rows of `triangle_record`."""


@ti.kernel
def fill_records(scene: ti.template(), triangles: ti.i32):
    """What a hit needs of each triangle, side by side; the corners of a flat one have its own normal."""
    for triangle in range(triangles):
        corners = scene.triangles[triangle]
        p0 = scene.positions[corners[0]]
        e1 = scene.positions[corners[1]] - p0
        e2 = scene.positions[corners[2]] - p0
        normal = e1.cross(e2).normalized()
        numbers = scene.triangle_normals[triangle]
        shape = ti.bit_cast(scene.triangle_shape[triangle], ti.f32)
        for d in ti.static(range(3)):
            scene.triangle_record[triangle][VERTEX, d] = p0[d]
            scene.triangle_record[triangle][EDGE_1, d] = e1[d]
            scene.triangle_record[triangle][EDGE_2, d] = e2[d]
            scene.triangle_record[triangle][NORMAL, d] = normal[d]
            scene.triangle_record[triangle][SHAPE, d] = shape
        for k in ti.static(range(3)):
            at_corner = normal
            if numbers[k] >= 0:
                at_corner = scene.normals[numbers[k]]
            for d in ti.static(range(3)):
                scene.triangle_record[triangle][CORNER_NORMALS + k, d] = at_corner[d]


@ti.func
def _row(scene: ti.template(), triangle: ti.i32, row: ti.template()) -> vec3:
    record = ti.static(scene.triangle_record)
    return vec3(record[triangle][row, 0], record[triangle][row, 1], record[triangle][row, 2])


@ti.func
def surface_at(scene: ti.template(), features: ti.template(), triangle: ti.i32, u: ti.f32, v: ti.f32) -> Surface:
    """The surface at barycentrics (1-u-v, u, v) of a triangle."""
    p0, e1, e2, normal, shape = vec3(0.0), vec3(0.0), vec3(0.0), vec3(0.0), 0
    if ti.static(features.gradients):
        corners = scene.triangles[triangle]
        p0 = scene.positions[corners[0]]
        e1 = scene.positions[corners[1]] - p0
        e2 = scene.positions[corners[2]] - p0
        normal = e1.cross(e2).normalized()
        shape = scene.triangle_shape[triangle]
    else:
        p0 = _row(scene, triangle, VERTEX)
        e1 = _row(scene, triangle, EDGE_1)
        e2 = _row(scene, triangle, EDGE_2)
        normal = _row(scene, triangle, NORMAL)
        shape = ti.bit_cast(scene.triangle_record[triangle][SHAPE, 0], ti.i32)
    position = p0 + e1 * u + e2 * v
    shading_normal = normal
    if ti.static(features.smooth):
        n0, n1, n2 = normal, normal, normal
        if ti.static(features.gradients):
            n = scene.triangle_normals[triangle]
            if n[0] >= 0:
                n0, n1, n2 = scene.normals[n[0]], scene.normals[n[1]], scene.normals[n[2]]
        else:
            n0 = _row(scene, triangle, CORNER_NORMALS)
            n1 = _row(scene, triangle, CORNER_NORMALS + 1)
            n2 = _row(scene, triangle, CORNER_NORMALS + 2)
        shading_normal = safe_normalize(n0 * (1.0 - u - v) + n1 * u + n2 * v, normal)
    uv = vec2(u, v)
    if ti.static(features.textures):
        uv = texture_coordinates(scene, triangle, u, v)
    error = 6e-7 * (max_component(ti.abs(position)) + max_component(ti.abs(e1)) + max_component(ti.abs(e2)))
    return Surface(position, normal, shading_normal, uv, error, shape)


@ti.func
def texture_coordinates(scene: ti.template(), triangle: ti.i32, u: ti.f32, v: ti.f32) -> vec2:
    uv = vec2(u, v)
    t = scene.triangle_uvs[triangle]
    if t[0] >= 0:
        uv = scene.uvs[t[0]] * (1.0 - u - v) + scene.uvs[t[1]] * u + scene.uvs[t[2]] * v
    return uv


@ti.func
def tangent_u(scene: ti.template(), triangle: ti.i32) -> vec3:
    """dp/du of a triangle; zero where it has no texture coordinates or they are degenerate."""
    tangent = vec3(0.0)
    t = scene.triangle_uvs[triangle]
    if t[0] >= 0:
        corners = scene.triangles[triangle]
        p0 = scene.positions[corners[0]]
        e1 = scene.positions[corners[1]] - p0
        e2 = scene.positions[corners[2]] - p0
        d1 = scene.uvs[t[1]] - scene.uvs[t[0]]
        d2 = scene.uvs[t[2]] - scene.uvs[t[0]]
        determinant = d1.x * d2.y - d1.y * d2.x
        ok = ti.abs(determinant) > 1e-20
        tangent = ti.select(ok, (e1 * d2.y - e2 * d1.y) / ti.select(ok, determinant, 1.0), vec3(0.0))
    return tangent


@ti.func
def offset_along(position: vec3, normal: vec3, error: ti.f32, direction: vec3) -> vec3:
    """Start of a ray that leaves `position` towards `direction`: off the surface by more than its rounding error."""
    return position + normal * ti.select(normal.dot(direction) > 0.0, error, -error)
