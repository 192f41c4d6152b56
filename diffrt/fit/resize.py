"""Smaller pictures by the area filter: every new pixel is the mean of what it covers; and the adjoint of that."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]


@lru_cache(maxsize=256)
def _shares(old: int, new: int) -> csr_array:
    """(new, old): the share of each old pixel in each new one, along one axis; rows sum to one."""
    edges = np.linspace(0.0, old, new + 1)
    first, last = np.floor(edges[:-1]).astype(int), np.minimum(np.ceil(edges[1:]).astype(int), old)
    rows, columns, values = [], [], []
    for row in range(new):
        covered = np.arange(first[row], last[row])
        low, high = np.maximum(covered, edges[row]), np.minimum(covered + 1, edges[row + 1])
        rows.append(np.full(len(covered), row))
        columns.append(covered)
        values.append(np.maximum(high - low, 0.0) * new / old)
    at = (np.concatenate(rows), np.concatenate(columns))
    return csr_array((np.concatenate(values), at), shape=(new, old))


def _apply(vertical: csr_array, horizontal: csr_array, image: Floats) -> Floats:
    channels = image.shape[2:]
    rows = vertical @ image.reshape(image.shape[0], -1)
    rows = rows.reshape(vertical.shape[0], image.shape[1], -1).swapaxes(0, 1)
    result = horizontal @ np.ascontiguousarray(rows).reshape(image.shape[1], -1)
    result = result.reshape(horizontal.shape[0], vertical.shape[0], -1).swapaxes(0, 1)
    return np.ascontiguousarray(result).reshape(vertical.shape[0], horizontal.shape[0], *channels)


def shrink(image: Floats, height: int, width: int) -> Floats:
    """An image (H, W) or (H, W, C) at a size (height, width) not above its own."""
    if image.shape[:2] == (height, width):
        return image
    return _apply(_shares(image.shape[0], height), _shares(image.shape[1], width), image)


def shrink_adjoint(gradient: Floats, height: int, width: int) -> Floats:
    """From derivatives by a shrunk image to those by the image it came from, of size (height, width)."""
    if gradient.shape[:2] == (height, width):
        return gradient
    vertical, horizontal = _shares(height, gradient.shape[0]), _shares(width, gradient.shape[1])
    return _apply(vertical.T.tocsr(), horizontal.T.tocsr(), gradient)
