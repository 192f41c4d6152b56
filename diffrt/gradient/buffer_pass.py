"""Gradients of losses on buffers: the interior of first surfaces. Their edges are primary edges that show channels."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import taichi as ti

from diffrt import _taichi
from diffrt.device.arrays import device_array
from diffrt.device.features import slot
from diffrt.device.upload import DeviceScene
from diffrt.gradient.buffer_values import buffer_values
from diffrt.gradient.finite import drop_rows
from diffrt.gradient.interior_pass import Chunk, InteriorPass
from diffrt.gradient.request import Request
from diffrt.gradient.target import Target
from diffrt.render.options import prepare
from diffrt.render.record import acquire
from diffrt.render.record_buffers import record_first_surfaces
from diffrt.render.rendering import CHANNEL_COUNT, CHANNELS
from diffrt.shading.bsdf.surface_albedo import COLOURS


def channel_adjoints(adjoints: Mapping[str, np.ndarray], pixels: int) -> np.ndarray:
    """(pixels, CHANNEL_COUNT) float32 from adjoints of buffers by name; zero for those that are not there."""
    result = np.zeros((pixels, CHANNEL_COUNT), dtype=np.float32)
    for name, (first, count) in CHANNELS.items():
        if name in adjoints:
            result[:, first : first + count] = adjoints[name].reshape(pixels, count)
    return result


class BufferPass(InteriorPass):
    """The stages of the interior up to the first surface, with the buffers' channels in place of radiance."""

    def __init__(self, device: DeviceScene, request: Request, targets: Sequence[Target]) -> None:
        super().__init__(device, request, targets)
        shown = 0
        for model, field in COLOURS:
            if self.features.has(model):
                shown |= 1 << slot(model, field)
        self.slots &= shown
        self.asked &= shown

    def chunks(self, weights: np.ndarray, spp: int) -> Iterator[Chunk]:
        """Record all samples of the film.

        Args:
            weights: (pixels, CHANNEL_COUNT) float32, adjoints of the channels; all zero: not needed.
        """
        request, settings = self.request, self.request.scene.settings
        record = acquire(request.rows, self.moving, self.decides)
        options = prepare(self.device, settings, spp, request.step)
        pixels = request.view.width * request.view.height
        self.weights = device_array(weights.reshape(-1), ti.f32)

        def fill(done: int, paths: int) -> None:
            record_first_surfaces(
                self.device.fields, self.plain, options, record, self.weights, self.keep, 1.0 / spp, pixels,
                done % pixels, done // pixels, paths, request.path_seed,
            )  # fmt: skip

        yield from self._filled(record, pixels * spp, record.rows // 2, fill)

    def backward(self, chunk: Chunk) -> None:
        """Add the chunk's derivatives to the `.grad` of the scene's fields."""
        record, first, end = chunk.record, chunk.first, chunk.end
        fields, features = self.device.fields, self.features
        with _taichi.all_passes():
            buffer_values.grad(fields, features, record, self.weights, first, end)
            self._decisions_backward(record)
            drop_rows(record, self.slots, False, first, end)
            self._lookups_backward(chunk, shines=False)
            if self.moving:
                self._places_backward(chunk)
