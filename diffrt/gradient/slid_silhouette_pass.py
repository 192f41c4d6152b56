"""Runs the term of lines where shading normals of shapes that slide turn away from other surfaces."""

from typing import Any

import taichi as ti

from diffrt.device.arrays import device_array
from diffrt.device.upload import DeviceScene
from diffrt.device.work import handed_out
from diffrt.gradient.changes import Motion
from diffrt.gradient.edge_pass import EdgePass, cdf_of
from diffrt.gradient.edges import samples
from diffrt.gradient.request import Request
from diffrt.gradient.shadow_motion import way_motion
from diffrt.gradient.slid_motion import turning
from diffrt.gradient.slid_silhouettes import bent_triangles, sample_slid_silhouettes
from diffrt.gradient.sliding import sliding
from diffrt.gradient.walk import halving
from diffrt.gradient.way_points import MOST_POINTS


class SlidSilhouettes(EdgePass):
    """Lines on triangles, seen by other surfaces; they belong to the indirect edges."""

    term = "indirect"

    def __init__(self, device: DeviceScene, request: Request, motion: Motion) -> None:
        super().__init__(device, request, motion)
        triangles, area = bent_triangles(device.geometry, sliding(request.scene))
        self.count = len(triangles)
        if self.count:
            self.cdf = cdf_of(area)
            self.triangles = device_array(triangles, ti.i32)
            self.lengths = device_array(halving(max(min(self.depth - 3, MOST_POINTS - 2), 0)), ti.f32)

    @property
    def empty(self) -> bool:
        return self.count == 0 or self.depth < 3

    def prepare(self, weights: Any) -> None:
        """Areas say enough."""

    def draw(self, weights: Any, first: int, count: int, total: int) -> None:
        sample_slid_silhouettes(
            self.device.fields, self.plain, self.options, samples(), *handed_out(count), weights, self.cdf,
            self.triangles, self.lengths, self.count, first, count, total, self.request.gradient_seed ^ 0xBBBB,
            self.depth, self.rr_depth,
        )  # fmt: skip

    @property
    def motions(self) -> list[tuple[Any, ...]]:
        points = min(MOST_POINTS - 1, max(self.depth - 2, 1))
        return [*((way_motion, at) for at in range(points)), (turning,)]
