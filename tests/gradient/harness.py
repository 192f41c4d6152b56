"""Compares gradients with finite differences of pictures: one case is a scene, a parameter, a direction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

import diffrt

ALONG = [1, 0.7, 0.3]
"""A direction along no axis."""
CHANNELS_OF = {"depth": 1, "mask": 1, "uv": 2}


@dataclass
class Case:
    """A scene, a parameter of it and a direction to move it in.

    step: half-width of the difference, as a factor on the direction. bias: relative error that is allowed on top of
    three standard errors. Differences take four times the samples, unless `spp_difference` says otherwise.
    slow: it compiles kernels of its own, or resembles another.
    buffer: that the loss looks at; others than radiance have no forward mode.
    """

    name: str
    scene: Callable[[], dict[str, Any]]
    parameter: str
    direction: Any
    step: float
    spp: int = 64
    seeds: int = 24
    bias: float = 0.01
    options: dict[str, Any] = field(default_factory=dict)
    spp_difference: int = 0
    slow: bool = False
    buffer: str = "radiance"


def parameters(cases: Sequence[Case]) -> list[Any]:
    """For parametrize."""
    return [pytest.param(case, id=case.name, marks=[pytest.mark.slow] * case.slow) for case in cases]


def random_direction(*shape: int) -> np.ndarray:
    """A direction of an array of this shape, the same each time."""
    return np.random.default_rng(1).normal(size=shape)


def loss_weights(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Smooth weights of pixels and channels, of no symmetry: the loss is their scalar product with the picture."""
    y, x = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    base = 1.0 + 0.5 * np.sin(5.0 * x + 1.0) * np.cos(4.0 * y) + 0.3 * x - 0.2 * y
    weights = base[:, :, None] * np.array([1.0, 0.7, 0.4])[:channels] / (height * width)
    return weights[:, :, 0] if channels == 1 else weights


def slope_of(
    picture: Callable[[diffrt.Scene], np.ndarray], scene: diffrt.Scene, name: str, along: np.ndarray,
    weights: np.ndarray, step: float,
) -> float:  # fmt: skip
    """Derivative of the weighed sum of a picture that is known exactly, by differences. The scene is left as it was."""
    start: Any = scene[name].copy()
    sides = []
    for sign in (1.0, -1.0):
        scene[name] = start + sign * step * along
        sides.append(float(np.sum(weights * picture(scene))))
    scene[name] = start
    return (sides[0] - sides[1]) / (2.0 * step)


def mean_and_error(values: list[float]) -> tuple[float, float]:
    array = np.array(values)
    return float(array.mean()), float(array.std(ddof=1) / np.sqrt(len(array)))


@dataclass
class Result:
    difference: float
    difference_error: float
    backward: float
    backward_error: float
    forward: float
    backward_of_forward: float

    def __str__(self) -> str:
        return (
            f"difference {self.difference:.6g} ({self.difference_error:.2g}), "
            f"backward {self.backward:.6g} ({self.backward_error:.2g}), "
            f"forward {self.forward:.6g} for {self.backward_of_forward:.6g}"
        )


def differences(case: Case) -> tuple[float, float]:
    scene = diffrt.Scene.from_dict(case.scene())
    start, direction = scene[case.parameter], np.asarray(case.direction, dtype=np.float64)
    view = scene.camera()
    weights = loss_weights(view.height, view.width, CHANNELS_OF.get(case.buffer, 3))
    values = []
    options = {key: value for key, value in case.options.items() if key == "max_depth"}
    for seed in range(case.seeds):
        sides = []
        for sign in (1.0, -1.0):
            scene[case.parameter] = start + sign * case.step * direction
            spp = case.spp_difference or 4 * case.spp
            image = diffrt.render_buffers(scene, [case.buffer], spp=spp, seed=seed, **options)[case.buffer]
            sides.append(float(np.sum(weights * image)))
        values.append((sides[0] - sides[1]) / (2.0 * case.step))
    return mean_and_error(values)


def run(case: Case) -> Result:
    scene = diffrt.Scene.from_dict(case.scene())
    direction = np.asarray(case.direction, dtype=np.float64) * np.ones(scene[case.parameter].shape)
    view = scene.camera()
    weights = loss_weights(view.height, view.width, CHANNELS_OF.get(case.buffer, 3))
    adjoint = weights if case.buffer == "radiance" else {case.buffer: weights}
    values = []
    for seed in range(case.seeds):
        gradient = diffrt.render_backward(scene, adjoint, [case.parameter], spp=case.spp, seed=seed, **case.options)[
            case.parameter
        ]
        values.append(float(np.sum(gradient * direction)))
    if case.buffer != "radiance":
        return Result(*differences(case), *mean_and_error(values), values[0], values[0])
    image = diffrt.render_forward(scene, {case.parameter: direction}, spp=case.spp, seed=0, **case.options)
    forward = float(np.sum(weights * image))
    return Result(*differences(case), *mean_and_error(values), forward, values[0])


def check(case: Case) -> Result:
    """Assert that backward agrees with differences, and forward with backward of the same seed."""
    result = run(case)
    error = float(np.hypot(result.difference_error, result.backward_error))
    scale = max(abs(result.difference), abs(result.backward))
    # As rare as three standard errors would be, were they known: they are estimates from so many seeds.
    errors = float(student.ppf(norm.cdf(3.0), case.seeds - 1))
    assert abs(result.backward - result.difference) <= errors * error + case.bias * scale, str(result)
    # Not to rounding: textures have kinks, which the small step of forward mode crosses here and there, and which
    # edges shadows are sampled on depends on the adjoint image. So both have noise of their own.
    single = result.backward_error * np.sqrt(2 * case.seeds)
    assert abs(result.forward - result.backward_of_forward) <= 2e-3 * scale + 3.0 * single, str(result)
    return result
