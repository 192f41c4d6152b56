"""What a view knows besides its picture: depth, normals and other buffers, from files or arrays."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffrt.description.validate import file_problem
from diffrt.errors import InputError, Problem
from diffrt.io.exr import MAIN_LAYER, read_exr_layers
from diffrt.io.images import read_image
from diffrt.io.pixels import pixel_array
from diffrt.render.rendering import CHANNELS


def read_buffer(name: str, source: str | np.ndarray, base_dir: Path, field: str) -> NDArray[np.float32]:
    """Numbers as `render_buffers` gives them: (H, W) or (H, W, C), zero where nothing is met.

    Args:
        source: an array; or a file, .exr, .npy or .hdr, relative to `base_dir`. Of an EXR file with several layers the
            one of the buffer's name is taken.
        field: what messages call it.

    Raises:
        InputError: no such file, broken, of 8 or 16 bits, of other channels, or numbers that are not finite.
    """
    data = pixel_array(source, field=field) if isinstance(source, np.ndarray) else _read(name, source, base_dir, field)
    count = CHANNELS[name][1]
    if data.shape[2] == count + 1 and count in (1, 3) and not isinstance(source, np.ndarray):
        data = data[..., :count]  # the last one is alpha
    if data.shape[2] != count:
        raise InputError(Problem(field, f"{data.shape[2]} channels", f"{count} for {name}"))
    bad = int((~np.isfinite(data)).sum())
    if bad:
        raise InputError(
            Problem(field, f"{bad} numbers not finite", "finite numbers: 0 and a mask where nothing is known")
        )
    numbers = data.astype(np.float32)
    return numbers[..., 0] if count == 1 else numbers


def _read(name: str, source: str, base_dir: Path, field: str) -> NDArray[Any]:
    path = base_dir / source
    problem = file_problem(path, field, repr(source))
    if problem is not None:
        raise InputError(problem)
    if path.suffix.lower() == ".exr":
        layers = read_exr_layers(path, field=field)
        if name not in layers and len(layers) > 1 and MAIN_LAYER not in layers:
            raise InputError(Problem(field, f"{path.name} has the layers {', '.join(sorted(layers))}", f"layer {name}"))
        layer = layers.get(name, layers.get(MAIN_LAYER, next(iter(layers.values()))))
        return layer if layer.ndim == 3 else layer[..., None]
    image = read_image(path, field=field)
    if image.encoding != "linear":
        raise InputError(Problem(field, f"{path.name} is a picture of 8 or 16 bits", ".exr, .npy or .hdr"))
    return image.data
