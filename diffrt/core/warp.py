"""Warps from the unit square to the domains that sampling needs, each with its density."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import INV_PI, PI


@ti.func
def cos_sin_octant(x: ti.f32) -> vec2:
    """(cos x, sin x) for |x| <= pi/4, to 1e-7: polynomials stay in line where the library's functions are calls."""
    s = x * x
    cosine = 1.0 - 0.5 * s + s * s * (4.166664568e-2 + s * (-1.388731625e-3 + s * 2.443315712e-5))
    sine = x + x * s * (-1.6666654611e-1 + s * (8.3321608736e-3 - s * 1.9515295891e-4))
    return vec2(cosine, sine)


@ti.func
def cos_sin_turn(u: ti.f32) -> vec2:
    """(cos 2 pi u, sin 2 pi u) for u in [0, 1]."""
    quarter = ti.floor(4.0 * u + 0.5)
    near = cos_sin_octant((4.0 * u - quarter) * (PI / 2.0))
    quadrant = ti.cast(quarter, ti.i32) & 3
    odd = (quadrant & 1) != 0
    x, y = ti.select(odd, near.y, near.x), ti.select(odd, near.x, near.y)
    return vec2(ti.select(quadrant == 1 or quadrant == 2, -x, x), ti.select(quadrant >= 2, -y, y))


_TURN = (0.00378478708, -0.00936304601, 0.0157067872, -0.0222869285, 0.0317784067, -0.0530492275, 0.159154924)


@ti.func
def turn_of(y: ti.f32, x: ti.f32) -> ti.f32:
    """atan2(y, x) / (2 pi), within [-1/2, 1/2], to 1e-7; 1/4 for the origin."""
    flat = ti.abs(x) > ti.abs(y)
    a = ti.select(flat, ti.abs(y), ti.abs(x)) / ti.max(ti.select(flat, ti.abs(x), ti.abs(y)), 1e-30)
    s = a * a
    result = -0.000725713434
    for c in ti.static(_TURN):
        result = c + s * result
    result *= a
    result = ti.select(flat, result, 0.25 - result)
    result = ti.select(x < 0.0, 0.5 - result, result)
    return ti.select(y < 0.0, -result, result)


@ti.func
def disk_concentric(u: vec2) -> vec2:
    """Uniform point of the unit disk (Shirley and Chiu 1997); density 1/pi per area."""
    a = 2.0 * u.x - 1.0
    b = 2.0 * u.y - 1.0
    wide = ti.abs(a) > ti.abs(b)
    r = ti.select(wide, a, b)
    near = cos_sin_octant((PI / 4.0) * ti.select(wide, b, a) / ti.select(r == 0.0, 1.0, r))
    return r * vec2(ti.select(wide, near.x, near.y), ti.select(wide, near.y, near.x))


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
