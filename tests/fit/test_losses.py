"""Every loss: its derivative against differences, on pyramids, under masks, beside saturated pixels; known values."""

import numpy as np
import pytest
from differences import assert_derivative

from diffrt.fit import losses
from diffrt.fit.losses import add_loss, buffer_loss, image_loss, known_losses
from diffrt.fit.problem import LOSSES, Loss
from diffrt.io.color import linear_to_srgb
from diffrt.io.compare import ssim

RNG = np.random.default_rng(3)
IMAGE, TARGET = RNG.uniform(0.05, 0.9, (2, 13, 17, 3))
MASK = (RNG.uniform(size=(13, 17)) > 0.4) * RNG.uniform(0.5, 1.0, (13, 17))
ONES = np.ones((13, 17))


@pytest.mark.parametrize("space", ["linear", "srgb"])
@pytest.mark.parametrize("levels", [1, 3])
@pytest.mark.parametrize("kind", LOSSES)
def test_derivative(kind: str, levels: int, space: str) -> None:
    settings = Loss(type=kind, pyramid_levels=levels, space=space)
    clipped = RNG.uniform(size=TARGET.shape) > 0.7
    assert_derivative(lambda x: image_loss(x, TARGET, MASK, clipped, settings), IMAGE)


def test_buffer_derivative() -> None:
    settings = Loss(pyramid_levels=3)
    assert_derivative(lambda x: buffer_loss(x, TARGET[..., 0], MASK, settings), IMAGE[..., 0])
    assert_derivative(lambda x: buffer_loss(x, TARGET, ONES, settings), IMAGE)


def test_known_losses_are_those_published() -> None:
    assert known_losses() == list(LOSSES)


@pytest.mark.parametrize("kind", LOSSES)
def test_zero_at_the_target(kind: str) -> None:
    value, gradient = image_loss(TARGET, TARGET, MASK, None, Loss(type=kind, pyramid_levels=4))
    assert abs(value) < 1e-12
    assert np.abs(gradient).max() < 1e-12


def test_values() -> None:
    def of(kind: str, difference: float, **settings: float) -> float:
        flat = np.full((4, 4, 3), 0.5)
        return image_loss(flat + difference, flat, np.ones((4, 4)), None, Loss(type=kind, **settings))[0]

    assert of("l1", -0.2) == pytest.approx(0.2)
    assert of("l2", -0.2) == pytest.approx(0.04)
    assert of("huber", 0.05, delta=0.1) == pytest.approx(0.00125)
    assert of("huber", 0.3, delta=0.1) == pytest.approx(0.1 * (0.3 - 0.05))
    assert of("relative_l2", 0.2, epsilon=0.1) == pytest.approx((0.2 / 0.6) ** 2)
    assert of("log_l1", 0.2, epsilon=0.1) == pytest.approx(np.log(0.8 / 0.6))


def test_ssim_agrees_with_the_measure() -> None:
    """Away from the border, where the two treat what lies beyond differently."""
    a, b = RNG.uniform(0.0, 1.0, (2, 40, 40, 3))
    inner = np.zeros((40, 40, 1))
    inner[5:-5, 5:-5] = 1.0
    value, _ = losses._measures["ssim"](a, b, inner / (3 * inner.sum()), Loss(type="ssim", mix=1.0))
    assert value == pytest.approx(1.0 - ssim(a, b), abs=1e-12)


def test_masked_pixels_do_not_matter() -> None:
    other = np.where(MASK[..., None] > 0, IMAGE, 77.0)
    for kind in LOSSES:
        settings = Loss(type=kind, pyramid_levels=3)
        value, gradient = image_loss(IMAGE, TARGET, MASK, None, settings)
        assert image_loss(other, TARGET, MASK, None, settings)[0] == pytest.approx(value, rel=1e-12)
        assert not gradient[MASK == 0].any()


def test_the_mean_is_taken_under_the_mask() -> None:
    half = np.zeros((13, 17))
    half[:, :8] = 1.0
    expected = np.mean((IMAGE - TARGET)[:, :8] ** 2)
    assert image_loss(IMAGE, TARGET, half, None, Loss(type="l2"))[0] == pytest.approx(expected)


def test_a_saturated_target_only_pulls_up() -> None:
    target, clipped, ones = np.ones((4, 4, 3)), np.ones((4, 4, 3), dtype=bool), np.ones((4, 4))
    for kind in LOSSES:
        settings = Loss(type=kind, pyramid_levels=2)
        value, gradient = image_loss(np.full((4, 4, 3), 3.0), target, ones, clipped, settings)
        assert value == pytest.approx(0.0, abs=1e-12)
        assert not gradient.any()
        value, gradient = image_loss(np.full((4, 4, 3), 0.5), target, ones, clipped, settings)
        assert value > 0.0 and gradient.sum() < 0.0


def test_the_pyramid_sees_what_lies_apart() -> None:
    """Two dots side by side: at full size they do not meet, at half the size they are one."""
    image, target = np.zeros((2, 8, 8, 1))
    image[2, 2], target[3, 3] = 1.0, 1.0
    one = image_loss(image, target, np.ones((8, 8)), None, Loss(type="l2"))[0]
    two = image_loss(image, target, np.ones((8, 8)), None, Loss(type="l2", pyramid_levels=2))[0]
    assert one > 0.0 and two == pytest.approx(one / 2)


def test_space() -> None:
    value, _ = image_loss(IMAGE, TARGET, ONES, None, Loss(type="l1", space="srgb"))
    assert value == pytest.approx(np.abs(linear_to_srgb(IMAGE) - linear_to_srgb(TARGET)).mean())


def test_a_loss_can_be_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "_measures", dict(losses._measures))

    @add_loss("cubed")
    def cubed(image: np.ndarray, target: np.ndarray, weight: np.ndarray, settings: Loss) -> tuple[float, np.ndarray]:
        difference = image - target
        return float(np.sum(weight * np.abs(difference) ** 3)), 3.0 * weight * difference * np.abs(difference)

    assert_derivative(lambda x: image_loss(x, TARGET, MASK, None, Loss(type="cubed", pyramid_levels=2)), IMAGE)
