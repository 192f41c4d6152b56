"""Runs the terms of edges that block light: where samples go is learned from earlier samples."""

from typing import Any

import numpy as np
import taichi as ti
from taichi.math import ivec2, ivec4, vec3

from diffrt.device.arrays import device_array, read, zeros
from diffrt.device.upload import DeviceScene
from diffrt.device.work import handed_out
from diffrt.gradient.changes import Motion
from diffrt.gradient.edge_directions import CELLS
from diffrt.gradient.edge_lights import DELTA, EXTENDED, INDIRECT
from diffrt.gradient.edge_pass import EdgePass, cdf_of, kept
from diffrt.gradient.edges import SAMPLES, samples
from diffrt.gradient.request import Request
from diffrt.gradient.shadow_edges import FEWEST_SEGMENTS, importance_of_edges, sample_shadows
from diffrt.gradient.shadow_lines import ENDS, ShadowLines, shadow_lines
from diffrt.gradient.shadow_motion import shadow_motion, way_motion
from diffrt.gradient.walk import MOST_STEPS, halving
from diffrt.gradient.way_points import MOST_POINTS

_PRIOR = 0.3
"""Share of samples that do not go by what earlier ones found."""
_HALVING = 0.5
"""Share of walks whose lengths do not go by what earlier ones found."""
_TRUSTED = 4.0
"""Hits that make what was found at an edge, or in a group of edges, count as much as what was found around it."""
_ROUNDS = (0.0625, 0.0625, 0.125, 0.25)
"""Samples of the rounds that look for edges that matter, as shares of those of the gradient."""
_LEAST_ROUND = 512
"""Rounds of fewer samples are taken together: they teach little, and each has to be started."""


class ShadowEdges(EdgePass):
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
        room = self.depth - FEWEST_SEGMENTS[mode]
        if room >= 0:
            key = (device.features.textures, request.scene.appearance_revision)
            lines, arrays = kept(device.geometry, f"shadow lines {mode}", key, self._lines)
            self.count = len(lines.prior)
            self.pierces, self.slides = bool((lines.pierced >= 0).any()), bool((lines.pierced <= ENDS).any())
        if self.count:
            self.halving = halving(min(room, MOST_STEPS))
            self.prior = self._prior(lines)
            self.group, self.parent, self.kind = lines.groups, lines.parents, lines.kinds
            self.histograms = len(lines.parents)
            lamps = [shape.emission is not None for shape in request.scene.shapes.values()]
            self.lights_move = mode == INDIRECT or bool((motion.shapes & lamps).any())
            *self.lines, self.groups = arrays
            # Groups in the order of their parents, and the first one of each parent.
            self.order = np.argsort(lines.parents, kind="stable")
            ordered = lines.parents[self.order]
            self.first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
            self.parent_number = np.empty_like(self.order)
            self.parent_number[self.order] = np.repeat(
                np.arange(len(self.first)), np.diff(np.append(self.first, len(ordered)))
            )

    @property
    def empty(self) -> bool:
        return self.count == 0

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
                (lines.pierced, ivec2), (lines.triangles, ivec2), (lines.corners, ivec4), (lines.groups, ti.i32),
            )
        ]  # fmt: skip

    def _forget(self) -> None:
        """Go by the prior alone."""
        self.found = zeros(self.count, ti.f32)
        self.hits = zeros(self.histograms, ti.i32)
        self.cells = zeros(self.histograms * CELLS, ti.f32)
        self.squares = zeros(MOST_STEPS + 1, ti.f32)
        self.lengths = device_array(self.halving, ti.f32)
        self.cdf = cdf_of(self.prior)
        self.guide = device_array(np.tile(np.arange(1, CELLS + 1) / CELLS, self.histograms), ti.f32)

    def prepare(self, weights: Any) -> None:
        self._forget()
        every = self.samples
        for k, count in enumerate(_rounds(every)):
            self._draw(weights, 0, count, (0, count), count, self.seed ^ (0x777 + k))
            self._note(weights, count)
            self._learn()

    def draw(self, weights: Any, first: int, count: int, total: int) -> None:
        # Runs of chunks: samples of a run are even together, and know the same. Each is twice as long as the one
        # before, but where noise comes from what is not even anyway.
        start, length = first, SAMPLES
        if self.mode != INDIRECT:
            length = SAMPLES << (first // SAMPLES + 1).bit_length() - 1
            start = length - SAMPLES
        self._draw(weights, first, count, (start, min(length, total - start)), total, self.seed)
        if first + count < total:
            self._note(weights, count)
            if first + count == start + length:
                self._learn()

    def _draw(self, weights: Any, first: int, count: int, run: tuple[int, int], total: int, seed: int) -> None:
        sample_shadows(
            self.device.fields, self.plain, self.options, self.mode, self.pierces, self.slides, samples(),
            *handed_out(count), weights, *self.lines, self.groups, self.cdf, self.guide, self.lengths,
            self.count, int(self.lights_move), first, count, *run, total, seed, self.depth, self.rr_depth,
        )  # fmt: skip

    def _note(self, weights: Any, count: int) -> None:
        """Take in what the last `count` samples found."""
        importance_of_edges(
            self.device.fields, self.options, samples(), weights, self.groups, self.found, self.hits, self.cells,
            self.lengths, self.squares, count,
        )  # fmt: skip

    def _learn(self) -> None:
        """Let the next samples go by what was found."""
        found = read(self.found).astype(np.float64)
        hits = read(self.hits)
        if found.sum() == 0.0:
            return
        # Where hits are few, what was found is drawn towards that of the group, and of the groups around.
        sums, priors = (np.bincount(self.group, x, minlength=self.histograms) for x in (found, self.prior))
        sums = _shrunk(sums, priors, self.parent, hits)
        edges = np.bincount(self.group, minlength=self.histograms)
        found = _shrunk(found, self.prior, self.group, (hits / np.maximum(edges, 1))[self.group], sums, priors)
        # Kinds keep their shares: the few hits that some have so far may be more than they are worth.
        sums, priors = (np.bincount(self.kind, x) for x in (found, self.prior))
        found = found * (priors / np.where(sums > 0.0, sums, 1.0))[self.kind]
        self.cdf = cdf_of(_PRIOR * self.prior + (1.0 - _PRIOR) * found / found.sum())

        # The least variance (Neyman's allocation; Cochran 1977, 5.5): steps cost little, most samples end before.
        wish = np.sqrt(read(self.squares))
        if 0.0 < wish.sum() < np.inf:  # squares of what is very small or large say nothing
            self.lengths = device_array(_HALVING * self.halving + (1.0 - _HALVING) * wish / wish.sum(), ti.f32)

        cells = read(self.cells).reshape(-1, CELLS)
        around = np.add.reduceat(cells[self.order], self.first, axis=0)
        shares = _shares(around)[self.parent_number]
        trust = (hits / (hits + 2.0 * _TRUSTED)).astype(np.float32)[:, None]
        sums = np.cumsum(trust * _shares(cells) + (1.0 - trust) * shares, axis=1)
        self.guide = device_array((sums / sums[:, -1:]).reshape(-1), ti.f32)

    @property
    def motions(self) -> list[tuple[Any, ...]]:
        points = min(MOST_POINTS, max(self.depth, 1))
        return [*((way_motion, at) for at in range(points)), (shadow_motion,)]


def _rounds(every: int) -> list[int]:
    """Samples of the rounds that look for edges that matter, where a gradient has so many."""
    counts = [0]
    for share in _ROUNDS:
        if counts[-1] >= _LEAST_ROUND:
            counts.append(0)
        counts[-1] += int(share * every)
    return [max(1, min(SAMPLES, count)) for count in counts]


def _shrunk(
    found: np.ndarray, prior: np.ndarray, group: np.ndarray, hits: np.ndarray,
    sums: np.ndarray | None = None, priors: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """What was found, drawn towards the prior's share of the group's sum: the more so, the fewer hits there were."""
    if sums is None or priors is None:
        sums, priors = np.bincount(group, found), np.bincount(group, prior)
    trust = hits / (hits + _TRUSTED)
    even = prior * (sums / np.where(priors > 0.0, priors, 1.0))[group]
    shrunk: np.ndarray = trust * found + (1.0 - trust) * even
    return shrunk


def _shares(cells: np.ndarray) -> np.ndarray:
    """Rows that add up to one."""
    total = cells.sum(axis=1, keepdims=True)
    shares: np.ndarray = np.where(total > 0.0, cells / np.where(total > 0.0, total, 1.0), 1.0 / CELLS)
    return shares
