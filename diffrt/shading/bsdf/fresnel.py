"""Differentiated: Fresnel reflectance of unpolarised light at a smooth interface."""

import taichi as ti
from taichi.math import vec3


@ti.func
def dielectric(cos_i: ti.f32, eta: ti.f32):
    """Reflectance of an interface of two dielectrics (Fresnel's equations, Born and Wolf 1999, section 1.5).

    Args:
        cos_i: cosine of the angle of incidence, in [0, 1].
        eta: refractive index of the far side over that of the near side.

    Returns:
        Reflectance, and the cosine of the refracted ray: positive, 0 where reflection is total.
    """
    # 1 - sin^2 / eta^2, written so that it does not cancel where light grazes or eta is near one.
    cos2_t = ((eta - 1.0) * (eta + 1.0) + cos_i * cos_i) / (eta * eta)
    refracts = cos2_t > 0.0
    cos_t = ti.sqrt(ti.select(refracts, cos2_t, 1.0))
    r_s = (cos_i - eta * cos_t) / (cos_i + eta * cos_t)
    r_p = (eta * cos_i - cos_t) / (eta * cos_i + cos_t)
    reflectance = ti.select(refracts, 0.5 * (r_s * r_s + r_p * r_p), 1.0)
    return reflectance, ti.select(refracts, cos_t, 0.0)


@ti.func
def conductor(cos_i: ti.f32, eta: vec3, k: vec3) -> vec3:
    """Reflectance of a metal of complex index eta + ik, seen from index 1 (Born and Wolf 1999, section 14.2).

    With a + ib = sqrt((eta + ik)^2 - sin^2), reflectance is the mean of
    R_s = (a^2 + b^2 - 2 a cos + cos^2) / (a^2 + b^2 + 2 a cos + cos^2) and
    R_p = R_s ((a^2 + b^2) cos^2 - 2 a cos sin^2 + sin^4) / ((a^2 + b^2) cos^2 + 2 a cos sin^2 + sin^4).
    """
    cos2 = cos_i * cos_i
    sin2 = 1.0 - cos2
    real = eta * eta - k * k - sin2
    half_imaginary = eta * k
    # The smallest terms keep square roots and quotients off zero where k = 0 or light grazes.
    modulus = ti.sqrt(real * real + 4.0 * half_imaginary * half_imaginary + 1e-16)
    # a^2 = (modulus + real) / 2; for real < 0 that cancels, and its twin does not.
    a2 = ti.select(real > 0.0, 0.5 * (modulus + real), 2.0 * half_imaginary * half_imaginary / (modulus + ti.abs(real)))
    cross = 2.0 * ti.sqrt(a2 + 1e-16) * cos_i
    r_s = (modulus + cos2 - cross) / (modulus + cos2 + cross)
    outer = modulus * cos2 + sin2 * sin2
    r_p = r_s * (outer - cross * sin2) / (outer + cross * sin2 + 1e-16)
    return 0.5 * (r_s + r_p)


@ti.func
def schlick_rise(cos_i: ti.f32) -> ti.f32:
    """(1 - cos)^5: how far the reflectance has gone from F0 to F90 (Schlick 1994)."""
    x = ti.max(1.0 - cos_i, 0.0)
    x2 = x * x
    return x2 * x2 * x
