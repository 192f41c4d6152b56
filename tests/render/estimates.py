"""Means of pictures with their standard errors, from independent batches."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from diffrt.render.render import render
from diffrt.scene.scene import Scene


@dataclass
class Estimate:
    """Mean over the picture (3,) and its standard error (3,)."""

    mean: np.ndarray
    error: np.ndarray

    def deviation(self, truth: Any) -> float:
        """The greatest deviation of a channel from the truth, in standard errors; rounding counts as 1e-5."""
        truth = np.broadcast_to(np.asarray(truth, dtype=float), 3)
        error = np.sqrt(self.error**2 + (1e-5 * truth) ** 2 + 1e-20)
        return float(np.max(np.abs(self.mean - truth) / error))

    def precision(self) -> float:
        """The greatest relative standard error of a channel that is not black."""
        return float(np.max(self.error / np.maximum(self.mean, 1e-10)))


def estimate(scene: Scene, spp: int = 64, batches: int = 16, **more: Any) -> Estimate:
    """Render `batches` times with different seeds."""
    stack = np.stack([render(scene, spp=spp, seed=1000 + seed, **more) for seed in range(batches)]).astype(float)
    means = stack.mean(axis=(1, 2))
    return Estimate(means.mean(axis=0), means.std(axis=0, ddof=1) / np.sqrt(batches))
