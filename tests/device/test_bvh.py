"""The tree against brute force in double precision."""

import numpy as np
import pytest
import taichi as ti
from taichi.math import vec3

from diffrt.device import bvh_build, bvh_traverse
from diffrt.device.scene_fields import Capacity, SceneFields, acquire

pytestmark = pytest.mark.usefixtures("taichi")

FAR = bvh_traverse.FAR


@ti.kernel
def _trace(
    scene: ti.template(), origins: ti.types.ndarray(dtype=vec3, ndim=1),
    directions: ti.types.ndarray(dtype=vec3, ndim=1), t_max: ti.f32, triangles: ti.types.ndarray(dtype=ti.i32, ndim=1),
    points: ti.types.ndarray(dtype=vec3, ndim=1), blocked: ti.types.ndarray(dtype=ti.i32, ndim=1),
):  # fmt: skip
    for i in origins:
        hit = bvh_traverse.closest_hit(scene, origins[i], directions[i], 0.0, t_max)
        triangles[i], points[i] = hit.triangle, vec3(hit.t, hit.u, hit.v)
        blocked[i] = bvh_traverse.any_hit(scene, origins[i], directions[i], 0.0, t_max)


def _fields(vertices: np.ndarray, triangles: np.ndarray, bvh: bvh_build.Bvh) -> SceneFields:
    scene = acquire(
        Capacity(vertices=len(vertices), triangles=len(triangles), bvh_nodes=bvh.nodes, bvh_leaves=bvh.leaves)
    )
    _write(scene.positions, vertices)
    _write(scene.triangles, triangles)
    return scene


def _write(field: ti.MatrixField, rows: np.ndarray) -> None:
    padded = np.zeros((field.shape[0], 3), dtype=rows.dtype)
    padded[: len(rows)] = rows
    field.from_numpy(padded)


def _query(
    scene: SceneFields, origins: np.ndarray, directions: np.ndarray, t_max: float = FAR
) -> tuple[np.ndarray, ...]:
    n = len(origins)
    o, d, p = ti.ndarray(vec3, n), ti.ndarray(vec3, n), ti.ndarray(vec3, n)
    triangle, blocked = ti.ndarray(ti.i32, n), ti.ndarray(ti.i32, n)
    o.from_numpy(np.ascontiguousarray(origins, dtype=np.float32))
    d.from_numpy(np.ascontiguousarray(directions, dtype=np.float32))
    _trace(scene, o, d, t_max, triangle, p, blocked)
    return triangle.to_numpy(), p.to_numpy(), blocked.to_numpy()


def _brute_force(v: np.ndarray, f: np.ndarray, o: np.ndarray, d: np.ndarray, slack: float) -> np.ndarray:
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


def _check(v: np.ndarray, f: np.ndarray, o: np.ndarray, d: np.ndarray, *, tolerance: float = 2e-5) -> bvh_build.Bvh:
    """Every hit lies between the nearest ones of slightly larger and slightly smaller triangles."""
    v, f = np.asarray(v, dtype=np.float32), np.asarray(f, dtype=np.int32)
    bvh = bvh_build.build(v, f)
    scene = _fields(v, f, bvh)
    bvh_build.upload(scene, bvh)
    triangle, point, blocked = _query(scene, o, d)
    first, last = _brute_force(v, f, o, d, 2e-5), _brute_force(v, f, o, d, -2e-5)
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
    return bvh


def _rays(rng: np.random.Generator, n: int, size: float) -> tuple[np.ndarray, np.ndarray]:
    d = rng.normal(size=(n, 3))
    return rng.uniform(-size, size, (n, 3)), d / np.linalg.norm(d, axis=1, keepdims=True)


def _soup(rng: np.random.Generator, n: int, size: float = 1.0, edge: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    v = rng.uniform(-size, size, (n, 1, 3)) + rng.normal(size=(n, 3, 3)) * edge * size
    return v.reshape(-1, 3).astype(np.float32), np.arange(3 * n).reshape(n, 3)


def _grid(n: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.linspace(-1, 1, n)
    xy = np.stack(np.meshgrid(x, x), -1).reshape(-1, 2)
    i = np.arange(n * n).reshape(n, n)
    a, b, c, d = (part.reshape(-1) for part in (i[:-1, :-1], i[:-1, 1:], i[1:, :-1], i[1:, 1:]))
    faces = np.concatenate([np.stack([a, b, d], 1), np.stack([a, d, c], 1)])
    return np.column_stack([xy, 0.2 * np.sin(5 * xy[:, 0]) * np.cos(4 * xy[:, 1])]), faces


@pytest.mark.parametrize("n", [1, 2, 8, 9, 64, 65, 500])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_closest_hit_is_the_nearest(n: int, size: float) -> None:
    rng = np.random.default_rng(n)
    v, f = _soup(rng, n, size)
    _check(v, f, *_rays(rng, 300, size))


def test_far_from_the_origin() -> None:
    rng = np.random.default_rng(1)
    v, f = _soup(rng, 300)
    o, d = _rays(rng, 300, 1.0)
    shift = np.array([1000.0, -500.0, 200.0], dtype=np.float32)
    bvh = bvh_build.build(v + shift, f.astype(np.int32))
    scene = _fields(v + shift, f.astype(np.int32), bvh)
    bvh_build.upload(scene, bvh)
    triangle, _, _ = _query(scene, o + shift, d)
    expected = np.isfinite(_brute_force(v, f, o, d, 0.0))
    assert np.mean((triangle >= 0) == expected) > 0.99


@pytest.mark.parametrize("n", [5, 40])
def test_rays_parallel_to_the_axes(n: int) -> None:
    """Also from vertices' coordinates, so that rays run within the planes of boxes."""
    v, f = _grid(n)
    steps = np.linspace(-1, 1, n)
    x, y = (part.reshape(-1) for part in np.meshgrid(steps[1:-1], steps[1:-1]))
    down = np.column_stack([x, y, np.full_like(x, 3.0)])
    _check(v, f, down, np.tile([0.0, 0.0, -1.0], (len(down), 1)))
    _check(v, f, down, np.tile([-0.0, -0.0, -1.0], (len(down), 1)))
    side = np.column_stack([np.full_like(x, -3.0), y, 0.15 * x])
    _check(v, f, side, np.tile([1.0, 0.0, 0.0], (len(side), 1)))
    _check(v, f, side[:, [1, 0, 2]], np.tile([0.0, 1.0, 0.0], (len(side), 1)))


def test_rays_within_the_faces_of_the_bounding_box() -> None:
    """Cubes in a row: a ray in the plane of their tops still meets what stands in its way."""
    rng = np.random.default_rng(4)
    v, f = _grid(20)
    walls = np.array([[2, -1, -1], [2, 1, -1], [2, 1, 1.0], [2, -1, 1]])
    v = np.concatenate([v, walls])
    f = np.concatenate([f, len(v) - 4 + np.array([[0, 1, 2], [0, 2, 3]])])
    y = rng.uniform(-0.9, 0.9, 50)
    top = v[:-4, 2].max()
    o = np.column_stack([np.full(50, -2.0), y, np.full(50, np.float32(top))])
    _check(v, f, o, np.tile([1.0, 0.0, 0.0], (50, 1)))


def test_duplicated_triangles() -> None:
    rng = np.random.default_rng(5)
    v, f = _soup(rng, 3)
    _check(v, np.tile(f, (200, 1)), *_rays(rng, 200, 1.0))


def test_equal_centroids() -> None:
    rng = np.random.default_rng(6)
    shapes = rng.normal(size=(300, 3, 3))
    v = (shapes - shapes.mean(axis=1, keepdims=True)).reshape(-1, 3)
    _check(v, np.arange(900).reshape(300, 3), *_rays(rng, 200, 2.0))


def test_nested_triangles_stay_within_the_stack() -> None:
    """Each larger than the one before by the same factor: no axis splits them evenly."""
    rng = np.random.default_rng(7)
    scale = np.repeat(1.02 ** np.arange(3000) * 1e-16, 3)[:, None]
    corner = np.tile([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]], (3000, 1))
    v = (scale * corner).astype(np.float32)
    bvh = _check(v, np.arange(9000).reshape(3000, 3), *_rays(rng, 50, float(np.abs(v).max())))
    assert len(bvh.levels) <= bvh_build.STACK_SIZE
    assert sorted(bvh.ids[bvh.ids >= 0]) == list(range(3000))


def test_needles() -> None:
    rng = np.random.default_rng(8)
    start = rng.uniform(-1, 1, (400, 1, 3))
    v = np.concatenate(
        [start, start + rng.normal(size=(400, 1, 3)), start + 1e-3 * rng.normal(size=(400, 1, 3))], axis=1
    )
    target = v.mean(axis=1)
    o = rng.uniform(-2, 2, (400, 3))
    d = target - o
    _check(v.reshape(-1, 3), np.arange(1200).reshape(400, 3), o, d / np.linalg.norm(d, axis=1, keepdims=True))


def test_any_hit_stops_at_the_end_of_the_ray() -> None:
    rng = np.random.default_rng(9)
    v, f = _soup(rng, 300, edge=0.05)
    bvh = bvh_build.build(v, f.astype(np.int32))
    scene = _fields(v, f.astype(np.int32), bvh)
    bvh_build.upload(scene, bvh)
    o, d = _rays(rng, 500, 1.0)
    t = _brute_force(v, f, o, d, 0.0)
    _, _, blocked = _query(scene, o, d, t_max=0.5)
    clear = np.abs(t - 0.5) > 1e-4
    assert np.mean((blocked == 1)[clear] == (t < 0.5)[clear]) > 0.995


@pytest.mark.parametrize("n", [20, 400])
def test_refit_hits_what_a_new_tree_hits(n: int) -> None:
    rng = np.random.default_rng(10)
    v, f = _soup(rng, n)
    f = f.astype(np.int32)
    o, d = _rays(rng, 400, 1.0)
    bvh = bvh_build.build(v, f)
    scene = _fields(v, f, bvh)
    bvh_build.upload(scene, bvh)
    moved = (v + rng.normal(size=v.shape) * 0.3).astype(np.float32)
    _write(scene.positions, moved)
    bvh_build.refit(scene, bvh)
    refitted = _query(scene, o, d)
    fresh = bvh_build.build(moved, f)
    scene = _fields(moved, f, fresh)
    bvh_build.upload(scene, fresh)
    rebuilt = _query(scene, o, d)
    assert np.array_equal(refitted[0], rebuilt[0])
    assert np.array_equal(refitted[1], rebuilt[1])
