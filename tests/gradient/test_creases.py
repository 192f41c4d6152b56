"""A flat-shaded ball in the sun, whose picture is known exactly: facets of one radiance each, clipped to the pixels."""

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

import diffrt
from tests.gradient import scenes
from tests.gradient.harness import ALONG, loss_weights, mean_and_error, slope_of
from tests.gradient.polygons import area, clipped

HEIGHT, WIDTH = 12, 16
SEEDS = 12
STEP = 1e-4
"""So short that no facet appears or disappears: differences over longer steps are wrong by several per cent."""


def _picture(scene: diffrt.Scene) -> np.ndarray:
    """(height, width, 3), in double precision."""
    ball = scene.shapes["box"]
    vertices, faces = ball.world_vertices().astype(np.float64), ball.mesh.faces
    eye, target = (np.array(scenes.LOOK["look_at"][key], dtype=float) for key in ("origin", "target"))
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0, 1, 0])
    right /= np.linalg.norm(right)
    pixels = 0.5 * WIDTH / np.tan(np.radians(0.5 * scenes.CAMERA["fov"]))
    to_sun = np.array([1, 1, 0.5]) / 1.5
    image = np.zeros((HEIGHT, WIDTH, 3))
    for corners in vertices[faces]:
        n = np.cross(corners[1] - corners[0], corners[2] - corners[0])
        n /= np.linalg.norm(n)
        if n @ (eye - corners[0]) > 0.0:
            d = corners - eye
            x = 0.5 * WIDTH + pixels * (d @ right) / (d @ forward)
            y = 0.5 * HEIGHT - pixels * (d @ np.cross(right, forward)) / (d @ forward)
            radiance = 0.8 / np.pi * max(0.0, float(n @ to_sun)) * np.array([3, 2, 1])
            for row in range(int(y.min()), int(y.max()) + 1):
                strip = clipped(clipped(list(np.stack([x, y], 1)), 1, 1.0, row + 1), 1, -1.0, row)
                for column in range(int(x.min()), int(x.max()) + 1):
                    cut = clipped(clipped(strip, 0, 1.0, column + 1), 0, -1.0, column)
                    image[row, column] += radiance * area(cut)
    return image


@pytest.mark.parametrize("parameter", ["translation", "rotation", "scale"])
def test_gradients_of_facets_are_exact(taichi: str, parameter: str) -> None:
    scene = diffrt.Scene.from_dict(scenes.facets())
    name, weights = f"shapes.box.{parameter}", loss_weights(HEIGHT, WIDTH)
    expected = slope_of(_picture, scene, name, np.array(ALONG), weights, STEP)
    # Half the largest contrast of a pixel over the root of its samples.
    picture = _picture(scene)
    assert diffrt.render(scene, spp=256) == pytest.approx(picture, abs=0.5 * float(picture.max()) / 16.0)
    values = [
        float(np.sum(diffrt.render_backward(scene, weights, [name], spp=256, seed=seed)[name] * ALONG))
        for seed in range(SEEDS)
    ]
    found, error = mean_and_error(values)
    # As rare as three standard errors would be, were they known; and what single precision leaves.
    assert abs(found - expected) <= student.ppf(norm.cdf(3.0), SEEDS - 1) * error + 2e-4 * abs(expected)
    assert error < 2e-3 * abs(expected)
