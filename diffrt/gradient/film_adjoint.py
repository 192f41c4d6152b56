"""Between pixels and points of the film: the adjoint image through the filter, and back, for samples on edges."""

import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.vector import is_finite
from diffrt.render.film import BOX, GAUSSIAN, GAUSSIAN_SIGMA, TENT

_WITHIN_4_SIGMA = 0.9999366575163338


@ti.func
def _weight(kind: ti.template(), x: ti.f32) -> ti.f32:
    """Density of the filter at a distance of x pixels from the pixel's centre, along one axis."""
    result = 0.0
    if ti.static(kind == TENT):
        result = ti.max(1.0 - ti.abs(x), 0.0)
    if ti.static(kind == GAUSSIAN):
        z = x / GAUSSIAN_SIGMA
        if ti.abs(z) < 4.0:
            result = ti.exp(-0.5 * z * z) * (0.3989422804014327 / (GAUSSIAN_SIGMA * _WITHIN_4_SIGMA))
    return result


@ti.func
def gathered(scene: ti.template(), kind: ti.template(), weights: ti.template(), film: vec2) -> vec3:
    """Sum over pixels of filter(film) times the pixel's weight."""
    width, height = scene.film_size[None][0], scene.film_size[None][1]
    column, row = ti.floor(film.x, ti.i32), ti.floor(film.y, ti.i32)
    result = vec3(0.0)
    if ti.static(kind == BOX):
        if column >= 0 and column < width and row >= 0 and row < height:
            result = weights[row * width + column]
    else:
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                i, j = column + dx, row + dy
                if i >= 0 and i < width and j >= 0 and j < height:
                    x, y = film.x - ti.cast(i, ti.f32) - 0.5, film.y - ti.cast(j, ti.f32) - 0.5
                    result += weights[j * width + i] * (_weight(kind, x) * _weight(kind, y))
    return result


@ti.kernel
def seed(
    scene: ti.template(), kind: ti.template(), samples: ti.template(),
    weights: ti.types.ndarray(dtype=vec3, ndim=1), count: ti.i32,
):  # fmt: skip
    """Adjoints of the samples' values from those of the pixels. What is no number counts as zero, and is counted."""
    for i in range(count):
        adjoint = 0.0
        if samples.active[i] != 0:
            adjoint = gathered(scene, kind, weights, samples.film[i]).dot(samples.jump[i])
            if not is_finite(adjoint):
                adjoint = 0.0
                samples.dropped[None] += 1
        samples.value.grad[i] = adjoint


@ti.kernel
def splat(
    scene: ti.template(), kind: ti.template(), samples: ti.template(),
    image: ti.types.ndarray(dtype=vec3, ndim=1), factor: ti.f32, count: ti.i32,
):  # fmt: skip
    """Add filter(film) jump (other value - value), times a factor, to the pixels."""
    width, height = scene.film_size[None][0], scene.film_size[None][1]
    for i in range(count):
        if samples.active[i] != 0:
            film = samples.film[i]
            amount = samples.jump[i] * ((samples.other_value[i] - samples.value[i]) * factor)
            if not (is_finite(amount.x) and is_finite(amount.y) and is_finite(amount.z)):
                amount = vec3(0.0)
                samples.dropped[None] += 1
            column, row = ti.floor(film.x, ti.i32), ti.floor(film.y, ti.i32)
            if ti.static(kind == BOX):
                if column >= 0 and column < width and row >= 0 and row < height:
                    image[row * width + column] += amount
            else:
                for dy in range(-2, 3):
                    for dx in range(-2, 3):
                        a, b = column + dx, row + dy
                        if a >= 0 and a < width and b >= 0 and b < height:
                            x, y = film.x - ti.cast(a, ti.f32) - 0.5, film.y - ti.cast(b, ti.f32) - 0.5
                            image[b * width + a] += amount * (_weight(kind, x) * _weight(kind, y))
