"""Meshes of the example scenes, computed: a fluted torus knot, a ridged sphere of 100,000 triangles, puppets.

Written as binary PLY with 16-bit coordinates and four-cornered faces, so that each stays small: the scene scales them
by 1 / 32767.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
STEPS = 32767
"""Coordinates of the files are whole numbers in [-STEPS, STEPS] that stand for [-1, 1]."""


def write_ply(path: Path, vertices: Floats, faces: list[Integers]) -> None:
    """Write vertices (V,3) within [-1,1], fewer than 65536, and faces: arrays (F,3) or (F,4) of indices."""
    header = (
        f"ply\nformat binary_little_endian 1.0\nelement vertex {len(vertices)}\n"
        "property short x\nproperty short y\nproperty short z\n"
        f"element face {sum(map(len, faces))}\nproperty list uchar ushort vertex_indices\n"
        "end_header\n"
    )
    body = [np.round(vertices * STEPS).astype("<i2").tobytes()]
    for polygons in faces:
        corners = polygons.shape[1]
        rows = np.zeros(len(polygons), dtype=[("count", "u1"), ("index", "<u2", corners)])
        rows["count"], rows["index"] = corners, polygons
        body.append(rows.tobytes())
    path.write_bytes(header.encode() + b"".join(body))


def torus_knot(along: int = 480, around: int = 28) -> tuple[Floats, list[Integers]]:
    """A (2,3) torus knot as a tube with eight twisted flutes, within [-1,1]^3."""
    t = 2 * np.pi * np.arange(along) / along

    def curve(s: Floats) -> Floats:
        ring = 1.0 + 0.42 * np.cos(3 * s)
        return np.column_stack([ring * np.cos(2 * s), ring * np.sin(2 * s), 0.5 * np.sin(3 * s)])

    step = 1e-4
    tangent = curve(t + step) - curve(t - step)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    # The normal of the torus that the knot lies on, made orthogonal to the curve: it closes by itself.
    middle = np.column_stack([np.cos(2 * t), np.sin(2 * t), np.zeros(along)])
    outward = curve(t) - middle
    side = np.cross(tangent, outward)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(side, tangent)
    angle = 2 * np.pi * np.arange(around) / around
    radius = 0.25 * (1 + 0.1 * np.cos(4 * angle[None, :] + 12 * t[:, None]))
    rim = np.cos(angle)[None, :, None] * up[:, None] + np.sin(angle)[None, :, None] * side[:, None]
    points = (curve(t)[:, None] + radius[..., None] * rim).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(along), np.arange(around), indexing="ij")
    after, beside = (i + 1) % along, (j + 1) % around
    quads = np.stack([i * around + j, i * around + beside, after * around + beside, after * around + j], axis=-1)
    return points / np.abs(points).max(), [quads.reshape(-1, 4)[:, ::-1]]


def cube_sphere(cells: int) -> tuple[Floats, Integers]:
    """The unit sphere as six grids of cells x cells quads, with shared borders."""
    line = np.tan(np.linspace(-1, 1, cells + 1) * np.pi / 4)
    u, v = np.meshgrid(line, line, indexing="ij")
    i, j = np.meshgrid(np.arange(cells), np.arange(cells), indexing="ij")
    row = cells + 1
    grid = np.stack([i * row + j, (i + 1) * row + j, (i + 1) * row + j + 1, i * row + j + 1], axis=-1).reshape(-1, 4)
    points, quads = [], []
    for axis in range(3):
        for sign in (1.0, -1.0):
            side = np.empty((row, row, 3))
            side[..., axis], side[..., (axis + 1) % 3], side[..., (axis + 2) % 3] = sign, u, v
            quads.append((grid if sign > 0 else grid[:, ::-1]) + len(points) * row * row)
            points.append(side.reshape(-1, 3))
    corners = np.concatenate(points)
    _, first, same = np.unique(np.round(corners, 9), axis=0, return_index=True, return_inverse=True)
    sphere = corners[first] / np.linalg.norm(corners[first], axis=1, keepdims=True)
    return sphere, same.reshape(-1)[np.concatenate(quads)]


def coral(cells: int = 93) -> tuple[Floats, list[Integers]]:
    """A sphere pushed in and out along the ridges of a warped gyroid: 12 cells^2 triangles."""
    sphere, quads = cube_sphere(cells)
    p = 8.5 * (sphere + 0.12 * np.sin(3.1 * sphere[:, [1, 2, 0]] + 0.7))
    s, c = np.sin(p), np.cos(p)
    gyroid = (s * c[:, [1, 2, 0]]).sum(axis=1)
    height = np.exp(-((gyroid / 0.6) ** 2)) + 0.03 * np.sin(24 * sphere).prod(axis=1)
    points = sphere * (0.84 + 0.13 * height)[:, None]
    return points / np.abs(points).max(), [quads]


def silhouette(distance: Callable[[Floats, Floats], Floats], cells: int = 96) -> tuple[Floats, list[Integers]]:
    """The flat region distance(x, y) < 0 of [-1,1]^2 as a mesh at z = 0, normal +Z, by marching squares."""
    line = np.linspace(-1, 1, cells + 1)
    x, y = np.meshgrid(line, line, indexing="ij")
    value = distance(x, y)
    vertices: list[tuple[float, float, float]] = []
    number: dict[tuple[int, int, int, int], int] = {}

    def vertex(a: tuple[int, int], b: tuple[int, int]) -> int:
        """The grid corner a (if a == b), or the crossing on the side from a to b."""
        key = (*min(a, b), *max(a, b))
        if key not in number:
            number[key] = len(vertices)
            va, vb = value[a], value[b]
            share = 0.0 if a == b else float(np.clip(va / (va - vb), 0.02, 0.98))
            vertices.append((x[a] + share * (x[b] - x[a]), y[a] + share * (y[b] - y[a]), 0.0))
        return number[key]

    polygons: dict[int, list[list[int]]] = {3: [], 4: []}
    for i in range(cells):
        for j in range(cells):
            ring = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
            outline = []
            for k, here in enumerate(ring):
                ahead = ring[(k + 1) % 4]
                if value[here] < 0:
                    outline.append(vertex(here, here))
                if (value[here] < 0) != (value[ahead] < 0):
                    outline.append(vertex(here, ahead))
            if len(outline) in (3, 4):
                polygons[len(outline)].append(outline)
            elif len(outline) > 4:
                polygons[3] += [[outline[0], outline[k], outline[k + 1]] for k in range(1, len(outline) - 1)]
    return np.array(vertices), [np.array(rows) for rows in polygons.values() if rows]


def _ellipse(x: Floats, y: Floats, cx: float, cy: float, rx: float, ry: float) -> Floats:
    """About the signed distance to an ellipse."""
    return (np.hypot((x - cx) / rx, (y - cy) / ry) - 1.0) * min(rx, ry)


def _capsule(x: Floats, y: Floats, a: tuple[float, float], b: tuple[float, float], ra: float, rb: float) -> Floats:
    """About the signed distance to a stroke from a to b whose radius goes from ra to rb."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    t = np.clip(((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy), 0, 1)
    return np.hypot(x - a[0] - t * dx, y - a[1] - t * dy) - (ra + t * (rb - ra))


def _strokes(x: Floats, y: Floats, points: list[tuple[float, float]], radii: list[float]) -> Floats:
    parts = zip(points, points[1:], radii, radii[1:], strict=False)
    return np.minimum.reduce([_capsule(x, y, a, b, ra, rb) for a, b, ra, rb in parts])


def cat(x: Floats, y: Floats) -> Floats:
    """A sitting cat with a curled tail; its eyes are holes."""
    body = _ellipse(x, y, -0.05, -0.5, 0.4, 0.5)
    chest = _ellipse(x, y, -0.05, 0.0, 0.25, 0.4)
    head = _ellipse(x, y, -0.05, 0.45, 0.34, 0.27)
    ears = [_strokes(x, y, [(-0.05 + s * 0.2, 0.6), (-0.05 + s * 0.3, 0.92)], [0.13, 0.01]) for s in (-1, 1)]
    tail = _strokes(
        x, y, [(0.2, -0.88), (0.55, -0.86), (0.74, -0.66), (0.74, -0.4), (0.6, -0.26)], [0.1, 0.09, 0.08, 0.07, 0.05]
    )
    whole = np.minimum.reduce([body, chest, head, *ears, tail])
    eyes = np.minimum(_ellipse(x, y, -0.18, 0.47, 0.055, 0.08), _ellipse(x, y, 0.08, 0.47, 0.055, 0.08))
    return np.maximum(whole, -eyes)


def bird(x: Floats, y: Floats) -> Floats:
    """A swallow from below: swept wings, forked tail."""
    body = _strokes(x, y, [(-0.55, 0.2), (-0.25, 0.12), (0.3, -0.05)], [0.1, 0.16, 0.06])
    beak = _strokes(x, y, [(-0.6, 0.21), (-0.78, 0.24)], [0.06, 0.0])
    wings = [
        _strokes(x, y, [(-0.2, 0.15), (-0.05, middle), (0.5, tip)], [0.17, 0.12, 0.0])
        for middle, tip in ((-0.3, -0.57), (0.6, 0.87))
    ]
    tail = [_strokes(x, y, [(0.25, -0.04), (0.85, end)], [0.07, 0.01]) for end in (0.12, -0.42)]
    return np.minimum.reduce([body, beak, *wings, *tail])


def tree(x: Floats, y: Floats) -> Floats:
    """A bare tree: a trunk that forks four times."""
    parts: list[Floats] = []

    def grow(at: tuple[float, float], angle: float, length: float, radius: float, left: int) -> None:
        end = (at[0] + length * np.sin(angle), at[1] + length * np.cos(angle))
        parts.append(_capsule(x, y, at, end, radius, 0.72 * radius))
        if left:
            grow(end, angle - 0.48, 0.76 * length, 0.72 * radius, left - 1)
            grow(end, angle + 0.36, 0.8 * length, 0.72 * radius, left - 1)

    grow((0.03, -1.0), 0.04, 0.55, 0.11, 5)
    return np.minimum.reduce(parts)


def make_meshes(folder: Path) -> None:
    """Write every mesh."""
    folder.mkdir(parents=True, exist_ok=True)
    write_ply(folder / "torus_knot.ply", *torus_knot())
    write_ply(folder / "coral.ply", *coral())
    for shape in (cat, bird, tree):
        write_ply(folder / f"{shape.__name__}.ply", *silhouette(shape))
