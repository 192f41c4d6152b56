"""Differentiated: Lambertian reflection, f_s = albedo / pi."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import INV_PI
from diffrt.device.features import slot
from diffrt.shading.bsdf.base import BsdfSample
from diffrt.shading.bsdf.diffuse_lobe import diffuse_density, diffuse_direction, even_share
from diffrt.shading.material import field

ALBEDO = slot("diffuse", "albedo")


@ti.func
def evaluate(features: ti.template(), values: ti.template(), wo: vec3, wi: vec3):
    result = vec3(0.0)
    density_of_wi = 0.0
    if wo.z > 0.0 and wi.z > 0.0:
        result = field(values, ALBEDO) * (INV_PI * wi.z)
        density_of_wi = diffuse_density(features, even_share(features, values), wi.z)
    return result, density_of_wi


@ti.func
def sample(features: ti.template(), values: ti.template(), wo: vec3, lobe: ti.f32, u: vec2) -> BsdfSample:
    share = even_share(features, values)
    wi = diffuse_direction(features, share, u)
    density_of_wi = diffuse_density(features, share, wi.z)
    weight = ti.select(wo.z > 0.0, field(values, ALBEDO), vec3(0.0))
    if ti.static(features.wide_lobes):
        weight *= INV_PI * wi.z / density_of_wi
    return BsdfSample(wi, weight, density_of_wi, 0, 1.0)
