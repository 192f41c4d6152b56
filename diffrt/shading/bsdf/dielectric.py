"""Differentiated: glass. Exact Fresnel term; GGX (Walter et al. 2007), or perfectly smooth at roughness 0.

`ior` lies behind the surface, `exterior_ior` in front, where the normal points. eta is the index of the far side over
that of the side of wo. Reflection: f_s = F D G / (4 cos cos). Transmission of radiance, with h along wo + eta wi:
f_s = (1 - F) D G |wo.h| |wi.h| / (cos cos (wo.h + eta wi.h)^2), which holds the factor 1/eta^2 by which radiance
scales; f_s eta^2 is what is symmetric. Indices closer than a part in a thousand refract without scattering.
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import reflect
from diffrt.device.features import slot
from diffrt.shading.bsdf import fresnel
from diffrt.shading.bsdf.base import BsdfSample, no_sample
from diffrt.shading.bsdf.microfacet import alpha_of, density, masking, masking_over_cosine, sample_visible
from diffrt.shading.material import field

IOR = slot("dielectric", "ior")
EXTERIOR_IOR = slot("dielectric", "exterior_ior")
ROUGHNESS = slot("dielectric", "roughness")
MATCHED = 1e-3
"""|eta - 1| below which the interface is treated as smooth: the lobe is too narrow for single precision."""


@ti.func
def _relative_index(values: ti.template(), wo: vec3) -> ti.f32:
    inside = field(values, IOR).x
    outside = field(values, EXTERIOR_IOR).x
    return ti.select(wo.z > 0.0, inside / outside, outside / inside)


@ti.func
def _is_rough(roughness: ti.f32, eta: ti.f32) -> ti.i32:
    return ti.cast(roughness > 0.0 and ti.abs(eta - 1.0) > MATCHED, ti.i32)


@ti.func
def _upright(wo: vec3) -> vec3:
    """Factors that mirror the frame so that wo lies above the surface."""
    return vec3(1.0, 1.0, ti.select(wo.z > 0.0, 1.0, -1.0))


@ti.func
def _half_vector(wo: vec3, wi: vec3, eta: ti.f32):
    """Unit half vector above the surface, and |wo + eta wi|^2; zero length where wi cannot come from wo."""
    v = wo + wi * ti.select(wi.z > 0.0, 1.0, eta)
    squared = v.dot(v)
    possible = squared > 1e-12
    h = v * (ti.select(v.z > 0.0, 1.0, -1.0) / ti.sqrt(ti.select(possible, squared, 1.0)))
    possible = possible and wo.dot(h) > 0.0 and wi.dot(h) * wi.z > 0.0
    return h, ti.select(possible, squared, 0.0)


@ti.func
def evaluate(features: ti.template(), values: ti.template(), wo: vec3, wi: vec3):
    result = 0.0
    density_of_wi = 0.0
    roughness = field(values, ROUGHNESS).x
    eta = _relative_index(values, wo)
    if _is_rough(roughness, eta) and wo.z != 0.0 and wi.z != 0.0:
        alpha = alpha_of(roughness)
        o, i = wo * _upright(wo), wi * _upright(wo)
        h, squared = _half_vector(o, i, eta)
        if squared > 0.0:
            cos_o, cos_i = ti.min(o.dot(h), 1.0), ti.abs(i.dot(h))
            reflectance, _ = fresnel.dielectric(cos_o, eta)
            visible = density(h, alpha) * masking_over_cosine(o, alpha)
            shown = masking(vec3(i.x, i.y, ti.abs(i.z)), alpha)
            if i.z > 0.0:
                density_of_wi = 0.25 * reflectance * visible
                result = density_of_wi * shown
            else:
                crossing = (1.0 - reflectance) * visible * cos_o * cos_i / squared
                density_of_wi = crossing * eta * eta
                result = crossing * shown
    return vec3(result), density_of_wi


@ti.func
def sample(features: ti.template(), values: ti.template(), wo: vec3, lobe: ti.f32, u: vec2) -> BsdfSample:
    result = no_sample()
    if wo.z != 0.0:
        roughness = field(values, ROUGHNESS).x
        eta = _relative_index(values, wo)
        rough = _is_rough(roughness, eta)
        alpha = alpha_of(roughness)
        upright = _upright(wo)
        o = wo * upright
        h = vec3(0.0, 0.0, 1.0)
        if rough:
            h = sample_visible(o, alpha, u)
        cos_o = ti.min(o.dot(h), 1.0)
        reflectance, cos_t = fresnel.dielectric(cos_o, eta)
        i = reflect(o, h)
        possible = i.z > 0.0
        weight = 1.0
        density_of_i = 0.25 * reflectance
        crossed = 1.0
        if lobe >= reflectance:
            i = h * (cos_o / eta - cos_t) - o / eta
            possible = i.z < 0.0
            crossed = eta
            weight = 1.0 / (eta * eta)
            root = cos_o - eta * cos_t
            density_of_i = (1.0 - reflectance) * cos_o * eta * eta * cos_t / ti.max(root * root, 1e-12)
        if possible:
            if rough:
                weight *= masking(vec3(i.x, i.y, ti.abs(i.z)), alpha)
                density_of_i *= density(h, alpha) * masking_over_cosine(o, alpha)
            else:
                density_of_i = 0.0
            result = BsdfSample(i * upright, vec3(weight), density_of_i, 1 - rough, crossed)
    return result


@ti.func
def delta(features: ti.template(), values: ti.template(), wo: vec3, wi: vec3) -> vec3:
    result = 0.0
    roughness = field(values, ROUGHNESS).x
    eta = _relative_index(values, wo)
    if not _is_rough(roughness, eta):
        reflectance, _ = fresnel.dielectric(ti.abs(wo.z), eta)
        if wo.z * wi.z > 0.0:
            result = reflectance
        else:
            result = (1.0 - reflectance) / (eta * eta)
    return vec3(result)
