"""Runs the term of lines where shading normals turn away from the camera."""

from typing import Any

import taichi as ti

from diffrt.device.arrays import cdf_of, device_array
from diffrt.device.upload import DeviceScene
from diffrt.device.work import handed_out
from diffrt.gradient.changes import Motion
from diffrt.gradient.edge_pass import EdgePass
from diffrt.gradient.edges import samples
from diffrt.gradient.request import Request
from diffrt.gradient.shading_motion import facing
from diffrt.gradient.shading_silhouettes import sample_silhouettes, turning_triangles


class ShadingSilhouettes(EdgePass):
    """Lines on triangles, seen by the camera; they belong to the primary edges."""

    term = "primary"

    def __init__(self, device: DeviceScene, request: Request, motion: Motion) -> None:
        super().__init__(device, request, motion)
        triangles, size = turning_triangles(device.geometry, request.view)
        moving = self.moving(triangles)
        triangles, size = triangles[moving], size[moving]
        self.count = len(triangles)
        if self.count:
            self.cdf = cdf_of(size)
            self.triangles = device_array(triangles, ti.i32)

    @property
    def empty(self) -> bool:
        return self.count == 0 or self.depth < 2

    def prepare(self, weights: Any) -> None:
        """Size on the film says enough."""

    def draw(self, weights: Any, first: int, count: int, total: int) -> None:
        sample_silhouettes(
            self.device.fields, self.plain, self.options, samples(), *handed_out(count), weights, self.cdf,
            self.triangles, self.count, first, count, total, self.request.gradient_seed ^ 0x8888,
            self.depth, self.rr_depth,
        )  # fmt: skip

    @property
    def motions(self) -> list[tuple[Any, ...]]:
        return [(facing,)]
