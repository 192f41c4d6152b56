"""A smooth-shaded ball near a lamp, whose picture is known in closed form: triangles are blind below their horizons.

The ball fills the film. All that a point receives is from the part of the lamp above both horizons, that of its
triangle and that of its shading normal: a polygon, with the irradiance of Lambert 1760.
"""

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

import diffrt
from diffrt.description.mesh import smooth_normals
from tests.gradient import scenes
from tests.gradient.harness import ALONG, loss_weights, mean_and_error, slope_of
from tests.gradient.polygons import clipped

HEIGHT, WIDTH = 6, 8
FOV = 14.0
SEEDS = 12
STEP = 1e-3
SPP = 1024
FAR, NEAR = [0.3, 1.5, -1.2], [0.0, 0.75, -0.25]
"""Places of the lamp; where it is near, points of it follow those that they light."""
_A, _B = 0.470142064105115, 0.101286507323456
NODES = np.array([[1 / 3] * 3, *(np.roll([1 - 2 * c, c, c], k) for c in (_A, _B) for k in range(3))])
NODE_WEIGHTS = np.array([0.225, *[0.132394152788506] * 3, *[0.125939180544827] * 3])
"""Of degree five on a triangle (Radon 1948)."""


def _irradiance(corners: np.ndarray, x: np.ndarray, n: np.ndarray) -> np.ndarray:
    """(Q,) at points x (Q, 3) of unit normals n (Q, 3), from what is above of a convex polygon (K, 3) of radiance 1."""
    a = corners - x[:, None]
    b = np.roll(a, -1, axis=1)
    ha, hb = (np.einsum("qki,qi->qk", p, n)[..., None] for p in (a, b))
    crossing = a + (b - a) * (ha / np.where(ha == hb, 1.0, ha - hb))
    sets, rises = (ha > 0.0) & (hb <= 0.0), (ha <= 0.0) & (hb > 0.0)
    starts = [np.where(ha > 0.0, a, crossing), np.sum(np.where(sets, crossing, 0.0), axis=1, keepdims=True)]
    ends = [np.where(hb > 0.0, b, crossing), np.sum(np.where(rises, crossing, 0.0), axis=1, keepdims=True)]
    p, q = np.concatenate(starts, axis=1), np.concatenate(ends, axis=1)
    cross = np.cross(p, q)
    size = np.linalg.norm(cross, axis=2)
    angle = np.arctan2(size, np.sum(p * q, axis=2))
    there = np.concatenate([(ha > 0.0) | (hb > 0.0), np.any(sets, axis=1, keepdims=True)], axis=1)[..., 0]
    along = np.einsum("qki,qi->qk", cross, n) / np.where(size > 0.0, size, 1.0)
    return 0.5 * np.abs(np.sum(np.where(there, angle * along, 0.0), axis=1))


def _picture(scene: diffrt.Scene) -> np.ndarray:
    """(height, width, 3), in double precision."""
    ball, lamp = scene.shapes["ball"], scene.shapes["lamp"]
    vertices, faces = ball.world_vertices().astype(np.float64), ball.mesh.faces
    normals = smooth_normals(vertices, faces)
    quad = lamp.world_vertices().astype(np.float64)
    right, up, back, eye = scene.camera().world_matrix()[:3].T
    forward = -back
    pixels = 0.5 * WIDTH / np.tan(np.radians(0.5 * FOV))
    emission = np.array([5, 4, 3])
    image = np.zeros((HEIGHT, WIDTH, 3))
    for corners, at_corners in zip(vertices[faces], normals[faces], strict=True):
        m = np.cross(corners[1] - corners[0], corners[2] - corners[0])
        m /= np.linalg.norm(m)
        above = clipped([np.append(p, m @ (p - corners[0])) for p in quad], 3, -1.0, 0.0)
        if m @ (eye - corners[0]) <= 0.0 or len(above) < 3:
            continue
        d = corners - eye
        x = 0.5 * WIDTH + pixels * (d @ right) / (d @ forward)
        y = 0.5 * HEIGHT - pixels * (d @ up) / (d @ forward)
        for row in range(max(0, int(y.min())), min(HEIGHT, int(y.max()) + 1)):
            strip = clipped(clipped(list(np.stack([x, y], 1)), 1, 1.0, row + 1), 1, -1.0, row)
            for column in range(max(0, int(x.min())), min(WIDTH, int(x.max()) + 1)):
                cut = np.array(clipped(clipped(strip, 0, 1.0, column + 1), 0, -1.0, column))
                if len(cut) < 3:
                    continue
                fan = np.stack([np.broadcast_to(cut[0], cut[2:].shape), cut[1:-1], cut[2:]], axis=1)
                area = 0.5 * np.abs(np.linalg.det(fan[:, 1:] - fan[:, :1]))
                film = (NODES @ fan).reshape(-1, 2)
                ray = forward + ((film[:, :1] - 0.5 * WIDTH) * right - (film[:, 1:] - 0.5 * HEIGHT) * up) / pixels
                point = eye + ray * (m @ (corners[0] - eye) / (ray @ m))[:, None]
                weights = np.linalg.solve(corners.T, point.T).T
                n = weights @ at_corners
                n /= np.linalg.norm(n, axis=1, keepdims=True)
                assert np.all(np.sum(n * ray, axis=1) < 0.0)
                irradiance = _irradiance(np.array(above)[:, :3], point, n)
                image[row, column] += 0.8 / np.pi * emission * ((area[:, None] * NODE_WEIGHTS).ravel() @ irradiance)
    return image


@pytest.mark.parametrize(
    ("name", "place"),
    [("shapes.ball.translation", FAR), ("shapes.lamp.translation", FAR), ("shapes.ball.rotation", NEAR)],
)
def test_light_rises_over_the_horizons_of_triangles(taichi: str, name: str, place: list[float]) -> None:
    """By the way the lamp lies, also where triangles do not turn: their planes move against it."""
    description = scenes.pebble("lamp")
    description["camera"] = {"to_world": scenes.LOOK, "fov": FOV, "width": WIDTH, "height": HEIGHT}
    description["shapes"][0]["to_world"][-1] = {"translate": place}
    scene = diffrt.Scene.from_dict(description)
    weights = loss_weights(HEIGHT, WIDTH)
    expected = slope_of(_picture, scene, name, np.array(ALONG), weights, STEP)
    brightness, error = mean_and_error(
        [float(np.sum(weights * diffrt.render(scene, spp=256, seed=seed))) for seed in range(SEEDS)]
    )
    # As rare as three standard errors would be, were they known; and what single precision leaves.
    errors = float(student.ppf(norm.cdf(3.0), SEEDS - 1))
    known = float(np.sum(weights * _picture(scene)))
    assert abs(brightness - known) <= errors * error + 1e-4 * known
    values = [
        float(np.sum(diffrt.render_backward(scene, weights, [name], spp=SPP, seed=seed)[name] * ALONG))
        for seed in range(SEEDS)
    ]
    found, error = mean_and_error(values)
    assert abs(found - expected) <= errors * error + 2e-4 * abs(expected)
    assert error < 0.03 * abs(expected)
