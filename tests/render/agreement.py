"""Whether two renderers agree: statistics of independent batches of samples.

Each picture is B batches with their own seeds. For a pixel, a block of pixels or the whole image, both give B values
and their variances, and z = (mean - mean') / sqrt((var + var') / B) follows Student's t closely enough. Sizes of
deviations are thus measured in noise, which makes the bounds independent of the scene.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

BLOCK = 4
ROUNDING = 5e-4
"""Relative difference that single precision and ray offsets may make, added to the standard error."""
RARE = 2.0
"""Brightness of a sample that may be missing, in units of the picture's mean."""


@dataclass
class Agreement:
    """How two pictures deviate, in standard errors: `mean` per channel, `blocks`, `pixels` (brightness)."""

    mean: np.ndarray
    blocks: np.ndarray
    pixels: np.ndarray
    precision: float
    """Standard error of the difference of the means, relative to the mean: what the comparison can see."""
    degrees: float

    def problems(self) -> list[str]:
        """What is wrong, in words; empty if the pictures agree within their noise."""
        found = []
        if np.abs(self.mean).max() > 4.0:
            found.append(f"means deviate by {np.round(self.mean, 2)} standard errors")
        for name, z in (("blocks", self.blocks), ("pixels", self.pixels)):
            expected = 2.0 * student.sf(3.0, self.degrees) * z.size
            count = int((np.abs(z) > 3.0).sum())
            if count > expected + 4.0 * np.sqrt(expected) + 2.0:
                found.append(
                    f"{count} of {z.size} {name} deviate by more than 3 standard errors, expected {expected:.1f}"
                )
            if np.abs(z).max() > student.isf(1e-4 / z.size, self.degrees):
                found.append(f"one of the {name} deviates by {np.abs(z).max():.1f} standard errors")
        spread = float(np.sqrt(np.mean(self.pixels**2)))
        if spread > 1.15:
            found.append(f"deviations of pixels are {spread:.2f} times their noise")
        return found


def compare(ours: np.ndarray, theirs: np.ndarray, samples: int) -> Agreement:
    """Statistics of two stacks of batches (B, H, W, 3) with `samples` samples a pixel in each."""
    batches = len(ours)
    brightness = float(ours.mean())

    def deviation(a: np.ndarray, b: np.ndarray, pixels: int) -> tuple[np.ndarray, np.ndarray]:
        """z and its denominator for cells of so many pixels.

        The last term stands for what no variance shows: events so rare that no sample of the cell met them.
        """
        difference = a.mean(axis=0) - b.mean(axis=0)
        rounding = 0.5 * ROUNDING * np.abs(a.mean(axis=0) + b.mean(axis=0))
        unseen = RARE * brightness / (batches * samples * pixels)
        variance = (a.var(axis=0, ddof=1) + b.var(axis=0, ddof=1)) / batches
        error = np.sqrt(variance + rounding**2 + unseen**2)
        return difference / error, error

    def blocks(stack: np.ndarray) -> np.ndarray:
        b, h, w = stack.shape
        stack = stack[:, : h - h % BLOCK, : w - w % BLOCK]
        return stack.reshape(b, h // BLOCK, BLOCK, w // BLOCK, BLOCK).mean(axis=(2, 4))

    ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
    bright, their_bright = ours.mean(axis=3), theirs.mean(axis=3)
    size = bright[0].size
    mean, _ = deviation(ours.mean(axis=(1, 2)), theirs.mean(axis=(1, 2)), size)
    _, error = deviation(bright.mean(axis=(1, 2)), their_bright.mean(axis=(1, 2)), size)
    return Agreement(
        mean,
        deviation(blocks(bright), blocks(their_bright), BLOCK**2)[0],
        deviation(bright, their_bright, 1)[0],
        float(error / bright.mean()),
        2.0 * (batches - 1),
    )
