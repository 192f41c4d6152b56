"""Scenes without a tree: facets against brute force in double precision, and how triangles pair up."""

import numpy as np
import pytest
from ray_queries import Placed, brute_force, check, grid, random_rays, soup

from diffrt.description.primitives import cube, rectangle
from diffrt.device import facets
from diffrt.device.scene_fields import MOST_FACETS

pytestmark = pytest.mark.usefixtures("taichi")

BOX = np.array([[x, y, z] for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)], dtype=np.float64)
SIDES = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]


def _boxes(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Sheared boxes anywhere; where the triangles of their sides begin is random."""
    v, f = [], []
    for k in range(n):
        v.append(BOX @ (np.eye(3) + 0.4 * rng.normal(size=(3, 3))) * 0.4 + rng.uniform(-1, 1, 3))
        for side in SIDES:
            a, b, c, d = np.roll(side, rng.integers(4))
            f += [np.roll(t, rng.integers(3)) + 8 * k for t in ((a, b, c), (a, c, d))]
    return np.concatenate(v), rng.permutation(np.array(f))


@pytest.mark.parametrize("n", [1, 2, 8, 9, 55, 56])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_closest_hit_is_the_nearest(n: int, size: float) -> None:
    rng = np.random.default_rng(n)
    v, f = soup(rng, n, size)
    check(v, f, *random_rays(rng, 300, size), tree=False)


@pytest.mark.parametrize("tree", [False, True])
@pytest.mark.parametrize("n, front", [(20, 0), (20, 3), (20, 19), (50, 0), (50, 49)])
def test_what_lies_close_behind_is_not_taken(n: int, front: int, tree: bool) -> None:
    """Gaps of a hundred-thousandth of the distance, wherever the nearest triangle stands in the list: gradients look
    along edges, where two sides of a body are as close."""
    heights = np.where(np.arange(n) == front, 0.0, -4e-5)
    v = np.concatenate([[[-1, -1, z], [1, -1, z], [0, 1, z]] for z in heights])
    origins = np.stack([*np.random.default_rng(0).uniform(-0.2, 0.2, (2, 200)), np.full(200, 4.0)], axis=1)
    triangle, _, _ = Placed(v, np.arange(3 * n).reshape(n, 3), tree=tree).query(
        origins, np.tile([0.0, 0, -1], (200, 1))
    )
    assert np.all(triangle == front)


@pytest.mark.parametrize("n", [1, 3, 9])
def test_boxes_are_pairs_and_are_hit(n: int) -> None:
    rng = np.random.default_rng(n)
    v, f = _boxes(rng, n)
    placed = check(v, f, *random_rays(rng, 500, 1.5), tree=False)
    assert placed.facets is not None
    assert len(placed.facets.first) == 6 * n
    assert sorted([*placed.facets.first, *placed.facets.second]) == list(range(12 * n))


def test_the_same_as_a_tree() -> None:
    """Triangle, distance and barycentrics."""
    rng = np.random.default_rng(3)
    v, f = _boxes(rng, 4)
    o, d = random_rays(rng, 1000, 1.5)
    triangle, point, blocked = Placed(v, f, tree=False).query(o, d)
    expected, expected_point, expected_blocked = Placed(v, f, tree=True).query(o, d)
    alike = triangle == expected
    assert np.mean(alike) > 0.995  # the diagonal of a side belongs to either half
    assert np.array_equal(blocked, expected_blocked)
    hit = alike & (triangle >= 0)
    assert np.allclose(point[hit], expected_point[hit], rtol=1e-4, atol=1e-4)


def test_other_pairs_stay_apart() -> None:
    """Bent, not a parallelogram, turned over, or without a common edge."""
    v = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 0.01], [0.1, 1, 0], [0, 1, 0]], dtype=np.float32)
    found = facets.find(v, np.array([[0, 1, 2], [0, 2, 3]], np.int32))
    assert found is not None and list(found.second) == [1]
    for other in ([0, 2, 4], [0, 2, 5], [0, 3, 2]):
        found = facets.find(v, np.array([[0, 1, 2], other], np.int32))
        assert found is not None
        assert list(found.second) == [-1, -1]
    apart = np.concatenate([v[[0, 1, 2]], v[[0, 2, 3]]])
    found = facets.find(apart, np.arange(6, dtype=np.int32).reshape(2, 3))
    assert found is not None and list(found.second) == [-1, -1]


def test_primitives_of_flat_sides_are_pairs() -> None:
    for primitive, sides in ((rectangle, 1), (cube, 6)):
        mesh = primitive()
        found = facets.find(mesh.vertices.astype(np.float32), mesh.faces)
        assert found is not None and len(found.first) == sides


def test_rays_parallel_to_the_axes() -> None:
    v, f = grid(5)
    steps = np.linspace(-0.9, 0.9, 7)
    x, y = (part.reshape(-1) for part in np.meshgrid(steps, steps))
    down = np.column_stack([x, y, np.full_like(x, 3.0)])
    check(v, f, down, np.tile([0.0, 0.0, -1.0], (len(down), 1)), tree=False)
    side = np.column_stack([np.full_like(x, -3.0), y, 0.15 * x])
    check(v, f, side, np.tile([1.0, 0.0, 0.0], (len(side), 1)), tree=False)


def test_no_ray_slips_between_neighbours() -> None:
    """At edges and corners of a closed box, from its inside."""
    rng = np.random.default_rng(5)
    v, f = _boxes(rng, 1)
    i, j = f[:, [0, 1, 2]].reshape(-1), f[:, [1, 2, 0]].reshape(-1)
    along = rng.random((len(i), 50, 1))
    target = (v[i][:, None] * along + v[j][:, None] * (1 - along)).reshape(-1, 3)
    o = np.tile(v.mean(axis=0), (len(target), 1))
    d = target - o
    triangle, _, blocked = Placed(v, f, tree=False).query(o, d / np.linalg.norm(d, axis=1, keepdims=True))
    assert np.all(triangle >= 0) and np.all(blocked == 1)


def test_triangles_without_area_are_not_hit() -> None:
    v = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 0, 1]], dtype=np.float32)
    placed = Placed(v, np.array([[0, 1, 2], [0, 0, 3]]), tree=False)
    o, d = random_rays(np.random.default_rng(6), 200, 1.0)
    o[:50, 1:], d[:50] = 0.0, [1.0, 0.0, 0.0]
    triangle, _, blocked = placed.query(o, d)
    assert np.all(triangle == -1) and not np.any(blocked)


def test_any_hit_stops_at_the_end_of_the_ray() -> None:
    rng = np.random.default_rng(9)
    v, f = soup(rng, 50, edge=0.2)
    o, d = random_rays(rng, 500, 1.0)
    t = brute_force(v, f, o, d, 0.0)
    _, _, blocked = Placed(v, f, tree=False).query(o, d, t_max=0.5)
    clear = np.abs(t - 0.5) > 1e-4
    assert np.mean((blocked == 1)[clear] == (t < 0.5)[clear]) > 0.995


def test_many_triangles_have_a_tree() -> None:
    rng = np.random.default_rng(1)
    for n, few in ((0, True), (MOST_FACETS, True), (MOST_FACETS + 1, False), (5000, False)):
        v, f = soup(rng, n)
        assert (facets.find(v, f.astype(np.int32)) is not None) == few
