"""A small environment: a room with three lamps."""

import numpy as np
from numpy.typing import NDArray


def studio(height: int = 16) -> NDArray[np.float64]:
    """Radiance (height, 2 height, 3) between 0.1 and 3: a wooden floor, a blue dusk, a warm, a cold and a red lamp."""
    v, u = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(2 * height) + 0.5) / height / 2, indexing="ij")
    theta, phi = np.pi * v, 2 * np.pi * (u - 0.5)
    up = np.cos(theta)
    direction = np.stack([np.sin(theta) * np.sin(phi), up, -np.sin(theta) * np.cos(phi)], axis=-1)
    share = 1 / (1 + np.exp(-8 * up))[..., None]
    result = (1 - share) * np.array([0.3, 0.2, 0.12]) + share * np.array([0.15, 0.2, 0.35])
    lamps = [
        ([-0.7, 0.5, 0.5], 0.35, [2.6, 2.1, 1.4]),
        ([0.9, 0.2, 0.4], 0.3, [0.9, 1.5, 2.2]),
        ([0.2, 0.3, -0.9], 0.3, [1.8, 0.5, 0.4]),
    ]
    for towards, width, radiance in lamps:
        cosine = direction @ (np.array(towards) / np.linalg.norm(towards))
        result = result + np.exp((cosine - 1) / width**2)[..., None] * np.array(radiance)
    return result.round(3)
