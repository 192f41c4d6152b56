"""Differentiated: no surface at all. Rays pass unchanged, so nothing is scattered."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.shading.bsdf.base import BsdfSample


@ti.func
def evaluate(features: ti.template(), values: ti.template(), wo: vec3, wi: vec3):
    return vec3(0.0), 0.0


@ti.func
def sample(features: ti.template(), values: ti.template(), wo: vec3, lobe: ti.f32, u: vec2) -> BsdfSample:
    return BsdfSample(-wo, vec3(1.0), 0.0, 1, 1.0)


@ti.func
def delta(features: ti.template(), values: ti.template(), wo: vec3, wi: vec3) -> vec3:
    return vec3(ti.select(wo.z * wi.z < 0.0, 1.0, 0.0))
