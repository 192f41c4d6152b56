"""Measures of the distance between a picture and its target, each with its derivative; on an image pyramid.

To add one, register a function by its name; a problem file may then use it:

    @add_loss("squared")
    def squared(image, target, weight, settings):
        difference = image - target
        return np.sum(weight * difference**2), 2.0 * weight * difference
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from diffrt.fit.problem import Loss
from diffrt.fit.resize import shrink, shrink_adjoint
from diffrt.io.color import linear_to_srgb

Floats = NDArray[np.float64]
Measure: TypeAlias = Callable[[Floats, Floats, Floats, Loss], tuple[float, Floats]]
"""(image (H, W, C), target (H, W, C), weight (H, W, 1) with sum of all weights times C = 1, settings) -> (loss,
dLoss/dImage)."""

_measures: dict[str, Measure] = {}


def add_loss(name: str) -> Callable[[Measure], Measure]:
    """Register a measure under a name."""

    def decorate(function: Measure) -> Measure:
        _measures[name] = function
        return function

    return decorate


def known_losses() -> list[str]:
    """The names of all measures."""
    return list(_measures)


@add_loss("l1")
def _l1(image: Floats, target: Floats, weight: Floats, settings: Loss) -> tuple[float, Floats]:
    difference = image - target
    return float(np.sum(weight * np.abs(difference))), weight * np.sign(difference)


@add_loss("l2")
def _l2(image: Floats, target: Floats, weight: Floats, settings: Loss) -> tuple[float, Floats]:
    difference = image - target
    return float(np.sum(weight * difference**2)), 2.0 * weight * difference


@add_loss("huber")
def _huber(image: Floats, target: Floats, weight: Floats, settings: Loss) -> tuple[float, Floats]:
    """d^2 / 2 up to delta, delta (|d| - delta / 2) beyond (Huber 1964)."""
    difference, delta = image - target, settings.delta
    bounded = np.clip(difference, -delta, delta)
    return float(np.sum(weight * bounded * (difference - 0.5 * bounded))), weight * bounded


@add_loss("relative_l2")
def _relative_l2(image: Floats, target: Floats, weight: Floats, settings: Loss) -> tuple[float, Floats]:
    """((x - y) / (|y| + epsilon))^2: dark pixels count as much as bright ones."""
    scale = 1.0 / (np.abs(target) + settings.epsilon)
    difference = (image - target) * scale
    return float(np.sum(weight * difference**2)), 2.0 * weight * difference * scale


@add_loss("log_l1")
def _log_l1(image: Floats, target: Floats, weight: Floats, settings: Loss) -> tuple[float, Floats]:
    """|log(x + epsilon) - log(y + epsilon)|; negative values count as zero."""
    lit = image > 0.0
    above = np.where(lit, image, 0.0) + settings.epsilon
    difference = np.log(above) - np.log(np.maximum(target, 0.0) + settings.epsilon)
    return float(np.sum(weight * np.abs(difference))), weight * np.sign(difference) * lit / above


@add_loss("ssim")
def _ssim(image: Floats, target: Floats, weight: Floats, settings: Loss) -> tuple[float, Floats]:
    """(1 - mix) l1 + mix (1 - SSIM) (Wang et al. 2004; mixed as by Zhao et al. 2017), for values from 0 to 1.

    The window is Gaussian, sigma 1.5, 11 pixels wide; beyond the border all is zero, so it is its own adjoint.
    """
    from scipy.ndimage import gaussian_filter  # late: it takes a while to load

    value, gradient = _l1(image, target, weight, settings)
    c1, c2 = 0.01**2, 0.03**2

    def smooth(values: Floats) -> Floats:
        filtered: Floats = gaussian_filter(values, 1.5, radius=5, axes=(0, 1), mode="constant")
        return filtered

    x, y = smooth(image), smooth(target)
    spread_x, spread_y = smooth(image**2) - x**2, smooth(target**2) - y**2
    joint = smooth(image * target) - x * y
    means, spreads = x**2 + y**2 + c1, spread_x + spread_y + c2
    luminance, structure = (2.0 * x * y + c1) / means, (2.0 * joint + c2) / spreads
    ssim = luminance * structure
    by_x = weight * structure * (2.0 * y - 2.0 * x * luminance) / means
    by_spread = -weight * ssim / spreads
    by_joint = 2.0 * weight * luminance / spreads
    d_ssim = (
        smooth(by_x - 2.0 * x * by_spread - y * by_joint) + 2.0 * image * smooth(by_spread) + target * smooth(by_joint)
    )
    mix = settings.mix
    total = weight.sum() * image.shape[2]
    return (1.0 - mix) * value + mix * float(total - np.sum(weight * ssim)), (1.0 - mix) * gradient - mix * d_ssim


def image_loss(
    image: Floats, target: Floats, weight: Floats, clipped: NDArray[np.bool_] | None, settings: Loss
) -> tuple[float, Floats]:
    """The loss of a picture: mean over pixels and channels under the mask, then over the levels of the pyramid.

    Args:
        image, target: (H, W, C) linear.
        weight: (H, W), the mask; not all zero.
        clipped: (H, W, C), where the target is saturated: there only a picture below it is wrong.

    Returns:
        The loss and its derivative by the image.
    """
    seen = np.ones(image.shape, dtype=bool)
    if clipped is not None:
        seen = ~(clipped & (image > target))
        image = np.where(seen, image, target)
    slope = np.ones_like(image)
    if settings.space == "srgb":
        slope = _srgb_slope(image)
        image = linear_to_srgb(image).astype(np.float64)
        target = linear_to_srgb(target).astype(np.float64)
    value, gradient = pyramid_loss(_measures[settings.type], image, target, weight, settings)
    return value, gradient * slope * seen


def buffer_loss(image: Floats, target: Floats, weight: Floats, settings: Loss) -> tuple[float, Floats]:
    """The l2 loss of a buffer (H, W) or (H, W, C), on the same pyramid, and its derivative by the buffer.

    Args:
        weight: (H, W), where it counts; not all zero.
    """
    whole = (*image.shape[:2], -1)
    value, gradient = pyramid_loss(_l2, image.reshape(whole), target.reshape(whole), weight, settings)
    return value, gradient.reshape(image.shape)


def pyramid_loss(
    measure: Measure, image: Floats, target: Floats, weight: Floats, settings: Loss
) -> tuple[float, Floats]:
    """A measure, averaged over the levels of a pyramid of masked means; and its derivative by the image.

    Levels end where a picture is one pixel wide or high.
    """
    height, width = image.shape[:2]
    value, gradient, levels = 0.0, np.zeros_like(image), 0
    inside = weight[..., None]
    for level in range(settings.pyramid_levels):
        h, w = max(1, -(-height >> level)), max(1, -(-width >> level))
        if level and min(height, width) >> level < 1:
            break
        share = shrink(weight, h, w)[..., None]
        scale = np.where(share > 0.0, 1.0 / np.where(share > 0.0, share, 1.0), 0.0)
        small = shrink(image * inside, h, w) * scale
        small_target = shrink(target * inside, h, w) * scale
        part, slope = measure(small, small_target, share / (share.sum() * image.shape[2]), settings)
        value += part
        gradient += shrink_adjoint(slope * scale, height, width) * inside
        levels += 1
    return value / levels, gradient / levels


def _srgb_slope(linear: Floats) -> Floats:
    power = 1.055 / 2.4 * np.maximum(linear, 0.0031308) ** (1.0 / 2.4 - 1.0)
    return np.where(linear <= 0.0031308, 12.92, power)
