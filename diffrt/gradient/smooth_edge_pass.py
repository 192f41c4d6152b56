"""Runs the term of edges between smooth-shaded triangles that face the camera."""

from typing import Any

from taichi.math import ivec2, vec2, vec3

from diffrt.device.arrays import cdf_of, device_array
from diffrt.device.upload import DeviceScene
from diffrt.device.work import handed_out
from diffrt.gradient.changes import Motion
from diffrt.gradient.edge_pass import EdgePass
from diffrt.gradient.edges import samples
from diffrt.gradient.primary_motion import film_motion
from diffrt.gradient.request import Request
from diffrt.gradient.smooth_edges import sample_smooth_edges
from diffrt.gradient.visible_lines import bulges, visible_lines
from diffrt.render.film import RADII


class SmoothEdges(EdgePass):
    """Edges that are no silhouettes and bulge towards the camera; they belong to the primary edges."""

    term = "primary"
    share = 0.125

    def __init__(self, device: DeviceScene, request: Request, motion: Motion) -> None:
        super().__init__(device, request, motion)
        lines, bend = bulges(self.lines_with_terminators(), device.geometry, request.view)
        numbers, ranges, length = visible_lines(lines, request.view, RADII[request.scene.settings.filter])
        moving = self.moving(lines.beside[numbers])
        numbers, ranges, length = numbers[moving], ranges[moving], length[moving]
        self.count = len(numbers)
        if self.count:
            self.cdf = cdf_of(length * bend[numbers])
            self.lines = [
                device_array(array, dtype)
                for array, dtype in (
                    (lines.ends[numbers, 0], vec3), (lines.ends[numbers, 1], vec3), (ranges, vec2),
                    (lines.vertices[numbers], ivec2), (lines.beside[numbers, :2], ivec2),
                    (lines.corners[numbers, :2], ivec2),
                )
            ]  # fmt: skip

    @property
    def empty(self) -> bool:
        return self.count == 0 or self.depth < 2

    def prepare(self, weights: Any) -> None:
        """Length on the film and angle say it all."""

    def draw(self, weights: Any, first: int, count: int, total: int) -> None:
        sample_smooth_edges(
            self.device.fields, self.plain, self.options, samples(), *handed_out(count), weights, self.cdf,
            *self.lines, self.count, first, count, total, self.request.gradient_seed ^ 0x9999,
            self.depth, self.rr_depth,
        )  # fmt: skip

    @property
    def motions(self) -> list[tuple[Any, ...]]:
        return [(film_motion, self.pierces, False)]
