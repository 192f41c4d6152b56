"""Boxes along the axes."""

import taichi as ti
from taichi.math import vec3

from diffrt.core.vector import larger, smaller


@ti.func
def meets_box(low: vec3, high: vec3, origin: vec3, direction: vec3) -> bool:
    """Whether a ray meets a box, by the slabs between its sides."""
    near, far = 0.0, 1e30
    for d in ti.static(range(3)):
        tiny = ti.abs(direction[d]) < 1e-18
        inverse = 1.0 / ti.select(tiny, 1e-18, direction[d])
        a = (low[d] - origin[d]) * inverse
        b = (high[d] - origin[d]) * inverse
        near, far = larger(near, smaller(a, b)), smaller(far, larger(a, b))
    return near <= far
