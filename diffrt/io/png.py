"""PNG pictures: 8 bits through Pillow, 16 through pypng (Pillow would cut colours down to 8); one encoder for both."""

import io
import struct
import warnings
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import png
from numpy.typing import NDArray

from diffrt.errors import InputError, Problem
from diffrt.io.color import linear_to_srgb
from diffrt.io.formats import image_reader, image_writer
from diffrt.io.pixels import Image, broken, check_bits, check_size, without_nan

if TYPE_CHECKING:
    import PIL.Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


@image_reader(".png")
def decode_png(content: bytes, name: str, *, field: str, max_pixels: int) -> Image:
    """Decode to 0..1, sRGB-encoded. A palette becomes RGB, a transparent colour an alpha channel."""
    if not content.startswith(SIGNATURE) or content[12:16] != b"IHDR" or len(content) < 33:
        raise broken(name, "not a PNG picture, or cut short", field=field)
    width, height, depth = struct.unpack(">IIB", content[16:25])
    check_size(name, width, height, field=field, max_pixels=max_pixels)
    from PIL.PngImagePlugin import PngImageFile

    try:
        data = _read_16_bits(content) if depth == 16 else read_with_pillow(PngImageFile(io.BytesIO(content)))
    except Exception as error:  # of damaged data the decoders raise more kinds than can be named
        raise broken(name, f"cannot be decoded as PNG, it is damaged or cut short ({error})", field=field) from None
    return Image(data, "srgb")


def _read_16_bits(content: bytes) -> NDArray[np.float32]:
    width, height, rows, info = png.Reader(bytes=content).asDirect()
    data = np.empty((height, width * info["planes"]), np.float32)
    count = 0
    for count, row in enumerate(rows, start=1):
        data[count - 1] = row
    if count != height:
        raise ValueError("rows are missing")
    data *= np.float32(1 / (2 ** info["bitdepth"] - 1))
    return data.reshape(height, width, -1)


def read_with_pillow(image: "PIL.Image.Image") -> NDArray[np.float32]:
    """The pixels of a picture of 8 bits, upright as its EXIF orientation says, (H, W, C) in 0..1."""
    import PIL.ImageOps

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image.load()
        image = PIL.ImageOps.exif_transpose(image)
        grey = image.mode in ("1", "L", "LA", "La", "I", "F") or image.mode.startswith("I;")
        alpha = "A" if image.has_transparency_data else ""
        data = np.asarray(image.convert(("L" if grey else "RGB") + alpha))
    return (data.reshape(*data.shape[:2], -1) * np.float32(1 / 255)).astype(np.float32, copy=False)


@image_writer(".png")
def encode_png(array: NDArray[Any], *, metadata: dict[str, str] | None, bits: int | None, encoding: str) -> bytes:
    """Encode with 8 or 16 bits.

    Args:
        array: (H, W, C), alpha last for 2 or 4 channels. Floats are clipped to 0..1; integers of exactly `bits` bits
            are stored as they are.
        metadata: keyword (1 to 79 Latin-1 characters) to text.
        encoding: what float colours are: "linear", to which the sRGB curve is applied, or "srgb", stored as they are.
    """
    depth = check_bits(bits, (8, 16), "PNG")
    stored = np.dtype(np.uint8 if depth == 8 else np.uint16)
    if array.dtype.kind in "iu":
        if array.dtype != stored:
            allowed = f"floats, or {stored} that is already encoded"
            raise InputError(Problem("image", f"{array.dtype} for a PNG of {depth} bits", allowed))
        pixels = array
    else:
        values = np.clip(without_nan(array, "PNG").astype(np.float64), 0, 1)
        if encoding == "linear":
            colors = array.shape[2] - (array.shape[2] in (2, 4))
            values[..., :colors] = linear_to_srgb(values[..., :colors])
        pixels = np.rint(values * (2**depth - 1)).astype(stored)
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, depth, _COLOR_TYPES[channels], 0, 0, 0)
    rows = np.ascontiguousarray(pixels, dtype=stored.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    chunks = [(b"IHDR", header)]
    if array.dtype.kind == "f" and channels >= 3:
        chunks.append((b"sRGB", b"\0"))
    for key, text in (metadata or {}).items():
        chunks.append((b"iTXt", _keyword(key) + b"\0\0\0\0\0" + str(text).replace("\0", " ").encode("utf-8")))
    chunks.append((b"IDAT", zlib.compress(_filter_rows(rows, channels * depth // 8), 6)))
    chunks.append((b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(kind, content) for kind, content in chunks)


def _keyword(key: str) -> bytes:
    keyword = key.strip().encode("latin-1", "replace")
    if not 1 <= len(keyword) <= 79 or b"\0" in keyword:
        raise InputError(Problem("metadata", f"the key {key!r}", "1 to 79 characters"))
    return keyword


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _filter_rows(rows: NDArray[np.uint8], step: int) -> bytes:
    """Rows of bytes, each as its difference from a prediction, with the number of the filter in front.

    Of the filters none, Sub, Up and Average each row takes the one with the smallest sum of absolute differences
    (PNG specification, 12.8). `step` is the number of bytes of a pixel.
    """
    left, above = np.zeros_like(rows), np.zeros_like(rows)
    left[:, step:] = rows[:, :-step]
    above[1:] = rows[:-1]
    average = ((left.astype(np.uint16) + above) // 2).astype(np.uint8)
    best = np.concatenate([np.zeros((len(rows), 1), np.uint8), rows], axis=1)
    cost = np.abs(rows.view(np.int8).astype(np.int16)).sum(axis=1, dtype=np.int64)
    for number, prediction in ((1, left), (2, above), (3, average)):
        difference = rows - prediction
        this_cost = np.abs(difference.view(np.int8).astype(np.int16)).sum(axis=1, dtype=np.int64)
        better = this_cost < cost
        best[better, 0] = number
        best[better, 1:] = difference[better]
        cost = np.minimum(cost, this_cost)
    return best.tobytes()
