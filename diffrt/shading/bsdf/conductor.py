"""Differentiated: metal. GGX reflection, or a perfect mirror at roughness 0; f_s = reflectance F D G / (4 cos cos).

F is the exact Fresnel term of a conductor where the material has eta and k, else 1 (eta is negative then).
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import reflect
from diffrt.device.features import slot
from diffrt.shading.bsdf import fresnel
from diffrt.shading.bsdf.base import BsdfSample, no_sample
from diffrt.shading.bsdf.microfacet import (
    alpha_of,
    density,
    half_vector,
    masking,
    masking_over_cosine,
    sample_visible,
)
from diffrt.shading.material import field

REFLECTANCE = slot("conductor", "reflectance")
ROUGHNESS = slot("conductor", "roughness")
ETA = slot("conductor", "eta")
K = slot("conductor", "k")


@ti.func
def _reflectance(values: ti.template(), cos_i: ti.f32) -> vec3:
    """Reflectance of a microfacet that light meets at this cosine."""
    result = field(values, REFLECTANCE)
    eta = field(values, ETA)
    if eta.x >= 0.0:
        result *= fresnel.conductor(cos_i, eta, field(values, K))
    return result


@ti.func
def evaluate(features: ti.template(), values: ti.template(), wo: vec3, wi: vec3):
    result = vec3(0.0)
    density_of_wi = 0.0
    roughness = field(values, ROUGHNESS).x
    if roughness > 0.0 and wo.z > 0.0 and wi.z > 0.0:
        alpha = alpha_of(roughness)
        h = half_vector(wo, wi)
        density_of_wi = 0.25 * density(h, alpha) * masking_over_cosine(wo, alpha)
        result = _reflectance(values, ti.min(wo.dot(h), 1.0)) * (density_of_wi * masking(wi, alpha))
    return result, density_of_wi


@ti.func
def sample(features: ti.template(), values: ti.template(), wo: vec3, lobe: ti.f32, u: vec2) -> BsdfSample:
    result = no_sample()
    roughness = field(values, ROUGHNESS).x
    if wo.z > 0.0:
        if roughness > 0.0:
            alpha = alpha_of(roughness)
            h = sample_visible(wo, alpha, u)
            wi = reflect(wo, h)
            if wi.z > 0.0:
                weight = _reflectance(values, ti.min(wo.dot(h), 1.0)) * masking(wi, alpha)
                result = BsdfSample(wi, weight, 0.25 * density(h, alpha) * masking_over_cosine(wo, alpha), 0, 1.0)
        else:
            weight = _reflectance(values, wo.z)
            result = BsdfSample(vec3(-wo.x, -wo.y, wo.z), weight, 0.0, 1, 1.0)
    return result


@ti.func
def lobe(values: ti.template(), cosine: ti.f32):
    roughness = field(values, ROUGHNESS).x
    return alpha_of(roughness), ti.select(roughness > 0.0, 1.0, 0.0)


@ti.func
def delta(features: ti.template(), values: ti.template(), wo: vec3, wi: vec3) -> vec3:
    result = vec3(0.0)
    if field(values, ROUGHNESS).x == 0.0 and wo.z > 0.0 and wi.z > 0.0:
        result = _reflectance(values, wo.z)
    return result
