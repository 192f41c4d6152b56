"""Which shapes derivatives are about: what the others do among themselves needs no samples."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from diffrt.description.values import TextureRef
from diffrt.device.geometry import Geometry, wide_bounds
from diffrt.gradient.held_fields import CAMERA_FIELDS
from diffrt.gradient.target import Target
from diffrt.scene.consistency import materials_of
from diffrt.scene.scene import Scene

_EVEN_FOR_ALL, _EVEN_FOR_OTHERS = 0.25, 0.1
"""Share of even directions at shapes that do not turn: if anything moves besides shapes, and if none does."""
_LESS_EVEN = 0.25
"""So much of it is missing at shapes that turn if all do."""


@dataclass(frozen=True)
class Motion:
    """What moves edges.

    Attributes:
        shapes: (shapes,) bool, whether a shape's points move. If anything else moves than shapes, all do.
        distorted: derivatives by the camera's distortion are asked for.
        still_camera: none by anything of the camera are.
    """

    shapes: np.ndarray
    distorted: bool
    still_camera: bool


def motion(scene: Scene, targets: Sequence[Target]) -> Motion:
    """What moves edges if these parameters change."""
    moving = [item for item in targets if set(item.terms) - {"interior"}]
    of_shapes = {_shape(item) for item in moving}
    shapes = np.array([None in of_shapes or name in of_shapes for name in scene.shapes], dtype=bool)
    fields = {field for item in targets for field in item.fields}
    return Motion(shapes, "camera_distortion" in fields, fields.isdisjoint(CAMERA_FIELDS))


def changing_shapes(scene: Scene, targets: Sequence[Target]) -> np.ndarray | None:
    """(shapes,) bool: where a path has to meet a shape for what it carries to change, which shapes these are, but for
    those whose materials change. None if paths change that meet none of either."""
    shapes: set[str | None] = set()
    for item in targets:
        of_values = item.name.startswith(("materials.", "textures.")) and not item.bends
        if not of_values or shines(scene, item.name):
            shapes.add(_shape(item))
    return None if None in shapes else np.array([name in shapes for name in scene.shapes], dtype=bool)


def bounds_of_changes(scene: Scene, g: Geometry, shapes: np.ndarray, materials: Set[str]) -> np.ndarray:
    """(2, 3): of all shapes that change themselves, (shapes,) bool, or by one of these materials."""
    by_material = [
        any(material.name in materials for material in materials_of(shape, scene.materials))
        for shape in scene.shapes.values()
    ]
    triangles = (shapes | np.array(by_material, dtype=bool))[g.triangle_shape]
    return wide_bounds(g.positions[g.triangles[triangles]]) if triangles.any() else np.full((2, 3), 1e18)


def _turning(targets: Sequence[Target]) -> set[str | None]:
    """The shapes that move themselves; None: so does something else."""
    return {_shape(item) for item in targets if item.moves or item.bends}


def turning_shapes(scene: Scene, targets: Sequence[Target]) -> np.ndarray:
    """(shapes,) bool: whether the normals of a shape change with its own parameters."""
    names = _turning(targets)
    return np.array([name in names for name in scene.shapes], dtype=bool)


def even_shares(scene: Scene, g: Geometry, targets: Sequence[Target]) -> np.ndarray:
    """(shapes,): of diffuse lobes, the share of directions of equal density.

    Where a surface turns, the derivative by its normal is as large as one over the size of its triangles, and so is its
    noise: all directions alike leave the least, but add a third to the mean square of the weight of a path that goes
    on, so it should not meet many such surfaces. Where nothing turns a tenth adds one per cent, a quarter three.
    """
    turning = turning_shapes(scene, targets)
    others = _EVEN_FOR_ALL if None in _turning(targets) else _EVEN_FOR_OTHERS
    corners = g.positions[g.triangles]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    of_turning = float(areas[turning[g.triangle_shape]].sum() / max(float(areas.sum()), 1e-30))
    return np.where(turning, 1.0 - _LESS_EVEN * of_turning, others)


def shines(scene: Scene, name: str) -> bool:
    """Whether an image, by its parameter's name, is that of an environment or the emission of a shape."""
    emissions = [shape.emission for shape in scene.shapes.values()]
    used = {f"textures.{item.name}" for item in emissions if isinstance(item, TextureRef)}
    return name.startswith("lights.") or name in used


def _shape(item: Target) -> str | None:
    section, _, rest = item.name.partition(".")
    return rest.partition(".")[0] if section == "shapes" else None
