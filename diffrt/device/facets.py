"""Scenes of few triangles have no tree: every ray is tested against all of them, side by side.

Two triangles that form a parallelogram, as in rectangles and boxes, are one facet and half the work. A facet with
corner c, edges e1, e2 and unit normal n holds c and the rows of the inverse of [e1 e2 n], which take a point minus c to
(u, v, height) (Baldwin and Weber 2016, "Fast Ray-Triangle Intersections by Coordinate Transformation").
"""

from dataclasses import dataclass

import numpy as np

from diffrt.device.packing import write
from diffrt.device.scene_fields import FACET_LANES, FACET_ROWS, MOST_FACETS, SceneFields

_CLOSED = 1e-6
"""How far the fourth corner may lie from where a parallelogram has it, relative to the edges and coordinates."""


@dataclass(frozen=True)
class Facets:
    """Triangles, and pairs of them that form parallelograms.

    Attributes:
        first: (n,) int32 triangle of the half u + v <= 1.
        second: (n,) int32 triangle of the other half, -1 for none.
        turn: (n,) int32, a + 4 b: the facet's corner is corner a of the first triangle, opposite to corner b of
            the second.
    """

    first: np.ndarray
    second: np.ndarray
    turn: np.ndarray

    @property
    def padded(self) -> int:
        """Their number, rounded up to what the vectorizer takes at once."""
        return max(1, -(-len(self.first) // FACET_LANES)) * FACET_LANES


def find(positions: np.ndarray, triangles: np.ndarray) -> Facets | None:
    """The facets of a scene, or None if they are too many to do without a tree.

    Args:
        positions: (V, 3) float32 world-space vertices.
        triangles: (F, 3) int32 vertex numbers; may be empty.
    """
    n = len(triangles)
    if n > 2 * MOST_FACETS:
        return None
    corners = positions[triangles].astype(np.float64)
    first, second, turn = [], [], []
    free = np.ones(n, dtype=bool)
    for i in range(n):
        if not free[i]:
            continue
        free[i] = False
        match = _partner(triangles, corners, i, free)
        first.append(i)
        second.append(match[0])
        turn.append(match[1])
        if match[0] >= 0:
            free[match[0]] = False
    if len(first) > MOST_FACETS:
        return None
    return Facets(np.array(first, np.int32), np.array(second, np.int32), np.array(turn, np.int32))


def _partner(triangles: np.ndarray, corners: np.ndarray, i: int, free: np.ndarray) -> tuple[int, int]:
    """The triangle that makes a parallelogram of triangle i, and how they are turned; -1 for none."""
    for a in range(3):
        c, p, q = (corners[i, (a + k) % 3] for k in range(3))
        slack = _CLOSED * (np.abs(corners[i]).max() + np.abs(p - c).max() + np.abs(q - c).max())
        for b in range(3):
            # The two halves run along their common edge in opposite directions.
            joined = (triangles[:, (b + 1) % 3] == triangles[i, (a + 2) % 3]) & (
                triangles[:, (b + 2) % 3] == triangles[i, (a + 1) % 3]
            )
            closed = np.abs(corners[:, b] - (p + q - c)).max(axis=1, initial=0.0) <= slack
            found = np.flatnonzero(free & joined & closed)
            if len(found):
                return int(found[0]), a + 4 * b
    return -1, 0


def upload(scene: SceneFields, found: Facets, positions: np.ndarray, triangles: np.ndarray) -> None:
    """Write the facets into the scene's fields."""
    n = len(found.first)
    a = found.turn & 3
    each = np.arange(n)
    corners = positions[triangles[found.first]].astype(np.float64)
    c = corners[each, a]
    e1, e2 = corners[each, (a + 1) % 3] - c, corners[each, (a + 2) % 3] - c
    normal = np.cross(e1, e2)
    squared = np.einsum("ij,ij->i", normal, normal)[:, None]
    rows = np.concatenate([np.cross(e2, normal), np.cross(normal, e1), normal * np.sqrt(squared)], axis=1)
    inverse = rows / np.where(squared > 0.0, squared, 1.0)
    table = np.zeros((found.padded, FACET_ROWS))
    table[:n, :3], table[:n, 3:12], table[:n, 12] = c, inverse, np.where(found.second >= 0, 2.0, 1.0)
    write(
        scene,
        [
            *zip(scene.facet_rows, table.T, strict=True),
            (scene.facet_triangles, np.stack([found.first, found.second, found.turn], axis=1)),
        ],
    )
