"""Differentiated: texture lookups. Texel centres lie at ((i + 0.5)/width, (j + 0.5)/height), row 0 at the top, v up."""

import taichi as ti
from taichi.math import vec2, vec3

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
def bilinear(scene: ti.template(), texture: ti.i32, x: ti.f32, y: ti.f32, wrap_x: ti.i32, wrap_y: ti.i32) -> vec3:
    """Value at continuous texel coordinates, where (0.5, 0.5) is the centre of the top-left texel."""
    info = scene.textures[texture]
    left, top = ti.floor(x - 0.5), ti.floor(y - 0.5)
    fx, fy = x - 0.5 - left, y - 0.5 - top
    x0 = wrap_index(ti.cast(left, ti.i32), info[1], wrap_x)
    x1 = wrap_index(ti.cast(left, ti.i32) + 1, info[1], wrap_x)
    row0 = info[0] + wrap_index(ti.cast(top, ti.i32), info[2], wrap_y) * info[1]
    row1 = info[0] + wrap_index(ti.cast(top, ti.i32) + 1, info[2], wrap_y) * info[1]
    upper = scene.texels[row0 + x0] * (1.0 - fx) + scene.texels[row0 + x1] * fx
    lower = scene.texels[row1 + x0] * (1.0 - fx) + scene.texels[row1 + x1] * fx
    return upper * (1.0 - fy) + lower * fy


@ti.func
def lookup(scene: ti.template(), texture: ti.i32, uv: vec2) -> vec3:
    """Value of a texture at texture coordinates uv, with its own wrap and filter."""
    info = scene.textures[texture]
    wrap = info[3] & 3
    width, height = ti.cast(info[1], ti.f32), ti.cast(info[2], ti.f32)
    # Whole turns are taken off first: a large coordinate would leave no bits for the position within a texel.
    turns = ti.floor(uv * 0.5) * 2.0
    reduced = ti.select(wrap == CLAMP, ti.min(ti.max(uv, -1.0), 2.0), uv - turns)
    x, y = reduced.x * width, (1.0 - reduced.y) * height
    value = vec3(0.0)
    if info[3] >> 2 == NEAREST:
        column = wrap_index(ti.floor(x, ti.i32), info[1], wrap)
        row = wrap_index(ti.floor(y, ti.i32), info[2], wrap)
        value = scene.texels[info[0] + row * info[1] + column]
    else:
        value = bilinear(scene, texture, x, y, wrap, wrap)
    return value
