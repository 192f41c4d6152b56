"""Launches the rendering kernels in pieces short enough to be watched, timed and stopped."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import taichi as ti
from taichi.math import vec3

from diffrt.device.arrays import read, zeros
from diffrt.device.upload import DeviceScene, upload
from diffrt.device.work import handed_out
from diffrt.progress import interrupts_held
from diffrt.render.buffers import buffer_samples, shape_ids
from diffrt.render.options import Options, prepare
from diffrt.render.path import render_samples
from diffrt.render.rendering import CHANNEL_COUNT, CHANNELS, MOST_SEGMENTS, Progress, Rendering
from diffrt.render.steps import seed_at
from diffrt.scene.elements import Camera
from diffrt.scene.scene import Scene

_LAUNCH_SECONDS = 0.3
_FIRST_LAUNCH = 2**18


def run(
    scene: Scene,
    camera: Camera,
    buffers: Sequence[str],
    *,
    spp: int,
    seed: int,
    step: int | None,
    max_depth: int,
    time_budget: float | None,
    progress: Progress | None,
    keep_on_interrupt: bool,
    before_gradients: bool = False,
) -> Rendering:
    """`trace` with every argument checked and filled in, on a running Taichi."""
    settings = scene.settings
    device = upload(scene, camera, before_gradients)
    device = replace(device, features=replace(device.features, gradients=False))
    run = _Run(device, prepare(device, settings, spp, step), camera, seed_at(seed, step, settings.sampler))
    result = Rendering()
    started = time.perf_counter()
    limit = None if time_budget is None else started + time_budget
    try:
        if {"radiance", "variance"} & set(buffers):
            _radiance(run, result, buffers, spp, max_depth, settings.rr_depth, limit, progress)
        if set(CHANNELS) & set(buffers):
            _channels(run, result, buffers, result.samples or spp)
    except KeyboardInterrupt:
        if not keep_on_interrupt or not result.images:
            raise
        result.finished = False
    if "shape_id" in buffers:
        result.images["shape_id"] = _shape_ids(run)
    result.seconds = time.perf_counter() - started
    return result


@dataclass
class _Run:
    device: DeviceScene
    options: Options
    camera: Camera
    seed: int

    @property
    def pixels(self) -> int:
        return self.camera.width * self.camera.height

    def image(self, flat: np.ndarray, channels: int) -> np.ndarray:
        """Means of pixels as an image. Sums that left single precision are its largest number."""
        shape = (self.camera.height, self.camera.width) + ((channels,) if channels > 1 else ())
        largest = float(np.finfo(np.float32).max)
        bounded = np.clip(np.nan_to_num(flat, posinf=largest, neginf=-largest), -largest, largest)
        return np.ascontiguousarray(bounded.reshape(shape), dtype=np.float32)


@dataclass
class _Pieces:
    """Cuts samples of all pixels into launches of about _LAUNCH_SECONDS.

    A launch covers all pixels for some samples or, where one sample of all pixels takes too long, a run of pixels.
    """

    pixels: int
    spp: int
    sample: int = 0  # complete for all pixels
    pixel: int = 0  # first pixel that lacks sample number `sample`
    size: float = _FIRST_LAUNCH

    def next(self) -> tuple[int, int, int, int]:
        """(first pixel, pixels, first sample, samples)"""
        if self.pixel == 0 and self.size >= self.pixels:
            return 0, self.pixels, self.sample, min(int(self.size // self.pixels), self.spp - self.sample)
        return self.pixel, min(max(1, int(self.size)), self.pixels - self.pixel), self.sample, 1

    def done(self, piece: tuple[int, int, int, int], seconds: float, left: float) -> None:
        """Account for a finished piece, and size the next by its speed and the time left."""
        first, count, _, samples = piece
        if first + count == self.pixels:
            self.pixel, self.sample = 0, self.sample + samples
        else:
            self.pixel = first + count
        rate = count * samples / max(seconds, 1e-6)
        self.size = min(4.0 * self.size, max(1024.0, rate * min(_LAUNCH_SECONDS, max(left, 0.01))))

    @property
    def counts(self) -> np.ndarray:
        """Samples that each pixel has, (pixels,)."""
        return self.sample + (np.arange(self.pixels) < self.pixel)

    @property
    def share(self) -> float:
        return (self.sample + self.pixel / self.pixels) / self.spp


def _radiance(
    run: _Run,
    result: Rendering,
    buffers: Sequence[str],
    spp: int,
    max_depth: int,
    rr_depth: int,
    limit: float | None,
    progress: Progress | None,
) -> None:
    total, recent, squares = (zeros(run.pixels, vec3) for _ in range(3))
    dropped = zeros(1, ti.i32)
    pieces = _Pieces(run.pixels, spp)
    depth = MOST_SEGMENTS if max_depth == -1 else max_depth
    fields, features = run.device.fields, run.device.features
    try:
        with interrupts_held() as interrupted:
            while pieces.sample < spp:
                piece = pieces.next()
                before = time.perf_counter()
                render_samples(
                    fields,
                    features,
                    run.options,
                    total,
                    recent,
                    squares,
                    dropped,
                    *handed_out(piece[1]),
                    *piece,
                    run.seed,
                    depth,
                    min(rr_depth, depth + 1),
                )
                ti.sync()
                now = time.perf_counter()
                pieces.done(piece, now - before, (limit or float("inf")) - now)
                if progress is not None:
                    progress(pieces.share, pieces.sample)
                if interrupted():
                    raise KeyboardInterrupt
                if limit is not None and now >= limit and pieces.sample > 0:
                    result.finished = pieces.sample == spp
                    break
    finally:
        if pieces.share > 0.0:
            counts = np.maximum(pieces.counts, 1)[:, None]
            mean = (read(total).astype(np.float64) + read(recent)) / counts
            result.images["radiance"] = run.image(mean, 3)
            if "variance" in buffers:
                with np.errstate(over="ignore", invalid="ignore"):
                    spread = np.maximum(read(squares) / counts - mean**2, 0.0) * (counts > 1)
                result.images["variance"] = run.image(spread / np.maximum(counts - 1, 1), 3)
            result.samples, result.dropped = pieces.sample, int(dropped[0])


def _channels(run: _Run, result: Rendering, buffers: Sequence[str], spp: int) -> None:
    total = zeros(run.pixels * CHANNEL_COUNT, ti.f32)
    pieces = _Pieces(run.pixels, spp)
    fields, features = run.device.fields, run.device.features
    while pieces.sample < spp:
        piece = pieces.next()
        before = time.perf_counter()
        buffer_samples(fields, features, run.options, total, *piece, run.seed)
        ti.sync()
        pieces.done(piece, time.perf_counter() - before, float("inf"))
    means = read(total).reshape(run.pixels, CHANNEL_COUNT) / spp
    for name, (first, count) in CHANNELS.items():
        if name in buffers:
            result.images[name] = run.image(means[:, first : first + count], count)


def _shape_ids(run: _Run) -> np.ndarray:
    ids = zeros(run.pixels, ti.i32)
    shape_ids(run.device.fields, run.device.features, run.options, ids, run.pixels, run.seed)
    return read(ids).reshape(run.camera.height, run.camera.width)
