"""JPEG pictures, read only: diffrt writes nothing lossy."""

import io

from diffrt.io.formats import image_reader
from diffrt.io.pixels import Image, broken, check_size
from diffrt.io.png import read_with_pillow


@image_reader(".jpg", ".jpeg")
def decode_jpeg(content: bytes, name: str, *, field: str, max_pixels: int) -> Image:
    """Decode to 0..1, sRGB-encoded, grey or RGB (CMYK is converted), upright as the EXIF orientation says."""
    if not content.startswith(b"\xff\xd8\xff"):
        raise broken(name, "not a JPEG picture", field=field)
    from PIL.JpegImagePlugin import JpegImageFile

    try:
        picture = JpegImageFile(io.BytesIO(content))  # reads the header only
    except Exception as error:  # as in png.py
        raise broken(name, f"the JPEG header is damaged or cut short ({error})", field=field) from None
    check_size(name, *picture.size, field=field, max_pixels=max_pixels)
    try:
        return Image(read_with_pillow(picture), "srgb")
    except Exception as error:
        raise broken(name, f"cannot be decoded as JPEG, it is damaged or cut short ({error})", field=field) from None
