"""Closest hit and any hit in the wide hierarchy.

The loops over children and over a leaf's triangles are unrolled, free of branches, and reduce to one integer by min: in
this form the compiler's vectorizer tests all lanes of a node at once. The integer is a lane's key: the bits of the
distance (whose order is that of the integers, as it is not negative) with the lane's number in the lowest bits. As
long as the search goes on, the distance of the key is all that is kept of a triangle: it is off by 4e-6 of itself at
most. The triangle that is met is computed again in the end.

A node with children left to visit is put on the stack with all keys and the smallest of those left, which is taken when
its turn comes again. That costs less than sorting children, and the stack stays as small as the tree is deep.

Keys are built alike in all lanes, or they are not vectorized: hence the bits of `_KEY_MASK`, more than lanes need, so
that no lane's `or` becomes a constant.
"""

import taichi as ti
from taichi.math import vec3

from diffrt._taichi import current_arch
from diffrt.core.vector import lane, larger, smaller, smallest
from diffrt.device.bvh_build import ABSENT, CHILDREN, IDS, SHALLOW, STACK_SIZE
from diffrt.device.hit import Hit
from diffrt.device.scene_fields import BVH_WIDTH, LEAF_SIZE

_Corners = ti.types.vector(9, ti.f32)
_KEY_MASK = -4 * max(BVH_WIDTH, LEAF_SIZE)
_INWARDS = 0.9999994
"""Rounding must not lose a box. The near side waits for less than the far one, so it is the one to move."""
_NONE = 0x7F000000
"""Key of a lane that was not hit: above every other key."""


@ti.func
def _inverse(d: ti.f32) -> ti.f32:
    """1/d, finite for a direction parallel to the axis's plane."""
    tiny = 1e-18
    return 1.0 / ti.select(ti.abs(d) < tiny, ti.select(d < 0.0, -tiny, tiny), d)


@ti.func
def _key(t: ti.f32, lane: ti.template()) -> ti.i32:
    return (ti.bit_cast(t, ti.i32) & _KEY_MASK) | (8 + lane)


@ti.func
def _above(keys, key: ti.i32):
    """Those keys that are greater than a key."""
    others = ti.Vector([0] * BVH_WIDTH)
    for k in ti.static(range(BVH_WIDTH)):
        others[k] = ti.select(keys[k] > key, keys[k], _NONE)
    return others


@ti.func
def _two_smallest(keys):
    """The least key, and the next."""
    # All are above -1, which the compiler does not know: of what is stored, too, it takes no minimum of whole vectors.
    nearest = smallest(_above(keys, -1))
    return nearest, smallest(_above(keys, nearest))


@ti.func
def _child(scene: ti.template(), node: ti.i32, number: ti.i32) -> ti.i32:
    """One of a node's children."""
    result = 0
    if ti.static(current_arch() == "cpu"):  # of the same cache lines as its box
        result = ti.bit_cast(scene.bvh_bounds[node + CHILDREN][number], ti.i32)
    else:  # no indices that are known when a kernel runs
        result = scene.bvh_children[node + number]
    return result


@ti.func
def _triangle(scene: ti.template(), leaf_lane: ti.i32) -> ti.i32:
    """The number of a triangle in a leaf."""
    result = 0
    if ti.static(current_arch() == "cpu"):
        result = ti.bit_cast(scene.bvh_triangles[leaf_lane // LEAF_SIZE][IDS, leaf_lane % LEAF_SIZE], ti.i32)
    else:
        result = scene.bvh_ids[leaf_lane]
    return result


@ti.func
def _corners(scene: ti.template(), leaf: ti.i32, number: ti.i32) -> _Corners:
    """The numbers of one of a leaf's triangles."""
    result = _Corners(0.0)
    for row in ti.static(range(9)):
        if ti.static(current_arch() == "cpu"):
            result[row] = scene.bvh_triangles[leaf][row, number]
        else:
            result[row] = lane(ti.Vector([scene.bvh_triangles[leaf][row, k] for k in range(LEAF_SIZE)]), number)
    return result


@ti.func
def _meet(c: _Corners, origin: vec3, direction: vec3):
    """Of a triangle: distance, barycentrics (Moeller and Trumbore 1997), and whether the ray is not parallel to it."""
    sx, sy, sz = origin.x - c[0], origin.y - c[1], origin.z - c[2]
    ax, ay, az = c[3], c[4], c[5]
    bx, by, bz = c[6], c[7], c[8]
    px = direction.y * bz - direction.z * by
    py = direction.z * bx - direction.x * bz
    pz = direction.x * by - direction.y * bx
    determinant = ax * px + ay * py + az * pz
    scale = 1.0 / ti.select(determinant == 0.0, 1.0, determinant)
    u = (sx * px + sy * py + sz * pz) * scale
    qx = sy * az - sz * ay
    qy = sz * ax - sx * az
    qz = sx * ay - sy * ax
    v = (direction.x * qx + direction.y * qy + direction.z * qz) * scale
    t = (bx * qx + by * qy + bz * qz) * scale
    return t, u, v, determinant != 0.0


@ti.func
def traverse(
    scene: ti.template(), features: ti.template(), origin: vec3, direction: vec3, t_min: ti.f32, t_max: ti.f32,
    any_will_do: ti.i32,
) -> Hit:  # fmt: skip
    """The nearest triangle with t_min < t < t_max, from either side. If any will do, the first that is found ends the
    search, and a triangle other than -1 says no more than that there is one."""
    inverse = vec3(_inverse(direction.x), _inverse(direction.y), _inverse(direction.z))
    start = origin * inverse
    near_x = ti.select(inverse.x < 0.0, 1, 0)
    near_y = ti.select(inverse.y < 0.0, 3, 2)
    near_z = ti.select(inverse.z < 0.0, 5, 4)
    far_x, far_y, far_z = 1 - near_x, 5 - near_y, 9 - near_z
    hit_lane = -1
    hit_t, hit_u, hit_v = t_max, 0.0, 0.0
    levels = ti.static(SHALLOW if features.shallow else STACK_SIZE)
    stack_node, stack_next = ti.Vector([0] * levels), ti.Vector([0] * levels)
    stack_keys = ti.Vector([0] * (levels * BVH_WIDTH))
    size = 0
    node = 0
    running = True
    while running:
        while node >= 0:
            keys = ti.Vector([0] * BVH_WIDTH)
            for k in ti.static(range(BVH_WIDTH)):
                x0 = scene.bvh_bounds[node + near_x][k] * inverse.x - start.x
                y0 = scene.bvh_bounds[node + near_y][k] * inverse.y - start.y
                z0 = scene.bvh_bounds[node + near_z][k] * inverse.z - start.z
                x1 = scene.bvh_bounds[node + far_x][k] * inverse.x - start.x
                y1 = scene.bvh_bounds[node + far_y][k] * inverse.y - start.y
                z1 = scene.bvh_bounds[node + far_z][k] * inverse.z - start.z
                t0 = larger(larger(larger(x0, y0), z0) * _INWARDS, t_min)
                t1 = smaller(smaller(smaller(x1, y1), z1), hit_t)
                keys[k] = ti.select(t0 <= t1, _key(t0, k), _NONE)
            nearest, following = _two_smallest(keys)
            child = nearest & (BVH_WIDTH - 1)
            for k in ti.static(range(BVH_WIDTH)):
                stack_keys[size * BVH_WIDTH + k] = keys[k]
            stack_node[size], stack_next[size] = node, following
            size += ti.select(following < _NONE, 1, 0)
            node = ti.select(nearest < _NONE, _child(scene, node, child), ABSENT)
        if node != ABSENT:
            leaf = ~node
            keys = ti.Vector([0] * LEAF_SIZE)
            for k in ti.static(range(LEAF_SIZE)):
                corners = _Corners([scene.bvh_triangles[leaf][row, k] for row in range(9)])
                t, u, v, met = _meet(corners, origin, direction)
                inside = smaller(smaller(u, v), 1.0 - u - v) >= -1e-6
                ahead = (t > t_min) & (t < hit_t)
                keys[k] = ti.select(inside & ahead & met, _key(t, k), _NONE)
            nearest = smallest(keys)
            number = nearest & (LEAF_SIZE - 1)
            if nearest < _NONE:
                hit_lane = leaf * LEAF_SIZE + number
                hit_t = ti.bit_cast(nearest, ti.f32)
                if any_will_do != 0:
                    size = 0
        node = ABSENT
        while size > 0 and node == ABSENT:
            top = size - 1
            key = stack_next[top]
            following = _NONE
            if key <= ti.bit_cast(hit_t, ti.i32):
                node = _child(scene, stack_node[top], key & (BVH_WIDTH - 1))
                waiting = ti.Vector([0] * BVH_WIDTH)
                for k in ti.static(range(BVH_WIDTH)):
                    waiting[k] = stack_keys[top * BVH_WIDTH + k]
                following = smallest(_above(waiting, key))
                stack_next[top] = following
            size = ti.select(following < _NONE, size, top)
        running = node != ABSENT
    triangle = hit_lane
    if hit_lane >= 0 and any_will_do == 0:
        triangle = _triangle(scene, hit_lane)
        # To keep the numbers of all lanes would keep them out of vectors.
        corners = _corners(scene, hit_lane // LEAF_SIZE, hit_lane % LEAF_SIZE)
        hit_t, hit_u, hit_v, _met = _meet(corners, origin, direction)
    return Hit(triangle, hit_t, hit_u, hit_v)
