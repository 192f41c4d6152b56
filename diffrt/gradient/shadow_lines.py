"""Edges that may block light, and how likely each is to be a silhouette before the first sample."""

from dataclasses import dataclass

import numpy as np

from diffrt.device.features import DELTA_LIGHTS
from diffrt.device.geometry import Geometry
from diffrt.gradient.edge_lights import DELTA, EXTENDED, INDIRECT
from diffrt.gradient.edges import Edges, with_terminators
from diffrt.gradient.piercings import Piercings
from diffrt.gradient.sliding import sliding
from diffrt.scene.scene import Scene

ENDS, JOINS, BENDS = -2, -3, -4
"""Instead of a triangle that is pierced, at edges of shapes that slide: the surface ends there; two triangles join and
light jumps; or they just bend, and each has a horizon of its own."""
MOST_GROUPS = 256
"""So many groups of edges have a histogram of directions each."""
_AXIS_BITS = 10
_SIBLINGS = 8
_JUMP = 0.1
"""Weight of a crease or seam whose triangles lie in one plane, as an angle over pi."""


@dataclass
class ShadowLines:
    """Edges; lines of piercing, each twice, for the two triangles that the line may bound; and, for indirect light,
    edges of shapes that slide: each as the end of the surface, and where two triangles join.

    Attributes:
        ends: (K, 2, 3) float64.
        vertices: (K, 2) of an edge, -1 for a line of piercing.
        pierced: (K, 2) triangles; -1 for an edge, or ENDS, JOINS, BENDS.
        triangles: (K, 2) beside an edge, -1 as second at a border; of a piercing the one that the line bounds and the
            one that blocks it.
        corners: (K, 4) vertices: the third ones of an edge's triangles; of a piercing two of each triangle, on either
            side of the other one.
        groups: (K,) which lines share a histogram of directions.
        parents: (groups,) which groups are near each other.
        kinds: (K,) what kind of line it is, numbers from 0 on.
        prior: (K,) probabilities.
    """

    ends: np.ndarray
    vertices: np.ndarray
    pierced: np.ndarray
    triangles: np.ndarray
    corners: np.ndarray
    groups: np.ndarray
    parents: np.ndarray
    kinds: np.ndarray
    prior: np.ndarray


def shadow_lines(scene: Scene, g: Geometry, edges: Edges, piercings: Piercings, mode: int) -> ShadowLines:
    """The lines that may block light of a kind: EXTENDED, DELTA or INDIRECT.

    An edge counts by length times the outer angle of its triangles, which is how many directions make it a silhouette.
    Whether lights can be among these is decided from their places.
    """
    kept = np.flatnonzero(~edges.flat)
    ends, vertices, faces, normals, angle, third = _beside(g, edges, kept)
    if mode == DELTA:
        weight = _seen_by_delta_lights(scene, ends[:, 0], normals, faces[:, 1] < 0)
    else:
        weight = angle
        if mode == EXTENDED and not any(light.type == "environment" for light in scene.lights.values()):
            weight = angle * _seen_by_lamps(scene, g, ends[:, 0], normals, faces[:, 1] < 0)
    none = np.full((len(kept), 2), -1)
    parts = [(ends, vertices, none, faces, third, weight)]
    if mode != DELTA and len(piercings.triangles):
        lit = np.ones(len(g.triangles), dtype=bool)
        if mode == EXTENDED:
            lit = np.array([shape.emission is not None for shape in scene.shapes.values()])[g.triangle_shape]
        for order in ([0, 1], [1, 0]):
            pair = piercings.triangles[:, order]
            corners = piercings.corners.reshape(-1, 2, 2)[:, order].reshape(-1, 4)
            parts.append(
                (piercings.ends, np.full(pair.shape, -1), pair, pair, corners, lit[pair[:, 0]].astype(np.float64))
            )
    if mode == INDIRECT:
        own = sliding(scene)[g.triangle_shape[edges.faces[:, 0]]]
        kept = np.flatnonzero(own & ~edges.flat)
        ends, vertices, faces, normals, angle, third = _beside(g, edges, kept)
        parts.append((ends, vertices, np.full(faces.shape, ENDS), faces, third, angle))
        edges = with_terminators(edges, g, scene.lights.values())
        for kind in (JOINS, BENDS):
            kept = edges.always if kind == JOINS else ~edges.always & ~edges.flat
            kept = np.flatnonzero(own & kept & (edges.faces[:, 1] >= 0))
            ends, vertices, faces, normals, angle, third = _beside(g, edges, kept)
            weight = angle + _JUMP if kind == JOINS else angle**2
            parts.append((ends, vertices, np.full(faces.shape, kind), faces, third, weight))
    ends, vertices, pierced, triangles, corners, weight = (
        np.concatenate(columns) for columns in zip(*parts, strict=True)
    )
    weight = weight * np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    # Half of it goes to shapes evenly: what is small may be what is looked at. Kinds of lines have even shares, too.
    kinds = -np.minimum(pierced[:, 0], 0)
    weight = _even(weight, kinds) + _even(weight, kinds * len(scene.shapes) + g.triangle_shape[triangles[:, 0]])
    used = weight > 0.0
    weight = weight[used]
    groups, parents = groups_by_kind(ends[used], kinds[used])
    return ShadowLines(
        ends[used], vertices[used], pierced[used], triangles[used], corners[used], groups, parents,
        kinds[used], weight / max(float(weight.sum()), 1e-300),
    )  # fmt: skip


def _even(weight: np.ndarray, of: np.ndarray) -> np.ndarray:
    """The weights, with sums that are equal for every number in `of`."""
    sums = np.bincount(of, weight)
    even: np.ndarray = weight / np.maximum(sums, 1e-300)[of] / max(int(np.count_nonzero(sums)), 1)
    return even


def _beside(g: Geometry, edges: Edges, kept: np.ndarray) -> tuple[np.ndarray, ...]:
    """Of some edges: ends, vertices, triangles beside them, these's normals (K, 2, 3), outer angle over pi (1 at a
    border), and their third corners (K, 4), the last two -1."""
    vertices, faces = edges.vertices[kept], edges.faces[kept]
    normals = g.face_normals[faces]
    cosine = np.clip(np.einsum("ij,ij->i", normals[:, 0], normals[:, 1]), -1.0, 1.0)
    angle = np.where(faces[:, 1] < 0, 1.0, np.arccos(cosine) / np.pi)
    third = g.triangles[faces].sum(axis=2) - vertices.sum(axis=1, keepdims=True)
    third = np.where(faces < 0, third[:, :1], third)
    third = np.concatenate([third, np.full((len(kept), 2), -1)], axis=1)
    return g.positions[vertices].astype(np.float64), vertices, faces, normals, angle, third


def _seen_by_delta_lights(scene: Scene, at: np.ndarray, normals: np.ndarray, border: np.ndarray) -> np.ndarray:
    """(K,): for how many lights without extent each edge is a silhouette."""
    result = np.zeros(len(at))
    for light in scene.lights.values():
        if light.type in DELTA_LIGHTS:
            if light.type == "directional":
                towards = np.broadcast_to(-light.fields["direction"], at.shape)
            else:
                towards = light.fields["position"] - at
            facing = np.einsum("kfd,kd->kf", normals, towards) > 0.0
            result += border | (facing[:, 0] != facing[:, 1])
    return result


def _seen_by_lamps(scene: Scene, g: Geometry, at: np.ndarray, normals: np.ndarray, border: np.ndarray) -> np.ndarray:
    """(K,): 1 where an edge may be a silhouette for a point of the bounding box of a shape that emits, else 0."""
    result = border.copy()
    for number, shape in enumerate(scene.shapes.values()):
        if shape.emission is not None:
            corners = g.positions[g.triangles[g.first_triangle[number] : g.first_triangle[number + 1]]].reshape(-1, 3)
            low, high = corners.min(axis=0).astype(np.float64), corners.max(axis=0).astype(np.float64)
            middle, half = 0.5 * (low + high), 0.5 * (high - low)
            height = np.einsum("kfd,kd->kf", normals, middle - at)
            reach = np.abs(normals) @ half + 1e-6 * (np.abs(middle).max() + np.abs(at).max(initial=0.0))
            result |= ~((height > reach).all(axis=1) | (height < -reach).all(axis=1))
    return result.astype(np.float64)


def groups_by_kind(ends: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(K,) groups of lines that are near each other and of one kind, and (groups,) numbers of groups of these.

    Args:
        ends: (K, 2, 3)
        kinds: (K,) numbers from 0 on.
    """
    groups = np.zeros(len(ends), dtype=np.int64)
    parents = np.zeros(0, dtype=np.int64)
    for kind in np.flatnonzero(np.bincount(kinds)):
        chosen = kinds == kind
        these, above = _groups(ends[chosen])
        groups[chosen] = these + len(parents)
        parents = np.concatenate([parents, above + len(parents)])
    return groups, parents


def _groups(ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(K,) numbers of groups, and (groups,) numbers of groups of these.

    Lines near each other, by the order of their middles on a space-filling curve (Morton 1966), and of similar
    direction share a group. If there are few lines each is for itself.
    """
    count = len(ends)
    if count <= MOST_GROUPS:
        return np.arange(count), np.arange(count)
    middle, along = ends.mean(axis=1), ends[:, 1] - ends[:, 0]
    low, high = middle.min(axis=0), middle.max(axis=0)
    scaled = (middle - low) / np.maximum((high - low).max(), 1e-30) * (2**_AXIS_BITS - 1)
    code = np.zeros(count, dtype=np.int64)
    for bit in range(_AXIS_BITS):
        for axis in range(3):
            code |= (scaled[:, axis].astype(np.int64) >> bit & 1) << (3 * bit + axis)
    places = MOST_GROUPS // 4
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(code, kind="stable")] = np.arange(count)
    axis = np.abs(along).argmax(axis=1)
    # Two groups for lines along x: whether they rise or fall in y.
    rising = (axis == 0) & (along[:, 0] * along[:, 1] > 0.0)
    group = np.arange(MOST_GROUPS)
    return rank * places // count * 4 + np.where(rising, 3, axis), group // 4 // _SIBLINGS * 4 + group % 4
