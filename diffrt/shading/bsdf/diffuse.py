"""Differentiated: Lambertian reflection, f_s = albedo / pi."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import INV_PI
from diffrt.core.warp import hemisphere_cosine, hemisphere_cosine_pdf
from diffrt.device.features import slot
from diffrt.shading.bsdf.base import BsdfSample
from diffrt.shading.material import value

ALBEDO = slot("diffuse", "albedo")


@ti.func
def evaluate(scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2, wo: vec3, wi: vec3) -> vec3:
    result = vec3(0.0)
    if wo.z > 0.0 and wi.z > 0.0:
        result = value(scene, features, material, ALBEDO, uv) * (INV_PI * wi.z)
    return result


@ti.func
def pdf(scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2, wo: vec3, wi: vec3) -> ti.f32:
    return ti.select(wo.z > 0.0, hemisphere_cosine_pdf(wi.z), 0.0)


@ti.func
def sample(
    scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2, wo: vec3, lobe: ti.f32, u: vec2
) -> BsdfSample:
    wi = hemisphere_cosine(u)
    weight = ti.select(wo.z > 0.0, value(scene, features, material, ALBEDO, uv), vec3(0.0))
    return BsdfSample(wi, weight, hemisphere_cosine_pdf(wi.z), 0, 1.0)
