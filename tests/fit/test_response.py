"""The camera response: its values and derivatives."""

import numpy as np
import pytest
from differences import assert_derivative

from diffrt.fit.response import FIELDS, Response, radii, respond

RNG = np.random.default_rng(1)
RADIANCE, WEIGHT = RNG.uniform(0.05, 2.0, (2, 6, 9, 3))
GIVEN = Response(np.array(0.4), np.array([0.9, 1.0, 1.3]), np.array(0.8), np.array([-0.2, 0.1, 0.05]))


def test_at_rest_it_is_the_radiance() -> None:
    assert Response().at_rest and not GIVEN.at_rest
    assert np.array_equal(respond(RADIANCE, Response())[0], RADIANCE)


def test_values() -> None:
    recorded, _ = respond(RADIANCE, GIVEN)
    r = radii(6, 9)[0, 0, 0]
    falloff = 1 - 0.2 * r + 0.1 * r**2 + 0.05 * r**3
    assert recorded[0, 0] == pytest.approx((2**0.4 * np.array([0.9, 1.0, 1.3]) * falloff * RADIANCE[0, 0]) ** 0.8)


def test_radius_is_one_in_the_corners_whatever_the_shape() -> None:
    powers = radii(2000, 1000)
    assert powers[0, 0] == pytest.approx(1.0, abs=5e-3)
    assert powers[1000, 0, 0] == pytest.approx(0.2, abs=1e-3)  # 500 of the 1118 pixels to a corner, squared


@pytest.mark.parametrize("name", FIELDS)
def test_derivative_by_the_response(name: str) -> None:
    def loss(value: np.ndarray) -> tuple[float, np.ndarray]:
        recorded, pull = respond(RADIANCE, Response(**{**vars(GIVEN), name: value}))
        return float(np.sum(WEIGHT * recorded)), pull(WEIGHT)[1][name]

    assert_derivative(loss, getattr(GIVEN, name))


def test_derivative_by_the_radiance() -> None:
    def loss(radiance: np.ndarray) -> tuple[float, np.ndarray]:
        recorded, pull = respond(radiance, GIVEN)
        return float(np.sum(WEIGHT * recorded)), pull(WEIGHT)[0]

    assert_derivative(loss, RADIANCE)


def test_black_pixels_have_finite_derivatives() -> None:
    _, pull = respond(np.zeros((4, 4, 3)), GIVEN)
    gradient, by_name = pull(np.ones((4, 4, 3)))
    assert np.isfinite(gradient).all() and all(np.isfinite(item).all() for item in by_name.values())
