"""Differentiated: the Charlie sheen of KHR_materials_sheen.

Estevez and Kulla 2017, "Production Friendly Microfacet Sheen BRDF":
D(h) = (2 + 1/alpha) sin^(1/alpha) / (2 pi), f = D / (4 cos cos (1 + Lambda(wo) + Lambda(wi))), alpha = roughness^2.
"""

import taichi as ti
from taichi.math import vec3

from diffrt.core.vector import INV_PI

MIN_ROUGHNESS = 0.2
"""Below, the lobe reflects more than it receives."""


@ti.func
def clamped(roughness: ti.f32) -> ti.f32:
    return ti.max(roughness, MIN_ROUGHNESS)


@ti.func
def _lambda(cosine: ti.f32, alpha: ti.f32) -> ti.f32:
    """The published fit of Lambda; its logarithm is odd about cos = 1/2."""
    t = (1.0 - alpha) * (1.0 - alpha)
    a = 21.5473 + (25.3245 - 21.5473) * t
    b = 3.82987 + (3.32435 - 3.82987) * t
    c = 0.19823 + (0.16801 - 0.19823) * t
    d = -1.97760 + (-1.27393 + 1.97760) * t
    e = -4.32054 + (-4.85967 + 4.32054) * t
    low = cosine < 0.5
    x = ti.max(ti.select(low, cosine, 1.0 - cosine), 1e-4)
    l = a / (1.0 + b * ti.pow(x, c)) + d * x + e
    middle = a / (1.0 + b * ti.pow(0.5, c)) + d * 0.5 + e
    return ti.exp(ti.select(low, l, 2.0 * middle - l))


@ti.func
def lobe(wo: vec3, wi: vec3, h: vec3, roughness: ti.f32) -> ti.f32:
    """f cos(wi) of the sheen of colour one. Divide by `albedo.sheen` from either side where that is above one."""
    r = clamped(roughness)
    inverse = 1.0 / (r * r)
    sin2 = ti.max(h.x * h.x + h.y * h.y, 1e-12)
    d = (2.0 + inverse) * (0.5 * INV_PI) * ti.exp(0.5 * inverse * ti.log(sin2))
    shadowing = 1.0 + _lambda(wo.z, r * r) + _lambda(wi.z, r * r)
    return d / (4.0 * ti.max(wo.z, 1e-6) * shadowing)
