"""Polygons to triangles."""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def fan(counts: Integers) -> tuple[Integers, Integers]:
    """Cut polygons into fans around their first corner. Polygons of fewer than three corners give nothing.

    Args:
        counts: (P,) corners of each polygon; all corners stand in one flat list, polygon after polygon.

    Returns:
        corners (T, 3): positions in that flat list, and polygon (T,): which polygon each triangle came from.
    """
    counts = counts.astype(np.int64)
    starts = np.cumsum(counts) - counts
    triangles = np.maximum(counts - 2, 0)
    polygon = np.repeat(np.arange(len(counts)), triangles)
    first = starts[polygon]
    step = np.arange(len(polygon)) - np.repeat(np.cumsum(triangles) - triangles, triangles)
    return np.stack([first, first + step + 1, first + step + 2], axis=1), polygon
