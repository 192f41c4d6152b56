"""OpenEXR pictures of half or float numbers, with named layers and metadata in the header."""

import contextlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from numpy.typing import ArrayLike, NDArray

from diffrt.errors import InputError, Problem
from diffrt.io.files import read_bytes
from diffrt.io.formats import image_reader, image_writer
from diffrt.io.pixels import (
    MAX_PIXELS,
    Image,
    as_float32,
    as_half,
    broken,
    check_bits,
    check_size,
    pixel_array,
    save,
)

SIGNATURE = b"\x76\x2f\x31\x01"

# The layer whose channels carry no prefix, so that every viewer shows it.
MAIN_LAYER = "radiance"

# The channels of a layer in the order of the array; the first that fits names what is written.
_CHANNEL_ORDERS = ("Y", "YA", "RGB", "RGBA", "XYZ", "Z", "UV", "A", "XY", "XYZW")
_CHANNELS_WRITTEN = {1: "Y", 2: "YA", 3: "RGB", 4: "RGBA"}
_CHANNELS_OF_LAYER = {"normal": "XYZ", "position": "XYZ", "depth": "Z", "uv": "UV"}

_RESERVED = {
    *("channels", "compression", "dataWindow", "displayWindow", "lineOrder", "pixelAspectRatio", "preview"),
    *("screenWindowCenter", "screenWindowWidth", "tiles", "type", "version", "chunkCount", "maxSamplesPerPixel"),
    *("envmap", "chromaticities", "multiView", "deepImageState"),
}


def read_exr_layers(
    path: str | Path, *, field: str = "file", max_pixels: int = MAX_PIXELS
) -> dict[str, NDArray[np.float32]]:
    """Read every layer of an EXR file.

    The channels without a prefix are the layer "radiance", the others bear the layer's name: "normal.X". Single
    channels without a prefix that are no colour ("Z") are layers of their own. Further parts of a file count as layers
    named after the part. What is read is the data window; the display window is not looked at.

    Returns:
        name -> (H, W) for one channel, (H, W, C) for several, in the order RGBA, XYZ or UV; float32, linear,
        row 0 at the top.

    Raises:
        InputError: no such file, not an EXR file, damaged, too large, deep or subsampled.
    """
    path = Path(path)
    layers, _ = _decode(read_bytes(path, field=field), path.name, field, max_pixels)
    return layers


def read_exr_metadata(path: str | Path, *, field: str = "file") -> dict[str, str]:
    """The texts and numbers in the header of an EXR file (its first part), but for the standard attributes.

    Raises:
        InputError: no such file, or not an EXR file.
    """
    path = Path(path)
    headers = _read_headers(read_bytes(path, field=field), path.name, field)
    return {
        key: str(value)
        for key, value in headers[0].items()
        if key not in _RESERVED and isinstance(value, str | int | float)
    }


def write_exr(
    path: str | Path,
    layers: Mapping[str, ArrayLike],
    metadata: Mapping[str, str] | None = None,
    half: bool = False,
) -> None:
    """Write an EXR file, ZIP compressed, whole or not at all.

    Args:
        path: the file; missing folders are made.
        layers: name -> (H, W) or (H, W, C) with C from 1 to 4, all of one size, linear, row 0 at the top. "radiance"
            is stored as R, G, B (or Y), the others with their name in front: normal.X, depth.Z, albedo.R, mask.Y.
        metadata: texts for the header.
        half: store 16-bit floats, clamped to +-65504. Arrays of integers are stored as 32-bit floats all the same.

    Raises:
        InputError: arrays that are no pictures or differ in size, reserved metadata names, a folder that cannot be
            written to.
    """
    save(Path(path), _encode(layers, metadata or {}, half))


@image_reader(".exr")
def decode_exr(content: bytes, name: str, *, field: str, max_pixels: int) -> Image:
    """Decode the layer "radiance", or the only layer there is."""
    layers, _ = _decode(content, name, field, max_pixels)
    chosen = MAIN_LAYER if MAIN_LAYER in layers else next(iter(layers))
    if chosen != MAIN_LAYER and len(layers) > 1:
        found = f"{name} has no R, G, B channels but the layers {', '.join(sorted(layers))}"
        raise InputError(Problem(field, found, "R, G, B; Y; or a single layer"))
    data = layers[chosen]
    return Image(data if data.ndim == 3 else data[..., None], "linear")


@image_writer(".exr")
def encode_exr(array: NDArray[Any], *, metadata: dict[str, str] | None, bits: int | None, encoding: str) -> bytes:
    """Encode as the layer "radiance", with 32 bits or, clamped to +-65504, 16."""
    half = check_bits(bits, (32, 16), "EXR") == 16
    return _encode({MAIN_LAYER: array}, metadata or {}, half)


def _read_headers(content: bytes, name: str, field: str) -> list[dict[str, Any]]:
    if not content.startswith(SIGNATURE):
        raise broken(name, "not an OpenEXR picture", field=field)
    try:
        headers = [part.header for part in OpenEXR.File(io.BytesIO(content), header_only=True).parts]
    except Exception:  # the library raises many kinds, none of its own
        headers = []
    if not headers:
        raise broken(name, "the OpenEXR header is damaged or cut short", field=field)
    return headers


def _decode(
    content: bytes, name: str, field: str, max_pixels: int
) -> tuple[dict[str, NDArray[np.float32]], list[dict[str, Any]]]:
    headers = _read_headers(content, name, field)
    sizes = set()
    for header in headers:
        if header["type"] in (OpenEXR.Storage.deepscanline, OpenEXR.Storage.deeptile):
            raise InputError(Problem(field, f"{name} is a deep OpenEXR picture", "scan lines or tiles"))
        if any((channel.xSampling, channel.ySampling) != (1, 1) for channel in header["channels"]):
            raise InputError(Problem(field, f"{name} has subsampled channels", "channels of full resolution"))
        low, high = header["dataWindow"]
        sizes.add((int(high[0]) - int(low[0]) + 1, int(high[1]) - int(low[1]) + 1))
    if len(sizes) > 1:
        raise InputError(Problem(field, f"the parts of {name} differ in size: {sorted(sizes)}", "one size"))
    (width, height) = sizes.pop()
    count = sum(len(header["channels"]) for header in headers)
    check_size(name, width, height, field=field, max_pixels=max_pixels, channels=count)

    messages = io.StringIO()
    try:
        # The library prints its complaints and leaves out the parts it could not read.
        with contextlib.redirect_stdout(messages):
            parts = OpenEXR.File(io.BytesIO(content), separate_channels=True).parts
        channels: dict[str, NDArray[np.float32]] = {}
        for index, part in enumerate(parts):
            for channel_name, channel in part.channels.items():
                prefix = f"{part.name()}." if index > 0 else ""
                full_name = channel_name if channel_name.startswith(prefix) else prefix + channel_name
                channels[full_name] = as_float32(channel.pixels)
    except (RuntimeError, ValueError, TypeError, OSError):  # what the library raises of damaged pixels
        parts, channels = [], {}
    if len(parts) != len(headers) or not channels or {c.shape for c in channels.values()} != {(height, width)}:
        reason = messages.getvalue().strip().rpartition(" - ")[2]
        raise broken(name, f"the pixels are damaged or cut short{f' ({reason})' if reason else ''}", field=field)
    return _group(channels), headers


def _group(channels: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Channels by full name -> layers, each with its channels in order."""
    groups: dict[str, dict[str, NDArray[np.float32]]] = {}
    for full_name, pixels in channels.items():
        layer, _, suffix = full_name.rpartition(".")
        if not layer:
            layer = MAIN_LAYER if suffix.upper() in ("R", "G", "B", "A", "Y") else suffix
        groups.setdefault(layer, {})[suffix] = pixels
    layers = {}
    for layer, members in groups.items():
        by_letter = {suffix.upper(): pixels for suffix, pixels in members.items()}
        order = next((o for o in _CHANNEL_ORDERS if set(o) == set(by_letter) and len(members) == len(o)), None)
        arrays = [by_letter[letter] for letter in order] if order else [members[suffix] for suffix in sorted(members)]
        layers[layer] = arrays[0] if len(arrays) == 1 else np.stack(arrays, axis=-1)
    return layers


def _encode(layers: Mapping[str, ArrayLike], metadata: Mapping[str, str], half: bool) -> bytes:
    if not layers:
        raise InputError(Problem("layers", "nothing to write", "at least one layer"))
    channels: dict[str, Any] = {}
    sizes = {}
    for layer, array in layers.items():
        pixels = pixel_array(array, field=layer)
        sizes[layer] = pixels.shape[:2]
        letters = _CHANNELS_OF_LAYER.get(layer, "")
        if len(letters) != pixels.shape[2]:
            letters = _CHANNELS_WRITTEN[pixels.shape[2]]
        stored = as_half(pixels) if half and pixels.dtype.kind == "f" else as_float32(pixels)
        for index, letter in enumerate(letters):
            # The library ignores strides.
            name = letter if layer == MAIN_LAYER else f"{layer}.{letter}"
            channels[name] = np.ascontiguousarray(stored[..., index])
    if len(set(sizes.values())) > 1:
        found = ", ".join(f"{layer} {width} x {height}" for layer, (height, width) in sizes.items())
        raise InputError(Problem("layers", f"layers of several sizes: {found}", "one size"))
    header: dict[str, Any] = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    for key, value in metadata.items():
        if key in _RESERVED or not 1 <= len(key.encode()) <= 255:
            raise InputError(Problem("metadata", f"the key {key!r}", "a name of 1 to 255 bytes that EXR does not use"))
        header[key] = str(value)
    stream = io.BytesIO()
    OpenEXR.File(header, channels).write(stream)
    return stream.getvalue()
