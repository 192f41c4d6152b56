"""Differentiated: light from infinitely far away, constant or from an image in equirectangular projection.

The image's centre lies along -Z, its right half towards +X: u = 1/2 + atan2(x, -z) / (2 pi), v = acos(y) / pi from the
top. Lookups are bilinear, wrap in u and clamp in v. Samples are drawn from a distribution that is constant on each texel
and covers the interpolated image.
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.distribution import cdf_interval, search_cdf
from diffrt.core.vector import PI
from diffrt.core.warp import sphere_uniform
from diffrt.shading.light.base import LightSample
from diffrt.shading.texture import CLAMP, REPEAT, bilinear


@ti.func
def image_coordinates(direction: vec3) -> vec2:
    """(u, v) in [0, 1]^2 of a local unit direction, v from the top row."""
    u = 0.5 + ti.atan2(direction.x, -direction.z) / (2.0 * PI)
    # atan2 of the two legs instead of acos: exact near the poles, where acos has no derivative.
    v = ti.atan2(ti.sqrt(ti.max(direction.x * direction.x + direction.z * direction.z, 1e-24)), direction.y) / PI
    return vec2(u, v)


@ti.func
def emitted(scene: ti.template(), features: ti.template(), direction: vec3) -> vec3:
    """Radiance that arrives from a world direction."""
    radiance = vec3(0.0)
    if ti.static(features.environment):
        if ti.static(features.environment_image):
            texture = scene.environment_texture[None]
            info = scene.textures[texture]
            uv = image_coordinates(scene.environment_to_local[None] @ direction)
            x, y = uv.x * ti.cast(info[1], ti.f32), uv.y * ti.cast(info[2], ti.f32)
            radiance = bilinear(scene, texture, x, y, REPEAT, CLAMP)
        else:
            radiance = scene.environment_radiance[None]
        radiance *= scene.environment_scale[None]
    return radiance


@ti.func
def pdf(scene: ti.template(), features: ti.template(), direction: vec3) -> ti.f32:
    """Density of `sample` per solid angle, without the choice of the light."""
    result = 1.0 / (4.0 * PI)
    if ti.static(features.environment_image):
        info = scene.textures[scene.environment_texture[None]]
        local = scene.environment_to_local[None] @ direction
        uv = image_coordinates(local)
        column = ti.min(ti.cast(uv.x * ti.cast(info[1], ti.f32), ti.i32), info[1] - 1)
        row = ti.min(ti.cast(uv.y * ti.cast(info[2], ti.f32), ti.i32), info[2] - 1)
        across = cdf_interval(scene.environment_columns, row * info[1], column).y
        down = cdf_interval(scene.environment_rows, 0, row).y
        sine = ti.sqrt(ti.max(local.x * local.x + local.z * local.z, 1e-12))
        result = across * down * ti.cast(info[1] * info[2], ti.f32) / (2.0 * PI * PI * sine)
    return result


@ti.func
def sample(scene: ti.template(), features: ti.template(), u: vec2) -> LightSample:
    """A direction towards the environment; `pdf` per solid angle, without the choice of the light."""
    direction = sphere_uniform(u)
    if ti.static(features.environment_image):
        info = scene.textures[scene.environment_texture[None]]
        row = search_cdf(scene.environment_rows, 0, info[2], u.y)
        down = cdf_interval(scene.environment_rows, 0, row)
        column = search_cdf(scene.environment_columns, row * info[1], info[1], u.x)
        across = cdf_interval(scene.environment_columns, row * info[1], column)
        x = (ti.cast(column, ti.f32) + (u.x - across.x) / ti.max(across.y, 1e-20)) / ti.cast(info[1], ti.f32)
        y = (ti.cast(row, ti.f32) + (u.y - down.x) / ti.max(down.y, 1e-20)) / ti.cast(info[2], ti.f32)
        phi, theta = (x - 0.5) * 2.0 * PI, y * PI
        sine = ti.sin(theta)
        local = vec3(sine * ti.sin(phi), ti.cos(theta), -sine * ti.cos(phi))
        direction = scene.environment_to_local[None].transpose() @ local
    return LightSample(
        direction, emitted(scene, features, direction), pdf(scene, features, direction), vec3(0.0), 1, 0
    )
