"""Ray queries in scenes without a tree: every ray against all facets, see facets.py.

Each of a facet's numbers has an array of its own. Facets are tested some at a time, without branches, and the minimum
of one integer each is taken: in this form the compiler works on whole vectors, however narrow it thinks they are. What
is carried from block to block, how far hits count, keeps it from testing one lane of several blocks together, for which
it would have to shuffle all numbers.
"""

import taichi as ti
from taichi.math import vec3

from diffrt.core.vector import smallest
from diffrt.device.hit import Hit
from diffrt.device.scene_fields import FACET_LANES, FACET_ROWS

EDGE = 1e-6
"""Facets reach so far beyond their edges, in barycentrics: rays must not slip through between them."""
_NONE = 0x7F000000
"""Above the key of every hit."""


@ti.func
def closest_hit(
    scene: ti.template(), facets: ti.template(), origin: vec3, direction: vec3, t_min: ti.f32, t_max: ti.f32
) -> Hit:
    """The nearest facet with t_min < t < t_max, from either side."""
    # The bits of the distance (whose order is that of the integers, as it is not negative) over the facet's number, in
    # as few bits as the scene needs: one minimum says both. What else there is to know of the hit is computed again.
    nearest = _NONE
    low = ti.static((1 << (facets + FACET_LANES - 1).bit_length()) - 1)
    limit = t_max
    for block in range(ti.static(facets // FACET_LANES)):
        t, _, _, inside = _meet(_lanes(scene, block * FACET_LANES), origin, direction)
        keys = (ti.bit_cast(t, ti.i32) & ~low) | ti.Vector([FACET_LANES + k for k in ti.static(range(FACET_LANES))])
        least = smallest(ti.select(inside & (t > t_min) & (t < limit), keys, _NONE))
        if least < _NONE:
            nearest = least + block * FACET_LANES
            limit = ti.bit_cast(least & ~low, ti.f32)
    hit = Hit(-1, t_max, 0.0, 0.0)
    if nearest < _NONE:
        facet = (nearest & low) - FACET_LANES
        t, u, v, _ = _meet(_numbers(scene, facet), origin, direction)
        triangles = scene.facet_triangles[facet]
        hit.t, hit.triangle = t, triangles[0]
        turn = triangles[2] & 3
        # Shares of the corners, from the facet's own corner on.
        own, following = 1.0 - u - v, u
        if own < 0.0 and triangles[1] >= 0:
            hit.triangle = triangles[1]
            turn = triangles[2] >> 2
            own, following = -own, 1.0 - u
        last = 1.0 - own - following
        hit.u = ti.select(turn == 0, following, ti.select(turn == 1, own, last))
        hit.v = ti.select(turn == 0, last, ti.select(turn == 1, following, own))
    return hit


@ti.func
def any_hit(
    scene: ti.template(), facets: ti.template(), origin: vec3, direction: vec3, t_min: ti.f32, t_max: ti.f32
) -> ti.i32:
    """1 if some facet lies in t_min < t < t_max."""
    found, limit = 0, t_max
    for block in range(ti.static(facets // FACET_LANES)):
        t, _, _, inside = _meet(_lanes(scene, block * FACET_LANES), origin, direction)
        if smallest(ti.select(inside & (t > t_min) & (t < limit), 0, 1)) == 0:
            found, limit = 1, t_min
    return found


@ti.func
def _numbers(scene: ti.template(), facet: ti.i32):
    """A facet's numbers."""
    return [scene.facet_rows[row][facet] for row in ti.static(range(FACET_ROWS))]


@ti.func
def _lanes(scene: ti.template(), first: ti.i32):
    """The numbers of a block's facets, each a vector."""
    return [
        ti.Vector([scene.facet_rows[row][first + k] for k in ti.static(range(FACET_LANES))])
        for row in ti.static(range(FACET_ROWS))
    ]


@ti.func
def _meet(n, origin: vec3, direction: vec3):
    """Distance and barycentrics where the ray meets the plane of a facet of numbers n, and whether that lies within the
    facet; or of several, if n are vectors."""
    x, y, z = origin.x - n[0], origin.y - n[1], origin.z - n[2]
    height = x * n[9] + y * n[10] + z * n[11]
    rise = direction.x * n[9] + direction.y * n[10] + direction.z * n[11]
    t = -height / ti.select(rise == 0.0, 1.0, rise)
    u = x * n[3] + y * n[4] + z * n[5] + t * (direction.x * n[3] + direction.y * n[4] + direction.z * n[5])
    v = x * n[6] + y * n[7] + z * n[8] + t * (direction.x * n[6] + direction.y * n[7] + direction.z * n[8])
    low, high = ti.select(u < v, u, v), ti.select(u > v, u, v)
    inside = (low >= -EDGE) & (high <= 1.0 + EDGE) & (u + v <= n[12] + EDGE)
    return t, u, v, inside & (rise != 0.0)
