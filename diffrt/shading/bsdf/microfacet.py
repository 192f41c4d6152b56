"""Differentiated: the GGX distribution of microfacet normals, isotropic, with the separable Smith shadowing term.

alpha = roughness^2 (Burley 2012). Directions lie in the local frame, w.z > 0. D and G1 are those of Walter et al. 2007:
D(h) = alpha^2 / (pi (sin^2 + alpha^2 cos^2)^2), G1(w) = 2 / (1 + sqrt(1 + alpha^2 tan^2)), G = G1(wo) G1(wi).
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import INV_PI, PI, safe_normalize

MIN_ALPHA = 1e-3
"""Below, single precision no longer resolves the lobe."""


@ti.func
def alpha_of(roughness: ti.f32) -> ti.f32:
    return ti.max(roughness * roughness, MIN_ALPHA)


@ti.func
def half_vector(wo: vec3, wi: vec3) -> vec3:
    return safe_normalize(wo + wi, vec3(0.0, 0.0, 1.0))


@ti.func
def density(h: vec3, alpha: ti.f32) -> ti.f32:
    """D(h), per solid angle of h and area of the surface."""
    a2 = alpha * alpha
    t = h.x * h.x + h.y * h.y + a2 * h.z * h.z
    return a2 * INV_PI / (t * t)


@ti.func
def masking_over_cosine(w: vec3, alpha: ti.f32) -> ti.f32:
    """G1(w) / w.z. D(h) (w.h) times this is the density of visible normals."""
    return 2.0 / (w.z + ti.sqrt(w.z * w.z + alpha * alpha * (w.x * w.x + w.y * w.y)))


@ti.func
def masking(w: vec3, alpha: ti.f32) -> ti.f32:
    """G1(w), the share of the microsurface that is visible from w."""
    return w.z * masking_over_cosine(w, alpha)


@ti.func
def sample_visible(wo: vec3, alpha: ti.f32, u: vec2) -> vec3:
    """A normal visible from wo, density G1(wo) D(h) (wo.h) / wo.z per solid angle of h (Dupuy and Benyoub 2023,
    "Sampling Visible GGX Normals with Spherical Caps")."""
    stretched = safe_normalize(vec3(alpha * wo.x, alpha * wo.y, wo.z), vec3(0.0, 0.0, 1.0))
    # A uniform point of the cap z > -stretched.z, written through 1 - z: exact near the pole, where alpha is small.
    below_pole = u.y * (1.0 + stretched.z)
    sine = ti.sqrt(ti.max(below_pole * (2.0 - below_pole), 0.0))
    phi = 2.0 * PI * u.x
    x = sine * ti.cos(phi) + stretched.x
    y = sine * ti.sin(phi) + stretched.y
    z = 1.0 - below_pole + stretched.z
    return safe_normalize(vec3(alpha * x, alpha * y, ti.max(z, 1e-7)), vec3(0.0, 0.0, 1.0))
