"""Lines where two triangles pierce each other: edges of what is seen that no mesh has.

Each end of such a line is the point where an edge of one triangle meets the other triangle. So the pairs are found by
rays along all edges; the lines are then computed from the pairs in double precision.
"""

from dataclasses import dataclass

import numpy as np
import taichi as ti
from taichi.math import ivec2

from diffrt.device.arrays import device_array, read, zeros
from diffrt.device.geometry import Geometry
from diffrt.device.intersect import closest_hit
from diffrt.device.upload import DeviceScene
from diffrt.gradient.edges import Edges

_MOST_HITS = 1024
"""An edge that meets more triangles than this has no more of them counted."""
_STEP = 1e-5
"""Share of an edge's length between two hits, and between its ends and the first and last of them."""
_CONTACT = 1e-6
"""Share of the scene's size that triangles reach through each other at least: less is contact."""
_PARALLEL = 1e-6
"""Sine of the angle between triangles below which they have no line in common."""


@dataclass
class Piercings:
    """Lines of piercing.

    Attributes:
        triangles: (P, 2), the first less than the second.
        ends: (P, 2, 3) float64.
        corners: (P, 4) vertices: two of the first triangle, on either side of the second; then of the second.
    """

    triangles: np.ndarray
    ends: np.ndarray
    corners: np.ndarray


@ti.kernel
def _hits_along(
    scene: ti.template(), features: ti.template(), edges: ti.types.ndarray(dtype=ivec2, ndim=1),
    found: ti.types.ndarray(dtype=ivec2, ndim=1), used: ti.types.ndarray(dtype=ti.i32, ndim=1), count: ti.i32,
):  # fmt: skip
    """Pairs of an edge and a triangle that it meets between its ends; `used` counts them, whether they fit or not."""
    for i in range(count):
        a, b = scene.positions[edges[i][0]], scene.positions[edges[i][1]]
        length = (b - a).norm()
        t = _STEP * length
        hits = 0
        while t < length and hits < _MOST_HITS:
            hit = closest_hit(scene, features, a, (b - a) / length, t, (1.0 - _STEP) * length)
            t = length
            if hit.triangle >= 0:
                t = hit.t + _STEP * length
                hits += 1
                corners = scene.triangles[hit.triangle]
                apart = True
                for k in ti.static(range(3)):
                    apart = apart and corners[k] != edges[i][0] and corners[k] != edges[i][1]
                if apart:
                    at = ti.atomic_add(used[0], 1)
                    if at < found.shape[0]:
                        found[at] = ti.Vector([i, hit.triangle])


def piercings(device: DeviceScene, edges: Edges) -> Piercings:
    """All lines where triangles of a scene pierce each other; triangles that share a vertex do not."""
    if not len(edges.vertices):
        return pierced_lines(device.geometry, np.zeros((0, 2), np.int32))
    vertices = device_array(edges.vertices.reshape(-1, 2), ivec2)
    used, capacity = 0, 4096
    while True:
        found, counter = zeros(capacity, ivec2), zeros(1, ti.i32)
        _hits_along(device.fields, device.features, vertices, found, counter, len(edges.vertices))
        used = int(read(counter)[0])
        if used <= capacity:
            break
        capacity = used
    hits = read(found)[:used]
    pairs = np.concatenate([np.stack([edges.faces[hits[:, 0], k], hits[:, 1]], axis=1) for k in (0, 1)])
    pairs = np.unique(np.sort(pairs[(pairs >= 0).all(axis=1)], axis=1), axis=0)
    return pierced_lines(device.geometry, pairs)


def pierced_lines(g: Geometry, pairs: np.ndarray) -> Piercings:
    """The lines of those pairs (P, 2) of triangles that pierce each other."""
    corners = g.triangles[pairs]
    apart = (corners[:, 0, :, None] != corners[:, 1, None, :]).all(axis=(1, 2))
    pairs, corners = pairs[apart], corners[apart]
    points = g.positions.astype(np.float64)[corners]  # (P, 2, 3, 3)
    cross = np.cross(points[:, :, 1] - points[:, :, 0], points[:, :, 2] - points[:, :, 0])
    normals = cross / np.maximum(np.linalg.norm(cross, axis=2, keepdims=True), 1e-300)
    line = np.cross(normals[:, 0], normals[:, 1])
    least = _CONTACT * max(float(np.abs(g.positions).max(initial=0.0)), 1e-30)
    # Heights of each triangle's corners over the plane of the other one.
    heights = np.stack(
        [np.einsum("pkd,pd->pk", points[:, i] - points[:, 1 - i, :1], normals[:, 1 - i]) for i in (0, 1)], axis=1
    )
    crossed = ((heights.max(axis=2) > least) & (heights.min(axis=2) < -least)).all(axis=1)
    crossed &= np.linalg.norm(line, axis=1) > _PARALLEL
    pairs, corners, points, normals = pairs[crossed], corners[crossed], points[crossed], normals[crossed]
    line, heights = line[crossed], heights[crossed]
    low, high = np.full(len(pairs), -np.inf), np.full(len(pairs), np.inf)
    for i in (0, 1):
        along = np.einsum("pkd,pd->pk", points[:, i] - points[:, 0, :1], line)
        following, next_along = np.roll(heights[:, i], -1, axis=1), np.roll(along, -1, axis=1)
        crosses = (heights[:, i] > 0.0) != (following > 0.0)
        step = heights[:, i] - following
        at = along + (next_along - along) * heights[:, i] / np.where(step == 0.0, 1.0, step)
        low = np.maximum(low, np.where(crosses, at, np.inf).min(axis=1))
        high = np.minimum(high, np.where(crosses, at, -np.inf).max(axis=1))
    # A point that lies in both planes, from which the line starts.
    squared = np.sum(line * line, axis=1, keepdims=True)
    origin = points[:, 0, 0]
    height = np.sum(normals[:, 1] * (points[:, 1, 0] - origin), axis=1, keepdims=True)
    start = origin + height / squared * np.cross(line, normals[:, 0])
    ends = start[:, None] + np.stack([low, high], axis=1)[..., None] * (line / squared)[:, None]
    on_sides = np.stack([heights.argmax(axis=2), heights.argmin(axis=2)], axis=2)  # (P, 2, 2)
    beside = np.take_along_axis(corners, on_sides, axis=2).reshape(-1, 4)
    kept = high - low > least * np.sqrt(squared[:, 0])
    return Piercings(pairs[kept], ends[kept], beside[kept])
