"""How far two images lie apart: errors of the radiance, and metrics of what a screen shows of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diffrt.errors import InputError, Problem
from diffrt.io.color import display, signed_colors, srgb_to_linear
from diffrt.io.images import read_image
from diffrt.io.pixels import Image, pixel_array

Picture = str | Path | Image | ArrayLike


@dataclass(frozen=True)
class Comparison:
    """Metrics of an image against a reference, over all pixels and colour channels.

    The first three are of linear radiance, the others of what a screen shows: clipped to 0..1, sRGB-encoded.

    Attributes:
        mean_difference: mean(image - reference), in units of radiance.
        mae: mean absolute error, in units of radiance.
        rmse: root of the mean squared error, in units of radiance.
        psnr: peak signal-to-noise ratio in dB, for a peak of 1; infinite for images that look the same.
        ssim: structural similarity (Wang et al. 2004), -1..1, 1 for images that look the same.
        flip: mean of the FLIP error map (Andersson et al. 2020), 0..1; None if flip-evaluator is not installed.
    """

    mean_difference: float
    mae: float
    rmse: float
    psnr: float
    ssim: float
    flip: float | None


def compare(image: Picture, reference: Picture) -> Comparison:
    """Compare an image with a reference.

    Args:
        image: a file, or an array (H, W) or (H, W, C). Floats are linear; 8 and 16 bits are sRGB and are decoded.
            Alpha is left out. A grey image is compared with a colour one as if it had three equal channels.
        reference: likewise, of the same width and height.

    Raises:
        InputError: files that cannot be read, sizes that differ, NaN or infinite values.
    """
    a, b = _pair(image, reference)
    difference = a - b
    seen_a, seen_b = display(a), display(b)
    mean_square = float(np.mean((seen_a - seen_b) ** 2))
    return Comparison(
        mean_difference=float(np.mean(difference)),
        mae=float(np.mean(np.abs(difference))),
        rmse=float(np.sqrt(np.mean(difference**2))),
        psnr=float("inf") if mean_square == 0 else float(-10 * np.log10(mean_square)),
        ssim=ssim(seen_a, seen_b),
        flip=flip(seen_a, seen_b),
    )


def difference_image(image: Picture, reference: Picture, *, limit: float | None = None) -> NDArray[np.float32]:
    """A picture of image - reference, averaged over the channels: blue where it is darker, red where it is brighter.

    Args:
        image: as in `compare`.
        reference: as in `compare`.
        limit: the difference of radiance that gets the full colour; None: the 99.5th percentile.

    Returns:
        (H, W, 3) in 0..1, sRGB-encoded: `write_image("difference.png", picture, encoding="srgb")`.

    Raises:
        InputError: as `compare`.
    """
    a, b = _pair(image, reference)
    return signed_colors(a - b, limit=limit)


def ssim(image: ArrayLike, reference: ArrayLike) -> float:
    """Structural similarity: Z. Wang, A. Bovik, H. Sheikh, E. Simoncelli, "Image Quality Assessment: From Error
    Visibility to Structural Similarity", 2004. Gaussian window of 11 x 11 with sigma 1.5, K1 = 0.01, K2 = 0.03.

    Args:
        image: (H, W) or (H, W, C), values 0..1, as seen on a screen.
        reference: the same shape.

    Returns:
        The mean over channels and over the pixels whose window lies inside; over all, mirrored at the border, if the
        image is smaller than a window.
    """
    from scipy.ndimage import gaussian_filter  # late: it takes a while to load

    a, b = np.asarray(image, np.float64), np.asarray(reference, np.float64)
    c1, c2 = 0.01**2, 0.03**2

    def smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
        filtered: NDArray[np.float64] = gaussian_filter(values, 1.5, radius=5, axes=(0, 1))
        return filtered

    mean_a, mean_b = smooth(a), smooth(b)
    variance_a, variance_b = smooth(a * a) - mean_a**2, smooth(b * b) - mean_b**2
    covariance = smooth(a * b) - mean_a * mean_b
    similarity = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    similarity /= (mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)
    if min(a.shape[:2]) >= 11:
        similarity = similarity[5:-5, 5:-5]
    return float(similarity.mean())


def flip(image: ArrayLike, reference: ArrayLike) -> float | None:
    """Mean FLIP error (Andersson et al. 2020) at 67 pixels per degree; None if flip-evaluator is not installed.

    Args:
        image: (H, W, 1 or 3), values 0..1, sRGB-encoded.
        reference: the same shape.
    """
    try:
        import flip_evaluator
    except ImportError:
        return None
    a, b = (
        np.ascontiguousarray(np.broadcast_to(picture, (*np.shape(picture)[:2], 3)), dtype=np.float32)
        for picture in (image, reference)
    )
    _, mean, _ = flip_evaluator.evaluate(b, a, "LDR", inputsRGB=True, applyMagma=False, computeMeanError=True)
    return float(mean)


def _pair(image: Picture, reference: Picture) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both as linear float64 of one shape (H, W, 1 or 3)."""
    a, b = _linear(image, "image"), _linear(reference, "reference")
    if a.shape[:2] != b.shape[:2]:
        size_a, size_b = f"{a.shape[1]} x {a.shape[0]}", f"{b.shape[1]} x {b.shape[0]}"
        raise InputError(Problem("image", f"{size_a} pixels, the reference {size_b}", "images of one size"))
    channels = max(a.shape[2], b.shape[2])
    shape = (*a.shape[:2], channels)
    return np.broadcast_to(a, shape), np.broadcast_to(b, shape)


def _linear(picture: Picture, field: str) -> NDArray[np.float64]:
    if isinstance(picture, str | Path):
        picture = read_image(picture, field=field)
    if not isinstance(picture, Image):
        array = np.asarray(picture)
        encoded = array.dtype in (np.uint8, np.uint16)
        scale = 1 / np.iinfo(array.dtype).max if encoded else 1
        data = pixel_array(array, field=field).astype(np.float64) * scale
        colors = data[..., : data.shape[2] - (data.shape[2] in (2, 4))]
    else:
        encoded = picture.encoding == "srgb"
        colors = picture.color.astype(np.float64)
    if not np.isfinite(colors).all():
        count = np.count_nonzero(~np.isfinite(colors).all(axis=2))
        raise InputError(Problem(field, f"{count} pixels are NaN or infinite", "finite numbers"))
    return srgb_to_linear(colors).astype(np.float64) if encoded else colors
