"""Runs the term of triangles' horizons."""

from typing import Any

from diffrt.gradient.edge_pass import EdgePass
from diffrt.gradient.edges import samples
from diffrt.gradient.horizon_motion import horizon_motion
from diffrt.gradient.horizons import sample_horizons
from diffrt.gradient.shadow_motion import way_motion
from diffrt.render.film import RADII


class Horizons(EdgePass):
    """Horizons of what the camera sees; a triangle shadows itself, so they belong to the shadow edges."""

    term = "shadow"

    @property
    def empty(self) -> bool:
        return self.depth < 2

    def prepare(self, weights: Any) -> None:
        """There are no edges to look for."""

    def draw(self, weights: Any, first: int, count: int, total: int) -> None:
        radius = RADII[self.request.scene.settings.filter]
        sample_horizons(
            self.device.fields, self.plain, self.options, samples(), weights, max(radius - 0.5, 0.0),
            first, count, total, self.request.gradient_seed ^ 0xAAAA, self.depth, self.rr_depth,
        )  # fmt: skip

    @property
    def motions(self) -> list[tuple[Any, ...]]:
        return [(way_motion, 0), (way_motion, 1), (horizon_motion,)]
