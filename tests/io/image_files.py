"""Pictures for the tests of image formats."""


import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest
from asset_files import ASSETS

from diffrt.io.images import write_image


def asset(name):
    path = ASSETS / name
    if not path.exists():
        pytest.skip(f"{name} is not here")
    return path


def picture(channels=3, height=13, width=17, seed=0):
    return np.random.default_rng(seed).random((height, width, channels)).astype(np.float32)


def radiance(**kwargs):
    values = picture(**kwargs)
    return values * np.float32(10) ** (8 * picture(1, *values.shape[:2], seed=99) - 4)


def write_whole(path):
    """A valid file of the format of the extension, made by others where diffrt does not write it."""
    if path.suffix == ".jpg":
        smooth = np.linspace(0, 255, 64 * 48 * 3).reshape(48, 64, 3).astype(np.uint8)
        PIL.Image.fromarray(smooth).save(path, quality=95)
    else:
        write_image(path, picture(height=48, width=64))
    return path
