"""A first idea of a place from photographs whose poses are known: its main plane, and what stands out from that.

Both by plane sweep (Collins 1996): where a plane that is thought into the scene meets a surface, all photographs show
the same there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, label, map_coordinates, median_filter, uniform_filter
from scipy.optimize import minimize

from diffrt.io.cameras import PosedImage

Floats = NDArray[np.float64]
_ALIKE = 0.75
"""Cosine between the directions of two cameras up to which they are compared: farther apart, a patch looks other."""
_QUIET = 3e-3
"""Variance of the logarithm of a patch below which it tells nothing."""


@dataclass(frozen=True)
class Photograph:
    """A photograph made small: `posed` says from where, (H, W, 3) linear."""

    posed: PosedImage
    color: Floats


@dataclass(frozen=True)
class Plane:
    """A plane with its own axes: across and up in it, and its normal, which points to the cameras.

    Attributes:
        origin: near the point that the cameras look at. axes: (3, 3), rows across, up, normal.
        distance: mean distance of the cameras from the point that they look at.
    """

    origin: Floats
    axes: Floats
    distance: float

    def to_world(self, local: Floats) -> Floats:
        """Points (..., 3) from (across, up, height) to world space."""
        return self.origin + local @ self.axes


def project(posed: PosedImage, points: Floats, width: int, height: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Where a camera with OpenCV distortion sees points (..., 3), in pixels (..., 2), and whether it does."""
    assert posed.size is not None and posed.intrinsics is not None
    local = (points - posed.to_world[:3, 3]) @ posed.to_world[:3, :3]
    depth = -local[..., 2]
    seen = depth > 1e-6
    x, y = local[..., 0] / np.where(seen, depth, 1.0), -local[..., 1] / np.where(seen, depth, 1.0)
    k1, k2, p1, p2, k3 = posed.distortion
    r2 = x * x + y * y
    radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
    u = x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x)
    v = y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y
    fx, fy, cx, cy = posed.intrinsics
    pixels = np.stack([(fx * u + cx) * width / posed.size[0], (fy * v + cy) * height / posed.size[1]], axis=-1)
    seen &= (r2 < 1.0) & (pixels > 0.0).all(axis=-1) & (pixels < [width, height]).all(axis=-1)
    return pixels, seen


def look(photograph: Photograph, picture: Floats, points: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """What a picture (H, W, C) of a photograph's camera shows at points (..., 3), and whether it shows them."""
    height, width, channels = picture.shape
    pixels, seen = project(photograph.posed, points, width, height)
    at = [pixels[..., 1] - 0.5, pixels[..., 0] - 0.5]
    values = [map_coordinates(picture[..., k], at, order=1, mode="nearest") for k in range(channels)]
    return np.stack(values, axis=-1), seen


def main_plane(photographs: Sequence[Photograph]) -> Plane:
    """The plane on which the photographs agree best, among those near the point that the cameras look at."""
    poses = [item.posed.to_world for item in photographs]
    across = [np.eye(3) - np.outer(pose[:3, 2], pose[:3, 2]) for pose in poses]
    center = np.linalg.solve(sum(across), sum(a @ pose[:3, 3] for a, pose in zip(across, poses, strict=True)))
    distance = float(np.mean([np.linalg.norm(pose[:3, 3] - center) for pose in poses]))
    back = np.sum([pose[:3, 2] for pose in poses], axis=0)
    up = np.sum([pose[:3, 1] for pose in poses], axis=0)
    details = []
    for item in photographs:
        logs = np.log(item.color + 0.05)
        details.append(gaussian_filter(logs, (1, 1, 0)) - gaussian_filter(logs, (8, 8, 0)))
    steps = np.linspace(-1.0, 1.0, 48)
    square = np.stack([*np.meshgrid(steps, steps), np.zeros((48, 48))], axis=-1) * distance

    def plane(tilts: Floats) -> Plane:
        first = _axes(back, up)
        axes = _axes(first[2] + tilts[0] * first[0] + tilts[1] * first[1], up)
        return Plane(center - tilts[2] * distance * axes[2], axes, distance)

    def disagreement(tilts: Floats, step: int = 1) -> float:
        points = plane(tilts).to_world(square[::step, ::step])
        looks = [look(item, detail, points) for item, detail in zip(photographs, details, strict=True)]
        values, seen = np.array([a for a, _ in looks]), np.array([b for _, b in looks])[..., None]
        seen = seen & (seen.sum(axis=0) >= 2)
        mean = (values * seen).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
        return float((np.abs(values - mean) * seen).sum() / max((np.abs(values) * seen).sum(), 1e-12))

    coarse = [np.array([a, b, c]) for a in _steps(0.8, 9) for b in _steps(0.6, 7) for c in np.linspace(0.0, 1.0, 11)]
    best = min(coarse, key=lambda tilts: disagreement(tilts, 2))
    return plane(minimize(disagreement, best, method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-5}).x)


def heights(photographs: Sequence[Photograph], plane: Plane, points: Floats, levels: Floats, patch: int = 7) -> Floats:
    """How far the surface stands out from a plane, above each of its points (H, W, 2): one of the levels.

    Patches parallel to the plane are compared by normalised correlation, in pairs of photographs from directions not
    too far apart; the best three pairs count, for the others may see something else in front.
    """
    directions = [item.posed.to_world[:3, 3] - plane.origin for item in photographs]
    directions = [direction / np.linalg.norm(direction) for direction in directions]
    pairs = [(i, j) for i in range(len(directions)) for j in range(i) if directions[i] @ directions[j] > _ALIKE]

    def mean(values: Floats) -> Floats:
        size = (patch, patch, 1)[: values.ndim]
        return np.asarray(uniform_filter(values, size=size))

    scores = []
    logs = [np.log(item.color + 0.05) for item in photographs]
    for level in levels:
        local = np.dstack([points, np.full(points.shape[:2], level)])
        looks = [look(item, log, plane.to_world(local)) for item, log in zip(photographs, logs, strict=True)]
        means = [mean(values) for values, _ in looks]
        spread = [
            np.maximum((mean(v * v) - m * m).sum(axis=-1), _QUIET) for (v, _), m in zip(looks, means, strict=True)
        ]
        whole = [mean(seen.astype(np.float64)) > 0.99 for _, seen in looks]
        of_pairs = []
        for i, j in pairs:
            joint = (mean(looks[i][0] * looks[j][0]) - means[i] * means[j]).sum(axis=-1)
            of_pairs.append(np.where(whole[i] & whole[j], joint / np.sqrt(spread[i] * spread[j]), -1.0))
        scores.append(np.sort(of_pairs, axis=0)[-3:].mean(axis=0))
    smooth = gaussian_filter(np.array(scores), (0.7, 1.5, 1.5))
    return np.asarray(median_filter(levels[smooth.argmax(axis=0)], size=5))


def middle_piece(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The connected piece of a map (H, W) that holds most of what lies near its middle."""
    pieces, _ = label(inside)
    height, width = inside.shape
    y, x = np.mgrid[:height, :width]
    near = np.exp(-8.0 * (((x / width) - 0.5) ** 2 + ((y / height) - 0.5) ** 2))
    weights = np.bincount(pieces.ravel(), near.ravel())
    weights[0] = 0.0
    return np.asarray(pieces == weights.argmax())


def _axes(normal: Floats, up: Floats) -> Floats:
    """Rows across, up, normal."""
    normal = normal / np.linalg.norm(normal)
    across = np.cross(up, normal)
    across /= np.linalg.norm(across)
    return np.array([across, np.cross(normal, across), normal])


def _steps(most: float, count: int) -> Floats:
    return np.linspace(-most, most, count)
