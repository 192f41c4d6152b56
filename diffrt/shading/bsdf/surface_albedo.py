"""The colour of a surface for the albedo buffer: its reflectance without highlights, as denoisers want it."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.device.features import MATERIAL_TYPES, slot
from diffrt.shading.material import value

COLOURS = (("diffuse", "albedo"), ("conductor", "reflectance"), ("plastic", "albedo"), ("principled", "base_color"))
"""The field that is the colour of each material type; the others are white."""


@ti.func
def surface_albedo(scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2) -> vec3:
    """Colour in [0, 1] of a material that is no mix."""
    result = vec3(1.0)
    for name, field in ti.static(COLOURS):
        if ti.static(features.has(name)):
            if scene.material_type[material] == ti.static(MATERIAL_TYPES.index(name)):
                result = value(scene, features, material, ti.static(slot(name, field)), uv)
    return result
