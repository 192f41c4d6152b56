"""A closed wavy surface of as many triangles as wanted."""

import numpy as np


def wavy_torus(triangles: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) float64 and faces (F, 3) int32 of a torus with ripples, F being `triangles` or a little more."""
    columns = int(np.ceil(np.sqrt(triangles)))
    rows = int(np.ceil(triangles / (2 * columns)))
    u = 2.0 * np.pi * np.arange(columns) / columns
    v = 2.0 * np.pi * np.arange(rows)[:, None] / rows
    tube = 0.35 + 0.05 * np.sin(24.0 * u) * np.sin(9.0 * v) + 0.01 * np.sin(131.0 * u + 57.0 * v)
    ring = 1.0 + tube * np.cos(v)
    vertices = np.stack([ring * np.cos(u), tube * np.sin(v) + 0.0 * u, -ring * np.sin(u)], axis=-1).reshape(-1, 3)
    at = np.arange(rows * columns).reshape(rows, columns)
    right, up = np.roll(at, -1, axis=1), np.roll(at, -1, axis=0)
    across = np.roll(up, -1, axis=1)
    faces = np.concatenate([np.stack([at, right, across], axis=-1), np.stack([at, across, up], axis=-1)], axis=-1)
    return vertices, faces.reshape(-1, 3).astype(np.int32)
