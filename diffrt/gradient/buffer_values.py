"""Differentiated: what buffers show of a recorded first surface, the last stage of their interior."""

import taichi as ti

from diffrt.gradient.interior import kept_values
from diffrt.render.buffer_channels import channels
from diffrt.render.record import SURFACE
from diffrt.render.rendering import CHANNEL_COUNT
from diffrt.shading.bsdf.surface_albedo import surface_albedo


@ti.kernel
def buffer_values(
    scene: ti.template(), features: ti.template(), record: ti.template(),
    weights: ti.types.ndarray(dtype=ti.f32, ndim=1), first: ti.i32, end: ti.i32,
):  # fmt: skip
    """Sum over the channels of a first surface of their adjoints times the channel, as first number of the value."""
    for row in range(first, end):
        if record.kind[row] == SURFACE:
            path = record.path[row]
            albedo = surface_albedo(scene, features, record.material[row], kept_values(features, record, row))
            shown = channels(record.position[path], record.position[row], record.normal[row], albedo, record.uv[row])
            total = 0.0
            for c in ti.static(range(CHANNEL_COUNT)):
                total += weights[record.pixel[path] * CHANNEL_COUNT + c] * shown[c]
            record.value[path][0] += record.throughput[row].x * total
