"""The tree against brute force in double precision."""

import numpy as np
import pytest
from ray_queries import Placed, brute_force, check, grid, random_rays, soup, write_rows

from diffrt.device import bvh_build

pytestmark = pytest.mark.usefixtures("taichi")


@pytest.mark.parametrize("n", [1, 2, 8, 9, 64, 65, 500])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_closest_hit_is_the_nearest(n: int, size: float) -> None:
    rng = np.random.default_rng(n)
    v, f = soup(rng, n, size)
    check(v, f, *random_rays(rng, 300, size))


def test_far_from_the_origin() -> None:
    rng = np.random.default_rng(1)
    v, f = soup(rng, 300)
    o, d = random_rays(rng, 300, 1.0)
    shift = np.array([1000.0, -500.0, 200.0], dtype=np.float32)
    triangle, _, _ = Placed(v + shift, f).query(o + shift, d)
    expected = np.isfinite(brute_force(v, f, o, d, 0.0))
    assert np.mean((triangle >= 0) == expected) > 0.99


@pytest.mark.parametrize("n", [5, 40])
def test_rays_parallel_to_the_axes(n: int) -> None:
    """Also from vertices' coordinates, so that rays run within the planes of boxes."""
    v, f = grid(n)
    steps = np.linspace(-1, 1, n)
    x, y = (part.reshape(-1) for part in np.meshgrid(steps[1:-1], steps[1:-1]))
    down = np.column_stack([x, y, np.full_like(x, 3.0)])
    check(v, f, down, np.tile([0.0, 0.0, -1.0], (len(down), 1)))
    check(v, f, down, np.tile([-0.0, -0.0, -1.0], (len(down), 1)))
    side = np.column_stack([np.full_like(x, -3.0), y, 0.15 * x])
    check(v, f, side, np.tile([1.0, 0.0, 0.0], (len(side), 1)))
    check(v, f, side[:, [1, 0, 2]], np.tile([0.0, 1.0, 0.0], (len(side), 1)))


def test_rays_within_the_faces_of_the_bounding_box() -> None:
    """Cubes in a row: a ray in the plane of their tops still meets what stands in its way."""
    rng = np.random.default_rng(4)
    v, f = grid(20)
    walls = np.array([[2, -1, -1], [2, 1, -1], [2, 1, 1.0], [2, -1, 1]])
    v = np.concatenate([v, walls])
    f = np.concatenate([f, len(v) - 4 + np.array([[0, 1, 2], [0, 2, 3]])])
    y = rng.uniform(-0.9, 0.9, 50)
    top = v[:-4, 2].max()
    o = np.column_stack([np.full(50, -2.0), y, np.full(50, np.float32(top))])
    check(v, f, o, np.tile([1.0, 0.0, 0.0], (50, 1)))


def test_duplicated_triangles() -> None:
    rng = np.random.default_rng(5)
    v, f = soup(rng, 3)
    check(v, np.tile(f, (200, 1)), *random_rays(rng, 200, 1.0))


def test_equal_centroids() -> None:
    rng = np.random.default_rng(6)
    shapes = rng.normal(size=(300, 3, 3))
    v = (shapes - shapes.mean(axis=1, keepdims=True)).reshape(-1, 3)
    check(v, np.arange(900).reshape(300, 3), *random_rays(rng, 200, 2.0))


@pytest.mark.parametrize(("n", "levels"), [(1000, 13), (3000, 6)])
def test_nested_triangles_stay_within_the_stack(n: int, levels: int) -> None:
    """Each larger than the one before by the same factor: no axis splits them evenly. The tree of 3000 would be too
    deep, and nodes are halved instead."""
    rng = np.random.default_rng(7)
    scale = np.repeat(1.02 ** np.arange(n) * 1e-16, 3)[:, None]
    corner = np.tile([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]], (n, 1))
    v = (scale * corner).astype(np.float32)
    bvh = check(v, np.arange(3 * n).reshape(n, 3), *random_rays(rng, 50, float(np.abs(v).max()))).bvh
    assert bvh is not None
    assert len(bvh.levels) - 1 == levels <= bvh_build.STACK_SIZE
    assert bvh.shallow == (levels <= bvh_build.SHALLOW)
    assert sorted(bvh.ids[bvh.ids >= 0]) == list(range(n))


def test_large_triangles_do_not_widen_the_boxes_of_small_ones() -> None:
    """A floor under a mesh is found next to the root."""
    rng = np.random.default_rng(11)
    v, f = grid(30)
    floor = np.array([[-100, -100, -0.5], [100, -100, -0.5], [100, 100, -0.5], [-100, 100, -0.5]])
    f = rng.permutation(np.concatenate([f, len(v) + np.array([[0, 1, 2], [0, 2, 3]])]))
    v = np.concatenate([v, floor])
    bvh = check(v, f, *random_rays(rng, 300, 3.0)).bvh
    assert bvh is not None
    beside_the_root = bvh.children[: bvh_build.BVH_WIDTH]
    leaves = [~child for child in beside_the_root if bvh_build.ABSENT < child < 0]
    near = bvh.ids.reshape(-1, bvh_build.LEAF_SIZE)[leaves]
    large = np.flatnonzero((f >= len(v) - 4).all(axis=1))
    assert len(large) == 2 and set(large) <= set(near.reshape(-1))


def test_needles() -> None:
    rng = np.random.default_rng(8)
    start = rng.uniform(-1, 1, (400, 1, 3))
    v = np.concatenate(
        [start, start + rng.normal(size=(400, 1, 3)), start + 1e-3 * rng.normal(size=(400, 1, 3))], axis=1
    )
    target = v.mean(axis=1)
    o = rng.uniform(-2, 2, (400, 3))
    d = target - o
    check(v.reshape(-1, 3), np.arange(1200).reshape(400, 3), o, d / np.linalg.norm(d, axis=1, keepdims=True))


def test_any_hit_stops_at_the_end_of_the_ray() -> None:
    rng = np.random.default_rng(9)
    v, f = soup(rng, 300, edge=0.05)
    o, d = random_rays(rng, 500, 1.0)
    t = brute_force(v, f, o, d, 0.0)
    _, _, blocked = Placed(v, f).query(o, d, t_max=0.5)
    clear = np.abs(t - 0.5) > 1e-4
    assert np.mean((blocked == 1)[clear] == (t < 0.5)[clear]) > 0.995


@pytest.mark.parametrize("n", [20, 400])
def test_refit_hits_what_a_new_tree_hits(n: int) -> None:
    rng = np.random.default_rng(10)
    v, f = soup(rng, n)
    o, d = random_rays(rng, 400, 1.0)
    placed = Placed(v, f)
    moved = (v + rng.normal(size=v.shape) * 0.3).astype(np.float32)
    write_rows(placed.scene.positions, moved)
    assert placed.bvh is not None
    bvh_build.refit(placed.scene, placed.bvh)
    refitted = placed.query(o, d)
    rebuilt = Placed(moved, f).query(o, d)
    assert np.array_equal(refitted[0], rebuilt[0])
    assert np.array_equal(refitted[1], rebuilt[1])
