"""Convex polygons, for pictures that are known exactly."""

import numpy as np


def clipped(polygon: list[np.ndarray], axis: int, sign: float, bound: float) -> list[np.ndarray]:
    """The part of a convex polygon where sign * (coordinate - bound) <= 0 (Sutherland and Hodgman 1974)."""
    result = []
    for here, there in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        a, b = sign * (here[axis] - bound), sign * (there[axis] - bound)
        if a <= 0.0:
            result.append(here)
        if a * b < 0.0:
            result.append(here + (there - here) * (a / (a - b)))
    return result


def area(polygon: list[np.ndarray]) -> float:
    """Of a convex polygon in the plane; 0 if it has fewer than three corners."""
    if len(polygon) < 3:
        return 0.0
    x, y = np.array(polygon).T
    return 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))
