"""What a rendering run takes and gives: names of buffers, limits, progress, the result. Plain data."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

BUFFERS = (
    "radiance", "variance", "depth", "normal", "albedo", "mask", "position", "uv", "shape_id",
)  # fmt: skip
"""Names that `render_buffers` takes."""

CHANNELS = {
    "normal": (0, 3),
    "albedo": (3, 3),
    "position": (6, 3),
    "depth": (9, 1),
    "mask": (10, 1),
    "uv": (12, 2),
}
"""First channel and number of channels of each buffer in a row. No buffer crosses a multiple of three: edges look at
channels three at a time."""
CHANNEL_COUNT = 15

MOST_SAMPLES = 2**31 - 1
MOST_PIXELS = 2**27
MOST_SEGMENTS = 2**15
"""Where a path without a limit of its own ends, whatever the roulette says."""

Progress = Callable[[float, int], None]
"""Called after each launch with the share of the work done in [0, 1] and the samples per pixel so far."""


@dataclass
class Rendering:
    """What a rendering run gave.

    Attributes:
        images: by buffer name, (H, W, C) or (H, W) arrays, see `render_buffers`.
        samples: samples per pixel that went into the radiance (the fewest of all pixels).
        dropped: samples that were not finite; they count as black.
        seconds: wall time of tracing.
        finished: False if time or the user ended it early.
    """

    images: dict[str, np.ndarray] = field(default_factory=dict)
    samples: int = 0
    dropped: int = 0
    seconds: float = 0.0
    finished: bool = True
