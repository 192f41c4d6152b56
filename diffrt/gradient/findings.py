"""What samples on edges found, added up for the samples to come; see learning.py."""

import taichi as ti
from taichi.math import vec3

from diffrt.core.distribution import cdf_interval
from diffrt.gradient.edge_directions import CELLS
from diffrt.gradient.film_adjoint import gathered
from diffrt.gradient.walk import LENGTHS, film_cell


@ti.kernel
def add_findings(
    scene: ti.template(), options: ti.template(), samples: ti.template(),
    weights: ti.types.ndarray(dtype=vec3, ndim=1), groups: ti.types.ndarray(dtype=ti.i32, ndim=1),
    cdf: ti.types.ndarray(dtype=ti.f32, ndim=1), lengths: ti.types.ndarray(dtype=ti.f32, ndim=1),
    amounts: ti.types.ndarray(dtype=ti.f32, ndim=1), hits: ti.types.ndarray(dtype=ti.i32, ndim=1),
    cells: ti.types.ndarray(dtype=ti.f32, ndim=1), squares: ti.types.ndarray(dtype=ti.f32, ndim=1),
    film_cells: ti.types.ndarray(dtype=ti.f32, ndim=1), count: ti.i32, total: ti.i32,
):  # fmt: skip
    """Add up how much the first `count` samples, of `total`, would each contribute if they were the only one.

    Args:
        groups: (K,) of the lines.
        cdf, lengths: by which the samples were drawn.
        amounts: (K,) sums by lines.
        hits: (groups,) how many samples contribute.
        cells: (groups * CELLS,) sums by cells of the histograms of directions.
        squares: (groups * LENGTHS,) squares, times the probabilities of line and length.
        film_cells: sums by cells of the film, of walks whose last points may come from the camera.
    """
    for i in range(count):
        if samples.active[i] != 0:
            line = samples.edge[i]
            group = groups[line]
            adjoint = gathered(scene, options.filter, weights, samples.film[i])
            amount = ti.abs(adjoint * samples.jump[i]).sum() * ti.cast(total, ti.f32)
            amounts[line] += amount
            hits[group] += 1
            at = group * ti.static(LENGTHS) + samples.steps[i]
            squares[at] += amount * amount * (lengths[at] * cdf_interval(cdf, 0, line).y)
            if samples.steps[i] >= 2:
                film_cells[film_cell(scene, options, samples.film[i])] += amount
            if samples.cell[i] >= 0:
                cells[group * ti.static(CELLS) + samples.cell[i]] += amount
