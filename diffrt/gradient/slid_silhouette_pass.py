"""Runs the term of lines where shading normals of shapes that slide turn away from other surfaces."""

from typing import Any

import numpy as np
import taichi as ti

from diffrt.device.arrays import device_array
from diffrt.device.upload import DeviceScene
from diffrt.device.work import handed_out
from diffrt.gradient.changes import Motion
from diffrt.gradient.edges import samples
from diffrt.gradient.learned_pass import LearnedPass
from diffrt.gradient.learning import Learning
from diffrt.gradient.request import Request
from diffrt.gradient.shadow_lines import groups_by_kind
from diffrt.gradient.shadow_motion import way_motion
from diffrt.gradient.slid_motion import turning
from diffrt.gradient.slid_silhouettes import bent_triangles, sample_slid_silhouettes
from diffrt.gradient.sliding import sliding
from diffrt.gradient.way_points import MOST_POINTS


class SlidSilhouettes(LearnedPass):
    """Lines on triangles, seen by other surfaces; they belong to the indirect edges."""

    term = "indirect"
    share = 0.25

    def __init__(self, device: DeviceScene, request: Request, motion: Motion) -> None:
        super().__init__(device, request, motion)
        g = device.geometry
        self.seed = request.gradient_seed ^ 0xBBBB
        triangles, area = bent_triangles(g, sliding(request.scene))
        self.count = len(triangles)
        if not self.empty:
            middle, normal = g.positions[g.triangles[triangles]].mean(axis=1), g.face_normals[triangles]
            kinds = np.zeros(self.count, dtype=np.int64)
            groups, parents = groups_by_kind(np.stack([middle - normal, middle + normal], axis=1), kinds)
            most = min(self.depth - 3, MOST_POINTS - 2)
            self.learning = Learning(groups, parents, kinds, area / area.sum(), most, alike=True)
            self.triangles = device_array(triangles, ti.i32)

    @property
    def empty(self) -> bool:
        return self.count == 0 or self.depth < 3

    def sample(self, weights: Any, first: int, count: int, run: tuple[int, int], total: int, seed: int) -> None:
        learned = self.learning
        sample_slid_silhouettes(
            self.device.fields, self.plain, self.options, samples(), *handed_out(count), weights, learned.cdf,
            self.triangles, learned.groups, learned.guide, learned.lengths, learned.film_cdf, self.count, first, count,
            *run, total, seed, self.depth, self.rr_depth,
        )  # fmt: skip

    @property
    def motions(self) -> list[tuple[Any, ...]]:
        points = min(MOST_POINTS - 1, max(self.depth - 2, 1))
        return [*((way_motion, at) for at in range(points)), (turning,)]
