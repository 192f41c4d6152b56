"""Camera poses beside images: transforms.json of NeRF-synthetic, instant-ngp and nerfstudio. COLMAP: colmap.py."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffrt.description.json_file import read_json
from diffrt.description.names import shown
from diffrt.description.transform import is_invertible
from diffrt.errors import InputError, Problem

Floats = NDArray[np.float64]
_PLAIN = ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "PERSPECTIVE")
_ENDINGS = (".png", ".jpg", ".jpeg", ".exr", ".hdr", ".npy")
_RIGID = 1e-3
"""How far from orthonormal the rotation of a pose may be; files round it."""


@dataclass(frozen=True)
class PosedImage:
    """An image and the camera that took it.

    Attributes:
        name: stem of the file. file: the image.
        to_world: (4, 4) camera to world; +X right, +Y up, looks along -Z.
        size: (width, height) that the intrinsics belong to; None: that of the image.
        angle: field of view across the width in radians, if there are no intrinsics.
        intrinsics: fx, fy, cx, cy in pixels from the top-left corner of the top-left pixel, or None.
        distortion: k1, k2, p1, p2, k3 (OpenCV).
        place: the field of the file that gives it.
    """

    name: str
    file: Path
    to_world: Floats
    size: tuple[int, int] | None = None
    angle: float | None = None
    intrinsics: Floats | None = None
    distortion: Floats = field(default_factory=lambda: np.zeros(5))
    place: str = ""


def read_transforms(path: Path) -> list[PosedImage]:
    """The frames of a transforms.json, in file order. Numbers of a frame take precedence over those of the file.

    Raises:
        InputError: with every problem found; their fields are paths in the file.
    """
    data = read_json(path)
    if not isinstance(data, dict) or not isinstance(data.get("frames"), list) or not data["frames"]:
        raise InputError(Problem("frames", f"missing in {path.name}", "a list of at least one frame"))
    problems: list[Problem] = []
    result = []
    for index, frame in enumerate(data["frames"]):
        place = f"frames[{index}]"
        if not isinstance(frame, dict):
            problems.append(Problem(place, shown(frame), "an object"))
            continue
        try:
            result.append(_frame(frame, {**data, **frame}, place, path.parent))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
    return result


def _frame(frame: dict[str, Any], values: dict[str, Any], place: str, folder: Path) -> PosedImage:
    problems: list[Problem] = []
    name = frame.get("file_path")
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        problems.append(Problem(f"{place}.file_path", shown(name), "the path of an image"))
        name = "image"
    try:
        matrix = np.asarray(frame.get("transform_matrix"), dtype=np.float64)
        matrix = checked_pose(matrix, f"{place}.transform_matrix")
    except (TypeError, ValueError) as error:
        found = error.problems if isinstance(error, InputError) else []
        problems += found or [Problem(f"{place}.transform_matrix", "no 4x4 matrix", "camera to world, row by row")]
    model = values.get("camera_model", "OPENCV")
    if model not in _PLAIN:
        problems.append(Problem(f"{place}.camera_model", shown(model), ", ".join(_PLAIN)))
    if values.get("is_fisheye") or any(values.get(key) for key in ("k4", "k5", "k6")):
        problems.append(Problem(place, "a fisheye or rational lens", "distortion by k1, k2, p1, p2, k3"))

    def number(key: str, above_zero: bool = False) -> float | None:
        value = values.get(key)
        if value is None:
            return None
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not good or (above_zero and value <= 0):
            at = f"{place}.{key}" if key in frame else key
            problems.append(Problem(at, shown(value), "a number above 0" if above_zero else "a number"))
            return None
        return float(value)

    width, height = number("w", True), number("h", True)
    fx, fy, angle = number("fl_x", True), number("fl_y", True), number("camera_angle_x", True)
    cx, cy = number("cx"), number("cy")
    distortion = np.array([number(key) or 0.0 for key in ("k1", "k2", "p1", "p2", "k3")])
    if not problems and fx is None and angle is None:
        problems.append(Problem(f"{place}.fl_x", "missing", "fl_x, or camera_angle_x, here or for the whole file"))
    if not problems and fx is not None and (width is None or height is None):
        problems.append(Problem("w", "missing, as is h or one of them", "the size that fl_x belongs to, in pixels"))
    if problems:
        raise InputError(problems)
    file = _image_file(folder / name)
    size = None if width is None or height is None else (round(width), round(height))
    intrinsics = None
    if fx is not None and size is not None:
        center = (0.5 * size[0] if cx is None else cx, 0.5 * size[1] if cy is None else cy)
        intrinsics = np.array([fx, fx if fy is None else fy, *center])
    return PosedImage(file.stem, file, matrix, size, angle, intrinsics, distortion, f"{place}.file_path")


def _image_file(path: Path) -> Path:
    """The file itself, or, as NeRF-synthetic leaves endings out, the first one with a known ending."""
    if path.is_file():
        return path
    return next((file for end in _ENDINGS if (file := path.with_name(path.name + end)).is_file()), path)


def checked_pose(matrix: Floats, place: str) -> Floats:
    """A pose (4, 4), or its first three rows, as a rigid motion; a rotation that is rounded is made exact.

    Raises:
        InputError: it is no rigid motion.
    """
    allowed = "a 4x4 matrix of a rotation and a translation, camera to world"
    if matrix.shape not in ((4, 4), (3, 4)) or not np.isfinite(matrix).all():
        raise InputError(Problem(place, f"an array of shape {matrix.shape}, or not finite", allowed))
    pose = np.eye(4)
    pose[:3] = matrix[:3]
    if not is_invertible(pose):
        raise InputError(Problem(place, "a matrix that cannot be inverted", allowed))
    left, factors, right = np.linalg.svd(pose[:3, :3])
    if np.abs(factors - 1.0).max() > _RIGID or np.linalg.det(pose[:3, :3]) < 0.0:
        raise InputError(Problem(place, "a matrix that scales or mirrors", allowed))
    pose[:3, :3] = left @ right
    return pose
