"""Random numbers as pure functions of (pixel, sample, dimension): no state, so any sample can be replayed.

Sobol: on the film a lattice, else padded two-dimensional Sobol points with hash-based Owen scrambling and shuffling
(Burley 2020, "Practical Hash-based Owen Scrambling"). All values are kept bit-reversed until the last step, because the
hash of Laine and Karras scrambles from the low bits up.
"""

import taichi as ti
from taichi.math import vec2, vec4

SOBOL = 0
INDEPENDENT = 1
SAMPLERS = {"sobol": SOBOL, "independent": INDEPENDENT}

_GENERATOR = 494565
"""Of the lattice: found bit by bit, for the least sum of |h|^-3 over its dual, to which the variance of a disk's area
is in proportion."""
_TO_UNIT = 1.0 / 16777216.0  # 2^-24: the largest value stays below one in single precision


@ti.func
def reverse_bits(x: ti.u32) -> ti.u32:
    x = ((x >> 1) & ti.u32(0x55555555)) | ((x & ti.u32(0x55555555)) << 1)
    x = ((x >> 2) & ti.u32(0x33333333)) | ((x & ti.u32(0x33333333)) << 2)
    x = ((x >> 4) & ti.u32(0x0F0F0F0F)) | ((x & ti.u32(0x0F0F0F0F)) << 4)
    x = ((x >> 8) & ti.u32(0x00FF00FF)) | ((x & ti.u32(0x00FF00FF)) << 8)
    return (x >> 16) | (x << 16)


@ti.func
def hash32(x: ti.u32) -> ti.u32:
    """Finalizer with low bias (Wellons 2018, "lowbias32")."""
    x ^= x >> 16
    x *= ti.u32(0x7FEB352D)
    x ^= x >> 15
    x *= ti.u32(0x846CA68B)
    x ^= x >> 16
    return x


@ti.func
def owen_hash(x: ti.u32, seed: ti.u32) -> ti.u32:
    """Nested uniform scramble of a bit-reversed value (Laine and Karras 2011, constants of Vegdahl 2021)."""
    x ^= x * ti.u32(0x3D20ADEA)
    x += seed
    x *= (seed >> 16) | ti.u32(1)
    x ^= x * ti.u32(0x05526C56)
    x ^= x * ti.u32(0x53A22864)
    return x


@ti.func
def sobol_second(i: ti.u32) -> ti.u32:
    """Bit-reversed second Sobol coordinate of index i: the Pascal matrix mod 2, one step per bit of the bit number."""
    i ^= (i >> 1) & ti.u32(0x55555555)
    i ^= (i >> 2) & ti.u32(0x33333333)
    i ^= (i >> 4) & ti.u32(0x0F0F0F0F)
    i ^= (i >> 8) & ti.u32(0x00FF00FF)
    i ^= (i >> 16) & ti.u32(0x0000FFFF)
    return i


@ti.func
def to_unit(x: ti.u32) -> ti.f32:
    return ti.cast(x >> 8, ti.f32) * _TO_UNIT


@ti.func
def pixel_seed(pixel: ti.i32, seed: ti.i32) -> ti.u32:
    """Key of a pixel's own random sequence."""
    return hash32(ti.cast(pixel, ti.u32) ^ hash32(ti.cast(seed, ti.u32) + ti.u32(0x9E3779B9)))


@ti.func
def lattice_2d(kind: ti.template(), key: ti.u32, sample: ti.i32, dimension: ti.i32) -> vec2:
    """Like `uniform_2d`, for integrands with edges that run anyhow, as the film's: less error there, more elsewhere.

    A rank-1 lattice whose points come in van der Corput order (Hickernell et al. 2000, "Extensible Lattice
    Sequences"), moved as a whole at random. The first 2^k points are a lattice nearly as even as a square one, for any
    k. For one dimension pair of a key only: no other is shuffled against it.
    """
    u = vec2(0.0)
    if ti.static(kind == SOBOL):
        shift = hash32(key + ti.cast(dimension, ti.u32) * ti.u32(0x9E3779B9))
        x = reverse_bits(ti.cast(sample, ti.u32))
        u = vec2(to_unit(x + shift), to_unit(x * ti.u32(_GENERATOR) + hash32(shift + ti.u32(0x510E527F))))
    else:
        u = uniform_2d(kind, key, sample, dimension)
    return u


@ti.func
def uniform_2d(kind: ti.template(), key: ti.u32, sample: ti.i32, dimension: ti.i32) -> vec2:
    """Two uniform numbers in [0, 1) for dimension pair `dimension` of sample number `sample`.

    Args:
        kind: SOBOL or INDEPENDENT, known when the kernel is compiled.
        key: from `pixel_seed`.
    """
    u = vec2(0.0)
    seed = hash32(key + ti.cast(dimension, ti.u32) * ti.u32(0x9E3779B9))
    if ti.static(kind == SOBOL):
        index = reverse_bits(owen_hash(reverse_bits(ti.cast(sample, ti.u32)), seed))
        x = owen_hash(index, seed * ti.u32(0x85EBCA6B) + ti.u32(0x6A09E667))
        y = owen_hash(sobol_second(index), seed * ti.u32(0xC2B2AE35) + ti.u32(0xBB67AE85))
        u = vec2(to_unit(reverse_bits(x)), to_unit(reverse_bits(y)))
    else:
        x = hash32(seed ^ hash32(ti.cast(sample, ti.u32) + ti.u32(0x68E31DA4)))
        u = vec2(to_unit(x), to_unit(hash32(x + ti.u32(0xB5297A4D))))
    return u


@ti.func
def uniform_4d(kind: ti.template(), key: ti.u32, sample: ti.i32, dimension: ti.i32) -> vec4:
    """Two pairs, (x, y) and (z, w), for uses that add up: no term of the integrand may depend on both.

    Each pair is as good as one of `uniform_2d`. They are scrambled apart but shuffled alike, for half the price.
    """
    u = vec4(0.0)
    seed = hash32(key + ti.cast(dimension, ti.u32) * ti.u32(0x9E3779B9))
    if ti.static(kind == SOBOL):
        index = reverse_bits(owen_hash(reverse_bits(ti.cast(sample, ti.u32)), seed))
        second = sobol_second(index)
        x = owen_hash(index, seed * ti.u32(0x85EBCA6B) + ti.u32(0x6A09E667))
        y = owen_hash(second, seed * ti.u32(0xC2B2AE35) + ti.u32(0xBB67AE85))
        z = owen_hash(index, seed * ti.u32(0x27D4EB2F) + ti.u32(0x3C6EF372))
        w = owen_hash(second, seed * ti.u32(0x165667B1) + ti.u32(0xA54FF53A))
        u = vec4(to_unit(reverse_bits(x)), to_unit(reverse_bits(y)), to_unit(reverse_bits(z)), to_unit(reverse_bits(w)))
    else:
        x = hash32(seed ^ hash32(ti.cast(sample, ti.u32) + ti.u32(0x68E31DA4)))
        y = hash32(x + ti.u32(0xB5297A4D))
        z = hash32(x + ti.u32(0x1B56C4E9))
        u = vec4(to_unit(x), to_unit(y), to_unit(z), to_unit(hash32(y + ti.u32(0x68E31DA4))))
    return u


@ti.func
def uniform_1d(kind: ti.template(), key: ti.u32, sample: ti.i32, dimension: ti.i32) -> ti.f32:
    """One uniform number in [0, 1): the first coordinate of the pair `dimension`."""
    u = 0.0
    seed = hash32(key + ti.cast(dimension, ti.u32) * ti.u32(0x9E3779B9))
    if ti.static(kind == SOBOL):
        index = reverse_bits(owen_hash(reverse_bits(ti.cast(sample, ti.u32)), seed))
        u = to_unit(reverse_bits(owen_hash(index, seed * ti.u32(0x85EBCA6B) + ti.u32(0x6A09E667))))
    else:
        u = to_unit(hash32(seed ^ hash32(ti.cast(sample, ti.u32) + ti.u32(0x68E31DA4))))
    return u
