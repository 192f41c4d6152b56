"""Image files and image bytes as texture values: float32, linear."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from diffrt.errors import InputError, Problem
from diffrt.io.color import srgb_to_linear
from diffrt.io.images import read_image

Pixels = NDArray[np.float32]
MAX_PIXELS = 2**27
_MODES = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "RGB": "RGB", "RGBA": "RGBA", "RGBa": "RGBA", "PA": "RGBA"}


def decode_image(data: bytes, *, field: str) -> Pixels:
    """The pixels of an image that is embedded in another file: (H, W, C) float32 in 0..1, not decoded from sRGB.

    C is 1 or 3, and 2 or 4 with alpha last. Row 0 is the top.

    Raises:
        InputError: not an image that Pillow reads, broken, or of more than 2**27 pixels (seen before decoding).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
            image: Any = Pillow.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP"))
        if image.width * image.height > MAX_PIXELS:
            found = f"an image of {image.width} x {image.height} pixels"
            raise InputError(Problem(field, found, f"at most {MAX_PIXELS} pixels"))
        if image.mode.startswith("I"):  # 16 bits
            return (np.asarray(image, dtype=np.float32) / 65535.0).clip(0.0, 1.0)[:, :, None]
        if image.mode == "P":
            image = image.convert("RGBA" if "transparency" in image.info else "RGB")
        image = image.convert(_MODES.get(image.mode, "RGB"))
        pixels = np.asarray(image, dtype=np.float32) / 255.0
    except InputError:
        raise
    except Exception as error:  # Pillow's readers raise almost anything on broken input
        raise InputError(Problem(field, f"cannot be decoded as an image ({error})", "PNG, JPEG, WebP")) from None
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def read_linear(path: Path, *, field: str, as_color: bool) -> Pixels:
    """An image file as linear values (H, W, C): decoded from sRGB if it is a colour kept in sRGB; alpha never is."""
    image = read_image(path, field=field)
    if as_color and image.encoding == "srgb":
        return to_linear(image.data)
    return np.asarray(image.data, dtype=np.float32)


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
