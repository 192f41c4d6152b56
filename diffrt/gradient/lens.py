"""Which points of the lens samples on edges are seen through."""

import taichi as ti
from taichi.math import vec2

from diffrt.core.sampler import uniform_2d
from diffrt.device.features import CAMERA_TYPES


@ti.func
def lens_numbers(
    features: ti.template(), kind: ti.template(), key: ti.u32, sample: ti.i32, dimension: ti.i32
) -> vec2:  # fmt: skip
    """Two uniform numbers that choose the point, as `uniform_2d` draws them; none are drawn for a pinhole."""
    u = vec2(0.0)
    if ti.static(CAMERA_TYPES[features.camera] == "thin_lens"):
        u = uniform_2d(kind, key, sample, dimension)
    return u
