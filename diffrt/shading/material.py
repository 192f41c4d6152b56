"""Differentiated: the values of a material at a point of the surface, and its normal map."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import Frame, frame_from_normal, safe_normalize
from diffrt.device.features import MATERIAL_SLOTS, NORMAL_MAP_SLOT, OPACITY_SLOT
from diffrt.device.surface import Surface, tangent_u
from diffrt.shading.texture import lookup


@ti.func
def value(scene: ti.template(), features: ti.template(), material: ti.i32, slot: ti.template(), uv: vec2) -> vec3:
    """One field of a material, constant or textured; scalars are repeated over the three components."""
    i = material * MATERIAL_SLOTS + slot
    result = scene.material_values[i]
    if ti.static(features.textured_slots >> slot & 1):
        texture = scene.material_textures[i]
        if texture >= 0:
            result = lookup(scene, texture, uv)
    return result


@ti.func
def values_at(scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2):
    """All fields of a material, a row a slot, read once for everything that a BSDF is asked at this point.

    There are as many rows as the scene's materials need: derivatives take long to compile for rows that nobody reads.
    With `features.wide_lobes` there is one more, for the share in `bsdf/diffuse_lobe.py`; it is zero here.
    """
    result = ti.Matrix([[0.0, 0.0, 0.0] for _ in ti.static(range(features.slots + features.wide_lobes))])
    for slot in ti.static(range(features.slots)):
        field = value(scene, features, material, slot, uv)
        for d in ti.static(range(3)):
            result[slot, d] = field[d]
    return result


@ti.func
def field(values: ti.template(), slot: ti.template()) -> vec3:
    """One field out of `values_at`."""
    return vec3(values[slot, 0], values[slot, 1], values[slot, 2])


@ti.func
def opacity(scene: ti.template(), features: ti.template(), material: ti.i32, uv: vec2) -> ti.f32:
    """Share of the light that meets the surface instead of passing, in [0, 1]."""
    return value(scene, features, material, OPACITY_SLOT, uv).x


@ti.func
def shading_frame(
    scene: ti.template(), features: ti.template(), material: ti.i32, outer: ti.i32, triangle: ti.i32, surface: Surface
) -> Frame:
    """The frame in which the BSDF is evaluated: about the shading normal, bent by the normal map if there is one.

    The map is that of the material, or of the mix `outer` that it was chosen from.
    A normal map holds 2c - 1 in the frame s, t, n with s along dp/du made orthogonal to n, and t = n x s.
    """
    frame = frame_from_normal(surface.shading_normal)
    if ti.static(features.normal_maps):
        texture = scene.material_textures[material * MATERIAL_SLOTS + NORMAL_MAP_SLOT]
        if texture < 0:
            texture = scene.material_textures[outer * MATERIAL_SLOTS + NORMAL_MAP_SLOT]
        if texture >= 0:
            n = surface.shading_normal
            du = tangent_u(scene, triangle)
            s = safe_normalize(du - n * n.dot(du), frame.s)
            t = n.cross(s)
            m = lookup(scene, texture, surface.uv) * 2.0 - 1.0
            bent = safe_normalize(s * m.x + t * m.y + n * m.z, n)
            frame = frame_from_normal(bent)
    return frame
