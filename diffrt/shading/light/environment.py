"""Differentiated: light from infinitely far away, constant or from an image in equirectangular projection.

The image's centre lies along -Z, its right half towards +X: u = 1/2 + atan2(x, -z) / (2 pi), v = acos(y) / pi from the
top. Lookups are bilinear, wrap in u and clamp in v. Samples are drawn from a distribution that is constant on each
texel, and go only where the image is brighter than its mean: the rest is for BSDF samples to find (Karlik et al. 2019,
"MIS compensation"). That leaves none for a constant environment.
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.distribution import cdf_interval, search_guided
from diffrt.core.vector import PI, larger
from diffrt.core.warp import cos_sin_turn, turn_of
from diffrt.device.features import LIGHT_ENVIRONMENT
from diffrt.shading.light.base import LightSample
from diffrt.shading.texture import CLAMP, REPEAT, bilinear, bilinear_texels


@ti.func
def image_coordinates(direction: vec3) -> vec2:
    """(u, v) in [0, 1]^2 of a local unit direction, v from the top row."""
    u = 0.5 + turn_of(direction.x, -direction.z)
    # atan2 of the two legs instead of acos: exact near the poles, where acos has no derivative.
    v = 2.0 * turn_of(ti.sqrt(ti.max(direction.x * direction.x + direction.z * direction.z, 1e-24)), direction.y)
    return vec2(u, v)


@ti.func
def emitted(scene: ti.template(), features: ti.template(), direction: vec3) -> vec3:
    """Radiance that arrives from a world direction."""
    radiance = vec3(0.0)
    if ti.static(features.environment):
        uv = vec2(0.0)
        if ti.static(features.environment_image):
            uv = image_coordinates(scene.environment_to_local[None] @ direction)
        radiance = _radiance(scene, features, uv)
    return radiance


@ti.func
def pdf(scene: ti.template(), features: ti.template(), direction: vec3) -> ti.f32:
    """Density of `sample` per solid angle, without the choice of the light."""
    return emitted_and_pdf(scene, features, direction)[1]


@ti.func
def emitted_and_pdf(scene: ti.template(), features: ti.template(), direction: vec3):
    """Both `emitted` and `pdf`, which share the way from the direction to the image."""
    uv = vec2(0.0)
    density = 0.0
    if ti.static(features.environment_image):
        info = scene.textures[scene.environment_texture[None]]
        local = scene.environment_to_local[None] @ direction
        uv = image_coordinates(local)
        column = ti.min(ti.cast(uv.x * ti.cast(info[1], ti.f32), ti.i32), info[1] - 1)
        row = ti.min(ti.cast(uv.y * ti.cast(info[2], ti.f32), ti.i32), info[2] - 1)
        across = cdf_interval(scene.environment_columns, row * info[1], column).y
        down = cdf_interval(scene.environment_rows, 0, row).y
        sine = ti.sqrt(larger(local.x * local.x + local.z * local.z, 1e-12))
        density = _density(info, across * down, sine)
    return _radiance(scene, features, uv), density


@ti.func
def sample(scene: ti.template(), features: ti.template(), u: vec2) -> LightSample:
    """A direction towards the image; `pdf` per solid angle, without the choice of the light."""
    info = scene.textures[scene.environment_texture[None]]
    row = search_guided(scene.environment_rows, scene.environment_row_guide, 0, info[2], u.y)
    down = cdf_interval(scene.environment_rows, 0, row)
    column = search_guided(scene.environment_columns, scene.environment_column_guide, row * info[1], info[1], u.x)
    across = cdf_interval(scene.environment_columns, row * info[1], column)
    uv = vec2(0.0)
    uv.x = (ti.cast(column, ti.f32) + (u.x - across.x) / larger(across.y, 1e-20)) / ti.cast(info[1], ti.f32)
    uv.y = (ti.cast(row, ti.f32) + (u.y - down.x) / larger(down.y, 1e-20)) / ti.cast(info[2], ti.f32)
    around = cos_sin_turn(uv.x)  # phi is half a turn less
    polar = cos_sin_turn(0.5 * uv.y)
    local = vec3(-polar.y * around.y, polar.x, polar.y * around.x)
    direction = scene.environment_to_local[None].transpose() @ local
    density = _density(info, across.y * down.y, larger(polar.y, 1e-6))
    radiance = _radiance(scene, features, uv)
    return LightSample(direction, radiance, density, vec3(0.0), 1, 0, LIGHT_ENVIRONMENT, -1, vec2(0.0))


@ti.func
def _radiance(scene: ti.template(), features: ti.template(), uv: vec2) -> vec3:
    """Radiance from a point of the image; the same from everywhere without one."""
    radiance = scene.environment_radiance[None]
    if ti.static(features.environment_image):
        texture = scene.environment_texture[None]
        place = _place(scene, uv)
        radiance = bilinear(scene, texture, place.x, place.y, REPEAT, CLAMP)
    return radiance * scene.environment_scale[None]


@ti.func
def _place(scene: ti.template(), uv: vec2) -> vec2:
    """Continuous texel coordinates."""
    info = scene.textures[scene.environment_texture[None]]
    return vec2(uv.x * ti.cast(info[1], ti.f32), uv.y * ti.cast(info[2], ti.f32))


@ti.func
def texels_towards(scene: ti.template(), direction: vec3):
    """The four texels that the radiance from a world direction is read from, and their weights without the scale."""
    place = _place(scene, image_coordinates(scene.environment_to_local[None] @ direction))
    return bilinear_texels(scene, scene.environment_texture[None], place.x, place.y, REPEAT, CLAMP)


@ti.func
def _density(info, probability: ti.f32, sine: ti.f32) -> ti.f32:
    """Density per solid angle within a texel that is chosen with this probability."""
    return probability * ti.cast(info[1] * info[2], ti.f32) / (2.0 * PI * PI * sine)
