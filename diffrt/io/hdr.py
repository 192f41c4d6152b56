"""Radiance HDR pictures: RGB mantissas of 8 bits with a shared exponent (Ward 1991, "Real Pixels")."""

import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffrt.errors import InputError, Problem
from diffrt.io.formats import image_reader, image_writer
from diffrt.io.pixels import Image, as_float32, broken, check_bits, check_size, without_nan
from diffrt.log import warn

_MIN_RUN = 4
_RUN_LENGTH_WIDTHS = range(8, 32768)


@image_reader(".hdr", ".pic", ".rgbe")
def decode_hdr(content: bytes, name: str, *, field: str, max_pixels: int) -> Image:
    """Decode a picture, run-length encoded (new or old) or flat: value = mantissa 2^(exponent - 136).

    A factor EXPOSURE in the header is not divided out, as in most other readers; a warning says so.
    """
    if not content.startswith((b"#?RADIANCE", b"#?RGBE")):
        raise broken(name, "not a Radiance HDR picture", field=field)
    header_end = content.find(b"\n\n", 0, 2**16)
    if header_end < 0:
        raise broken(name, "the header has no end", field=field)
    _check_header(content[:header_end].decode("latin-1"), name, field)
    line_end = content.find(b"\n", header_end + 2, header_end + 200)
    line = content[header_end + 2 : line_end].decode("latin-1") if line_end >= 0 else ""
    match = re.fullmatch(r"([+-])([XY]) +(\d+) +([+-])([XY]) +(\d+) *\r?", line)
    if match is None or match[2] == match[5]:
        raise broken(name, "the header does not give the size of the picture", field=field)
    rows, columns = int(match[3]), int(match[6])
    width, height = (columns, rows) if match[2] == "Y" else (rows, columns)
    check_size(name, width, height, field=field, max_pixels=max_pixels)

    rgbe = _read_scanlines(content, line_end + 1, rows, columns)
    if rgbe is None:
        raise broken(name, "the picture is cut short or damaged", field=field)
    # Rows are stored in the order of the first axis named; -Y goes down, +X to the right.
    if match[2] == "X":
        rgbe = rgbe.transpose(1, 0, 2)
    signs = {match[2]: match[1], match[5]: match[4]}
    rgbe = rgbe[:: 1 if signs["Y"] == "-" else -1, :: 1 if signs["X"] == "+" else -1]
    scale = np.ldexp(np.float32(1), rgbe[..., 3:].astype(np.int32) - 136)
    scale[rgbe[..., 3:] == 0] = 0
    return Image(np.ascontiguousarray(rgbe[..., :3] * scale), "linear")


def _check_header(header: str, name: str, field: str) -> None:
    form = re.search(r"^FORMAT *= *(\S+)", header, re.MULTILINE)
    if form and form[1] != "32-bit_rle_rgbe":
        raise InputError(Problem(field, f"{name} has the format {form[1]}", "32-bit_rle_rgbe"))
    for exposure in re.findall(r"^EXPOSURE *= *(\S+)", header, re.MULTILINE):
        if exposure.strip("0") not in ("1", "1."):
            warn(f"{name}: EXPOSURE={exposure} of the header is not applied")


def _read_scanlines(content: bytes, start: int, rows: int, columns: int) -> NDArray[np.uint8] | None:
    """The bytes of the pixels, (rows, columns, 4); None if they are cut short or damaged."""
    marker = bytes((2, 2, columns >> 8 & 255, columns & 255))
    if columns in _RUN_LENGTH_WIDTHS and content[start : start + 4] == marker:
        return _read_new_runs(content, start, rows, columns, marker)
    return _read_flat(content, start, rows * columns, (rows, columns, 4))


def _read_new_runs(content: bytes, at: int, rows: int, columns: int, marker: bytes) -> NDArray[np.uint8] | None:
    """Each row: a marker, then each of the four channels as runs (length + 128, byte) and literals (length, bytes)."""
    pieces = bytearray()
    try:
        for _ in range(rows):
            if content[at : at + 4] != marker:
                return None
            at += 4
            for _ in range(4):
                end = len(pieces) + columns
                while len(pieces) < end:
                    length = content[at]
                    if length > 128:
                        pieces += content[at + 1 : at + 2] * (length - 128)
                        at += 2
                    else:
                        pieces += content[at + 1 : at + 1 + length]
                        at += 1 + length
                        if length == 0:
                            return None
                if len(pieces) != end or at > len(content):
                    return None
    except IndexError:
        return None
    planes = np.frombuffer(pieces, np.uint8).reshape(rows, 4, columns)
    return np.ascontiguousarray(planes.transpose(0, 2, 1))


def _read_flat(content: bytes, start: int, count: int, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """Pixel after pixel; a pixel (1, 1, 1, n) repeats the one before n times, the next such one 256 n times, ..."""
    length = (len(content) - start) // 4
    pixels: NDArray[np.uint8] = np.frombuffer(content, np.uint8, 4 * length, start).reshape(-1, 4)
    repeats = np.all(pixels[:, :3] == 1, axis=1)
    if not repeats.any():
        return pixels[:count].reshape(shape) if length >= count else None
    index = np.arange(length)
    source = np.maximum.accumulate(np.where(repeats, -1, index))
    if source[0] < 0:
        return None
    order = np.clip(index - source - 1, 0, 3)  # how many repeat pixels stand before this one, since the source
    times = np.where(repeats, pixels[:, 3].astype(np.int64) << (8 * order), 1)
    ends = np.cumsum(times)
    if ends[-1] < count:
        return None
    last = int(np.searchsorted(ends, count))
    times = times[: last + 1]
    times[last] -= ends[last] - count
    repeated: NDArray[np.uint8] = pixels[np.repeat(source[: last + 1], times)]
    return repeated.reshape(shape)


@image_writer(".hdr")
def encode_hdr(array: NDArray[Any], *, metadata: dict[str, str] | None, bits: int | None, encoding: str) -> bytes:
    """Encode (H, W, 1 or 3). Negative numbers become 0, what is beyond the range of 1.7e38 becomes that.

    The largest channel of a pixel keeps a relative precision of 1/256, the others the same absolute one.
    """
    check_bits(bits, (32,), "HDR (8 bits a channel and 8 of exponent)")
    if array.shape[2] not in (1, 3):
        raise InputError(Problem("image", f"{array.shape[2]} channels for HDR", "1 or 3"))
    rgbe = _shared_exponent(without_nan(as_float32(array), "HDR"))
    lines = ["#?RADIANCE"]
    for key, value in (metadata or {}).items():
        lines.append(f"# {key}: {value}".replace("\n", " ").replace("\r", " "))
    height, width = array.shape[:2]
    lines += ["FORMAT=32-bit_rle_rgbe", "", f"-Y {height} +X {width}", ""]
    pixels = _write_new_runs(rgbe) if width in _RUN_LENGTH_WIDTHS else rgbe.tobytes()
    return "\n".join(lines).encode("utf-8") + pixels


def _shared_exponent(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(H, W, 1 or 3) to (H, W, 4) bytes, rounded to nearest."""
    limit = math.ldexp(255, 255 - 136)
    rgb = np.clip(values, 0, limit).astype(np.float64)
    largest = rgb.max(axis=2)
    exponent = np.frexp(largest)[1]  # largest = f 2^exponent with f in [0.5, 1)
    exponent += np.ldexp(largest, 8 - exponent) >= 255.5  # would round up to 256
    mantissas = np.rint(np.ldexp(rgb, (8 - exponent)[..., None]))
    stored = exponent + 128
    zero = (largest == 0) | (stored < 1)
    rgbe = np.empty((*values.shape[:2], 4), np.uint8)
    rgbe[..., :3] = np.where(zero[..., None], 0, mantissas)
    rgbe[..., 3] = np.where(zero, 0, stored)
    return rgbe


def _write_new_runs(rgbe: NDArray[np.uint8]) -> bytes:
    width = rgbe.shape[1]
    marker = bytes((2, 2, width >> 8, width & 255))
    planes = np.ascontiguousarray(rgbe.transpose(0, 2, 1))
    out = bytearray()
    for row in planes:
        out += marker
        for plane in row:
            _write_plane(plane, out)
    return bytes(out)


def _write_plane(plane: NDArray[np.uint8], out: bytearray) -> None:
    """Append one channel of one row: runs of at least `_MIN_RUN` equal bytes, literals between them."""
    starts = np.flatnonzero(np.concatenate(([True], plane[1:] != plane[:-1])))
    lengths = np.diff(starts, append=len(plane))
    long = lengths >= _MIN_RUN
    content = plane.tobytes()
    done = 0
    for start, length in [*zip(starts[long].tolist(), lengths[long].tolist(), strict=True), (len(content), 0)]:
        for at in range(done, start, 128):
            literal = content[at : min(at + 128, start)]
            out.append(len(literal))
            out += literal
        done = start + length
        while length > 0:
            piece = min(length, 127)
            out += bytes((128 + piece, content[start]))
            length -= piece
