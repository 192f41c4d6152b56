"""The film: where in the image a sample falls. Every pixel draws its own samples from its filter (filter importance
sampling, Ernst, Stamminger and Greiner 2006), so a pixel is a plain mean, linear in its samples."""

import taichi as ti
from taichi.math import vec2

from diffrt.core.warp import tent

BOX = 0
TENT = 1
GAUSSIAN = 2
FILTERS = {"box": BOX, "tent": TENT, "gaussian": GAUSSIAN}
RADII = {"box": 0.5, "tent": 1.0, "gaussian": 2.0}
"""Half-width of each filter in pixels."""

GAUSSIAN_SIGMA = 0.5
_CENTRAL = (
    3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164,
    0.246640727, 1.50140941,
)  # fmt: skip
_BEYOND = (
    0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047, 1.00167406, 2.83297682,
)  # fmt: skip
_TAIL = 3.167124183311992e-05  # share of a Gaussian beyond 4 sigma on one side


@ti.func
def _inverse_erf(x: ti.f32) -> ti.f32:
    """Inverse error function in single precision (Giles 2010, "Approximating the erfinv function")."""
    w = -ti.log(ti.max((1.0 - x) * (1.0 + x), 1e-30))
    central = 2.81022636e-08
    s = w - 2.5
    for c in ti.static(_CENTRAL):
        central = c + central * s
    tail = -0.000200214257
    r = ti.sqrt(ti.max(w, 0.0)) - 3.0
    for c in ti.static(_BEYOND):
        tail = c + tail * r
    return ti.select(w < 5.0, central, tail) * x


@ti.func
def _gaussian(u: ti.f32) -> ti.f32:
    """Offset in pixels, normal with GAUSSIAN_SIGMA, cut at four sigma."""
    clipped = _TAIL + u * (1.0 - 2.0 * _TAIL)
    return GAUSSIAN_SIGMA * 1.4142135623730951 * _inverse_erf(2.0 * clipped - 1.0)


@ti.func
def film_point(kind: ti.template(), column: ti.i32, row: ti.i32, u: vec2) -> vec2:
    """A point of the film in pixels, drawn from the filter of pixel (column, row)."""
    offset = u
    if ti.static(kind == TENT):
        offset = vec2(0.5 + tent(u.x), 0.5 + tent(u.y))
    elif ti.static(kind == GAUSSIAN):
        offset = vec2(0.5 + _gaussian(u.x), 0.5 + _gaussian(u.y))
    return vec2(ti.cast(column, ti.f32), ti.cast(row, ti.f32)) + offset
