"""Discrete and piecewise-constant distributions kept as cumulative sums in a flat field."""

import taichi as ti


@ti.func
def search_cdf(cdf: ti.template(), offset: ti.i32, count: ti.i32, u: ti.f32) -> ti.i32:
    """Index i in [0, count) with cdf[offset + i - 1] <= u < cdf[offset + i]: inversion keeps a stratified u stratified.

    `cdf` holds inclusive sums that end at one; entries of zero probability are never chosen.
    """
    low = 0
    size = count
    while size > 1:
        half = size >> 1
        right = cdf[offset + low + half - 1] <= u
        low += ti.select(right, half, 0)
        size -= half
    return low


@ti.func
def search_guided(cdf: ti.template(), guide: ti.template(), offset: ti.i32, count: ti.i32, u: ti.f32) -> ti.i32:
    """Like `search_cdf`, but begins where the guide table says (Chen and Asau 1974): about one step instead of
    log2(count) that no processor can predict.

    guide[offset + k] is an index that is not above the one for u = k / count. Of few entries it is not worth the wait.
    """
    low = 0
    if count <= 4:
        low = search_cdf(cdf, offset, count, u)
    else:
        low = guide[offset + ti.min(ti.cast(u * ti.cast(count, ti.f32), ti.i32), count - 1)]
        while low < count - 1 and cdf[offset + low] <= u:
            low += 1
    return low


@ti.func
def cdf_interval(cdf: ti.template(), offset: ti.i32, i: ti.i32) -> ti.math.vec2:
    """(start, width) of entry i: its probability is the width; (u - start) / width is a fresh uniform number."""
    start = 0.0
    if i > 0:
        start = cdf[offset + i - 1]
    return ti.math.vec2(start, cdf[offset + i] - start)
