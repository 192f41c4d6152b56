"""Which shapes' points slide: in derivatives they follow the directions in which they are met, see render/nearness.py.

A triangle of a fine mesh is small, and a vertex that moves by little changes the solid angle that it covers by much:
relatively, by one over its size, and by one over the cosine at which it is met. Neighbours change against it, so that
little of it is left in the mean; what noise it makes grows with the number of triangles. If points keep their
directions instead, there is none of it. Then what ends or jumps at the edges of the mesh moves against them and has to
be sampled there (`shadow_lines.py`, `slid_silhouettes.py`).
"""

import numpy as np

from diffrt.description.values import TextureRef
from diffrt.device.packing import write
from diffrt.device.upload import DeviceScene
from diffrt.gradient.edge_pass import kept
from diffrt.gradient.mirrors import smooth_materials
from diffrt.scene.elements import Shape
from diffrt.scene.scene import Scene

_FINE = 50
"""Shapes of so many triangles slide."""


def write_sliding(device: DeviceScene, scene: Scene) -> None:
    """Fill the field `shape_slides`, unless it is there already."""

    def make() -> None:
        write(device.fields, [(device.fields.shape_slides, sliding(scene))])

    kept(device.geometry, "sliding", (device.fields, scene.appearance_revision), make)


def sliding(scene: Scene) -> np.ndarray:
    """(shapes,): whether points of a shape slide.

    Those of lamps do not, since light samples keep their places; nor those of surfaces that mirror perfectly, let light
    pass, or have texels that are not interpolated.
    """
    smooth = set(smooth_materials(scene))
    return np.array([_slides(scene, shape, smooth) for shape in scene.shapes.values()], dtype=bool)


def _slides(scene: Scene, shape: Shape, smooth: set[str]) -> bool:
    material = scene.materials[shape.material]
    if len(shape.mesh.faces) < _FINE or shape.emission is not None or shape.material in smooth:
        return False
    if material.type in ("mix", "null", "dielectric"):
        return False
    if isinstance(material.opacity, TextureRef) or material.opacity < 1.0:
        return False
    values = material.fields.values()
    return not any(isinstance(value, TextureRef) and scene.textures[value.name].filter == "nearest" for value in values)
