"""How points of paths follow those before them."""

import numpy as np
import pytest
import taichi as ti
from taichi.math import vec3

import diffrt
from diffrt.description.primitives import sphere
from diffrt.render.nearness import nearness
from tests.gradient import contact_scenes, scenes
from tests.gradient.harness import loss_weights


@ti.data_oriented
class _Triangles:
    def __init__(self, positions: np.ndarray) -> None:
        self.positions = ti.Vector.field(3, ti.f32, shape=len(positions))
        self.positions.from_numpy(positions.astype(np.float32))
        self.triangles = ti.Vector.field(3, ti.i32, shape=2)
        self.triangles.from_numpy(np.array([[0, 1, 2], [2, 1, 3]], dtype=np.int32))
        self.triangle_shape = ti.field(ti.i32, shape=2)  # one shape, which does not slide
        self.shape_slides = ti.field(ti.i32, shape=1)


@ti.kernel
def _evaluate(
    scene: ti.template(), x: float, y: float, z: float, places: ti.types.ndarray(), found: ti.types.ndarray()
):  # fmt: skip
    for i in range(places.shape[0]):
        near = nearness(scene, 0, vec3(x, y, z), 1, places[i, 0], places[i, 1], 1)
        found[i, 0], found[i, 1], found[i, 2] = near.share, near.slope[0], near.slope[1]


def _nearness(places: np.ndarray) -> np.ndarray:
    """(N, 3): share and slope of points of a triangle, seen from one that meets it in an inner angle."""
    corners = np.array([[-1.0, 0, 1], [-1, 0, 0], [1, 0, 0], [0.5, 1.2, 0.3]])
    found = np.zeros((len(places), 3), dtype=np.float32)
    _evaluate(_Triangles(corners), 0.2, 0.0, 0.05, places.astype(np.float32), found)
    return found


def test_the_slope_is_that_of_the_share() -> None:
    diffrt.init()
    rng = np.random.default_rng(0)
    places = rng.uniform(0.05, 0.45, (400, 2))
    near = _nearness(places)
    assert np.mean(near[:, 0] > 0.9) > 0.05 and np.mean((near[:, 0] > 0.1) & (near[:, 0] < 0.9)) > 0.1
    step = 2e-3
    for d in range(2):
        offset = step * np.eye(2)[d]
        slope = (_nearness(places + offset)[:, 0] - _nearness(places - offset)[:, 0]) / (2.0 * step)
        curved = np.abs(_nearness(places + offset)[:, 1 + d] - _nearness(places - offset)[:, 1 + d])
        assert np.all(np.abs(slope - near[:, 1 + d]) <= 0.6 * curved + 2e-3)


def test_points_keep_to_the_edges_of_their_triangle_but_for_the_common_one() -> None:
    diffrt.init()
    s = np.linspace(0.02, 0.3, 20)
    # The common edge is that from corner 0 to corner 1, v = 0.
    free = _nearness(np.stack([0.5 * np.ones(20), 1e-6 * np.ones(20)], axis=1))
    first = _nearness(np.stack([1e-6 * np.ones(20), s], axis=1))
    second = _nearness(np.stack([1.0 - s - 1e-6, s], axis=1))
    assert free[:, 0].min() > 0.9
    assert max(first[:, 0].max(), second[:, 0].max()) < 1e-3


@pytest.mark.parametrize("parameter", ["shapes.corner.translation", "shapes.corner.vertices"])
def test_noise_of_a_corner_shrinks_with_samples(parameter: str) -> None:
    """It would not if neighbours at distance d had derivatives like 1 / d: their sum has no variance."""
    scene = diffrt.Scene.from_dict(contact_scenes.corner())
    view = scene.camera()
    weights = loss_weights(view.height, view.width)
    spread = []
    for spp in (8, 128):
        values = [
            diffrt.render_backward(scene, weights, [parameter], spp=spp, seed=seed, terms=["interior"])[parameter]
            for seed in range(24)
        ]
        spread.append(np.std(values, axis=0).mean())
    assert spread[1] < 0.4 * spread[0]


def test_noise_does_not_grow_with_the_number_of_triangles() -> None:
    """Sums over all vertices; at fixed barycentrics, a hit on a small triangle has a derivative like one over its size:
    four times the triangles had four times the variance."""
    variance = []
    for level in (1, 3):
        scene = diffrt.Scene.from_dict(scenes.beneath("smooth", level))
        view = scene.camera()
        weights = loss_weights(view.height, view.width)
        values = [
            diffrt.render_backward(scene, weights, ["shapes.ball.vertices"], spp=64, seed=seed, terms=["interior"])
            for seed in range(8)
        ]
        variance.append(np.var([value["shapes.ball.vertices"] for value in values], axis=0, ddof=1).sum())
    assert variance[1] < 5.0 * variance[0]


def test_a_triangle_seen_edge_on_adds_less_noise_than_a_steeper_one() -> None:
    """Of a fine mesh: where its plane is met moves by one over the cosine at which it is seen."""
    mesh = sphere(2)
    corners = mesh.vertices[mesh.faces[0]]
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    normal /= np.linalg.norm(normal)
    along = (corners[1] - corners[0]) / np.linalg.norm(corners[1] - corners[0])

    def noise(cosine: float) -> float:
        described = scenes.lit(lights=[{**scenes.SUN, "direction": (-normal - 2.0 * along).tolist()}])
        ball = {"type": "mesh", "vertices": mesh.vertices, "faces": mesh.faces, "shading": "smooth"}
        described["shapes"] = [{"name": "ball", **ball}]
        middle = corners.mean(axis=0)
        look = {"look_at": {"origin": (middle + 4.0 * (along + cosine * normal)).tolist(), "target": middle.tolist()}}
        described["camera"] = {"to_world": look, "fov": 4, "width": 16, "height": 12}
        scene = diffrt.Scene.from_dict(described)
        runs = [
            diffrt.render_backward(
                scene, loss_weights(12, 16), ["shapes.ball.vertices"], spp=64, seed=seed, terms=["interior"]
            )["shapes.ball.vertices"][mesh.faces[0]]
            for seed in range(24)
        ]
        return float(np.var(runs, axis=0, ddof=1).sum())

    edge_on, steeper = noise(5e-4), noise(5e-3)
    assert 0.0 < edge_on < steeper, (edge_on, steeper)
