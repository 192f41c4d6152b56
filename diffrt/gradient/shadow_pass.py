"""Runs the terms of edges that block light: where samples go is learned from earlier samples."""

from typing import Any

import numpy as np
from taichi.math import ivec2, ivec4, vec3

from diffrt.device.arrays import device_array
from diffrt.device.upload import DeviceScene
from diffrt.device.work import handed_out
from diffrt.gradient.changes import Motion
from diffrt.gradient.edge_lights import DELTA, EXTENDED, INDIRECT
from diffrt.gradient.edge_pass import kept
from diffrt.gradient.edges import samples
from diffrt.gradient.learned_pass import LearnedPass
from diffrt.gradient.learning import Learning
from diffrt.gradient.request import Request
from diffrt.gradient.shadow_edges import FEWEST_SEGMENTS, sample_shadows
from diffrt.gradient.shadow_lines import ShadowLines, shadow_lines
from diffrt.gradient.shadow_motion import shadow_motion, way_motion
from diffrt.gradient.sliding import sliding
from diffrt.gradient.walk import MOST_STEPS
from diffrt.gradient.way_points import MOST_POINTS

_FEW_TRIANGLES = 16
"""Of lamps, most of which may reach into the wedge of an edge."""


class ShadowEdges(LearnedPass):
    """Edges that block light.

    Args:
        mode: EXTENDED, DELTA or INDIRECT: where the light comes from.
    """

    def __init__(self, device: DeviceScene, request: Request, motion: Motion, mode: int) -> None:
        super().__init__(device, request, motion)
        self.mode = mode
        self.term = {EXTENDED: "shadow", DELTA: "delta_shadow", INDIRECT: "indirect"}[mode]
        self.seed = request.gradient_seed ^ (0x2222 * (mode + 1))
        self.count = 0
        room = self.depth - FEWEST_SEGMENTS - int(mode == INDIRECT)
        if room >= 0:
            key = (device.features.textures, request.scene.appearance_revision)
            lines, arrays = kept(device.geometry, f"shadow lines {mode}", key, self._lines)
            self.count = len(lines.prior)
            # Of the scene, not of these lines: the two modes besides DELTA share a kernel.
            self.slides = bool(sliding(request.scene).any())
        if self.count:
            self.learning = Learning(
                lines.groups, lines.parents, lines.kinds, self._prior(lines), min(room, MOST_STEPS)
            )  # fmt: skip
            lamps = [shape.emission is not None for shape in request.scene.shapes.values()]
            self.lights_move = mode == INDIRECT or bool((motion.shapes & lamps).any())
            self.even = mode != INDIRECT
            self.by_wedges = self._by_wedges(np.array(lamps, dtype=bool))
            self.lines = arrays

    @property
    def empty(self) -> bool:
        return self.count == 0

    def _by_wedges(self, lamps: np.ndarray) -> float:
        """Share of directions that are drawn from the wedges, whatever is there; the others are light samples.

        Those of lamps lie in the wedges, too, but find little if most of a lamp's triangles do not. Those of images
        leave to BSDF samples what is no brighter than the mean, and all of a constant environment; there are none of
        these here.
        """
        features, g = self.device.features, self.device.geometry
        if self.mode != EXTENDED:
            return 1.0 if self.mode == INDIRECT else 0.0
        if features.environment:
            return 0.5 if features.area_lights or features.environment_image else 1.0
        return 0.2 if np.count_nonzero(lamps[g.triangle_shape]) <= _FEW_TRIANGLES else 0.6

    def _prior(self, lines: ShadowLines) -> np.ndarray:
        """The lines' own one, at most half of it for those that stand still."""
        moving = self.moving(lines.triangles)
        share = float(lines.prior[moving].sum())
        if 0.0 < share < 0.5:
            prior: np.ndarray = lines.prior * np.where(moving, 0.5 / share, 0.5 / (1.0 - share))
            return prior
        return lines.prior

    def _lines(self) -> tuple[ShadowLines, list[Any]]:
        """The lines, and what kernels take of them; nothing of it depends on the view."""
        lines = shadow_lines(self.request.scene, self.device.geometry, self.edges, self.piercings, self.mode)
        if not len(lines.prior):
            return lines, []
        return lines, [
            device_array(array, dtype)
            for array, dtype in (
                (lines.ends[:, 0], vec3), (lines.ends[:, 1], vec3), (lines.vertices, ivec2),
                (lines.pierced, ivec2), (lines.triangles, ivec2), (lines.corners, ivec4),
            )
        ]  # fmt: skip

    def sample(self, weights: Any, first: int, count: int, run: tuple[int, int], total: int, seed: int) -> None:
        learned = self.learning
        delta = self.mode == DELTA
        sample_shadows(
            self.device.fields, self.plain, self.options, delta, self.pierces and not delta, self.slides and not delta,
            samples(), *handed_out(count), weights, *self.lines, learned.groups, learned.cdf, learned.guide,
            learned.lengths, learned.film_cdf, self.count, int(self.mode == INDIRECT), self.by_wedges,
            int(self.lights_move), first, count, *run, total, seed, self.depth, self.rr_depth,
        )  # fmt: skip

    @property
    def motions(self) -> list[tuple[Any, ...]]:
        points = min(MOST_POINTS, max(self.depth, 1))
        return [*((way_motion, at) for at in range(points)), (shadow_motion, self.pierces)]
