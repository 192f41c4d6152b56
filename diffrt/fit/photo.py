"""What a picture says of radiance: decoded to linear values, with its mask and its saturated pixels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffrt.description.validate import file_problem
from diffrt.errors import InputError, Problem
from diffrt.io.color import srgb_to_linear
from diffrt.io.images import read_image
from diffrt.io.pixels import Image, pixel_array

_SATURATED = 254.0 / 255.0
"""From here on a pixel of 8 or 16 bits may have been brighter than it says; JPEG moves white by a step."""


@dataclass(frozen=True)
class Photo:
    """A decoded picture.

    Attributes:
        color: (H, W, 3), linear.
        alpha: (H, W) in [0, 1], or None.
        clipped: (H, W, 3), where the value is a lower bound only; None for formats that do not clip.
    """

    color: NDArray[np.float32]
    alpha: NDArray[np.float64] | None
    clipped: NDArray[np.bool_] | None


def read_photo(source: str | np.ndarray, base_dir: Path, field: str) -> Photo:
    """Decode a file or an array: 8 and 16 bits are sRGB, upright by their EXIF orientation; all else is linear.

    Args:
        source: a file, relative to `base_dir`, or an array (H, W) or (H, W, C).
        field: what messages call it.

    Raises:
        InputError: no such file, broken, or numbers that are not finite.
    """
    if isinstance(source, np.ndarray):
        pixels = pixel_array(source, field=field)
        whole = pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 2
        scale = 1.0 / np.iinfo(pixels.dtype).max if whole else 1.0
        image = Image((pixels * scale).astype(np.float32), "srgb" if whole else "linear")
        if not np.isfinite(image.data).all():
            bad = int((~np.isfinite(image.data)).sum())
            raise InputError(Problem(field, f"{bad} numbers not finite", "finite numbers"))
    else:
        problem = file_problem(base_dir / source, field, repr(source))
        if problem is not None:
            raise InputError(problem)
        image = read_image(base_dir / source, field=field, finite=True)
    stored = np.repeat(image.color, 3, axis=2) if image.color.shape[2] == 1 else image.color
    encoded = image.encoding == "srgb"
    color = (srgb_to_linear(stored) if encoded else stored).astype(np.float32)
    alpha = None if image.alpha is None else np.clip(image.alpha.astype(np.float64), 0.0, 1.0)
    return Photo(color, alpha, stored >= _SATURATED if encoded else None)


def read_mask(source: str | np.ndarray, base_dir: Path, field: str) -> NDArray[np.float64]:
    """A mask (H, W) in [0, 1]: the alpha of a picture that has one, else the mean of its channels as they are stored.

    Raises:
        InputError: as `read_photo`; or numbers outside [0, 1].
    """
    if isinstance(source, np.ndarray) and source.dtype == bool:
        return source.astype(np.float64)
    if isinstance(source, np.ndarray):
        pixels = pixel_array(source, field=field)
        data: NDArray[Any] = pixels / (np.iinfo(pixels.dtype).max if pixels.dtype.kind in "iu" else 1.0)
    else:
        problem = file_problem(base_dir / source, field, repr(source))
        if problem is not None:
            raise InputError(problem)
        data = read_image(base_dir / source, field=field, finite=True).data
    channels = data.shape[2]
    mask: NDArray[np.float64] = np.asarray(data[..., -1] if channels in (2, 4) else data.mean(axis=2), np.float64)
    if not np.isfinite(mask).all() or mask.min() < 0.0 or mask.max() > 1.0:
        raise InputError(Problem(field, "numbers outside of 0 to 1", "a mask: 0 where nothing counts, 1 where it does"))
    return mask
