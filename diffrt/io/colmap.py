"""COLMAP models, text and binary: cameras and images as posed images. Points are not read.

COLMAP's cameras look along +Z with Y down, and give world to camera; pixels count from the top-left corner, as here.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diffrt.errors import InputError, Problem
from diffrt.io.cameras import PosedImage
from diffrt.io.files import read_bytes

Floats = NDArray[np.float64]
MODELS = {
    0: ("SIMPLE_PINHOLE", "f cx cy"),
    1: ("PINHOLE", "fx fy cx cy"),
    2: ("SIMPLE_RADIAL", "f cx cy k1"),
    3: ("RADIAL", "f cx cy k1 k2"),
    4: ("OPENCV", "fx fy cx cy k1 k2 p1 p2"),
    5: ("OPENCV_FISHEYE", "fx fy cx cy k1 k2 k3 k4"),
    6: ("FULL_OPENCV", "fx fy cx cy k1 k2 p1 p2 k3 k4 k5 k6"),
    7: ("FOV", "fx fy cx cy omega"),
    8: ("SIMPLE_RADIAL_FISHEYE", "f cx cy k1"),
    9: ("RADIAL_FISHEYE", "f cx cy k1 k2"),
    10: ("THIN_PRISM_FISHEYE", "fx fy cx cy k1 k2 p1 p2 k3 k4 sx1 sy1"),
}
"""COLMAP's camera models by number: their names and parameters."""
_PLAIN = ("SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV", "FULL_OPENCV")
_FLIP = np.diag([1.0, -1.0, -1.0, 1.0])

Lens = tuple[tuple[int, int], Floats, Floats]
"""Size, intrinsics, distortion."""


def read_colmap(model: Path, images: Path) -> list[PosedImage]:
    """The registered images of a model, ordered by name.

    Args:
        model: folder with cameras.bin and images.bin, or cameras.txt and images.txt.
        images: folder of the pictures.

    Raises:
        InputError: files are missing or broken, or a camera has a lens that cannot be expressed.
    """
    binary = (model / "images.bin").is_file()
    if not binary and not (model / "images.txt").is_file():
        raise InputError(Problem("", f"no images.bin and no images.txt in {model}", "the folder of a COLMAP model"))
    ending = "bin" if binary else "txt"
    camera_file, image_file = model / f"cameras.{ending}", model / f"images.{ending}"
    try:
        if binary:
            lenses = dict(_binary_cameras(read_bytes(camera_file, field="")))
            found = list(_binary_images(read_bytes(image_file, field="")))
        else:
            lenses = dict(_text_cameras(read_bytes(camera_file, field="").decode()))
            found = list(_text_images(read_bytes(image_file, field="").decode()))
        result = []
        for name, camera, quaternion, translation in found:
            size, intrinsics, distortion = lenses[camera]
            file = images / name
            pose = _to_world(quaternion, translation)
            result.append(PosedImage(file.stem, file, pose, size, None, intrinsics, distortion, name))
    except (ValueError, KeyError, IndexError, struct.error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(Problem("", f"{model} is no readable COLMAP model: {error!r}", "cameras and images")) from None
    if not result:
        raise InputError(Problem("", f"{image_file} has no image", "at least one"))
    return sorted(result, key=lambda image: image.file.as_posix())


def _lens(number: object, name: str, width: int, height: int, values: list[float]) -> Lens:
    keys = next((keys for known, keys in MODELS.values() if known == name), "").split()
    if name not in _PLAIN:
        found = f"{number} has the model {name}"
        raise InputError(Problem("cameras", f"camera {found}", ", ".join(_PLAIN)))
    given = dict(zip(keys, values, strict=True))
    if any(given.get(key) for key in ("k4", "k5", "k6")):
        raise InputError(Problem("cameras", f"camera {number} has k4, k5 or k6", "distortion by k1, k2, p1, p2, k3"))
    fx, fy = given.get("fx", given.get("f", 0.0)), given.get("fy", given.get("f", 0.0))
    distortion = np.array([given.get(key, 0.0) for key in ("k1", "k2", "p1", "p2", "k3")])
    return (width, height), np.array([fx, fy, given["cx"], given["cy"]]), distortion


def _to_world(quaternion: Floats, translation: Floats) -> Floats:
    """From world to camera, a quaternion (w, x, y, z) and a translation, to camera to world in this project's frame."""
    w, x, y, z = quaternion / np.linalg.norm(quaternion)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    pose = np.eye(4)
    pose[:3, :3] = rotation.T
    pose[:3, 3] = -rotation.T @ translation
    if not np.isfinite(pose).all():
        raise ValueError("a pose that is not finite")
    result: Floats = pose @ _FLIP
    return result


def _lines(text: str) -> Iterator[str]:
    return (line for line in text.splitlines() if not line.startswith("#"))


def _text_cameras(text: str) -> Iterator[tuple[int, Lens]]:
    for line in _lines(text):
        if line.strip():
            number, name, width, height, *values = line.split()
            yield int(number), _lens(number, name, int(width), int(height), [float(value) for value in values])


def _text_images(text: str) -> Iterator[tuple[str, int, Floats, Floats]]:
    """Two lines for each image: the pose, and its points, which may be an empty line."""
    lines = list(_lines(text))
    while lines and not lines[0].strip():
        lines.pop(0)
    for line in lines[::2]:
        if not line.strip():
            continue
        _, *pose, camera, name = line.split(maxsplit=9)
        numbers = np.array([float(value) for value in pose])
        yield name.strip(), int(camera), numbers[:4], numbers[4:7]


def _binary_cameras(content: bytes) -> Iterator[tuple[int, Lens]]:
    (count,) = struct.unpack_from("<Q", content)
    at = 8
    for _ in range(count):
        number, model, width, height = struct.unpack_from("<iiQQ", content, at)
        if model not in MODELS:
            raise InputError(Problem("cameras", f"camera {number} has the model number {model}", ", ".join(_PLAIN)))
        name, keys = MODELS[model]
        values = struct.unpack_from(f"<{len(keys.split())}d", content, at + 24)
        at += 24 + 8 * len(values)
        yield number, _lens(number, name, width, height, list(values))


def _binary_images(content: bytes) -> Iterator[tuple[str, int, Floats, Floats]]:
    (count,) = struct.unpack_from("<Q", content)
    at = 8
    for _ in range(count):
        _, *pose, camera = struct.unpack_from("<i7di", content, at)
        end = content.index(b"\0", at + 64)
        name = content[at + 64 : end].decode()
        (points,) = struct.unpack_from("<Q", content, end + 1)
        at = end + 9 + 24 * points
        yield name, camera, np.array(pose[:4]), np.array(pose[4:7])
