"""What every image format shares: the decoded image, the limit on its size, checks of what is to be written."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diffrt.errors import InputError, Problem
from diffrt.io.files import write_bytes
from diffrt.log import warn

Encoding = Literal["srgb", "linear"]

# 2**27 pixels are 16384 x 8192, an environment map of 16k; in float32 RGB it takes 1.6 GB.
MAX_PIXELS = 2**27
HALF_MAX = 65504.0


@dataclass
class Image:
    """A decoded image.

    Attributes:
        data: (H, W, C) float32, row 0 at the top. C: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        encoding: "srgb" or "linear", what the colour channels hold. Alpha is always linear, 0..1.
    """

    data: NDArray[np.float32]
    encoding: Encoding

    @property
    def color(self) -> NDArray[np.float32]:
        """The channels but alpha: (H, W, 1) or (H, W, 3)."""
        return self.data[..., : self.data.shape[2] - self.has_alpha]

    @property
    def alpha(self) -> NDArray[np.float32] | None:
        """(H, W), or None if there is no such channel."""
        return self.data[..., -1] if self.has_alpha else None

    @property
    def has_alpha(self) -> bool:
        return self.data.shape[2] in (2, 4)


def check_size(name: str, width: int, height: int, *, field: str, max_pixels: int, channels: int = 1) -> None:
    """Refuse, before its pixels are decoded, an image that is empty or too large.

    Raises:
        InputError: naming the size found and the one allowed.
    """
    if width < 1 or height < 1:
        raise InputError(Problem(field, f"{name} is {width} x {height} pixels", "at least 1 x 1"))
    if width * height > max_pixels:
        found = f"{name} is {width} x {height} = {width * height} pixels"
        raise InputError(Problem(field, found, f"at most {max_pixels} pixels"))
    if width * height * channels > 16 * max_pixels:
        found = f"{name} is {width} x {height} pixels of {channels} channels"
        raise InputError(Problem(field, found, f"at most {16 * max_pixels} numbers"))


def broken(name: str, what: str, *, field: str) -> InputError:
    """The error about content that cannot be decoded, to be raised by the caller."""
    return InputError(Problem(field, f"{name}: {what}"))


def pixel_array(array: ArrayLike, *, field: str = "image") -> NDArray[Any]:
    """Check an array that is to be written as an image and give it three axes.

    Args:
        array: (H, W) or (H, W, C) with C from 1 to 4, of real numbers or booleans.

    Returns:
        (H, W, C), of the same numbers (booleans as float32 0 and 1).

    Raises:
        InputError: another shape or kind of number.
    """
    pixels = np.asarray(array)
    if pixels.dtype.kind == "b":
        pixels = pixels.astype(np.float32)
    if pixels.dtype.kind not in "fiu":
        raise InputError(Problem(field, f"an array of {pixels.dtype}", "real numbers"))
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or not 1 <= pixels.shape[2] <= 4 or pixels.size == 0:
        allowed = "(H, W) or (H, W, C) with 1 to 4 channels, not empty"
        raise InputError(Problem(field, f"an array of shape {np.shape(array)}", allowed))
    return pixels


def as_float32(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """The same numbers as float32; what is beyond its range becomes infinite, silently."""
    with np.errstate(over="ignore"):
        return pixels.astype(np.float32, copy=False)


def as_half(pixels: NDArray[Any]) -> NDArray[np.float16]:
    """Half floats, clamped to their range of +-65504 so that no finite or infinite number becomes inf. NaN stays."""
    clamped: NDArray[Any] = np.clip(pixels, -HALF_MAX, HALF_MAX)
    return clamped.astype(np.float16)


def without_nan(pixels: NDArray[Any], what: str) -> NDArray[Any]:
    """Zero in place of NaN, with a warning, for formats that cannot hold it."""
    nan = np.isnan(pixels)
    if nan.any():
        warn(f"{np.count_nonzero(nan)} NaN values are written as 0: {what} cannot hold them")
        pixels = np.where(nan, 0, pixels)
    return pixels


def check_bits(bits: int | None, allowed: tuple[int, ...], what: str) -> int:
    """The number of bits asked for, or the first of those allowed.

    Raises:
        InputError: it is not one of those allowed.
    """
    if bits is None:
        return allowed[0]
    if bits not in allowed:
        raise InputError(Problem("bits", f"{bits} bits for {what}", ", ".join(map(str, allowed))))
    return bits


def save(path: Path, content: bytes, *, field: str = "output") -> None:
    """Write a file whole or not at all; missing folders are made.

    Raises:
        InputError: the folder cannot be made or written to; no temporary file stays behind.
    """
    try:
        write_bytes(path, content)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(Problem(field, f"cannot write {path}: {reason}")) from None
