"""Differentiated: the colour of a surface for the albedo buffer: without highlights, as denoisers want it."""

import taichi as ti
from taichi.math import vec3

from diffrt.device.features import MATERIAL_TYPES, slot
from diffrt.shading.material import field

COLOURS = (("diffuse", "albedo"), ("conductor", "reflectance"), ("plastic", "albedo"), ("principled", "base_color"))
"""The field that is the colour of each material type; the others are white."""


@ti.func
def surface_albedo(scene: ti.template(), features: ti.template(), material: ti.i32, values: ti.template()) -> vec3:
    """Colour in [0, 1] of a material that is no mix; `values` are those of `values_at`."""
    result = vec3(1.0)
    for name, key in ti.static(COLOURS):
        if ti.static(features.has(name)):
            if scene.material_type[material] == ti.static(MATERIAL_TYPES.index(name)):
                result = field(values, ti.static(slot(name, key)))
    return result
