"""Flat mirrors: planes of perfectly smooth triangles, in which the camera sees the scene a second time."""

from dataclasses import dataclass

import numpy as np

from diffrt.description.values import TextureRef
from diffrt.device.geometry import Geometry
from diffrt.scene.scene import Scene

MOST_MIRRORS = 16
"""The largest so many planes are mirrors; what is smaller is a facet of something curved."""
_SAME_PLANE = 1e-5
"""Difference of unit normals, and of offsets as a share of the scene's size, between triangles of one plane."""


@dataclass
class Mirror:
    """The plane normal . x = offset.

    Attributes:
        triangles: (M,) that lie in it and mirror.
        corners: (M, 3, 3) float64, theirs.
    """

    normal: np.ndarray
    offset: float
    triangles: np.ndarray
    corners: np.ndarray

    def image(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3), mirrored."""
        image: np.ndarray = points - 2.0 * (points @ self.normal - self.offset)[..., None] * self.normal
        return image

    def side(self, viewpoint: tuple[np.ndarray, float]) -> float:
        """1 or -1: on which side of the plane a homogeneous point is."""
        point, weight = viewpoint
        return 1.0 if float(self.normal @ point) > weight * self.offset else -1.0


def flat_mirrors(scene: Scene, g: Geometry) -> tuple[list[Mirror], list[str]]:
    """The flat mirrors of a scene, and the names of mirroring shapes that are curved, or facets by the many.

    A triangle is flat if it has no normals but its own.
    """
    smooth = set(smooth_materials(scene))
    shapes = list(scene.shapes.values())
    mirrors = np.array([shape.material in smooth for shape in shapes], dtype=bool)
    bent = np.array([scene.materials[shape.material].normal_map is not None for shape in shapes], dtype=bool)
    every = mirrors[g.triangle_shape]
    chosen = np.flatnonzero(every & ~bent[g.triangle_shape] & (g.triangle_normals[:, 0] < 0))
    found: list[Mirror] = []
    if len(chosen):
        corners = g.positions.astype(np.float64)[g.triangles[chosen]]
        normals = g.face_normals[chosen]
        # One sign for both sides of a plane.
        largest = np.take_along_axis(normals, np.abs(normals).argmax(axis=1)[:, None], axis=1)
        normals *= np.sign(largest)
        offsets = np.sum(normals * corners[:, 0], axis=1)
        size = max(float(np.abs(g.positions).max()), 1e-30)
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        left = np.ones(len(chosen), dtype=bool)
        for first in np.argsort(-area):
            if len(found) == MOST_MIRRORS or not left.any():
                break
            if left[first]:
                same = left & (np.abs(normals - normals[first]).max(axis=1) < _SAME_PLANE)
                same &= np.abs(offsets - offsets[first]) < _SAME_PLANE * size
                left &= ~same
                found.append(Mirror(normals[first], float(offsets[first]), chosen[same], corners[same]))
    covered = np.zeros(len(g.triangles), dtype=bool)
    for mirror in found:
        covered[mirror.triangles] = True
    missed = np.unique(g.triangle_shape[every & ~covered])
    return found, [shapes[number].name for number in missed]


def smooth_materials(scene: Scene) -> list[str]:
    """Materials that mirror or refract without scattering, and mixes of them."""
    names = [
        name
        for name, material in scene.materials.items()
        if material.type in ("conductor", "dielectric", "plastic")
        and not isinstance(material.fields["roughness"], TextureRef)
        and not np.any(material.fields["roughness"])
    ]
    return names + [name for name, m in scene.materials.items() if m.first in names or m.second in names]
