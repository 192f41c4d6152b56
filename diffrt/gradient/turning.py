"""Less noise in the derivative by normals: what light that is the same from everywhere would do to it is subtracted.

A surface that scatters a / pi of the light evenly gets, from directions w about its normal n,

    a / pi int L(w) max(n . w, 0) dw,  whose derivative by n is  a / pi int_{n . w > 0} L(w) w dw,

and only its part across n matters. For C(w) = l0 w + (l1 . w) w - 2/3 (n . w) l1 that integral is along n, whatever l0
and l1: turned, a surface under even light looks the same, and the integral of w w^T over a hemisphere is 2 pi / 3 times
the identity. So C may be subtracted from L(w) w for the directions that paths go on in: a control variate of zero mean.
Its l0 and l1, for each number of vertices before, are those that explain most of what earlier paths brought (least
squares). What is right does not depend on them.
"""

import numpy as np
import taichi as ti
from taichi.math import vec3

from diffrt.core.vector import INV_PI, frame_from_normal, to_world
from diffrt.device.arrays import device_array, read, zeros
from diffrt.device.features import MATERIAL_TYPES, slot
from diffrt.device.scene_fields import SceneFields
from diffrt.device.upload import DeviceScene
from diffrt.gradient.interior import kept_values
from diffrt.render.record import CAMERA, SCATTERED, SURFACE, TOWARDS_NEXT, PathRecord
from diffrt.shading.material import field

_BINS = 6
"""Numbers of vertices that are told apart; more count as the largest."""
_TERMS = 4  # of l0 and l1
_ENOUGH = 2**14
"""Vertices to learn from."""
_LEAST = 64
"""Vertices of a bin below which nothing is subtracted."""
_RIDGE = 1e-3


@ti.func
def _even_albedo(scene: ti.template(), features: ti.template(), record: ti.template(), row: ti.i32) -> vec3:
    """What a surface scatters evenly, about; any number would be right."""
    values = kept_values(features, record, row)
    result = vec3(0.0)
    kind = scene.material_type[record.material[row]]
    for name in ti.static(("diffuse", "plastic")):
        if ti.static(features.has(name)):
            if kind == ti.static(MATERIAL_TYPES.index(name)):
                result = field(values, ti.static(slot(name, "albedo")))
    if ti.static(features.has("principled")):
        if kind == ti.static(MATERIAL_TYPES.index("principled")):
            metallic = field(values, ti.static(slot("principled", "metallic"))).x
            through = field(values, ti.static(slot("principled", "transmission"))).x
            result = field(values, ti.static(slot("principled", "base_color"))) * ((1.0 - metallic) * (1.0 - through))
    return result


@ti.func
def _bin(record: ti.template(), turning: ti.template(), scene: ti.template(), row: ti.i32, end_depth: ti.i32) -> ti.i32:
    """Of a vertex that turns and scatters to its own side, if every direction that was drawn is kept; else -1."""
    result = -1
    if record.kind[row] == SURFACE and record.scattering[row] == SCATTERED:
        if turning[scene.triangle_shape[record.triangle[row]]] != 0:
            if record.wi[TOWARDS_NEXT, row].z * record.wo[row].z > 0.0:
                depth = 0
                at = row
                while record.kind[at] != CAMERA:
                    depth += 1
                    at = record.previous[at]
                if depth < end_depth:
                    result = ti.min(depth, _BINS) - 1
    return result


@ti.func
def _weight(scene: ti.template(), features: ti.template(), record: ti.template(), row: ti.i32) -> vec3:
    """On the light that arrives, for what surfaces scatter evenly."""
    adjoint = record.throughput[row] * record.value.grad[record.path[row]]
    return adjoint * _even_albedo(scene, features, record, row) * (INV_PI * record.scatter_factor[row])


@ti.func
def _variates(n: vec3, w: vec3):
    """(3, 4): C(w) for l0 = 1 and for each l1 of the axes, its part across n."""
    across = w - n * n.dot(w)
    result = ti.Matrix.zero(ti.f32, 3, 4)
    for i in ti.static(range(3)):
        result[i, 0] = across[i]
        for k in ti.static(range(3)):
            unit = ti.static(1.0 if i == k else 0.0)
            result[i, k + 1] = w[k] * across[i] - (2.0 / 3.0) * n.dot(w) * (unit - n[i] * n[k])
    return result


@ti.func
def _learn(
    record: ti.template(), moments: ti.template(), products: ti.template(), counts: ti.template(), row: ti.i32,
    b: ti.i32, factor: vec3, variates: ti.template(),
):  # fmt: skip
    """Add a vertex's equations to the sums."""
    share = factor.dot(factor)
    across = vec3(variates[0, 0], variates[1, 0], variates[2, 0])
    counts[b] += 1
    for i in ti.static(range(_TERMS)):
        one = vec3(variates[0, i], variates[1, i], variates[2, i])
        term = b * ti.static(_TERMS) + i
        products[term] += record.arriving[row] * (share * one.dot(across))
        for j in ti.static(range(i + 1)):
            other = vec3(variates[0, j], variates[1, j], variates[2, j])
            moments[term * ti.static(_TERMS) + j] += share * one.dot(other)


@ti.kernel
def _subtract(
    scene: ti.template(), features: ti.template(), record: ti.template(),
    turning: ti.types.ndarray(dtype=ti.i32, ndim=1), light: ti.types.ndarray(dtype=vec3, ndim=1),
    moments: ti.types.ndarray(dtype=ti.f32, ndim=1), products: ti.types.ndarray(dtype=vec3, ndim=1),
    counts: ti.types.ndarray(dtype=ti.i32, ndim=1), end_depth: ti.i32, learns: ti.i32, first: ti.i32, end: ti.i32,
):  # fmt: skip
    """Subtract the control variate from the adjoints of the normals; and learn, if asked to.

    Args:
        light: (bins * terms,) l0 and l1 of each bin.
        moments, products, counts: sums of least squares: (bins * terms * terms,), (bins * terms,) and (bins,).
    """
    for row in range(first, end):
        b = _bin(record, turning, scene, row, end_depth)
        if b >= 0:
            n = record.normal[row]
            w = to_world(frame_from_normal(n), record.wi[TOWARDS_NEXT, row])
            side = ti.select(record.wo[row].z < 0.0, -1.0, 1.0)
            factor = _weight(scene, features, record, row)
            variates = _variates(n * side, w)
            for i in ti.static(range(_TERMS)):
                amount = side * factor.dot(light[b * ti.static(_TERMS) + i])
                record.normal.grad[row] -= amount * vec3(variates[0, i], variates[1, i], variates[2, i])
            if learns != 0:
                _learn(record, moments, products, counts, row, b, factor, variates)


class EvenLight:
    """Learns from chunks of paths what to subtract from later ones.

    Args:
        turning: (shapes,) bool, whether the normals of a shape change.
        max_depth: of paths, in segments.
    """

    def __init__(self, device: DeviceScene, turning: np.ndarray, max_depth: int) -> None:
        self.fields: SceneFields = device.fields
        self.features = device.features
        self.turning = device_array(turning, ti.i32)
        # The last segment is traced only where a light may be.
        self.end_depth = max_depth if self.features.environment else max_depth - 1
        self.known = 0
        self.light = zeros(_BINS * _TERMS, vec3)
        self.moments, self.products = zeros(_BINS * _TERMS * _TERMS, ti.f32), zeros(_BINS * _TERMS, vec3)
        self.counts = zeros(_BINS, ti.i32)

    def subtract(self, record: PathRecord, first: int, end: int) -> None:
        """From the adjoints of the normals of rows [first, end), what earlier rows have taught; and learn from them."""
        learns = self.known < _ENOUGH
        _subtract(
            self.fields, self.features, record, self.turning, self.light, self.moments, self.products, self.counts,
            self.end_depth, int(learns), first, end,
        )  # fmt: skip
        if learns:
            self._solve()

    def _solve(self) -> None:
        counts = read(self.counts)
        lower = read(self.moments).reshape(_BINS, _TERMS, _TERMS)
        products = read(self.products).reshape(_BINS, _TERMS, 3)
        light = np.zeros((_BINS, _TERMS, 3), np.float32)
        for b in np.flatnonzero(counts >= _LEAST):
            moments = lower[b] + np.tril(lower[b], -1).T
            size = np.trace(moments)
            if size > 0.0 and np.isfinite(size) and np.isfinite(products[b]).all():
                light[b] = np.linalg.solve(moments + _RIDGE * size * np.eye(_TERMS), products[b])
        self.light = device_array(light.reshape(-1, 3), vec3)
        self.known = int(counts.sum())
