"""Partitions of the sphere that follow a lobe, and adaptive integrals over their cells."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from bsdf_reference import gauss
from scipy import stats

Function = Callable[[np.ndarray], np.ndarray]
"""Directions (N,3) -> values (N,C)."""


def coordinates(directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """z and phi; z from x and y about the poles, where single precision leaves it few steps."""
    x, y, z = np.asarray(directions, float).T
    s2 = x * x + y * y
    z = np.where(s2 < 0.1, np.sign(z) * np.sqrt(1.0 - np.minimum(s2, 0.1)), np.clip(z, -1.0, 1.0))
    return z, np.arctan2(y, x)


@dataclass
class Partition:
    """Cells of the sphere in z and phi, each made of boxes (z0, z1, phi0, phi1)."""

    cells: np.ndarray
    boxes: np.ndarray
    owner: np.ndarray


def _halve(box: np.ndarray, points: np.ndarray, most: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Boxes that hold at most `most` of the points, split at medians: first where points fill little of the box."""
    stack = [(box, points)]
    while stack:
        box, inside = stack.pop()
        extent = box[1::2] - box[::2]
        spread = np.ptp(inside, axis=0) if len(inside) else np.zeros(2)
        filled = spread / extent
        axis = int(filled[1] < filled[0])
        if filled.max() <= 4.0 * filled.min():
            sine = np.sqrt(max(1.0 - inside[:, 0].mean() ** 2, 1e-12)) if len(inside) else 1.0
            axis = int(spread[1] * sine > spread[0] / sine)
        at = float(np.median(inside[:, axis])) if len(inside) else 0.0
        low = inside[:, axis] < at
        if len(inside) <= most or not low.any() or low.all():
            yield box, inside
            continue
        left, right = box.copy(), box.copy()
        left[2 * axis + 1] = right[2 * axis] = at
        stack += [(left, inside[low]), (right, inside[~low])]


def _point(z: float, phi: float) -> np.ndarray:
    r = np.sqrt(max(1.0 - z * z, 0.0))
    return np.array([r * np.cos(phi), r * np.sin(phi), z])


def _graded(box: np.ndarray, centre: np.ndarray, scale: float) -> Iterator[np.ndarray]:
    """Pieces of the box small beside their distance from the centre of a lobe: its tails change over such lengths."""
    stack = [box]
    while stack:
        z0, z1, p0, p1 = box = stack.pop()
        z, p = 0.5 * (z0 + z1), 0.5 * (p0 + p1)
        size = np.linalg.norm(_point(z1, p) - _point(z0, p)), np.sqrt(1.0 - z * z) * (p1 - p0)
        if max(size) <= max(0.3 * float(np.linalg.norm(_point(z, p) - centre)), scale):
            yield box
        elif size[0] > size[1]:
            stack += [np.array([z0, z, p0, p1]), np.array([z, z1, p0, p1])]
        else:
            stack += [np.array([z0, z1, p0, p]), np.array([z0, z1, p, p1])]


def partition(directions: np.ndarray, cells: int, finer: int = 20) -> Partition:
    """Cells that cover the sphere and have about as many of the directions each, so that narrow lobes are resolved.

    The horizon is a border of cells. Boxes are `finer` times as many, so that no quadrature overlooks a peak.
    """
    points = np.stack(coordinates(directions), axis=1)
    most = max(len(points) // cells, 1)
    result: list[np.ndarray] = []
    boxes: list[np.ndarray] = []
    owner: list[int] = []
    for z0, z1 in ((-1.0, 0.0), (0.0, 1.0)):
        here = points[(points[:, 0] >= 0.0) == (z1 == 1.0)]
        side = directions[(points[:, 0] >= 0.0) == (z1 == 1.0)]
        centre, scale = np.zeros(3), 1.0
        if len(side):
            centre = np.median(side, axis=0)
            scale = max(0.25 * float(np.median(np.linalg.norm(side - centre, axis=1))), 1e-6)
        for cell, inside in _halve(np.array([z0, z1, -np.pi, np.pi]), here, most):
            for box, _ in _halve(cell, inside, max(most // finer, 1)):
                for piece in _graded(box, centre, scale):
                    boxes.append(piece)
                    owner.append(len(result))
            result.append(cell)
    return Partition(np.array(result), np.array(boxes), np.array(owner))


def count(parts: Partition, directions: np.ndarray) -> np.ndarray:
    """How many directions fall into each cell."""
    z, phi = coordinates(directions)
    counts = np.zeros(len(parts.cells), int)
    # Cells are few: one pass each.
    for i, (z0, z1, p0, p1) in enumerate(parts.cells):
        up = z <= z1 if z1 == 1.0 else z < z1
        counts[i] = np.count_nonzero((z >= z0) & up & (phi >= p0) & (phi < p1 if p1 < np.pi else phi <= p1))
    return counts


def integrate(function: Function, parts: Partition, tolerance: float = 1e-7, levels: int = 8) -> np.ndarray:
    """Integral of the function over each cell, (K,C), by Gauss quadrature, halved where it has not converged."""
    x, w = gauss(4)

    def rule(boxes: np.ndarray) -> np.ndarray:
        z = boxes[:, None, None, 0] + (boxes[:, None, None, 1] - boxes[:, None, None, 0]) * x[:, None]
        phi = boxes[:, None, None, 2] + (boxes[:, None, None, 3] - boxes[:, None, None, 2]) * x
        z, phi = np.broadcast_arrays(z, phi)
        s = np.sqrt(np.maximum(1.0 - z * z, 0.0))
        values = function(np.stack([s * np.cos(phi), s * np.sin(phi), z], axis=-1).reshape(-1, 3))
        values = np.asarray(values, float).reshape(*z.shape, -1)
        area = (boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2])
        return area[:, None] * np.einsum("kijc,i,j->kc", values, w, w)

    owner, boxes = parts.owner, parts.boxes
    coarse = rule(boxes)
    total = np.zeros((len(parts.cells), coarse.shape[1]))
    for level in range(levels):
        mid_z, mid_phi = 0.5 * (boxes[:, 0] + boxes[:, 1]), 0.5 * (boxes[:, 2] + boxes[:, 3])
        quarters = []
        for z_half in (0, 1):
            for phi_half in (0, 1):
                part = boxes.copy()
                part[:, 1 - z_half] = mid_z
                part[:, 3 - phi_half] = mid_phi
                quarters.append(part)
        fine = np.stack([rule(p) for p in quarters])
        wrong = np.abs(fine.sum(axis=0) - coarse).max(axis=1) > tolerance
        if level == levels - 1:
            wrong[:] = False
        np.add.at(total, owner[~wrong], fine.sum(axis=0)[~wrong])
        if not wrong.any():
            break
        boxes = np.concatenate([p[wrong] for p in quarters])
        coarse = np.concatenate(list(fine[:, wrong]))
        owner = np.tile(owner[wrong], 4)
    return total


def chi_square(observed: np.ndarray, expected: np.ndarray) -> float:
    """p-value; cells with fewer than 5 expected are pooled."""
    order = np.argsort(expected)
    observed, expected = observed[order], expected[order]
    small = int(np.searchsorted(expected, 5.0))
    while small < len(expected) and 0.0 < expected[:small].sum() < 5.0:
        small += 1
    if small > 0:
        observed = np.append(observed[small:], observed[:small].sum())
        expected = np.append(expected[small:], expected[:small].sum())
    if expected[-1] < 1e-3 and observed[-1] == 0:
        observed, expected = observed[:-1], expected[:-1]
    statistic = float(((observed - expected) ** 2 / np.maximum(expected, 1e-9)).sum())
    return float(stats.chi2.sf(statistic, max(len(expected) - 1, 1)))
