"""Differentiated: where the camera sees a point: the inverse of `shading/camera`'s way from the film to a ray."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.warp import disk_concentric
from diffrt.device.features import CAMERA_TYPES
from diffrt.shading.camera.perspective import distort


@ti.func
def to_camera(scene: ti.template(), x: vec3) -> vec3:
    """A world point in the camera's own frame."""
    m = scene.camera_to_world[None]
    return turned_to_camera(scene, x - vec3(m[0, 3], m[1, 3], m[2, 3]))


@ti.func
def turned_to_camera(scene: ti.template(), d: vec3) -> vec3:
    """A world vector in the camera's own frame (Cramer's rule)."""
    m = scene.camera_to_world[None]
    a = vec3(m[0, 0], m[1, 0], m[2, 0])
    b = vec3(m[0, 1], m[1, 1], m[2, 1])
    c = vec3(m[0, 2], m[1, 2], m[2, 2])
    bc = b.cross(c)
    return vec3(d.dot(bc), d.dot(c.cross(a)), d.dot(a.cross(b))) / a.dot(bc)


@ti.func
def to_image_plane(scene: ti.template(), features: ti.template(), p: vec3, lens: vec2) -> vec2:
    """The ideal image point, y down, at distance 1 (orthographic: the point without its depth), of a point in the
    camera's frame; through a point of the lens, which `lens` chooses, it is where the film's point must lie."""
    result = vec2(p.x, -p.y)
    if ti.static(CAMERA_TYPES[features.camera] == "perspective"):
        result /= -p.z
    if ti.static(CAMERA_TYPES[features.camera] == "thin_lens"):
        optics = scene.camera_lens[None]
        on_lens = disk_concentric(lens) * optics[0]
        on_lens.y = -on_lens.y
        result = (on_lens + (result - on_lens) * (optics[1] / -p.z)) / optics[1]
    return result


@ti.func
def to_film(scene: ti.template(), features: ti.template(), p: vec2) -> vec2:
    """Pixels from the top-left corner of an ideal image point."""
    q = p
    if ti.static(features.distorted):
        q = distort(scene.camera_distortion[None], p)
    f = scene.camera_intrinsics[None]
    return vec2(f[2] + f[0] * q.x, f[3] + f[1] * q.y)


@ti.func
def project(scene: ti.template(), features: ti.template(), x: vec3, lens: vec2) -> vec2:
    """Where on the film, in pixels, a world point in front of the camera is seen."""
    return to_film(scene, features, to_image_plane(scene, features, to_camera(scene, x), lens))
