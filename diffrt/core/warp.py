"""Warps from the unit square to the domains that sampling needs, each with its density."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import INV_PI, PI


@ti.func
def disk_concentric(u: vec2) -> vec2:
    """Uniform point of the unit disk (Shirley and Chiu 1997); density 1/pi per area."""
    a = 2.0 * u.x - 1.0
    b = 2.0 * u.y - 1.0
    swap = ti.abs(a) > ti.abs(b)
    r = ti.select(swap, a, b)
    denominator = ti.select(r == 0.0, 1.0, r)
    phi = ti.select(swap, (PI / 4.0) * b / denominator, PI / 2.0 - (PI / 4.0) * a / denominator)
    return vec2(r * ti.cos(phi), r * ti.sin(phi))


@ti.func
def hemisphere_cosine(u: vec2) -> vec3:
    """Direction about +Z with density cos(theta)/pi per solid angle."""
    d = disk_concentric(u)
    z = ti.sqrt(ti.max(1.0 - d.x * d.x - d.y * d.y, 0.0))
    return vec3(d.x, d.y, z)


@ti.func
def hemisphere_cosine_pdf(cos_theta: ti.f32) -> ti.f32:
    return ti.max(cos_theta, 0.0) * INV_PI


@ti.func
def sphere_uniform(u: vec2) -> vec3:
    """Direction with density 1/(4 pi) per solid angle."""
    z = 1.0 - 2.0 * u.y
    r = ti.sqrt(ti.max(1.0 - z * z, 0.0))
    phi = 2.0 * PI * u.x
    return vec3(r * ti.cos(phi), r * ti.sin(phi), z)


@ti.func
def triangle_uniform(u: vec2) -> vec2:
    """Barycentrics (b1, b2) of a uniform point of a triangle; density 1/area. Folds the square along its diagonal
    with less distortion than the square root map (Heitz 2019, "A Low-Distortion Map Between Triangle and Square")."""
    b1 = ti.select(u.y > u.x, u.x * 0.5, u.x - u.y * 0.5)
    b2 = ti.select(u.y > u.x, u.y - u.x * 0.5, u.y * 0.5)
    return vec2(b1, b2)


@ti.func
def tent(u: ti.f32) -> ti.f32:
    """Offset in (-1, 1) with density 1 - |x|."""
    left = u < 0.5
    root = ti.sqrt(ti.select(left, 2.0 * u, 2.0 - 2.0 * u))
    return ti.select(left, root - 1.0, 1.0 - root)
