"""Runs the term of triangles' horizons."""

import math
from typing import Any

import numpy as np
import taichi as ti
from numpy.lib.stride_tricks import sliding_window_view

from diffrt.device.arrays import cdf_of, read, zeros
from diffrt.device.work import handed_out
from diffrt.gradient.edge_pass import EdgePass
from diffrt.gradient.edges import samples
from diffrt.gradient.horizon_motion import horizon_motion
from diffrt.gradient.horizons import look_for_horizons, sample_horizons
from diffrt.gradient.shadow_motion import way_motion
from diffrt.render.film import RADII

_EVERYWHERE = 0.1
"""Share of samples that do not go by where smooth-shaded triangles were seen."""


class Horizons(EdgePass):
    """Horizons of what the camera sees; a triangle shadows itself, so they belong to the shadow edges."""

    term = "shadow"
    share = 0.5

    @property
    def empty(self) -> bool:
        return self.depth < 2

    def prepare(self, weights: Any) -> None:
        """Look for smooth-shaded triangles."""
        view = self.request.view
        self.margin = math.ceil(max(RADII[self.request.scene.settings.filter] - 0.5, 0.0))
        shape = (view.height + 2 * self.margin, view.width + 2 * self.margin)
        seen = zeros(shape[0] * shape[1], ti.f32)
        look_for_horizons(
            self.device.fields, self.plain, self.options, weights, seen, self.margin,
            self.request.gradient_seed ^ 0xBBBB,
        )  # fmt: skip
        around = sliding_window_view(np.pad(read(seen).astype(np.float64).reshape(shape), 1), (3, 3))
        found = around.max(axis=(2, 3))
        self.cdf = cdf_of((found + _EVERYWHERE * max(float(found.mean()), 1e-30)).reshape(-1))

    def draw(self, weights: Any, first: int, count: int, total: int) -> None:
        sample_horizons(
            self.device.fields, self.plain, self.options, samples(), *handed_out(count), weights, self.cdf, self.margin,
            first, count, total, self.request.gradient_seed ^ 0xAAAA, self.depth, self.rr_depth,
        )  # fmt: skip

    @property
    def motions(self) -> list[tuple[Any, ...]]:
        return [(way_motion, 0), (way_motion, 1), (horizon_motion,)]
