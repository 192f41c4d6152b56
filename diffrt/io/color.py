"""The sRGB curve, luminance, and colours for signed numbers."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Luminance of linear RGB with BT.709 primaries and a D65 white.
LUMINANCE_WEIGHTS = (0.2126, 0.7152, 0.0722)

# From -1 to 1: blue, light blue, white, light red, red; sRGB values.
_SIGNED_STOPS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
_SIGNED_COLORS = np.array(
    [[0.02, 0.19, 0.55], [0.36, 0.63, 0.85], [0.97, 0.97, 0.97], [0.95, 0.55, 0.40], [0.55, 0.02, 0.14]]
)


def _floating(values: ArrayLike) -> NDArray[np.floating]:
    array = np.asarray(values)
    return array if np.issubdtype(array.dtype, np.floating) else array.astype(np.float64)


def srgb_to_linear(values: ArrayLike) -> NDArray[np.floating]:
    """Decode sRGB values, nominally 0..1, to linear light (IEC 61966-2-1).

    Args:
        values: any shape. Below 0 the curve goes on as a straight line, above 1 as the power law.

    Returns:
        The same shape; float32 stays float32, integers become float64.
    """
    values = _floating(values)
    power = ((np.maximum(values, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.where(values <= 0.04045, values / 12.92, power).astype(values.dtype, copy=False)


def linear_to_srgb(values: ArrayLike) -> NDArray[np.floating]:
    """Encode linear light with the sRGB curve (IEC 61966-2-1). It does not clip: see `display`.

    Args:
        values: any shape, nominally 0..1.

    Returns:
        The same shape; float32 stays float32, integers become float64.
    """
    values = _floating(values)
    power = 1.055 * np.maximum(values, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(values <= 0.0031308, values * 12.92, power).astype(values.dtype, copy=False)


def display(radiance: ArrayLike) -> NDArray[np.floating]:
    """What a screen shows of linear radiance: clipped to 0..1, then the sRGB curve. Same shape; values 0..1."""
    return linear_to_srgb(np.clip(_floating(radiance), 0, 1))


def luminance(rgb: ArrayLike) -> NDArray[np.floating]:
    """Luminance of linear RGB (BT.709): shape (..., 3) to (...), in the unit of the input."""
    rgb = _floating(rgb)
    return rgb @ np.asarray(LUMINANCE_WEIGHTS, dtype=rgb.dtype)


def signed_limit(values: ArrayLike) -> float:
    """The absolute value that gets the full colour: the 99.5th percentile, or the largest where that is 0; above 0.

    Args:
        values: (H, W), or (H, W, C), of which the mean over the channels is shown. Non-finite values do not count.
    """
    numbers = _floating(values).astype(np.float64)
    if numbers.ndim == 3:
        numbers = numbers.mean(axis=-1)
    sizes = np.abs(numbers[np.isfinite(numbers)])
    limit = float(np.percentile(sizes, 99.5)) if sizes.size else 0.0
    return limit or float(sizes.max(initial=0)) or 1.0


def signed_colors(values: ArrayLike, *, limit: float | None = None) -> NDArray[np.float32]:
    """Colours for signed numbers: negative blue, zero white, positive red.

    Args:
        values: (H, W), or (H, W, C), of which the mean over the channels is shown. Non-finite values turn black.
        limit: the absolute value that gets the full colour; None: `signed_limit`.

    Returns:
        (H, W, 3), sRGB-encoded values in 0..1, ready for a PNG (`encoding="srgb"` of `write_image`).
    """
    numbers = _floating(values).astype(np.float64)
    if numbers.ndim == 3:
        numbers = numbers.mean(axis=-1)
    finite = np.isfinite(numbers)
    if limit is None:
        limit = signed_limit(numbers)
    scaled = np.where(finite, numbers, 0) / (limit if limit > 0 else 1.0)
    colors = np.stack([np.interp(scaled, _SIGNED_STOPS, channel) for channel in _SIGNED_COLORS.T], axis=-1)
    colors[~finite] = 0
    return colors.astype(np.float32)
