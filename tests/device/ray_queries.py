"""Rays against triangles on the device, and by brute force in double precision."""

from dataclasses import replace

import numpy as np
import taichi as ti
from taichi.math import vec3

from diffrt.device import bvh_build, facets
from diffrt.device.features import Features
from diffrt.device.hit import FAR
from diffrt.device.intersect import any_hit, closest_hit
from diffrt.device.scene_fields import Capacity, acquire


@ti.kernel
def _trace(
    scene: ti.template(), features: ti.template(), origins: ti.types.ndarray(dtype=vec3, ndim=1),
    directions: ti.types.ndarray(dtype=vec3, ndim=1), t_max: ti.f32, triangles: ti.types.ndarray(dtype=ti.i32, ndim=1),
    points: ti.types.ndarray(dtype=vec3, ndim=1), blocked: ti.types.ndarray(dtype=ti.i32, ndim=1),
):  # fmt: skip
    for i in origins:
        hit = closest_hit(scene, features, origins[i], directions[i], 0.0, t_max)
        triangles[i], points[i] = hit.triangle, vec3(hit.t, hit.u, hit.v)
        blocked[i] = any_hit(scene, features, origins[i], directions[i], 0.0, t_max)


class Placed:
    """Triangles on the device, in a tree or as facets."""

    def __init__(self, v: np.ndarray, f: np.ndarray, tree: bool = True) -> None:
        self.v, self.f = np.asarray(v, dtype=np.float32), np.asarray(f, dtype=np.int32)
        self.bvh = bvh_build.build(self.v, self.f) if tree else None
        self.facets = None if tree else facets.find(self.v, self.f)
        assert (self.facets is None) == tree
        capacity = Capacity(vertices=len(self.v), triangles=len(self.f))
        if self.bvh is not None:
            capacity = replace(capacity, bvh_nodes=self.bvh.nodes, bvh_leaves=self.bvh.leaves)
        self.scene = acquire(capacity)
        shallow = self.bvh is not None and self.bvh.shallow
        self.features = Features(facets=0 if self.facets is None else self.facets.padded, shallow=shallow)
        write_rows(self.scene.positions, self.v)
        write_rows(self.scene.triangles, self.f)
        if self.bvh is not None:
            bvh_build.upload(self.scene, self.bvh)
        else:
            facets.upload(self.scene, self.facets, self.v, self.f)

    def query(self, origins: np.ndarray, directions: np.ndarray, t_max: float = FAR) -> tuple[np.ndarray, ...]:
        """Triangle, (t, u, v) of the closest hit, and whether there is any."""
        n = len(origins)
        o, d, p = ti.ndarray(vec3, n), ti.ndarray(vec3, n), ti.ndarray(vec3, n)
        triangle, blocked = ti.ndarray(ti.i32, n), ti.ndarray(ti.i32, n)
        o.from_numpy(np.ascontiguousarray(origins, dtype=np.float32))
        d.from_numpy(np.ascontiguousarray(directions, dtype=np.float32))
        _trace(self.scene, self.features, o, d, t_max, triangle, p, blocked)
        return triangle.to_numpy(), p.to_numpy(), blocked.to_numpy()


def write_rows(field: ti.MatrixField, rows: np.ndarray) -> None:
    padded = np.zeros((field.shape[0], 3), dtype=rows.dtype)
    padded[: len(rows)] = rows
    field.from_numpy(padded)


def brute_force(v: np.ndarray, f: np.ndarray, o: np.ndarray, d: np.ndarray, slack: float) -> np.ndarray:
    """Nearest t of every ray, infinite where nothing is hit; `slack` moves the edges of triangles outwards."""
    p0 = v[f[:, 0]].astype(np.float64)
    e1, e2 = v[f[:, 1]] - p0, v[f[:, 2]] - p0
    nearest = np.full(len(o), np.inf)
    for i in range(len(o)):
        origin, direction = o[i].astype(np.float32).astype(np.float64), d[i].astype(np.float32).astype(np.float64)
        p = np.cross(direction, e2)
        determinant = np.einsum("ij,ij->i", e1, p)
        flat = np.abs(determinant) < 1e-30
        scale = 1.0 / np.where(flat, 1.0, determinant)
        s = origin - p0
        q = np.cross(s, e1)
        u = np.einsum("ij,ij->i", s, p) * scale
        w = q @ direction * scale
        t = np.einsum("ij,ij->i", e2, q) * scale
        inside = ~flat & (np.minimum(np.minimum(u, w), 1 - u - w) >= -slack) & (t > 0)
        nearest[i] = t[inside].min(initial=np.inf)
    return nearest


def check(
    v: np.ndarray, f: np.ndarray, o: np.ndarray, d: np.ndarray, *, tree: bool = True, tolerance: float = 2e-5
) -> Placed:
    """Every hit lies between the nearest ones of slightly larger and slightly smaller triangles."""
    placed = Placed(v, f, tree)
    v, f = placed.v, placed.f
    triangle, point, blocked = placed.query(o, d)
    first, last = brute_force(v, f, o, d, 2e-5), brute_force(v, f, o, d, -2e-5)
    hit = triangle >= 0
    assert not np.any(hit & np.isinf(first)), "hit where nothing is"
    assert not np.any(~hit & np.isfinite(last)), "missed"
    t = np.where(hit, point[:, 0], np.inf)
    size = np.abs(v).max() + np.abs(o).max()
    assert np.all(t[hit] >= first[hit] - tolerance * (size + first[hit]))
    assert np.all(t[hit] <= last[hit] + tolerance * (size + t[hit]))
    assert np.array_equal(blocked == 1, hit)
    # The barycentrics belong to the triangle and the distance.
    corners = v[f[triangle[hit]]].astype(np.float64)
    u, w = point[hit, 1, None], point[hit, 2, None]
    position = (1 - u - w) * corners[:, 0] + u * corners[:, 1] + w * corners[:, 2]
    expected = o[hit] + d[hit] * t[hit, None]
    assert np.allclose(position, expected, atol=20 * tolerance * size)
    return placed


def random_rays(rng: np.random.Generator, n: int, size: float) -> tuple[np.ndarray, np.ndarray]:
    d = rng.normal(size=(n, 3))
    return rng.uniform(-size, size, (n, 3)), d / np.linalg.norm(d, axis=1, keepdims=True)


def soup(rng: np.random.Generator, n: int, size: float = 1.0, edge: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    v = rng.uniform(-size, size, (n, 1, 3)) + rng.normal(size=(n, 3, 3)) * edge * size
    return v.reshape(-1, 3).astype(np.float32), np.arange(3 * n).reshape(n, 3)


def grid(n: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.linspace(-1, 1, n)
    xy = np.stack(np.meshgrid(x, x), -1).reshape(-1, 2)
    i = np.arange(n * n).reshape(n, n)
    a, b, c, d = (part.reshape(-1) for part in (i[:-1, :-1], i[:-1, 1:], i[1:, :-1], i[1:, 1:]))
    faces = np.concatenate([np.stack([a, b, d], 1), np.stack([a, d, c], 1)])
    return np.column_stack([xy, 0.2 * np.sin(5 * xy[:, 0]) * np.cos(4 * xy[:, 1])]), faces
