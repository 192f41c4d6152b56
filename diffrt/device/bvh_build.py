"""Bounding volume hierarchy: its topology by the surface-area heuristic, and the refit that gives it boxes.

The topology is built level by level, one thread a node. First a binary tree by binned SAH down to single triangles
(Wald 2007, "On Fast Construction of SAH-based Bounding Volume Hierarchies"). Then, from the bottom up, which of its
nodes become leaves and which a wide node adopts, so that the SAH cost of the wide tree is least (Ylitie, Karras and
Laine 2017, "Efficient Incoherent Ray Traversal on GPUs Through Compressed Wide BVHs", section 3). Boxes and leaves are
filled by the same kernels that refit them when vertices move.

Layout of a wide node: eight vectors of BVH_WIDTH floats, the bounds of its children: lo x, hi x, lo y, hi y, lo z,
hi z; the bits of the children themselves; and one that is not used, so that a node begins with a cache line. A child is
the first vector of a wide node, which is BVH_WIDTH times its number, or ~leaf; an absent child has an empty box. A leaf
is a matrix of 10 rows: a vertex and two edges, coordinate by coordinate, and the bits of the triangle's number, a
column a triangle; absent triangles have zero edges and are never hit. With vectors and matrices as elements, and
children that need no multiplication, there is little arithmetic between a child and its boxes. Children and triangles
are fields of their own, too, for those who build: what is in cache together with a box or a vertex saves rays a wait.
"""

from dataclasses import dataclass

import numpy as np
import taichi as ti
from taichi.math import vec3

from diffrt._taichi import current_arch
from diffrt.device.packing import write
from diffrt.device.scene_fields import BVH_WIDTH, LEAF_SIZE, SceneFields

CHILDREN = 6
"""Vector of a node."""
IDS = 9
"""Row of a leaf."""
BINS = 16
EMPTY = 1e18
ABSENT = -(1 << 31)
"""The child that is not there."""
STACK_SIZE = 16
"""Entries of a traversal's stack, one a level; the builder keeps the tree shallow enough for it."""
SHALLOW = 8
"""Levels of a tree for which half the stack will do: that of a million triangles, as a rule."""
LARGE = 0.1
"""Triangles are large in a node if the surfaces of their boxes are more than this share of its own."""
LEAF_COST = 1.5
"""Of testing a leaf, in tests of a node."""
PADDING = 3e-7
"""By which boxes are too large, relative to their coordinates."""
_MEDIAN_DEPTHS = (36, 18, 0)
"""From this depth on nodes are simply halved, which bounds the depth; the next is tried where it is too large."""

_ints = ti.types.ndarray(dtype=ti.i32, ndim=1)
_vectors = ti.types.ndarray(dtype=vec3, ndim=1)
_Bins = ti.types.vector(BINS * 6, ti.f32)
_Counts = ti.types.vector(BINS, ti.i32)
_Costs = ti.types.vector(BVH_WIDTH, ti.f32)


@dataclass(frozen=True)
class Bvh:
    """The topology of a tree: integers only, boxes live on the device.

    Attributes:
        children: (nodes * BVH_WIDTH,) int32, see the layout above.
        ids: (leaves * LEAF_SIZE,) int32 triangle numbers, -1 where absent.
        levels: first node of each level, and the number of nodes at the end.
    """

    children: np.ndarray
    ids: np.ndarray
    levels: tuple[int, ...]

    @property
    def nodes(self) -> int:
        return self.levels[-1]

    @property
    def shallow(self) -> bool:
        return len(self.levels) - 1 <= SHALLOW

    @property
    def leaves(self) -> int:
        return len(self.ids) // LEAF_SIZE


def build(positions: np.ndarray, triangles: np.ndarray) -> Bvh:
    """Build the topology of a tree.

    Args:
        positions: (V, 3) float32 world-space vertices.
        triangles: (F, 3) int32 vertex numbers, at least one triangle.
    """
    for median_depth in _MEDIAN_DEPTHS:
        bvh = _build(positions, triangles, median_depth)
        if len(bvh.levels) <= STACK_SIZE:
            break
    return bvh


def _build(positions: np.ndarray, triangles: np.ndarray, median_depth: int) -> Bvh:
    n = len(triangles)
    box_lo, box_hi = ti.ndarray(vec3, n), ti.ndarray(vec3, n)
    corners = positions[triangles]
    box_lo.from_numpy(np.ascontiguousarray(corners.min(axis=1), dtype=np.float32))
    box_hi.from_numpy(np.ascontiguousarray(corners.max(axis=1), dtype=np.float32))
    del corners
    lo, hi = ti.ndarray(vec3, 2 * n), ti.ndarray(vec3, 2 * n)
    left, first, count = ti.ndarray(ti.i32, 2 * n), ti.ndarray(ti.i32, 2 * n), ti.ndarray(ti.i32, 2 * n)
    order, allocated = ti.ndarray(ti.i32, n), ti.ndarray(ti.i32, 2)
    _start_split(n, order, first, count, allocated)
    begin, end = 0, 1
    spans = []
    while begin < end:
        halve = int(len(spans) >= median_depth)
        _split(begin, end, halve, order, box_lo, box_hi, lo, hi, left, first, count, allocated)
        spans.append((begin, end))
        begin, end = end, int(allocated[0])
    del box_lo, box_hi
    cost, plan = ti.ndarray(_Costs, end), ti.ndarray(ti.u32, end)
    for span in reversed(spans):
        _weigh(*span, lo, hi, left, count, cost, plan)
    del cost

    roots, children, ids = ti.ndarray(ti.i32, n), ti.ndarray(ti.i32, n * BVH_WIDTH), ti.ndarray(ti.i32, n * LEAF_SIZE)
    _start_collapse(roots, allocated)
    levels = [0, 1]
    while levels[-2] < levels[-1]:
        _collapse(levels[-2], levels[-1], roots, left, first, count, plan, order, children, ids, allocated)
        levels.append(int(allocated[0]))
    nodes, leaves = levels[-1], int(allocated[1])
    return Bvh(
        children.to_numpy()[: nodes * BVH_WIDTH].copy(),
        ids.to_numpy()[: leaves * LEAF_SIZE].copy(),
        tuple(levels[:-1]),
    )


def upload(scene: SceneFields, bvh: Bvh) -> None:
    """Write the topology into the scene's fields, and fill boxes and leaves from its vertices."""
    write(scene, [(scene.bvh_children, bvh.children), (scene.bvh_ids, bvh.ids)])
    refit(scene, bvh)


def refit(scene: SceneFields, bvh: Bvh) -> None:
    """Recompute leaves and boxes after vertices moved; the tree keeps its topology."""
    _fill_leaves(scene, bvh.leaves)
    for begin, end in reversed(list(zip(bvh.levels[:-1], bvh.levels[1:], strict=True))):
        _fill_boxes(scene, begin, end)


@ti.kernel
def _start_split(n: ti.i32, order: _ints, first: _ints, count: _ints, allocated: _ints):
    for i in range(n):
        order[i] = i
    first[0] = 0
    count[0] = n
    allocated[0] = 1


@ti.func
def _half_area(d: vec3) -> ti.f32:
    return d.x * d.y + d.y * d.z + d.z * d.x


@ti.func
def _bin(centroid2: ti.f32, lowest: ti.f32, scale: ti.f32) -> ti.i32:
    return ti.min(BINS - 1, ti.cast((centroid2 - lowest) * scale, ti.i32))


def _block_size() -> int:
    return 1 if current_arch() == "cpu" else 32


@ti.kernel
def _split(
    begin: ti.i32, end: ti.i32, halve: ti.i32, order: _ints, box_lo: _vectors, box_hi: _vectors,
    lo: _vectors, hi: _vectors, left: _ints, first: _ints, count: _ints, allocated: _ints,
):  # fmt: skip
    """Bound the nodes [begin, end) and split each of more than one triangle. Centroids are kept doubled."""
    # Vulkan runs dynamic loops on 131072 threads in at most 65535 groups; on the CPU a node alone is work for a thread.
    ti.loop_config(block_dim=ti.static(_block_size()))
    for node in range(begin, end):
        start, n = first[node], count[node]
        node_lo, node_hi = vec3(EMPTY), vec3(-EMPTY)
        centre_lo, centre_hi = vec3(EMPTY), vec3(-EMPTY)
        largest = 0.0
        for i in range(start, start + n):
            a, b = box_lo[order[i]], box_hi[order[i]]
            node_lo, node_hi = ti.min(node_lo, a), ti.max(node_hi, b)
            centre_lo, centre_hi = ti.min(centre_lo, a + b), ti.max(centre_hi, a + b)
            largest = ti.max(largest, _half_area(b - a))
        lo[node], hi[node] = node_lo, node_hi
        left[node] = -1
        if n > 1:
            best_cost, best_axis, best_bin, best_scale = 1e38, -1, 0, 0.0
            if halve == 0 and n > 2:
                for axis in ti.static(range(3)):
                    extent = centre_hi[axis] - centre_lo[axis]
                    scale = ti.cast(BINS, ti.f32) / ti.select(extent > 0.0, extent, 1.0)
                    if extent > 0.0 and scale < EMPTY:
                        bins_lo = _Bins(EMPTY)
                        counts = _Counts(0)
                        for i in range(start, start + n):
                            a, b = box_lo[order[i]], box_hi[order[i]]
                            k = _bin(a[axis] + b[axis], centre_lo[axis], scale)
                            counts[k] += 1
                            for d in ti.static(range(3)):
                                bins_lo[6 * k + d] = ti.min(bins_lo[6 * k + d], a[d])
                                bins_lo[6 * k + 3 + d] = ti.min(bins_lo[6 * k + 3 + d], -b[d])
                        right_cost = ti.Vector([0.0] * BINS)
                        side_lo, side_hi, side = vec3(EMPTY), vec3(EMPTY), 0
                        for j in range(BINS - 1):
                            k = BINS - 1 - j
                            side += counts[k]
                            for d in ti.static(range(3)):
                                side_lo[d] = ti.min(side_lo[d], bins_lo[6 * k + d])
                                side_hi[d] = ti.min(side_hi[d], bins_lo[6 * k + 3 + d])
                            if side > 0:
                                right_cost[k] = ti.cast(side, ti.f32) * _half_area(-side_hi - side_lo)
                        side_lo, side_hi, side = vec3(EMPTY), vec3(EMPTY), 0
                        for k in range(BINS - 1):
                            side += counts[k]
                            for d in ti.static(range(3)):
                                side_lo[d] = ti.min(side_lo[d], bins_lo[6 * k + d])
                                side_hi[d] = ti.min(side_hi[d], bins_lo[6 * k + 3 + d])
                            if side > 0 and side < n:
                                cost = ti.cast(side, ti.f32) * _half_area(-side_hi - side_lo) + right_cost[k + 1]
                                if cost < best_cost:
                                    best_cost, best_axis, best_bin, best_scale = cost, axis, k, scale
            # Or the large triangles on one side, which would make every box around them as large: a floor under things.
            threshold = LARGE * _half_area(node_hi - node_lo)
            by_size = 0
            if best_axis >= 0 and largest > threshold:
                small_lo, small_hi, small = vec3(EMPTY), vec3(-EMPTY), 0
                large_lo, large_hi = vec3(EMPTY), vec3(-EMPTY)
                for i in range(start, start + n):
                    a, b = box_lo[order[i]], box_hi[order[i]]
                    if _half_area(b - a) > threshold:
                        large_lo, large_hi = ti.min(large_lo, a), ti.max(large_hi, b)
                    else:
                        small_lo, small_hi, small = ti.min(small_lo, a), ti.max(small_hi, b), small + 1
                if small > 0:
                    cost = ti.cast(small, ti.f32) * _half_area(small_hi - small_lo)
                    cost += ti.cast(n - small, ti.f32) * _half_area(large_hi - large_lo)
                    by_size = ti.cast(cost < best_cost, ti.i32)
            middle = start + n // 2
            if best_axis >= 0:
                i, j = start, start + n - 1
                while i <= j:
                    t = order[i]
                    a, b = box_lo[t], box_hi[t]
                    below = _bin(a[best_axis] + b[best_axis], centre_lo[best_axis], best_scale) <= best_bin
                    if by_size:
                        below = _half_area(b - a) <= threshold
                    if below:
                        i += 1
                    else:
                        order[i] = order[j]
                        order[j] = t
                        j -= 1
                middle = i
            child = ti.atomic_add(allocated[0], 2)
            left[node] = child
            first[child], count[child] = start, middle - start
            first[child + 1], count[child + 1] = middle, start + n - middle


@ti.kernel
def _start_collapse(roots: _ints, allocated: _ints):
    roots[0] = 0
    allocated[0] = 1
    allocated[1] = 0


@ti.kernel
def _weigh(
    begin: ti.i32, end: ti.i32, lo: _vectors, hi: _vectors, left: _ints, count: _ints,
    cost: ti.types.ndarray(dtype=_Costs, ndim=1), plan: ti.types.ndarray(dtype=ti.u32, ndim=1),
):  # fmt: skip
    """Least costs of the subtrees below binary nodes [begin, end), whose children have theirs.

    cost[n][s - 1] is that of subtree n in at most s slots of a wide node. plan[n] says how: four bits for each s, the
    slots that go to the left child; in place of s = 1, where a subtree is a node of its own, those of BVH_WIDTH slots
    among its children, or 0 if it is a leaf.
    """
    for node in range(begin, end):
        area = _half_area(hi[node] - lo[node])
        best = _Costs(LEAF_COST * area)
        choice = ti.u32(0)
        if left[node] >= 0:
            a, b = cost[left[node]], cost[left[node] + 1]
            for s in ti.static(range(BVH_WIDTH, 1, -1)):
                least, given = a[0] + b[s - 2], 1
                for k in ti.static(range(2, s)):
                    if a[k - 1] + b[s - k - 1] < least:
                        least, given = a[k - 1] + b[s - k - 1], k
                best[s - 1] = least
                choice |= ti.cast(given, ti.u32) << (4 * (s - 1))
            within = best[BVH_WIDTH - 1] + area
            if count[node] > LEAF_SIZE or within < best[0]:
                best[0] = within
                choice |= choice >> (4 * (BVH_WIDTH - 1))
            for s in ti.static(range(1, BVH_WIDTH)):
                if best[s - 1] <= best[s]:
                    best[s] = best[s - 1]
                    choice &= ~(ti.u32(15) << (4 * s))
        cost[node] = best
        plan[node] = choice


@ti.kernel
def _collapse(
    begin: ti.i32, end: ti.i32, roots: _ints, left: _ints, first: _ints, count: _ints,
    plan: ti.types.ndarray(dtype=ti.u32, ndim=1), order: _ints, children: _ints, ids: _ints, allocated: _ints,
):  # fmt: skip
    """Make the wide nodes [begin, end) out of the binary subtrees `roots`; `allocated` counts nodes and leaves."""
    for node in range(begin, end):
        # Subtrees that share the node's slots, and how many each has; those of one slot are children.
        adopted, slots = ti.Vector([-1] * BVH_WIDTH), ti.Vector([0] * BVH_WIDTH)
        root = roots[node]
        adopted[0], slots[0] = root, 1
        n = 1
        if plan[root] & 15 != 0:
            given = ti.cast(plan[root] & 15, ti.i32)
            adopted[0], slots[0] = left[root], given
            adopted[1], slots[1] = left[root] + 1, BVH_WIDTH - given
            n = 2
        at = 0
        while at < n:
            child = adopted[at]
            given = ti.cast(plan[child] >> (4 * ti.cast(slots[at] - 1, ti.u32)) & 15, ti.i32)
            if slots[at] == 1:
                at += 1
            elif given == 0:
                slots[at] -= 1
            else:
                adopted[n], slots[n] = left[child] + 1, slots[at] - given
                adopted[at], slots[at] = left[child], given
                n += 1
        for k in range(BVH_WIDTH):
            if k < n:
                child = adopted[k]
                if plan[child] & 15 != 0:
                    wide = ti.atomic_add(allocated[0], 1)
                    roots[wide] = child
                    children[node * BVH_WIDTH + k] = wide * BVH_WIDTH
                else:
                    leaf = ti.atomic_add(allocated[1], 1)
                    children[node * BVH_WIDTH + k] = ~leaf
                    for j in range(LEAF_SIZE):
                        ids[leaf * LEAF_SIZE + j] = ti.select(j < count[child], order[first[child] + j], -1)
            else:
                children[node * BVH_WIDTH + k] = ABSENT


@ti.kernel
def _fill_leaves(scene: ti.template(), leaves: ti.i32):
    for i in range(leaves * LEAF_SIZE):
        leaf, lane = i // LEAF_SIZE, i % LEAF_SIZE
        triangle = scene.bvh_ids[i]
        v0, e1, e2 = vec3(0.0), vec3(0.0), vec3(0.0)
        if triangle >= 0:
            corners = scene.triangles[triangle]
            v0 = scene.positions[corners[0]]
            e1 = scene.positions[corners[1]] - v0
            e2 = scene.positions[corners[2]] - v0
        # Components by numbers known to the compiler: other backends than the CPU's have no other ones.
        for k in ti.static(range(LEAF_SIZE)):
            if lane == k:
                for d in ti.static(range(3)):
                    scene.bvh_triangles[leaf][d, k] = v0[d]
                    scene.bvh_triangles[leaf][3 + d, k] = e1[d]
                    scene.bvh_triangles[leaf][6 + d, k] = e2[d]
                scene.bvh_triangles[leaf][IDS, k] = ti.bit_cast(triangle, ti.f32)


@ti.kernel
def _fill_boxes(scene: ti.template(), begin: ti.i32, end: ti.i32):
    for i in range(begin * BVH_WIDTH, end * BVH_WIDTH):
        child = scene.bvh_children[i]
        box_lo, box_hi = vec3(EMPTY), vec3(-EMPTY)
        if child >= 0:
            for d in ti.static(range(3)):
                box_lo[d] = scene.bvh_bounds[child + 2 * d].min()
                box_hi[d] = scene.bvh_bounds[child + 2 * d + 1].max()
        elif child != ABSENT:
            for k in range(LEAF_SIZE):
                triangle = scene.bvh_ids[~child * LEAF_SIZE + k]
                if triangle >= 0:
                    for j in ti.static(range(3)):
                        corner = scene.positions[scene.triangles[triangle][j]]
                        box_lo, box_hi = ti.min(box_lo, corner), ti.max(box_hi, corner)
        # A ray within the plane of a face must not miss the box by rounding.
        pad = PADDING * ti.max(ti.abs(box_lo), ti.abs(box_hi))
        if child != ABSENT:
            box_lo, box_hi = box_lo - pad, box_hi + pad
        for k in ti.static(range(BVH_WIDTH)):
            if i % BVH_WIDTH == k:
                for d in ti.static(range(3)):
                    scene.bvh_bounds[i // BVH_WIDTH * BVH_WIDTH + 2 * d][k] = box_lo[d]
                    scene.bvh_bounds[i // BVH_WIDTH * BVH_WIDTH + 2 * d + 1][k] = box_hi[d]
                scene.bvh_bounds[i // BVH_WIDTH * BVH_WIDTH + CHILDREN][k] = ti.bit_cast(child, ti.f32)
