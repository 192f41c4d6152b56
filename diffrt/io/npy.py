"""NumPy array files as images: (H, W) or (H, W, C), linear, row 0 at the top."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffrt.errors import InputError, Problem
from diffrt.io.formats import image_reader, image_writer
from diffrt.io.pixels import Image, as_float32, as_half, broken, check_bits, check_size


@image_reader(".npy")
def decode_npy(content: bytes, name: str, *, field: str, max_pixels: int) -> Image:
    """Decode an array of floats or booleans. Integers are refused: nothing says what their full scale is."""
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(stream)
    except Exception:  # of a damaged header NumPy raises many kinds, among them those of Python's tokenizer
        raise broken(name, "not a NumPy array file", field=field) from None
    if dtype.kind not in "fb" or dtype.itemsize > 8:
        raise InputError(Problem(field, f"{name} holds {dtype}", "float16, float32, float64 or bool, linear values"))
    if len(shape) not in (2, 3) or (len(shape) == 3 and not 1 <= shape[2] <= 4):
        allowed = "(H, W) or (H, W, C) with 1 to 4 channels"
        raise InputError(Problem(field, f"{name} holds an array of shape {shape}", allowed))
    check_size(name, shape[1], shape[0], field=field, max_pixels=max_pixels)
    try:
        data = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError):
        raise broken(name, "the array is cut short", field=field) from None
    data = as_float32(data)
    return Image(np.ascontiguousarray(data if data.ndim == 3 else data[..., None]), "linear")


@image_writer(".npy")
def encode_npy(array: NDArray[Any], *, metadata: dict[str, str] | None, bits: int | None, encoding: str) -> bytes:
    """Encode as float32, or as float16 clamped to +-65504 for 16 bits. There is no place for metadata."""
    half = check_bits(bits, (32, 16), "NPY") == 16
    stream = io.BytesIO()
    np.lib.format.write_array(stream, as_half(array) if half else as_float32(array), allow_pickle=False)
    return stream.getvalue()
