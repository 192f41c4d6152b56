"""Vectors: frames about a normal, luminance, finite tests that survive fast math."""

import taichi as ti
from taichi.math import vec3

PI = 3.141592653589793
INV_PI = 0.3183098861837907


@ti.dataclass
class Frame:
    """An orthonormal frame: s, t span the surface, n is its normal."""

    s: vec3
    t: vec3
    n: vec3


@ti.func
def frame_from_normal(n: vec3) -> Frame:
    """Frame about a unit normal, branchless (Duff et al. 2017, "Building an Orthonormal Basis, Revisited")."""
    sign = ti.select(n.z >= 0.0, 1.0, -1.0)
    a = -1.0 / (sign + n.z)
    b = n.x * n.y * a
    s = vec3(1.0 + sign * n.x * n.x * a, sign * b, -sign * n.x)
    t = vec3(b, sign + n.y * n.y * a, -n.y)
    return Frame(s, t, n)


@ti.func
def to_local(frame, w: vec3) -> vec3:
    return vec3(w.dot(frame.s), w.dot(frame.t), w.dot(frame.n))


@ti.func
def to_world(frame, w: vec3) -> vec3:
    return frame.s * w.x + frame.t * w.y + frame.n * w.z


@ti.func
def luminance(c: vec3) -> ti.f32:
    """BT.709 luminance of linear RGB."""
    return 0.2126 * c.x + 0.7152 * c.y + 0.0722 * c.z


@ti.func
def smallest(lanes):
    """The least of some integers. In this order the compiler takes the minimum of a whole vector; what makes the lanes
    is then vectorized, too, and lane 0 comes first in the vector, as in memory."""
    result = ti.min(lanes[1], lanes[0])
    for k in ti.static(range(2, lanes.n)):
        result = ti.min(result, lanes[k])
    return result


@ti.func
def total(lanes):
    """The sum of some numbers, in the order of `smallest`."""
    result = lanes[1] + lanes[0]
    for k in ti.static(range(2, lanes.n)):
        result += lanes[k]
    return result


@ti.func
def lane(lanes, number: ti.i32):
    """One of some numbers. An index would have them stored, and the compiler vectorizes stores in smaller parts."""
    chosen = lanes
    for k in ti.static(range(lanes.n)):
        chosen[k] = ti.select(number == k, lanes[k], 0.0)
    return total(chosen)


@ti.func
def smaller(a: ti.f32, b: ti.f32) -> ti.f32:
    """The smaller of two numbers in one instruction: unlike ti.min it does not look for NaN."""
    return ti.select(a < b, a, b)


@ti.func
def larger(a: ti.f32, b: ti.f32) -> ti.f32:
    """The larger of two numbers; NaN if b is."""
    return ti.select(a > b, a, b)


@ti.func
def max_component(c: vec3) -> ti.f32:
    return larger(larger(c.x, c.y), c.z)


@ti.func
def is_finite(x: ti.f32) -> ti.i32:
    """1 if x is neither infinite nor NaN. Tests the exponent bits: `x != x` is folded away under fast math."""
    return ti.cast((ti.bit_cast(x, ti.u32) & ti.u32(0x7F800000)) != ti.u32(0x7F800000), ti.i32)


@ti.func
def reflect(w: vec3, n: vec3) -> vec3:
    """Mirror direction of w (pointing away from the surface) about n."""
    return 2.0 * w.dot(n) * n - w


@ti.func
def safe_normalize(v: vec3, fallback: vec3) -> vec3:
    """v / |v|, or `fallback` for a vector of no length."""
    squared = v.dot(v)
    ok = squared > 1e-30
    return ti.select(ok, v / ti.sqrt(ti.select(ok, squared, 1.0)), fallback)
