"""Reading and writing image files of any known format: the extension decides.

EXR, HDR and NPY hold linear radiance; PNG and JPEG hold sRGB. Each format has its own module, registered in formats.py.
"""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from diffrt.errors import InputError, Problem
from diffrt.io.exr import read_exr_layers, read_exr_metadata, write_exr
from diffrt.io.files import read_bytes
from diffrt.io.formats import lookup
from diffrt.io.pixels import MAX_PIXELS, Encoding, Image, broken, pixel_array, save

__all__ = [
    "MAX_PIXELS",
    "Encoding",
    "Image",
    "decode_image",
    "read_exr_layers",
    "read_exr_metadata",
    "read_image",
    "write_exr",
    "write_image",
]

_SIGNATURES = {
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"\x76\x2f\x31\x01": ".exr",
    b"#?RADIANCE": ".hdr",
    b"#?RGBE": ".hdr",
    b"\x93NUMPY": ".npy",
}


def read_image(path: str | Path, *, field: str = "file", max_pixels: int = MAX_PIXELS, finite: bool = False) -> Image:
    """Read .exr, .hdr, .npy (linear), .png (8 or 16 bits) or .jpg (sRGB).

    Args:
        path: the file.
        field: what the messages call it, e.g. `textures.wood.file`.
        max_pixels: refuse larger pictures, before decoding them.
        finite: refuse NaN and infinite numbers, as textures and environments must.

    Returns:
        The image: (H, W, C) float32, row 0 at the top, C from 1 to 4, alpha last for 2 and 4. 8 and 16 bits are scaled
        to 0..1 and *not* decoded: `encoding` says whether `srgb_to_linear` is still to be applied to the colours.

    Raises:
        InputError: no such file, an unknown format, broken content, too many pixels, non-finite numbers.
    """
    path = Path(path)
    lookup("image reader", path, field=field)
    content = read_bytes(path, field=field)
    return decode_image(
        content, path.name, field=field, max_pixels=max_pixels, finite=finite, extension=path.suffix.lower()
    )


def decode_image(
    content: bytes,
    name: str,
    *,
    field: str = "file",
    max_pixels: int = MAX_PIXELS,
    finite: bool = False,
    extension: str | None = None,
) -> Image:
    """Decode the content of an image file, such as one embedded in a glTF file; as `read_image` otherwise.

    Args:
        content: the bytes of the file.
        name: what the messages call it.
        extension: ".png", ... if the format is known; None: it is told from the first bytes.

    Raises:
        InputError: an unknown format, broken content, too many pixels, non-finite numbers.
    """
    found = next((suffix for start, suffix in _SIGNATURES.items() if content.startswith(start)), None)
    if not content:
        raise broken(name, "the file is empty", field=field)
    if extension is None and found is None:
        raise broken(name, "not a picture of a known format", field=field)
    decode = lookup("image reader", Path(name + (extension or found or "")), field=field)
    if found is not None and decode is not lookup("image reader", Path(name + found), field=field):
        raise InputError(Problem(field, f"{name} holds a picture of another format", hint=f"rename it to {found}"))
    image: Image = decode(content, name, field=field, max_pixels=max_pixels)
    if finite and not np.isfinite(image.data).all():
        bad = ~np.isfinite(image.data).all(axis=2)
        row, column = np.argwhere(bad)[0]
        where = f"{np.count_nonzero(bad)} pixels of {name} are NaN or infinite, the first in row {row}, column {column}"
        raise InputError(Problem(field, where, "finite numbers"))
    return image


def write_image(
    path: str | Path,
    array: ArrayLike,
    *,
    metadata: dict[str, str] | None = None,
    bits: int | None = None,
    encoding: Encoding = "linear",
) -> None:
    """Write a picture, whole or not at all, in the format of the extension: .exr, .hdr, .png, .npy.

    Args:
        path: the file; missing folders are made.
        array: (H, W) or (H, W, C), C from 1 to 4 with alpha last for 2 and 4, row 0 at the top. Linear radiance,
            unless `encoding` says otherwise.
        metadata: name -> text for the header (EXR, HDR, PNG; NPY has no place for it).
        bits: a channel: EXR 32 (default) or 16, clamped to +-65504; PNG 8 (default) or 16; NPY 32 (default) or 16;
            HDR has one precision.
        encoding: what the colours are. PNG applies the sRGB curve to "linear" and clips to 0..1; "srgb" is stored as
            it is (also for masks and normal maps). Integers of exactly `bits` bits are stored in a PNG as they are. The
            other formats store the numbers as they come.

    Raises:
        InputError: an unknown format, an array that is no picture, bits the format does not have, a folder that
            cannot be written to.
    """
    path = Path(path)
    encode = lookup("image writer", path, field="output")
    save(path, encode(pixel_array(array), metadata=metadata, bits=bits, encoding=encoding))
