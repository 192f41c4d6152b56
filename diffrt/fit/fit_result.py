"""What a fit gives: at its end, and to a callback after each iteration."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffrt.scene.scene import Scene

Callback = Callable[[dict[str, Any], Scene], bool | None]
"""Takes a row of the history and the scene; returning False stops the run."""


@dataclass
class FitResult:
    """What a fit found.

    Attributes:
        scene: the fitted one.
        history: a row for each iteration, as in history.jsonl.
        views: for each view its name, fitted camera and camera response, scores (psnr, ssim, and flip where it is
            installed) before and after, and whether it was kept out.
        ending: "finished", "interrupted", "stopped" (by the callback) or "not finite".
        iteration: from which the scene is; the last one, or the best if the run ended early.
        values: what was fitted, by name as in the problem.
    """

    scene: Scene
    history: list[dict[str, Any]]
    views: list[dict[str, Any]]
    ending: str = "finished"
    iteration: int = 0
    values: dict[str, NDArray[np.float64]] = field(default_factory=dict)
