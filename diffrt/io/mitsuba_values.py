"""The texts of Mitsuba's XML as values: numbers, colours, spectra, and the steps of a transform.

What cannot be read raises ValueError; the caller names the place.
"""

import re

import numpy as np
from numpy.typing import NDArray

from diffrt.description.transform import rotate, scale, translate
from diffrt.io.color import srgb_to_linear
from diffrt.io.spectra import spectrum_to_rgb

_SEPARATOR = re.compile(r"[\s,]+")


def numbers(text: str, count: int | None = None) -> list[float]:
    """Finite numbers, separated by spaces or commas; `count` of them if given."""
    values = [float(word) for word in _SEPARATOR.split(text.strip()) if word]
    if not values or (count is not None and len(values) != count) or not np.isfinite(values).all():
        raise ValueError
    return values


def xyz(attributes: dict[str, str], default: float) -> list[float]:
    """Three numbers from x, y, z, or from `value`; one number there counts for all three."""
    if "value" in attributes:
        values = numbers(attributes["value"])
        return values if len(values) == 3 else numbers(attributes["value"], 1) * 3
    return [numbers(attributes[axis], 1)[0] if axis in attributes else default for axis in "xyz"]


def rgb(text: str, decode: bool) -> NDArray[np.float64]:
    """Linear RGB (3,) from three numbers, one, or #rrggbb in sRGB; `decode` all from sRGB."""
    if text.strip().startswith("#"):
        digits = text.strip()[1:]
        if len(digits) != 6:
            raise ValueError
        return np.asarray(srgb_to_linear(np.array([int(digits[at : at + 2], 16) for at in (0, 2, 4)]) / 255.0))
    values = numbers(text)
    color = np.array(values if len(values) == 3 else numbers(text, 1) * 3)
    return np.asarray(srgb_to_linear(color)) if decode else color


def spectrum(text: str, emission: bool) -> NDArray[np.float64]:
    """One value for all wavelengths, three as RGB, or `wavelength:value` pairs."""
    if ":" not in text:
        return rgb(text, decode=False)
    pairs = [numbers(word.replace(":", " "), 2) for word in _SEPARATOR.split(text.strip()) if word]
    wavelengths, values = np.array(pairs).T
    if (np.diff(wavelengths) <= 0.0).any():
        raise ValueError
    return spectrum_to_rgb(wavelengths, values, emission=emission)


def step(tag: str, attributes: dict[str, str]) -> NDArray[np.float64]:
    """The 4x4 matrix of one element of a <transform>."""
    match tag.lower():
        case "translate":
            return translate(xyz(attributes, 0.0))
        case "scale":
            return scale(xyz(attributes, 1.0))
        case "rotate":
            axis = xyz(attributes, 0.0)
            if not any(axis):
                raise ValueError
            return rotate(axis, numbers(attributes["angle"], 1)[0])
        case "matrix":
            values = numbers(attributes["value"])
            matrix = np.eye(4)
            size = {9: 3, 16: 4}[len(values)]
            matrix[:size, :size] = np.array(values).reshape(size, size)
            if not np.allclose(matrix[3], [0.0, 0.0, 0.0, 1.0]):
                raise ValueError
            return matrix
        case "lookat":
            return _look_at(attributes)
    raise ValueError


def _look_at(attributes: dict[str, str]) -> NDArray[np.float64]:
    """Mitsuba's frame: +Z towards the target, +Y up, +X to the left of the viewer."""
    origin, target = np.array(numbers(attributes["origin"], 3)), np.array(numbers(attributes["target"], 3))
    up = np.array(numbers(attributes["up"], 3)) if "up" in attributes else np.array([0.0, 1.0, 0.0])
    forward = target - origin
    left = np.cross(up, forward)
    if np.linalg.norm(left) <= 1e-9 * np.linalg.norm(up) * np.linalg.norm(forward):
        if "up" in attributes or not np.linalg.norm(forward) > 0.0:
            raise ValueError
        left = np.cross([1.0, 0.0, 0.0], forward)
    forward, left = forward / np.linalg.norm(forward), left / np.linalg.norm(left)
    matrix = np.eye(4)
    matrix[:3] = np.column_stack([left, np.cross(forward, left), forward, origin])
    return matrix
