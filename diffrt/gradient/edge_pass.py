"""Runs the terms of edges, chunk by chunk: backward, and forward at two values of the parameters."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import taichi as ti
from taichi.math import ivec2, ivec4, vec2, vec3, vec4

from diffrt import _taichi
from diffrt.device.arrays import cdf_of, device_array, read, zeros
from diffrt.device.features import Features
from diffrt.device.geometry import Geometry
from diffrt.device.packing import write
from diffrt.device.upload import DeviceScene
from diffrt.device.work import handed_out
from diffrt.gradient.changes import Motion
from diffrt.gradient.edges import SAMPLES, Edges, EdgeSamples, samples, scene_edges, with_terminators
from diffrt.gradient.film_adjoint import seed, splat
from diffrt.gradient.mirrors import flat_mirrors
from diffrt.gradient.piercings import Piercings, piercings
from diffrt.gradient.primary_edges import CHANNELS_OF_UV, RADIANCE, sample_edges
from diffrt.gradient.primary_motion import film_motion
from diffrt.gradient.request import Request
from diffrt.gradient.shading_silhouettes import turning_triangles
from diffrt.gradient.visible_lines import Lines, scene_lines, visible_lines
from diffrt.render.film import RADII
from diffrt.render.options import for_edges
from diffrt.render.rendering import MOST_SEGMENTS

_OF_TURNING = 0.25
"""Samples on lines of shapes whose shading turns away from the camera over those on others as long: silhouettes of the
shading (shading_silhouettes.py), which share the term with them, leave more noise."""
T = TypeVar("T")


class EdgePass(ABC):
    """What the terms of edges share. A subclass says how samples are drawn and how they move.

    Args:
        device: with gradients.
        motion: what moves.
    """

    term = ""
    share = 1.0
    """Samples over those of the term, for kinds of edges that leave less noise than the others in as much time."""

    def __init__(self, device: DeviceScene, request: Request, motion: Motion) -> None:
        self.device, self.request, self.motion = device, request, motion
        settings = request.scene.settings
        distorted = device.features.distorted or motion.distorted
        still = motion.still_camera
        self.features = replace(device.features, distorted=distorted, facets=0, shallow=False, still_camera=still)
        self.plain: Features = replace(  # for tracing
            device.features, distorted=distorted, gradients=False, one_query=True
        )
        self.options = for_edges(settings)
        self.depth = MOST_SEGMENTS if request.max_depth == -1 else request.max_depth
        self.rr_depth = min(settings.rr_depth, self.depth + 1)
        self.pixels = request.view.width * request.view.height
        self.edges, self.piercings = edges_and_piercings(device)
        self.pierces = bool(len(self.piercings.triangles))
        self.dropped = 0

    def lines_with_terminators(self) -> Lines:
        """All lines of the scene, edges included where the light of lamps without extent ends."""
        g, scene = self.device.geometry, self.request.scene

        def make() -> Lines:
            return scene_lines(with_terminators(self.edges, g, scene.lights.values()), self.piercings, g)

        return kept(g, "lines with terminators", (self.features.textures, scene.appearance_revision), make)

    def moving(self, triangles: np.ndarray) -> np.ndarray:
        """(K,) whether one of triangles (K, n), or (K,), moves; -1: none."""
        moves = self.motion.shapes[self.device.geometry.triangle_shape[triangles]] & (triangles >= 0)
        result: np.ndarray = moves.any(axis=tuple(range(1, moves.ndim)))
        return result

    @property
    def samples(self) -> int:
        """How many are drawn."""
        return math.ceil(self.share * self.request.spp[self.term] * self.pixels)

    @property
    @abstractmethod
    def empty(self) -> bool:
        """Whether there is nothing to sample."""

    @abstractmethod
    def draw(self, weights: Any, first: int, count: int, total: int) -> None:
        """Fill samples."""

    @property
    @abstractmethod
    def motions(self) -> list[tuple[Any, ...]]:
        """The differentiated kernels that lead to the samples' values, in turn, each with what else it takes."""

    @abstractmethod
    def prepare(self, weights: Any) -> None:
        """Look for the edges that matter."""

    def _chunks(self, weights: np.ndarray) -> Iterator[tuple[EdgeSamples, Any, int]]:
        adjoint = device_array(weights, vec3)
        if not self.empty:
            self.prepare(adjoint)
        total = self.samples
        samples().dropped[None] = 0
        for first in range(0, 0 if self.empty else total, SAMPLES):
            count = min(SAMPLES, total - first)
            self.draw(adjoint, first, count, total)
            yield samples(), adjoint, count
        self.dropped = int(samples().dropped[None])

    def backward(self, weights: np.ndarray) -> None:
        """Add the term's derivatives to the `.grad` of the scene's fields; `weights` (pixels, 3) are the adjoints."""
        for drawn, adjoint, count in self._chunks(weights):
            seed(self.device.fields, self.options.filter, drawn, adjoint, count)
            with _taichi.all_passes():
                for kernel, *more in reversed(self.motions):
                    kernel.grad(self.device.fields, self.features, drawn, count, *more)

    def forward(self, arrays: dict[int, dict[str, np.ndarray]], step: float) -> np.ndarray:
        """(pixels, 3): the term's derivative of each pixel; `arrays` of the scene (0) and a step forth and back."""
        image = zeros(self.pixels, vec3)
        fields = self.device.fields
        for drawn, _adjoint, count in self._chunks(np.ones((self.pixels, 3))):
            for sign in (1, -1):
                write(fields, [(getattr(fields, name), array) for name, array in arrays[sign].items()])
                for kernel, *more in self.motions:
                    kernel(fields, self.features, drawn, count, *more)
                if sign == 1:
                    drawn.other_value.copy_from(drawn.value)
            splat(fields, self.options.filter, drawn, image, 0.5 / step, count)
            write(fields, [(getattr(fields, name), array) for name, array in arrays[0].items()])
        result: np.ndarray = read(image).astype(np.float64)
        return result


class PrimaryEdges(EdgePass):
    """Edges that the camera sees, and lines where triangles pierce each other; directly and in flat mirrors.

    Args:
        shown: what may jump there: RADIANCE or a group of the buffers' channels, which mirrors do not show.
    """

    term = "primary"

    def __init__(self, device: DeviceScene, request: Request, motion: Motion, shown: int = RADIANCE) -> None:
        super().__init__(device, request, motion)
        g = device.geometry
        self.shown = shown
        radius = RADII[request.scene.settings.filter]
        mirrors, _ = flat_mirrors(request.scene, g)
        if self.depth < 2 or shown != RADIANCE:
            mirrors = []
        if shown == RADIANCE and device.features.smooth:
            lines = self.lines_with_terminators()
        else:
            edges = scene_edges(g, textured=True) if shown == CHANNELS_OF_UV else self.edges
            textured = device.features.textures or shown == CHANNELS_OF_UV
            lines = kept(g, "lines", textured, lambda: scene_lines(edges, self.piercings, g))
        moving = self.moving(lines.beside)
        seen = []
        for seen_in in (None, *mirrors):
            image_moves = seen_in is not None and self.moving(seen_in.triangles).any()
            parts = visible_lines(lines, request.view, radius, seen_in)
            chosen = moving[parts[0]] | image_moves
            seen.append(tuple(part[chosen] for part in parts))
        numbers, ranges, length = (np.concatenate(parts) for parts in zip(*seen, strict=True))
        self.count = len(numbers)
        self.mirrored = any(len(part) for part, _, _ in seen[1:])
        if self.count:
            weight = length * np.where(self._of_turning(lines.beside[numbers]), _OF_TURNING, 1.0)
            self.share = float(weight.sum() / length.sum())
            self.cdf = cdf_of(weight)
            mirror = np.repeat(np.arange(-1, len(mirrors)), [len(part) for part, _, _ in seen])
            planes = np.array([[*mirror.normal, mirror.offset] for mirror in mirrors] or [[0.0, 0.0, 0.0, 0.0]])
            mirror_of = np.full(len(g.triangles), -1)
            for k, one in enumerate(mirrors):
                mirror_of[one.triangles] = k
            self.lines = [
                device_array(array, dtype)
                for array, dtype in (
                    (lines.ends[numbers, 0], vec3), (lines.ends[numbers, 1], vec3), (ranges, vec2),
                    (lines.vertices[numbers], ivec2), (lines.pierced[numbers], ivec2),
                    (lines.beside[numbers], ivec4), (lines.corners[numbers], ivec4),
                    (mirror, ti.i32), (planes, vec4), (mirror_of, ti.i32),
                )
            ]  # fmt: skip

    def _of_turning(self, triangles: np.ndarray) -> np.ndarray:
        """(K,) whether all of triangles (K, n), -1 for none, are of shapes whose shading turns away somewhere."""
        g = self.device.geometry
        turns = np.zeros(len(self.request.scene.shapes), bool)
        if self.device.features.smooth and self.shown == RADIANCE and self.depth > 1:
            turns[g.triangle_shape[turning_triangles(g, self.request.view)[0]]] = True
        result: np.ndarray = (turns[g.triangle_shape[triangles]] | (triangles < 0)).all(axis=1)
        return result

    @property
    def empty(self) -> bool:
        return self.count == 0

    def prepare(self, weights: Any) -> None:
        """Length on the film says it all."""

    def draw(self, weights: Any, first: int, count: int, total: int) -> None:
        sample_edges(
            self.device.fields, self.plain, self.options, self.shown, self.mirrored, samples(), *handed_out(count),
            weights, self.cdf, *self.lines, self.count, first, count, total, self.request.gradient_seed ^ 0x1111,
            self.depth, self.rr_depth,
        )  # fmt: skip

    @property
    def motions(self) -> list[tuple[Any, ...]]:
        return [(film_motion, self.pierces, self.mirrored)]


_kept: dict[str, tuple[Geometry, Hashable, Any]] = {}


def kept(g: Geometry, name: str, key: Hashable, make: Callable[[], T]) -> T:
    """What `make` returned when the geometry and the key were the same last: terms and views share it."""
    if name not in _kept or _kept[name][0] is not g or _kept[name][1] != key:
        _kept[name] = (g, key, make())
    result: T = _kept[name][2]
    return result


def edges_and_piercings(device: DeviceScene) -> tuple[Edges, Piercings]:
    """Of the scene on the device."""
    g, textured = device.geometry, device.features.textures

    def make() -> tuple[Edges, Piercings]:
        edges = scene_edges(g, textured)
        return edges, piercings(device, edges)

    return kept(g, "edges", textured, make)
