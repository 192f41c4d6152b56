"""Checks gradients of a scene against finite differences of its picture."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffrt.errors import InputError, Problem
from diffrt.gradient.backward import checked, render_backward
from diffrt.gradient.budget import TermCost, table
from diffrt.gradient.forward import render_forward
from diffrt.gradient.request import TERMS
from diffrt.render.render import render
from diffrt.scene.elements import Camera
from diffrt.scene.parameters import find
from diffrt.scene.scene import Scene

_AGREE = 3.0
"""Standard errors that the two sides may differ by, were these known; as estimates from a few runs they count by
Student's t, so that sides which agree are called wrong once in 400 checks whatever the number of runs."""
_BIAS = 0.01
"""Share of the derivative that they may differ by besides."""


@dataclass
class GradientCheck:
    """What `gradcheck` found. Numbers are derivatives of a weighted mean of the picture; errors are standard errors.

    Attributes:
        parameter: its name.
        difference, difference_error: from pictures at a step to both sides.
        coarse, coarse_error: the same with twice the step: how much the step matters.
        gradient, gradient_error: from `render_backward`.
        terms: what each term adds to it, with its error.
        costs: the variance that each term brings, over the square of the gradient, its time, and its samples.
        forward: from `render_forward`, with the samples of the first of the backward runs, which gave `forward_of`.
        agrees: whether gradient and difference agree within three standard errors (see `_AGREE`), one per cent, and
            what the two steps tell of the difference's own error.
        resolved: whether the errors are small enough to tell: below a tenth of the larger of the two.
        picture: (H, W, 3) dImage/dt by `render_forward`; difference_picture: by differences.
    """

    parameter: str
    difference: float
    difference_error: float
    coarse: float
    coarse_error: float
    gradient: float
    gradient_error: float
    terms: dict[str, tuple[float, float]]
    costs: dict[str, TermCost]
    forward: float
    forward_of: float
    agrees: bool
    resolved: bool
    picture: np.ndarray = field(repr=False)
    difference_picture: np.ndarray = field(repr=False)

    @property
    def verdict(self) -> str:
        """`right`, `wrong`, or `not resolved`: more samples are needed to tell."""
        if not self.agrees:
            return "wrong"
        return "right" if self.resolved else "not resolved"

    def __str__(self) -> str:
        lines = [f"{self.parameter}: {self.verdict}"]
        lines += [f"  {'difference':14s} {self.difference: .6g} +- {self.difference_error:.2g}"]
        lines += [f"  {'at twice step':14s} {self.coarse: .6g} +- {self.coarse_error:.2g}"]
        lines += [f"  {'gradient':14s} {self.gradient: .6g} +- {self.gradient_error:.2g}"]
        lines += [f"    {name:12s} {value: .6g} +- {error:.2g}" for name, (value, error) in self.terms.items()]
        lines += [f"  {'forward':14s} {self.forward: .6g} for backward {self.forward_of:.6g}"]
        if len(self.costs) > 1:
            lines += table(self.costs)
        return "\n".join(lines)


def gradcheck(
    scene: Scene,
    parameter: str,
    direction: np.ndarray | None = None,
    *,
    step: float | None = None,
    spp: int | None = None,
    seeds: int = 8,
    camera: str | Camera | None = None,
    max_depth: int | None = None,
    width: int | None = None,
    height: int | None = None,
    terms: Sequence[str] = TERMS,
) -> GradientCheck:
    """Compare the gradient by a parameter with differences of pictures that share their random numbers.

    The loss is a weighted mean of the picture, with weights that vary smoothly over pixels and channels.

    Args:
        direction: in which the parameter moves, of its shape; random by default.
        step: half-width of the difference, as a factor on the direction; by default 1 per cent of the parameter's size.
        spp: samples per pixel of each of the pictures and gradients; 64 by default.
        seeds: how many independent runs the standard errors come from, at least 2.
        others: as for `render_backward`.

    Raises:
        InputError: as for `render_backward`.
    """
    from scipy.special import ndtr, stdtrit  # late: it takes a while to load

    if seeds < 2:
        raise InputError(Problem("seeds", f"found {seeds}", "at least 2"))
    start = scene[parameter]
    shape = find(scene, parameter).parameter.shape
    random = np.random.default_rng(0).normal(size=shape)
    along = random if direction is None else checked(direction, "direction", shape)
    largest = float(np.abs(along).max())
    if largest == 0.0:
        raise InputError(Problem("direction", "all zero", "a direction"))
    if step is None:
        step = 0.01 * max(float(np.abs(start).max()), 0.1) / largest
    spp = 64 if spp is None else spp
    view = scene.camera(camera)
    view = view.resized(width, height)
    weights = _weights(view.height, view.width)
    common: dict[str, Any] = {"camera": camera, "max_depth": max_depth, "width": width, "height": height}

    moved = scene.copy()

    def difference(factor: float) -> tuple[list[float], np.ndarray]:
        values, total = [], np.zeros((view.height, view.width, 3))
        for seed in range(seeds):
            sides = []
            for sign in (factor, -factor):
                moved[parameter] = start + sign * step * along
                sides.append(render(moved, spp=spp, seed=seed, **common).astype(np.float64))
            slope = (sides[0] - sides[1]) / (2.0 * factor * step)
            values.append(float(np.sum(weights * slope)))
            total += slope / seeds
        return values, total

    fine, difference_picture = difference(1.0)
    coarse, _ = difference(2.0)
    runs: dict[str, list[float]] = {}
    seconds = {}
    for term in terms:
        runs[term] = []
        render_backward(scene, weights, [parameter], 1, terms=(term,), **common)  # compiles
        before = time.perf_counter()
        for seed in range(seeds):
            gradient = render_backward(scene, weights, [parameter], spp, seed, terms=(term,), **common)
            runs[term].append(float(np.sum(gradient[parameter] * along)))
        seconds[term] = (time.perf_counter() - before) / seeds
    total = [sum(values) for values in zip(*runs.values(), strict=True)]
    picture = render_forward(scene, {parameter: along}, spp, 0, terms=terms, **common)

    a, a_error = _mean(fine)
    b, b_error = _mean(total)
    c, c_error = _mean(coarse)
    size = max(abs(a), abs(b))
    error = float(np.hypot(a_error, b_error))
    errors = float(stdtrit(seeds - 1, ndtr(_AGREE)))
    curved = abs(a - c) / 3.0  # what is left of the step's error, which is four times as large at twice the step
    costs = {
        name: TermCost(float(np.var(values, ddof=1)) / max(size**2, 1e-300), seconds[name], spp)
        for name, values in runs.items()
        if any(values)
    }
    return GradientCheck(
        parameter, a, a_error, c, c_error, b, b_error,
        {name: _mean(values) for name, values in runs.items()}, costs,
        float(np.sum(weights * picture)), total[0],
        abs(a - b) <= errors * error + curved + _BIAS * size, error <= 0.1 * size,
        picture, difference_picture,
    )  # fmt: skip


def _mean(values: list[float]) -> tuple[float, float]:
    array = np.array(values)
    return float(array.mean()), float(array.std(ddof=1) / np.sqrt(len(array)))


def _weights(height: int, width: int) -> np.ndarray:
    """(H, W, 3): no pixel or channel counts like another, and a mean of about one over all."""
    y, x = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    base = 1.0 + 0.5 * np.sin(5.0 * x + 1.0) * np.cos(4.0 * y) + 0.3 * x - 0.2 * y
    weights: np.ndarray = base[:, :, None] * np.array([1.2, 1.0, 0.8]) / (3.0 * height * width)
    return weights
