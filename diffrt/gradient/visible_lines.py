"""Lines where what the camera sees may jump: edges and lines of piercing, seen directly or in flat mirrors."""

from dataclasses import dataclass

import numpy as np

from diffrt.device.geometry import Geometry
from diffrt.gradient.edges import Edges
from diffrt.gradient.mirrors import Mirror
from diffrt.gradient.piercings import Piercings
from diffrt.scene.elements import Camera

_LEAST_DEPTH = 1e-4
"""Lines are clipped at this share of the scene's size before the camera."""
_OFF_THE_MIRROR = 1e-5
"""Share of the scene's size from which on a line's mirror image is another line."""


@dataclass
class Lines:
    """Straight lines, those of edges first.

    Attributes:
        ends: (K, 2, 3) float64.
        vertices: (K, 2) vertices of an edge, -1 for a line of piercing.
        pierced: (K, 2) triangles that pierce each other there, -1 for an edge.
        beside: (K, 4) triangles that end there or are divided by it, -1 for none.
        corners: (K, 4) vertex of each of these triangles on one side of the line.
        always: (K,) it can be seen from wherever; others only if one of `normals` (K, 2, 3) faces the camera.
    """

    ends: np.ndarray
    vertices: np.ndarray
    pierced: np.ndarray
    beside: np.ndarray
    corners: np.ndarray
    always: np.ndarray
    normals: np.ndarray

    def mirrored(self, mirror: Mirror) -> "Lines":
        """Their images in a mirror."""
        return Lines(
            mirror.image(self.ends), self.vertices, self.pierced, self.beside, self.corners, self.always,
            self.normals - 2.0 * (self.normals @ mirror.normal)[..., None] * mirror.normal,
        )  # fmt: skip


def scene_lines(edges: Edges, piercings: Piercings, g: Geometry) -> Lines:
    """All lines of a scene that may be seen from somewhere."""
    kept = np.flatnonzero(edges.always | ~edges.flat)
    vertices, faces = edges.vertices[kept], edges.faces[kept]
    corners = g.triangles[faces].sum(axis=2) - vertices.sum(axis=1, keepdims=True)  # the third one of each
    count, more = len(kept), len(piercings.triangles)
    none = np.full((count, 2), -1)
    return Lines(
        np.concatenate([g.positions[vertices].astype(np.float64), piercings.ends]),
        np.concatenate([vertices, np.full((more, 2), -1)]),
        np.concatenate([none, piercings.triangles]),
        np.concatenate([np.concatenate([faces, none], axis=1), np.repeat(piercings.triangles, 2, axis=1)]),
        np.concatenate([np.concatenate([corners, none], axis=1), piercings.corners]),
        np.concatenate([edges.always[kept], np.ones(more, dtype=bool)]),
        np.concatenate([g.face_normals[faces], np.zeros((more, 2, 3))]),
    )


def visible_lines(
    lines: Lines, camera: Camera, radius: float, mirror: Mirror | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lines that the camera may see.

    Args:
        radius: of the filter, in pixels.
        mirror: in which they are seen, if any.

    Returns:
        numbers (K,) of lines, the part of each that lies before the camera and on the padded film as a range
        (K, 2) in [0, 1], and the length of that on the film in pixels (K,), all above zero.
    """
    matrix = camera.world_matrix()
    inverse = np.linalg.inv(matrix)
    original = lines
    if mirror is not None:
        lines = lines.mirrored(mirror)
    seen = lines.always.copy()
    candidates = np.flatnonzero(~lines.always)
    away = _turned_away(lines.ends[candidates, 0], lines.normals[candidates], camera)
    seen[candidates] |= away.any(axis=0) & ~away.all(axis=0)
    numbers = np.flatnonzero(seen)

    ends = lines.ends[numbers] @ inverse[:3, :3].T + inverse[:3, 3]
    size = max(1.0, float(np.abs(ends).max(initial=0.0)))
    limits = _limits(ends, camera, size, _window(camera, radius, mirror, inverse, size))
    if mirror is not None:  # only what lies on the camera's side of the mirror is seen in it
        heights = original.ends[numbers] @ mirror.normal - mirror.offset
        limits.append(heights * mirror.side(_viewpoint(camera)) - _OFF_THE_MIRROR * size)
    # Inside is where all of these linear functions of the ends are positive (Liang and Barsky).
    low, high = np.zeros(len(numbers)), np.ones(len(numbers))
    for value in limits:
        a, b = value[:, 0], value[:, 1]
        crossing = a / np.where(a == b, 1.0, a - b)
        low = np.where((a < 0.0) & (b >= 0.0), np.maximum(low, crossing), low)
        high = np.where((a >= 0.0) & (b < 0.0), np.minimum(high, crossing), high)
        high = np.where((a < 0.0) & (b < 0.0), -1.0, high)
    clipped = ends[:, :1] + np.stack([low, high], axis=1)[..., None] * (ends[:, 1:] - ends[:, :1])
    film = _ideal(clipped, camera) * _focal(camera)[:2]
    length = np.hypot(*(film[:, 1] - film[:, 0]).T)
    kept = (high > low) & (length > 1e-6) & np.isfinite(length)
    return numbers[kept], np.stack([low, high], axis=1)[kept], length[kept]


def bulges(lines: Lines, g: Geometry, camera: Camera) -> tuple[Lines, np.ndarray]:
    """Edges that are no edges from where the camera is, and whose triangles bend away from it; and by how much, (K,):
    1 - cos of the angle."""
    kept = np.flatnonzero(~lines.always)
    at, normals = lines.ends[kept, 0], lines.normals[kept]
    away = _turned_away(at, normals, camera)
    height = np.einsum("ij,ij->i", normals[:, 0], g.positions[lines.corners[kept, 1]] - at)
    bent = np.where(away.all(axis=0), height > 0.0, ~away.any(axis=0) & (height < 0.0))
    normals = normals[bent]
    kept, bend = kept[bent], 1.0 - np.einsum("ij,ij->i", normals[:, 0], normals[:, 1])
    return Lines(
        lines.ends[kept], lines.vertices[kept], lines.pierced[kept], lines.beside[kept], lines.corners[kept],
        np.ones(len(kept), dtype=bool), normals,
    ), bend  # fmt: skip


def _turned_away(at: np.ndarray, normals: np.ndarray, camera: Camera) -> np.ndarray:
    """(S, K) whether triangles through points (K, 3), with normals (K, 2, 3), turn away from where the camera sees
    from: one after the other, for each of `camera_points`."""
    matrix = camera.world_matrix()
    sides = []
    for offset in camera_points(camera):
        towards = at - (matrix[:3, :3] @ offset + matrix[:3, 3])
        if camera.type == "orthographic":
            towards = np.broadcast_to(-matrix[:3, 2], at.shape)
        sides += [np.einsum("ij,ij->i", normals[:, k], towards) > 0.0 for k in (0, 1)]
    return np.stack(sides)


def camera_points(camera: Camera) -> np.ndarray:
    """Points of the camera's frame that it sees from: its centre, and some of the rim of its lens."""
    r = camera.aperture_radius if camera.type == "thin_lens" else 0.0
    return np.array([[0, 0, 0], [r, 0, 0], [-r, 0, 0], [0, r, 0], [0, -r, 0]], dtype=np.float64)[: 5 if r else 1]


def _viewpoint(camera: Camera) -> tuple[np.ndarray, float]:
    """Homogeneous: the camera's position, or the direction it sees from."""
    matrix = camera.world_matrix()
    if camera.type == "orthographic":
        return matrix[:3, 2], 0.0
    return matrix[:3, 3], 1.0


def _focal(camera: Camera) -> np.ndarray:
    """(4,): fx, fy, cx, cy in pixels."""
    if camera.type == "orthographic":
        focal = camera.width / (2.0 * camera.scale)
        return np.array([focal, focal, 0.5 * camera.width, 0.5 * camera.height])
    return np.array(camera.focal(), dtype=np.float64)


def _ideal(local: np.ndarray, camera: Camera) -> np.ndarray:
    """(..., 2): points of the camera's frame on the plane at distance 1; orthographic: without their depth."""
    scale = 1.0 if camera.type == "orthographic" else np.maximum(-local[..., 2:], 1e-30)
    projected: np.ndarray = local[..., :2] / scale
    return projected


def _near(camera: Camera, size: float) -> float:
    return 0.0 if camera.type == "orthographic" else max(camera.near, _LEAST_DEPTH * size)


def _window(
    camera: Camera, radius: float, mirror: Mirror | None, inverse: np.ndarray, size: float
) -> np.ndarray | None:
    """(2, 2): least and largest film point, in pixels, of what has to be sampled; None: whatever is in front.

    That is the padded film, and in it the bounds of the mirror.
    """
    if camera.type == "thin_lens" or np.any(camera.distortion):
        return None
    window = np.array([[-radius, -radius], [camera.width + radius, camera.height + radius]])
    if mirror is not None:
        corners = mirror.corners @ inverse[:3, :3].T + inverse[:3, 3]
        points = corners.reshape(-1, 3)
        if camera.type != "orthographic":  # cut the triangles' sides where they leave the space before the camera
            near = 0.5 * _near(camera, size)
            a, b = points, np.roll(corners, -1, axis=1).reshape(-1, 3)
            crosses = (a[:, 2] < -near) != (b[:, 2] < -near)
            a, b = a[crosses], b[crosses]
            cut = a + (b - a) * ((-near - a[:, 2]) / (b[:, 2] - a[:, 2]))[:, None]
            points = np.concatenate([points[points[:, 2] < -near], cut])
        f = _focal(camera)
        film = _ideal(points, camera) * [f[0], -f[1]] + f[2:]
        if len(film) == 0:
            return np.zeros((2, 2))
        window[0] = np.maximum(window[0], film.min(axis=0))
        window[1] = np.minimum(window[1], film.max(axis=0))
    return window


def _limits(ends: np.ndarray, camera: Camera, size: float, window: np.ndarray | None) -> list[np.ndarray]:
    """Linear functions of lines' ends (K, 2) in the camera's frame, positive where the camera may see."""
    fx, fy, cx, cy = _focal(camera)
    depth = np.ones(ends.shape[:2]) if camera.type == "orthographic" else -ends[..., 2]
    limits = [-ends[..., 2] - (camera.near if camera.type == "orthographic" else _near(camera, size))]
    if np.isfinite(camera.far):
        limits.append(camera.far + ends[..., 2])
    if window is not None:
        x, y = fx * ends[..., 0] + cx * depth, -fy * ends[..., 1] + cy * depth
        limits += [x - window[0, 0] * depth, window[1, 0] * depth - x]
        limits += [y - window[0, 1] * depth, window[1, 1] * depth - y]
    return limits
