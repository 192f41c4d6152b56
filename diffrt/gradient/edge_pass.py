"""Runs the terms of edges, chunk by chunk: backward, and forward at two values of the parameters."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
import taichi as ti
from taichi.math import ivec2, vec2, vec3

from diffrt import _taichi
from diffrt.core.sampler import SAMPLERS
from diffrt.device.features import Features
from diffrt.device.packing import write
from diffrt.device.upload import DeviceScene
from diffrt.gradient.edges import SAMPLES, EdgeSamples, face_normals, samples, scene_edges, terminators
from diffrt.gradient.film_adjoint import seed, splat
from diffrt.gradient.primary_edges import CHANNELS_OF_UV, RADIANCE, sample_edges, visible_edges
from diffrt.gradient.primary_motion import film_motion
from diffrt.gradient.request import Request
from diffrt.gradient.shadow_edges import INDIRECT, importance_of_edges, sample_shadows
from diffrt.gradient.shadow_motion import shadow_motion
from diffrt.render.film import FILTERS, RADII
from diffrt.render.path import Options
from diffrt.render.rendering import MOST_SEGMENTS

_PRIOR = 0.4
"""Share of samples that do not go by what a first round found."""


def device_array(array: np.ndarray, dtype: Any) -> ti.Ndarray:
    """A Taichi array of vectors or numbers."""
    kind = np.int32 if dtype in (ti.i32, ivec2) else np.float32
    result = ti.ndarray(dtype, len(array))
    result.from_numpy(np.ascontiguousarray(array, dtype=kind))
    return result


class EdgePass(ABC):
    """What the terms of edges share. A subclass says how samples are drawn and how they move.

    Args:
        device: with gradients.
        distorted: derivatives by the distortion are asked for.
    """

    term = ""

    def __init__(self, device: DeviceScene, request: Request, distorted: bool) -> None:
        self.device, self.request = device, request
        settings = request.scene.settings
        distorted = device.features.distorted or distorted
        self.features = device.features._replace(distorted=distorted, facets=0)
        self.plain: Features = device.features._replace(distorted=distorted, gradients=False)  # for tracing
        self.options = Options(SAMPLERS[settings.sampler], FILTERS[settings.filter])
        self.depth = MOST_SEGMENTS if request.max_depth == -1 else request.max_depth
        self.rr_depth = min(settings.rr_depth, self.depth + 1)
        self.pixels = request.view.width * request.view.height
        self.edges = scene_edges(device.geometry, device.features.textures)
        self.dropped = 0

    @property
    @abstractmethod
    def empty(self) -> bool:
        """Whether there is nothing to sample."""

    @abstractmethod
    def draw(self, weights: ti.Ndarray, first: int, count: int, total: int) -> None:
        """Fill samples."""

    @property
    @abstractmethod
    def motion(self) -> Any:
        """The differentiated kernel of the samples' values."""

    @abstractmethod
    def prepare(self, weights: ti.Ndarray) -> None:
        """Look for the edges that matter."""

    def _chunks(self, weights: np.ndarray) -> Iterator[tuple[EdgeSamples, ti.Ndarray, int]]:
        adjoint = device_array(weights, vec3)
        if not self.empty:
            self.prepare(adjoint)
        total = self.request.spp[self.term] * self.pixels
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
                self.motion.grad(self.device.fields, self.features, drawn, count)

    def forward(self, arrays: dict[int, dict[str, np.ndarray]], step: float) -> np.ndarray:
        """(pixels, 3): the term's derivative of each pixel; `arrays` of the scene (0) and a step forth and back."""
        image = ti.ndarray(vec3, self.pixels)
        fields = self.device.fields
        for drawn, _adjoint, count in self._chunks(np.ones((self.pixels, 3))):
            for sign in (1, -1):
                write(fields, [(getattr(fields, name), array) for name, array in arrays[sign].items()])
                self.motion(fields, self.features, drawn, count)
                if sign == 1:
                    drawn.other_value.copy_from(drawn.value)
            splat(fields, self.options.filter, drawn, image, 0.5 / step, count)
            write(fields, [(getattr(fields, name), array) for name, array in arrays[0].items()])
        result: np.ndarray = image.to_numpy().astype(np.float64)
        return result


class PrimaryEdges(EdgePass):
    """Edges that the camera sees.

    Args:
        shown: what may jump there: RADIANCE or a group of the buffers' channels.
    """

    term = "primary"

    def __init__(self, device: DeviceScene, request: Request, distorted: bool, shown: int = RADIANCE) -> None:
        super().__init__(device, request, distorted)
        self.shown = shown
        if shown == CHANNELS_OF_UV:
            self.edges = scene_edges(device.geometry, textured=True)
        if shown == RADIANCE and device.features.smooth:
            self.edges.always |= terminators(self.edges, device.geometry, request.scene.lights.values())
        radius = RADII[request.scene.settings.filter]
        numbers, ranges, length = visible_edges(self.edges, device.geometry, request.view, radius)
        self.count = len(numbers)
        if self.count:
            self.cdf = cdf_of(length)
            self.ends = device_array(self.edges.vertices[numbers], ivec2)
            self.faces = device_array(self.edges.faces[numbers], ivec2)
            self.ranges = device_array(ranges, vec2)

    @property
    def empty(self) -> bool:
        return self.count == 0

    def prepare(self, weights: ti.Ndarray) -> None:
        """Length on the film says it all."""

    def draw(self, weights: ti.Ndarray, first: int, count: int, total: int) -> None:
        sample_edges(
            self.device.fields, self.plain, self.options, self.shown, samples(), weights, self.cdf, self.ends,
            self.faces, self.ranges, self.count, first, count, total, self.request.gradient_seed ^ 0x1111, self.depth,
            self.rr_depth,
        )  # fmt: skip

    @property
    def motion(self) -> Any:
        return film_motion


class ShadowEdges(EdgePass):
    """Edges that block light.

    Args:
        mode: EXTENDED, DELTA or INDIRECT: where the light comes from.
    """

    def __init__(self, device: DeviceScene, request: Request, distorted: bool, mode: int) -> None:
        super().__init__(device, request, distorted)
        self.mode = mode
        self.term = ("shadow", "delta_shadow", "indirect")[mode]
        self.seed = request.gradient_seed ^ (0x2222 * (mode + 1))
        edges = self.edges
        kept = np.flatnonzero(~edges.flat)
        ends = device.geometry.positions.astype(np.float64)[edges.vertices[kept]]
        length = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
        # A silhouette is the likelier, the sharper the edge.
        normals = face_normals(device.geometry)[edges.faces[kept]]
        cosine = np.clip(np.sum(normals[:, 0] * normals[:, 1], axis=1), -1.0, 1.0)
        weight = length * np.where(edges.faces[kept, 1] < 0, 1.0, np.arccos(cosine) / np.pi)
        kept, weight = kept[weight > 0.0], weight[weight > 0.0]
        self.count = len(kept) if self.depth >= (3 if mode == INDIRECT else 2) else 0
        if self.count:
            self.prior = weight / weight.sum()
            self.cdf = cdf_of(self.prior)
            self.ends = device_array(edges.vertices[kept], ivec2)
            self.faces = device_array(edges.faces[kept], ivec2)

    @property
    def empty(self) -> bool:
        return self.count == 0

    def prepare(self, weights: ti.Ndarray) -> None:
        self.cdf = cdf_of(self.prior)
        count = min(SAMPLES, self.request.spp[self.term] * self.pixels)
        self._draw(weights, 0, count, count, self.seed ^ 0x777)
        total = ti.ndarray(ti.f32, self.count)
        importance_of_edges(self.device.fields, self.options, samples(), weights, total, count)
        found = total.to_numpy().astype(np.float64)
        if found.sum() > 0.0:
            self.cdf = cdf_of(_PRIOR * self.prior + (1.0 - _PRIOR) * found / found.sum())

    def draw(self, weights: ti.Ndarray, first: int, count: int, total: int) -> None:
        self._draw(weights, first, count, total, self.seed)

    def _draw(self, weights: ti.Ndarray, first: int, count: int, total: int, seed_: int) -> None:
        sample_shadows(
            self.device.fields, self.plain, self.options, self.mode, samples(), weights, self.cdf, self.ends,
            self.faces, self.count, first, count, total, seed_, self.depth, self.rr_depth,
        )  # fmt: skip

    @property
    def motion(self) -> Any:
        return shadow_motion


def cdf_of(probability: np.ndarray) -> ti.Ndarray:
    total = np.cumsum(probability)
    return device_array(total / total[-1], ti.f32)
