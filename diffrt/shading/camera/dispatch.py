"""Differentiated: from a film point to a world ray, for whichever camera the scene has."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import larger
from diffrt.device.features import CAMERA_TYPES
from diffrt.shading.camera import orthographic, perspective


@ti.dataclass
class CameraRay:
    """A ray from the camera: world origin, unit direction, and the clipping distances along it."""

    origin: vec3
    direction: vec3
    t_min: ti.f32
    t_max: ti.f32


@ti.func
def camera_ray(scene: ti.template(), features: ti.template(), film: vec2, u: vec2) -> CameraRay:
    """The ray through `film` (pixels from the top-left corner of the image); u chooses the point of the lens."""
    origin, direction = vec3(0.0), vec3(0.0)
    if ti.static(CAMERA_TYPES[features.camera] == "orthographic"):
        origin, direction = orthographic.local_ray(scene, features, film, u)
    else:
        lens = ti.static(CAMERA_TYPES[features.camera] == "thin_lens")
        origin, direction = perspective.local_ray(scene, features, film, u, lens)
    m = scene.camera_to_world[None]
    world = vec3(0.0)
    at = vec3(0.0)
    for i in ti.static(range(3)):
        world[i] = m[i, 0] * direction.x + m[i, 1] * direction.y + m[i, 2] * direction.z
        at[i] = m[i, 0] * origin.x + m[i, 1] * origin.y + m[i, 2] * origin.z + m[i, 3]
    # A camera may be scaled (glTF allows it): lengths along the ray are world lengths.
    squared = world.dot(world)
    shrink = 1.0 / ti.sqrt(squared)
    clip = scene.camera_clip[None]
    along = squared * shrink / larger(-direction.z, 1e-30)
    return CameraRay(at, world * shrink, clip[0] * along, clip[1] * along)
