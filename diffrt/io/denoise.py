"""Denoising of renders with Open Image Denoise, through the optional package pyoidn."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diffrt.errors import InputError, MissingExtraError, Problem


def denoise(
    radiance: ArrayLike, albedo: ArrayLike | None = None, normal: ArrayLike | None = None
) -> NDArray[np.float32]:
    """Remove Monte Carlo noise from a render, on the CPU. Biased: it blurs what it takes for noise.

    Args:
        radiance: (H, W, 3), linear, not negative (negative values count as 0).
        albedo: (H, W, 3), 0..1, of the first hit; it keeps texture from being blurred. May be noisy.
        normal: (H, W, 3), unit vectors or zero where nothing was hit, -1..1. Only together with `albedo`.

    Returns:
        (H, W, 3) float32, linear radiance.

    Raises:
        MissingExtraError: pyoidn is not installed.
        InputError: shapes that do not fit, non-finite values, a normal without an albedo.
    """
    color = _picture(radiance, "radiance", None, 0, np.inf)
    if normal is not None and albedo is None:
        raise InputError(Problem("normal", "given without an albedo", "an albedo, or an albedo and a normal"))
    guides = {}
    if albedo is not None:
        guides["albedo"] = _picture(albedo, "albedo", color.shape, 0, 1)
    if normal is not None:
        guides["normal"] = _picture(normal, "normal", color.shape, -1, 1)
    try:
        from pyoidn import denoise as run
    except (ImportError, OSError):  # OSError: the library inside cannot be loaded on this machine
        raise MissingExtraError("denoising", "pyoidn 2.5.1 or newer", "denoise") from None
    return np.asarray(run(color, **guides, hdr=True), dtype=np.float32)


def _picture(
    array: ArrayLike, field: str, shape: tuple[int, ...] | None, low: float, high: float
) -> NDArray[np.float32]:
    """The array as clipped float32 of its own, (H, W, 3) and of the given shape."""
    picture = np.asarray(array, dtype=np.float32)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.size == 0 or shape not in (None, picture.shape):
        raise InputError(Problem(field, f"an array of shape {picture.shape}", str(shape or "(H, W, 3)")))
    if not np.isfinite(picture).all():
        count = np.count_nonzero(~np.isfinite(picture).all(axis=2))
        raise InputError(Problem(field, f"{count} pixels are NaN or infinite", "finite numbers"))
    return np.ascontiguousarray(np.clip(picture, low, high))
