"""Differentiated: what a hit is made of, from a triangle and barycentrics: point, normals, texture coordinates."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import max_component


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


@ti.kernel
def fill_corners(scene: ti.template(), triangles: ti.i32):
    """What a hit needs of each triangle, side by side, from the vertices."""
    for triangle in range(triangles):
        corners = scene.triangles[triangle]
        p0 = scene.positions[corners[0]]
        e1 = scene.positions[corners[1]] - p0
        e2 = scene.positions[corners[2]] - p0
        normal = e1.cross(e2).normalized()
        for d in ti.static(range(3)):
            scene.triangle_corners[triangle][0, d] = p0[d]
            scene.triangle_corners[triangle][1, d] = e1[d]
            scene.triangle_corners[triangle][2, d] = e2[d]
            scene.triangle_corners[triangle][3, d] = normal[d]


@ti.func
def surface_at(scene: ti.template(), features: ti.template(), triangle: ti.i32, u: ti.f32, v: ti.f32) -> Surface:
    """The surface at barycentrics (1-u-v, u, v) of a triangle."""
    p0, e1, e2, normal = vec3(0.0), vec3(0.0), vec3(0.0), vec3(0.0)
    if ti.static(features.gradients):
        corners = scene.triangles[triangle]
        p0 = scene.positions[corners[0]]
        e1 = scene.positions[corners[1]] - p0
        e2 = scene.positions[corners[2]] - p0
        normal = e1.cross(e2).normalized()
    else:
        for d in ti.static(range(3)):
            p0[d] = scene.triangle_corners[triangle][0, d]
            e1[d] = scene.triangle_corners[triangle][1, d]
            e2[d] = scene.triangle_corners[triangle][2, d]
            normal[d] = scene.triangle_corners[triangle][3, d]
    position = p0 + e1 * u + e2 * v
    shading_normal = normal
    if ti.static(features.smooth):
        n = scene.triangle_normals[triangle]
        if n[0] >= 0:
            interpolated = scene.normals[n[0]] * (1.0 - u - v) + scene.normals[n[1]] * u + scene.normals[n[2]] * v
            squared = interpolated.dot(interpolated)
            if squared > 1e-12:
                shading_normal = interpolated / ti.sqrt(squared)
    uv = vec2(u, v)
    if ti.static(features.textures):
        uv = texture_coordinates(scene, triangle, u, v)
    error = 6e-7 * (max_component(ti.abs(position)) + max_component(ti.abs(e1)) + max_component(ti.abs(e2)))
    return Surface(position, normal, shading_normal, uv, error, scene.triangle_shape[triangle])


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
