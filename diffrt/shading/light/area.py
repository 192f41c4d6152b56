"""Differentiated: triangles that emit, with constant or textured radiance on one or both sides."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.distribution import cdf_interval, search_guided
from diffrt.core.warp import triangle_uniform
from diffrt.device.features import LIGHT_TRIANGLES
from diffrt.device.surface import Surface, offset_along, surface_at, texture_coordinates
from diffrt.shading.bsdf.mix import presence
from diffrt.shading.light.base import LightSample
from diffrt.shading.texture import lookup


@ti.func
def emitted(
    scene: ti.template(), features: ti.template(), surface: Surface,
    triangle: ti.i32, u: ti.f32, v: ti.f32, w: vec3,
) -> vec3:  # fmt: skip
    """Radiance that leaves a point of the surface in direction w (world space, of any length)."""
    radiance = vec3(0.0)
    if ti.static(features.area_lights):
        emits = scene.shape_emits[surface.shape]
        if emits == 2 or (emits == 1 and w.dot(surface.normal) > 0.0):
            radiance = scene.shape_emission[surface.shape]
            if ti.static(features.textures):
                texture = scene.shape_emission_texture[surface.shape]
                if texture >= 0:
                    radiance = lookup(scene, texture, texture_coordinates(scene, triangle, u, v))
    return radiance


@ti.func
def pick(scene: ti.template(), light: ti.i32, u: vec2):
    """One of a group's triangles by area, and what is left of u for a point of it."""
    group = scene.lights[light]
    first = group[1]
    row = search_guided(scene.emitter_cdf, scene.emitter_guide, first, group[2], u.x)
    interval = cdf_interval(scene.emitter_cdf, first, row)
    rest = ti.min(ti.max((u.x - interval.x) / ti.max(interval.y, 1e-20), 0.0), 0.9999999)
    return scene.emitter_triangles[first + row], vec2(rest, u.y)


@ti.func
def sample(scene: ti.template(), features: ti.template(), light: ti.i32, position: vec3, u: vec2) -> LightSample:
    """A uniform point of a group of triangles; `pdf` is per solid angle."""
    triangle, rest = pick(scene, light, u)
    b = triangle_uniform(rest)
    surface = surface_at(scene, features, triangle, b.x, b.y)
    offset = surface.position - position
    squared = ti.max(offset.dot(offset), 1e-30)
    wi = offset * (1.0 / ti.sqrt(squared))
    # Which side is lit does not need the unit vector, whose root and quotient take long.
    radiance = emitted(scene, features, surface, triangle, b.x, b.y, -offset)
    if ti.static(features.masked):
        # Where light passes the surface there is nothing that could shine; paths that hit it find that out by chance.
        radiance *= presence(scene, features, scene.shape_material[surface.shape], surface.uv)
    target = offset_along(surface.position, surface.normal, surface.error, -offset)
    density = pdf(scene, light, surface, squared, wi)
    return LightSample(wi, radiance, density, target, 0, 0, LIGHT_TRIANGLES, triangle, b)


@ti.func
def pdf(scene: ti.template(), light: ti.i32, surface: Surface, squared_distance: ti.f32, wi: vec3) -> ti.f32:
    """Density per solid angle of `sample`: r^2 / (A |cos|)."""
    cosine = ti.abs(wi.dot(surface.normal))
    density = scene.light_density[light] * squared_distance
    return ti.select(cosine > 1e-7, density / ti.max(cosine, 1e-7), 0.0)
