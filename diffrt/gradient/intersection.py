"""Differentiated: where rays meet the planes of triangles."""

import taichi as ti
from taichi.math import vec3


@ti.func
def reciprocal(x: ti.f32) -> ti.f32:
    """1 / x; 1 where x is nothing."""
    return 1.0 / ti.select(ti.abs(x) > 1e-30, x, 1.0)


@ti.func
def intersection(p0: vec3, e1: vec3, e2: vec3, origin: vec3, direction: vec3):
    """Barycentrics (u, v) at which a ray meets the plane of a triangle (Moeller and Trumbore 1997)."""
    p = direction.cross(e2)
    scale = reciprocal(e1.dot(p))
    s = origin - p0
    return s.dot(p) * scale, direction.dot(s.cross(e1)) * scale
