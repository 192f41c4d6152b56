"""Differentiated: metal. GGX reflection, or a perfect mirror at roughness 0; f_s = reflectance F D G / (4 cos cos).

F is the exact Fresnel term of a conductor where the material has eta and k, else 1.
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
from diffrt.shading.material import value

REFLECTANCE = slot("conductor", "reflectance")
ROUGHNESS = slot("conductor", "roughness")
ETA = slot("conductor", "eta")
K = slot("conductor", "k")


@ti.func
def _reflectance(
    scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2, cos_i: ti.f32
) -> vec3:
    """Reflectance of a microfacet that light meets at this cosine."""
    result = value(scene, features, material, REFLECTANCE, uv)
    if scene.material_measured[material] != 0:
        eta = value(scene, features, material, ETA, uv)
        k = value(scene, features, material, K, uv)
        result *= fresnel.conductor(cos_i, eta, k)
    return result


@ti.func
def evaluate(scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2, wo: vec3, wi: vec3) -> vec3:
    result = vec3(0.0)
    roughness = value(scene, features, material, ROUGHNESS, uv).x
    if roughness > 0.0 and wo.z > 0.0 and wi.z > 0.0:
        alpha = alpha_of(roughness)
        h = half_vector(wo, wi)
        lobe = 0.25 * density(h, alpha) * masking_over_cosine(wo, alpha) * masking(wi, alpha)
        result = _reflectance(scene, features, material, uv, ti.min(wo.dot(h), 1.0)) * lobe
    return result


@ti.func
def pdf(scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2, wo: vec3, wi: vec3) -> ti.f32:
    result = 0.0
    roughness = value(scene, features, material, ROUGHNESS, uv).x
    if roughness > 0.0 and wo.z > 0.0 and wi.z > 0.0:
        alpha = alpha_of(roughness)
        result = 0.25 * density(half_vector(wo, wi), alpha) * masking_over_cosine(wo, alpha)
    return result


@ti.func
def sample(
    scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2, wo: vec3, lobe: ti.f32, u: vec2
) -> BsdfSample:
    result = no_sample()
    roughness = value(scene, features, material, ROUGHNESS, uv).x
    if wo.z > 0.0:
        if roughness > 0.0:
            alpha = alpha_of(roughness)
            h = sample_visible(wo, alpha, u)
            wi = reflect(wo, h)
            if wi.z > 0.0:
                weight = _reflectance(scene, features, material, uv, ti.min(wo.dot(h), 1.0)) * masking(wi, alpha)
                result = BsdfSample(wi, weight, 0.25 * density(h, alpha) * masking_over_cosine(wo, alpha), 0, 1.0)
        else:
            weight = _reflectance(scene, features, material, uv, wo.z)
            result = BsdfSample(vec3(-wo.x, -wo.y, wo.z), weight, 0.0, 1, 1.0)
    return result


@ti.func
def delta(scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2, wo: vec3, wi: vec3) -> vec3:
    result = vec3(0.0)
    if value(scene, features, material, ROUGHNESS, uv).x == 0.0 and wo.z > 0.0 and wi.z > 0.0:
        result = _reflectance(scene, features, material, uv, wo.z)
    return result
