"""Differentiated: texture lookups. Texel centres lie at ((i + 0.5)/width, (j + 0.5)/height), row 0 at the top, v up."""

import taichi as ti
from taichi.math import ivec4, vec2, vec3, vec4

REPEAT = 0
CLAMP = 1
MIRROR = 2
WRAPS = {"repeat": REPEAT, "clamp": CLAMP, "mirror": MIRROR}
BILINEAR = 0
NEAREST = 1
FILTERS = {"bilinear": BILINEAR, "nearest": NEAREST}


@ti.func
def wrap_index(i: ti.i32, size: ti.i32, wrap: ti.i32) -> ti.i32:
    """Texel index in [0, size) that stands for index i."""
    clamped = ti.max(0, ti.min(i, size - 1))
    repeated = i - (ti.floor(ti.cast(i, ti.f32) / ti.cast(size, ti.f32), ti.i32)) * size
    period = 2 * size
    phase = i - (ti.floor(ti.cast(i, ti.f32) / ti.cast(period, ti.f32), ti.i32)) * period
    mirrored = ti.select(phase < size, phase, period - 1 - phase)
    return ti.select(wrap == CLAMP, clamped, ti.select(wrap == MIRROR, mirrored, repeated))


@ti.func
def bilinear_texels(scene: ti.template(), texture: ti.i32, x: ti.f32, y: ti.f32, wrap_x: ti.i32, wrap_y: ti.i32):
    """The four texels that `bilinear` reads, and their weights."""
    info = scene.textures[texture]
    left, top = ti.floor(x - 0.5), ti.floor(y - 0.5)
    fx, fy = x - 0.5 - left, y - 0.5 - top
    x0 = wrap_index(ti.cast(left, ti.i32), info[1], wrap_x)
    x1 = wrap_index(ti.cast(left, ti.i32) + 1, info[1], wrap_x)
    row0 = info[0] + wrap_index(ti.cast(top, ti.i32), info[2], wrap_y) * info[1]
    row1 = info[0] + wrap_index(ti.cast(top, ti.i32) + 1, info[2], wrap_y) * info[1]
    weights = vec4((1.0 - fx) * (1.0 - fy), fx * (1.0 - fy), (1.0 - fx) * fy, fx * fy)
    return ivec4(row0 + x0, row0 + x1, row1 + x0, row1 + x1), weights


@ti.func
def bilinear(scene: ti.template(), texture: ti.i32, x: ti.f32, y: ti.f32, wrap_x: ti.i32, wrap_y: ti.i32) -> vec3:
    """Value at continuous texel coordinates, where (0.5, 0.5) is the centre of the top-left texel."""
    texels, weights = bilinear_texels(scene, texture, x, y, wrap_x, wrap_y)
    value = vec3(0.0)
    for k in ti.static(range(4)):
        value += scene.texels[texels[k]] * weights[k]
    return value


@ti.func
def _place(info: ti.template(), uv: vec2) -> vec2:
    """Continuous texel coordinates of texture coordinates uv."""
    # Whole turns are taken off first: a large coordinate would leave no bits for the position within a texel.
    turns = ti.floor(uv * 0.5) * 2.0
    reduced = ti.select(info[3] & 3 == CLAMP, ti.min(ti.max(uv, -1.0), 2.0), uv - turns)
    return vec2(reduced.x * ti.cast(info[1], ti.f32), (1.0 - reduced.y) * ti.cast(info[2], ti.f32))


@ti.func
def _nearest_texel(info: ti.template(), place: vec2) -> ti.i32:
    column = wrap_index(ti.floor(place.x, ti.i32), info[1], info[3] & 3)
    row = wrap_index(ti.floor(place.y, ti.i32), info[2], info[3] & 3)
    return info[0] + row * info[1] + column


@ti.func
def lookup(scene: ti.template(), texture: ti.i32, uv: vec2) -> vec3:
    """Value of a texture at texture coordinates uv, with its own wrap and filter."""
    info = scene.textures[texture]
    place = _place(info, uv)
    value = vec3(0.0)
    if info[3] >> 2 == NEAREST:
        value = scene.texels[_nearest_texel(info, place)]
    else:
        value = bilinear(scene, texture, place.x, place.y, info[3] & 3, info[3] & 3)
    return value


@ti.func
def lookup_texels(scene: ti.template(), texture: ti.i32, uv: vec2):
    """The texels that `lookup` reads, and their weights: four, of which all but the first weigh nothing if one is."""
    info = scene.textures[texture]
    place = _place(info, uv)
    texels, weights = ivec4(0), vec4(1.0, 0.0, 0.0, 0.0)
    if info[3] >> 2 == NEAREST:
        texels = ivec4(_nearest_texel(info, place))
    else:
        texels, weights = bilinear_texels(scene, texture, place.x, place.y, info[3] & 3, info[3] & 3)
    return texels, weights
