"""Differentiated: pinhole and thin-lens cameras, with OpenCV's radial and tangential distortion.

OpenCV, "Camera Calibration and 3D Reconstruction": with r^2 = x^2 + y^2 and radial = 1 + k1 r^2 + k2 r^4 + k3 r^6,
x_d = x radial + 2 p1 x y + p2 (r^2 + 2 x^2), y_d = y radial + p1 (r^2 + 2 y^2) + 2 p2 x y, y down.
"""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.warp import disk_concentric

UNDISTORT_STEPS = 8


@ti.func
def distort(k, p: vec2) -> vec2:
    """Where the lens puts the ideal image point p (on the plane at distance 1); k = (k1, k2, p1, p2, k3)."""
    x, y = p.x, p.y
    r2 = x * x + y * y
    radial = 1.0 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))
    return vec2(
        x * radial + 2.0 * k[2] * x * y + k[3] * (r2 + 2.0 * x * x),
        y * radial + k[2] * (r2 + 2.0 * y * y) + 2.0 * k[3] * x * y,
    )


@ti.func
def distortion_derivative(k, p: vec2):
    """Derivative of `distort` at p, a symmetric matrix: dx_d/dx, dx_d/dy = dy_d/dx, dy_d/dy."""
    x, y = p.x, p.y
    r2 = x * x + y * y
    radial = 1.0 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))
    slope = 2.0 * (k[0] + r2 * (2.0 * k[1] + 3.0 * r2 * k[4]))
    a = radial + x * x * slope + 2.0 * k[2] * y + 6.0 * k[3] * x
    b = x * y * slope + 2.0 * k[2] * x + 2.0 * k[3] * y
    d = radial + y * y * slope + 6.0 * k[2] * y + 2.0 * k[3] * x
    return a, b, d


@ti.func
def undistort(k, q: vec2) -> vec2:
    """Inverse of `distort` by Newton's method; exact to rounding within the range where the model is invertible."""
    p = q
    for _ in ti.static(range(UNDISTORT_STEPS)):
        a, b, d = distortion_derivative(k, p)
        determinant = a * d - b * b
        ok = ti.abs(determinant) > 1e-6
        residual = distort(k, p) - q
        step = vec2(d * residual.x - b * residual.y, a * residual.y - b * residual.x)
        p -= ti.select(ok, step / ti.select(ok, determinant, 1.0), vec2(0.0))
    return p


@ti.func
def local_ray(scene: ti.template(), features: ti.template(), film: vec2, u: vec2, thin_lens: ti.template()):
    """Ray through a film point; with a thin lens, from a point of the aperture to the plane in focus."""
    f = scene.camera_intrinsics[None]
    p = vec2((film.x - f[2]) / f[0], (film.y - f[3]) / f[1])
    if ti.static(features.distorted):
        p = undistort(scene.camera_distortion[None], p)
    origin = vec3(0.0)
    towards = vec3(p.x, -p.y, -1.0)
    if ti.static(thin_lens):
        lens = scene.camera_lens[None]
        on_lens = disk_concentric(u) * lens[0]
        origin = vec3(on_lens.x, on_lens.y, 0.0)
        towards = towards * lens[1] - origin
    return origin, towards
