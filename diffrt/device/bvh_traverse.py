"""Ray queries: closest hit and any hit in the wide hierarchy.

The loops over children and over a leaf's triangles are unrolled, free of branches, and end in a bit mask: in this form
the compiler's vectorizer tests all lanes of a node at once.
"""

import taichi as ti
from taichi.math import vec3

from diffrt.device.bvh_build import ABSENT, STACK_SIZE
from diffrt.device.scene_fields import BVH_WIDTH, LEAF_SIZE

FAR = 1e30
_Lanes = ti.types.vector(BVH_WIDTH, ti.f32)
_LeafLanes = ti.types.vector(LEAF_SIZE, ti.f32)
_Stack = ti.types.vector(STACK_SIZE, ti.i32)
_Distances = ti.types.vector(STACK_SIZE, ti.f32)


@ti.dataclass
class Hit:
    """Where a ray met the scene: triangle -1 if nowhere. The point is (1-u-v) p0 + u p1 + v p2."""

    triangle: ti.i32
    t: ti.f32
    u: ti.f32
    v: ti.f32


@ti.func
def _inverse(d: ti.f32) -> ti.f32:
    """1/d, finite for a direction parallel to the axis's plane."""
    tiny = 1e-18
    return 1.0 / ti.select(ti.abs(d) < tiny, ti.select(d < 0.0, -tiny, tiny), d)


@ti.func
def _min(a: ti.f32, b: ti.f32) -> ti.f32:
    """The smaller one, as a single instruction: unlike ti.min it does not look for NaN."""
    return ti.select(a < b, a, b)


@ti.func
def _max(a: ti.f32, b: ti.f32) -> ti.f32:
    return ti.select(a > b, a, b)


@ti.func
def _lowest_bit(mask: ti.i32) -> ti.i32:
    return 31 - ti.math.clz(mask & -mask)


@ti.func
def closest_hit(scene: ti.template(), origin: vec3, direction: vec3, t_min: ti.f32, t_max: ti.f32) -> Hit:
    """The nearest triangle with t_min < t < t_max, from either side."""
    return _traverse(scene, origin, direction, t_min, t_max, False)


@ti.func
def any_hit(scene: ti.template(), origin: vec3, direction: vec3, t_min: ti.f32, t_max: ti.f32) -> ti.i32:
    """1 if some triangle lies in t_min < t < t_max."""
    return ti.cast(_traverse(scene, origin, direction, t_min, t_max, True).triangle >= 0, ti.i32)


@ti.func
def _traverse(
    scene: ti.template(), origin: vec3, direction: vec3, t_min: ti.f32, t_max: ti.f32, any_will_do: ti.template()
) -> Hit:
    inverse = vec3(_inverse(direction.x), _inverse(direction.y), _inverse(direction.z))
    near_x = ti.select(inverse.x < 0.0, 3 * BVH_WIDTH, 0)
    near_y = ti.select(inverse.y < 0.0, 4 * BVH_WIDTH, 1 * BVH_WIDTH)
    near_z = ti.select(inverse.z < 0.0, 5 * BVH_WIDTH, 2 * BVH_WIDTH)
    far_x = 3 * BVH_WIDTH - near_x
    far_y = 5 * BVH_WIDTH - near_y
    far_z = 7 * BVH_WIDTH - near_z
    hit_lane = -1
    hit_t, hit_u, hit_v = t_max, 0.0, 0.0
    stack = _Stack(0)
    distances = _Distances(0.0)
    size = 0
    node = 0
    running = True
    while running:
        if node >= 0:
            base = node * (6 * BVH_WIDTH)
            entry = _Lanes(0.0)
            mask = 0
            for k in ti.static(range(BVH_WIDTH)):
                x0 = (scene.bvh_bounds[base + near_x + k] - origin.x) * inverse.x
                y0 = (scene.bvh_bounds[base + near_y + k] - origin.y) * inverse.y
                z0 = (scene.bvh_bounds[base + near_z + k] - origin.z) * inverse.z
                x1 = (scene.bvh_bounds[base + far_x + k] - origin.x) * inverse.x
                y1 = (scene.bvh_bounds[base + far_y + k] - origin.y) * inverse.y
                z1 = (scene.bvh_bounds[base + far_z + k] - origin.z) * inverse.z
                t0 = _max(_max(x0, y0), _max(z0, t_min))
                t1 = _min(_min(x1, y1), _min(z1, hit_t))
                entry[k] = ti.select(t0 <= t1 * 1.0000004, t0, FAR)
            for k in ti.static(range(BVH_WIDTH)):
                mask |= ti.select(entry[k] < FAR, 1 << k, 0)
            if mask == 0:
                node = ABSENT
            else:
                nearest = _lowest_bit(mask)
                nearest_t = entry[nearest]
                mask &= mask - 1
                while mask != 0:
                    k = _lowest_bit(mask)
                    mask &= mask - 1
                    t = entry[k]
                    closer = t < nearest_t
                    stack[size] = scene.bvh_children[node * BVH_WIDTH + ti.select(closer, nearest, k)]
                    distances[size] = ti.select(closer, nearest_t, t)
                    nearest = ti.select(closer, k, nearest)
                    nearest_t = ti.select(closer, t, nearest_t)
                    size += 1
                node = scene.bvh_children[node * BVH_WIDTH + nearest]
        else:
            leaf = ~node
            base = leaf * (9 * LEAF_SIZE)
            lane_t = _LeafLanes(0.0)
            lane_u = _LeafLanes(0.0)
            lane_v = _LeafLanes(0.0)
            for k in ti.static(range(LEAF_SIZE)):
                sx = origin.x - scene.bvh_triangles[base + 0 * LEAF_SIZE + k]
                sy = origin.y - scene.bvh_triangles[base + 1 * LEAF_SIZE + k]
                sz = origin.z - scene.bvh_triangles[base + 2 * LEAF_SIZE + k]
                ax = scene.bvh_triangles[base + 3 * LEAF_SIZE + k]
                ay = scene.bvh_triangles[base + 4 * LEAF_SIZE + k]
                az = scene.bvh_triangles[base + 5 * LEAF_SIZE + k]
                bx = scene.bvh_triangles[base + 6 * LEAF_SIZE + k]
                by = scene.bvh_triangles[base + 7 * LEAF_SIZE + k]
                bz = scene.bvh_triangles[base + 8 * LEAF_SIZE + k]
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
                lane_u[k] = u
                lane_v[k] = v
                inside = _min(_min(u, v), 1.0 - u - v) >= -1e-6
                ahead = (t > t_min) & (t < hit_t)
                lane_t[k] = ti.select(inside & ahead & (determinant != 0.0), t, FAR)
            mask = 0
            for k in ti.static(range(LEAF_SIZE)):
                mask |= ti.select(lane_t[k] < FAR, 1 << k, 0)
            while mask != 0:
                k = _lowest_bit(mask)
                mask &= mask - 1
                if lane_t[k] < hit_t:
                    hit_t, hit_u, hit_v = lane_t[k], lane_u[k], lane_v[k]
                    hit_lane = leaf * LEAF_SIZE + k
            node = ABSENT
            if ti.static(any_will_do):
                if hit_lane >= 0:
                    size = 0
        if node == ABSENT:
            while size > 0 and node == ABSENT:
                size -= 1
                if distances[size] <= hit_t:
                    node = stack[size]
            running = node != ABSENT
    triangle = -1
    if hit_lane >= 0:
        triangle = scene.bvh_ids[hit_lane]
    return Hit(triangle, hit_t, hit_u, hit_v)
