"""Images as texture values: float32, linear, channels apart."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diffrt.io.color import srgb_to_linear
from diffrt.io.images import read_image

Pixels = NDArray[np.float32]


def read_linear(path: Path, *, field: str, as_color: bool) -> Pixels:
    """An image file as linear values (H, W, C): decoded from sRGB if it is a colour kept in sRGB; alpha never is.

    Raises:
        InputError: as `read_image`, and for numbers that are not finite.
    """
    image = read_image(path, field=field, finite=True)
    return to_linear(image.data) if as_color and image.encoding == "srgb" else image.data


def to_linear(pixels: Pixels) -> Pixels:
    """sRGB (H, W, C) to linear; alpha, the last of 2 or 4 channels, stays."""
    result = np.array(pixels, dtype=np.float32)
    colors = result.shape[2] - (result.shape[2] in (2, 4))
    result[:, :, :colors] = srgb_to_linear(result[:, :, :colors])
    return result


def rgb(pixels: Pixels) -> Pixels:
    """(H, W, 3) of 1 to 4 channels; grey is repeated, alpha left out."""
    return pixels[:, :, :3] if pixels.shape[2] >= 3 else np.repeat(pixels[:, :, :1], 3, axis=2)


def alpha(pixels: Pixels) -> Pixels | None:
    """(H, W, 1), or None if the image has no alpha."""
    return pixels[:, :, -1:] if pixels.shape[2] in (2, 4) else None
