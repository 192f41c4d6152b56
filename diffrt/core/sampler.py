"""Random numbers as pure functions of (pixel, sample, dimension): no state, so any sample can be replayed.

Lattice: points of a rank-1 lattice, shifted at random in each dimension (Cranley and Patterson 1976); those of pixels
nearby are parts of one lattice.

Sobol: for the film and the first vertex four dimensions of one sequence, else padded two-dimensional Sobol points; all
with hash-based Owen scrambling, and the latter shuffled (Burley 2020, "Practical Hash-based Owen Scrambling"). All
values are kept bit-reversed until the last step, because the hash of Laine and Karras scrambles from the low bits up.
"""

import taichi as ti
from taichi.math import ivec2, uvec2, vec2, vec4

SOBOL = 0
INDEPENDENT = 1
LATTICE = 2
SAMPLERS = {"lattice": LATTICE, "sobol": SOBOL, "independent": INDEPENDENT}

TILE_BITS = 20
"""Pixels whose lattices are parts of one lattice: 2^20, tiles of 1024 by 1024."""

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
def _times_w(x: ti.u32) -> ti.u32:
    """Each base-4 digit of x times w in the field of four, where w^2 = w + 1 and a digit 2a + b stands for a w + b."""
    high, low = (x >> 1) & ti.u32(0x55555555), x & ti.u32(0x55555555)
    return ((high ^ low) << 1) | high


@ti.func
def _times_w2(x: ti.u32) -> ti.u32:
    high, low = (x >> 1) & ti.u32(0x55555555), x & ti.u32(0x55555555)
    return (low << 1) | (high ^ low)


@ti.func
def _first_pair(i: ti.u32):
    """Of index i, two of the four coordinates of a (0, 4)-sequence in base 4 (Faure 1982, Niederreiter 1987), digits
    reversed. Coordinate number c is the Pascal matrix over the field of four with its entries (j, k) times c^(k - j),
    c in 0, 1, w, w^2, one step per bit of the digits' numbers.

    Digits of every second coordinate are multiplied by w^2, so that each pair is a (0, 2)-sequence in base 2 as well.
    """
    y = i
    y ^= (y >> 2) & ti.u32(0x33333333)
    y ^= (y >> 4) & ti.u32(0x0F0F0F0F)
    y ^= (y >> 8) & ti.u32(0x00FF00FF)
    y ^= y >> 16
    return i, _times_w2(y)


@ti.func
def _second_pair(i: ti.u32):
    """The other two coordinates."""
    x, y = i, i
    x ^= _times_w(x >> 2) & ti.u32(0x33333333)
    x ^= _times_w2(x >> 4) & ti.u32(0x0F0F0F0F)
    x ^= _times_w(x >> 8) & ti.u32(0x00FF00FF)
    x ^= _times_w2(x >> 16)
    y ^= _times_w2(y >> 2) & ti.u32(0x33333333)
    y ^= _times_w(y >> 4) & ti.u32(0x0F0F0F0F)
    y ^= _times_w2(y >> 8) & ti.u32(0x00FF00FF)
    y ^= _times_w(y >> 16)
    return x, _times_w2(y)


@ti.func
def _scrambled_pair(a: ti.u32, b: ti.u32, seed: ti.u32, first: ti.u32, second: ti.u32) -> vec2:
    """Two coordinates, Owen-scrambled by seeds of their own, in [0, 1)."""
    # Hashed: seeds that are multiples of one another would scramble coordinates alike.
    x, y = owen_hash(a, hash32(seed + first)), owen_hash(b, hash32(seed + second))
    return vec2(to_unit(reverse_bits(x)), to_unit(reverse_bits(y)))


@ti.func
def joint_2d(kind: ti.template(), key: ti.u32, sample: ti.i32, dimension: ti.i32) -> vec2:
    """Like `uniform_2d`, and together with `joint_4d` even in four dimensions. For one dimension pair of a key only."""
    u = vec2(0.0)
    if ti.static(kind == SOBOL):
        seed = hash32(key + ti.cast(dimension, ti.u32) * ti.u32(0x9E3779B9))
        a, b = _first_pair(ti.cast(sample, ti.u32))
        u = _scrambled_pair(a, b, seed, ti.u32(0x6A09E667), ti.u32(0xBB67AE85))
    else:
        u = uniform_2d(kind, key, sample, dimension)
    return u


@ti.func
def joint_4d(kind: ti.template(), key: ti.u32, sample: ti.i32, dimension: ti.i32) -> vec4:
    """Like `uniform_4d`; each of the two pairs is together with `joint_2d` even in four dimensions: of the first 4^k
    samples one falls into each of 4^k equal boxes, however many times each side is cut into four.

    What depends on the film and on the first vertex varies with all of them, and none of it is noise if it is smooth.
    """
    u = vec4(0.0)
    if ti.static(kind == SOBOL):
        seed = hash32(key + ti.cast(dimension, ti.u32) * ti.u32(0x9E3779B9))
        a, b = _second_pair(ti.cast(sample, ti.u32))
        one = _scrambled_pair(a, b, seed, ti.u32(0x6A09E667), ti.u32(0xBB67AE85))
        other = _scrambled_pair(a, b, seed, ti.u32(0x3C6EF372), ti.u32(0xA54FF53A))
        u = vec4(one.x, one.y, other.x, other.y)
    else:
        u = uniform_4d(kind, key, sample, dimension)
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


@ti.func
def _spread_bits(x: ti.u32) -> ti.u32:
    """The low 16 bits of x at the even places."""
    x &= ti.u32(0xFFFF)
    x = (x | (x << 8)) & ti.u32(0x00FF00FF)
    x = (x | (x << 4)) & ti.u32(0x0F0F0F0F)
    x = (x | (x << 2)) & ti.u32(0x33333333)
    return (x | (x << 1)) & ti.u32(0x55555555)


@ti.func
def lattice_key(x: ti.i32, y: ti.i32, seed: ti.i32, step: ivec2) -> uvec2:
    """Key of a pixel in column x and row y: what pixels of a tile share, and the pixel's place in the tile's lattice.

    The place is the pixel's number along the tile's Z-curve, its bits reversed and Owen-scrambled: any square of 4^k
    pixels aligned to 2^k has places that are evenly spread (Ahmed and Wonka 2020, "Screen-space blue-noise diffusion of
    Monte Carlo sampling error via hierarchical ordering of pixels").

    Args:
        step: of a loop, bits of steps' numbers and this one's, which is the curve's lowest bits. So the places of a
            pixel in 2^k steps aligned to 2^k are evenly spread too; tiles are smaller by as many bits. Or (0, 0).
    """
    curve = _spread_bits(ti.cast(x, ti.u32)) | (_spread_bits(ti.cast(y, ti.u32)) << 1)
    bits = ti.cast(step[0], ti.u32)
    tile = curve >> (ti.u32(TILE_BITS) - bits)
    curve = (curve << bits) | ti.cast(step[1], ti.u32)
    shared = hash32(tile ^ hash32(ti.cast(seed, ti.u32) + ti.u32(0x9E3779B9)))
    place = owen_hash(reverse_bits(curve << (32 - TILE_BITS) >> (32 - TILE_BITS)), shared)
    return uvec2(shared, place >> (32 - TILE_BITS))


@ti.func
def block_key(key: uvec2, block: ti.i32) -> uvec2:
    """Key of a block of a pixel's samples: the pixel's own for the first, whatever comes after it."""
    shared = key[0]
    if block > 0:
        shared = hash32(shared ^ hash32(ti.cast(block, ti.u32) + ti.u32(0x1B56C4E9)))
    return uvec2(shared, key[1])


@ti.func
def lattice_4d(steps: ti.template(), links: ti.template(), key: uvec2, sample: ti.i32, dimension: ti.i32) -> vec4:
    """Four numbers of sample number `sample`, even together with those of all other dimensions, and of pixels nearby.

    Args:
        steps: a field of four steps a dimension from sample to sample, in units of 2^-32, their bits taken as signed
            integers.
        links: the same from a pixel's place to the next one. Where it is zero, and beyond, dimensions get random steps,
            which makes samples independent two by two, and so the variance that of independent ones.
        key: from `lattice_key` and `block_key`.
    """
    u = vec4(0.0)
    # Times powers of a multiplier that is even in four dimensions (Lavaux and Janssens, in Knuth 1997, 3.3.4).
    shift = hash32(key[0] + ti.cast(dimension, ti.u32) * ti.u32(0x9E3779B9))
    last = ti.static(steps.shape[0] - 1)
    step = ti.cast(steps[ti.min(dimension, last)], ti.u32)
    link = ti.cast(links[ti.min(dimension, last)], ti.u32)
    for k in ti.static(range(4)):
        at = shift + key[1] * link[k]
        if dimension > last or link[k] == 0:
            at = hash32(shift ^ hash32(key[1] + ti.u32(0xB5297A4D)))
            step[k] = hash32(at ^ ti.u32(0xB5297A4D))
        u[k] = to_unit(ti.cast(sample, ti.u32) * step[k] + at)
        shift *= ti.u32(1664525)
    return u
