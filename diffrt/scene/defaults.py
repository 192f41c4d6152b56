"""What a bare mesh or glTF file lacks to be a picture: a camera that frames it, and light from all around."""

from collections.abc import Iterable

import numpy as np

from diffrt.description import transform
from diffrt.scene.elements import Camera, Light, Shape

_FOV = 40.0
_TOWARDS_CAMERA = np.array([0.45, 0.3, 1.0])


def framing_camera(shapes: Iterable[Shape], name: str = "camera") -> Camera:
    """A perspective camera, somewhat above and to the right, that sees the bounding sphere of all shapes."""
    points = [shape.world_vertices()[np.unique(shape.mesh.faces)] for shape in shapes]
    low = np.min([item.min(axis=0) for item in points], axis=0) if points else np.full(3, -1.0)
    high = np.max([item.max(axis=0) for item in points], axis=0) if points else np.ones(3)
    center = 0.5 * (low + high)
    radius = max(0.5 * float(np.linalg.norm(high - low)), 1e-6)
    distance = 1.05 * radius / np.sin(0.5 * np.deg2rad(_FOV))
    direction = _TOWARDS_CAMERA / np.linalg.norm(_TOWARDS_CAMERA)
    to_world = transform.look_at(center + distance * direction, center)
    return Camera(name, "perspective", to_world, 512, 512, fov=np.array(_FOV), fov_axis="x")


def surrounding_light(name: str = "environment") -> Light:
    """An environment of radiance 1 from everywhere."""
    return Light(name, "environment", {"radiance": np.ones(3), "scale": np.array(1.0)})
