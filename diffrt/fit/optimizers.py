"""Steps from gradients: Adam, Adam with one scale for all entries, plain descent; and how learning rates fall."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diffrt.fit.problem import Schedule

Floats = NDArray[np.float64]
_EPSILON, _BETA = 1e-8, 0.9
_LONGEST, _WATCHED, _MEMORY = 5.0, 10, 0.95
"""A gradient is cut to so many times the usual length, once so many were seen; how much the usual one remembers."""


@dataclass
class Moments:
    """What an optimizer remembers of a parameter: running means of the gradient and of its square, steps taken.

    seen, usual: how many gradients `tamed` saw, and its running mean of their squared lengths.
    """

    mean: Floats
    square: Floats
    steps: int = 0
    seen: int = 0
    usual: float = 0.0

    @classmethod
    def like(cls, value: Floats) -> "Moments":
        """Nothing yet, for a parameter of this shape."""
        return cls(np.zeros_like(value, dtype=np.float64), np.zeros_like(value, dtype=np.float64))


def tamed(gradient: Floats, moments: Moments) -> tuple[Floats, bool]:
    """The gradient, shortened if it is far longer than the ones before; and whether it was.

    Samples of edges have tails without end: once in some thousand steps one of them outweighs all others by orders of
    magnitude, and Adam would remember it for a thousand steps more. Lengths that stay large are let through soon.
    """
    squared = float(np.sum(gradient**2))
    usual = moments.usual / (1.0 - _MEMORY**moments.seen) if moments.seen else 0.0
    limit = _LONGEST**2 * usual
    cut = moments.seen >= _WATCHED and squared > limit > 0.0
    if cut:
        gradient, squared = gradient * np.sqrt(limit / squared), limit
    moments.seen += 1
    moments.usual = _MEMORY * moments.usual + (1.0 - _MEMORY) * squared
    return gradient, cut


def adam(gradient: Floats, moments: Moments) -> Floats:
    """The direction of Adam (Kingma and Ba 2015), beta 0.9 and 0.999: about one per entry."""
    return _update(gradient, moments) / _usual_size(moments)


def adam_uniform(gradient: Floats, moments: Moments) -> Floats:
    """Adam with the largest second moment for all entries (Nicolet et al. 2021): keeps directions, and smoothness."""
    direction: Floats = _update(gradient, moments) / _usual_size(moments).max(initial=_EPSILON)
    return direction


def sgd(gradient: Floats, moments: Moments) -> Floats:
    """The gradient itself."""
    moments.steps += 1
    return gradient


def _update(gradient: Floats, moments: Moments) -> Floats:
    """The running mean of the gradients, corrected for its start at zero."""
    moments.steps += 1
    moments.mean = _BETA * moments.mean + (1.0 - _BETA) * gradient
    moments.square = 0.999 * moments.square + 0.001 * gradient**2
    return moments.mean / (1.0 - _BETA**moments.steps)


def _usual_size(moments: Moments) -> Floats:
    """The root of the running mean of their squares."""
    size: Floats = np.sqrt(moments.square / (1.0 - 0.999**moments.steps)) + _EPSILON
    return size


def noise_of_direction(optimizer: str, variance: Floats, moments: Moments) -> Floats:
    """The variance of the entries of a direction just taken, from that of the entries of its gradients.

    The running mean of t gradients has (1 - b)(1 + b^t) / ((1 + b)(1 - b^t)) of their variance: in time a nineteenth.
    """
    if optimizer == "sgd":
        return variance
    size = _usual_size(moments)
    if optimizer == "adam_uniform":
        size = size.max(initial=_EPSILON)
    left = _BETA**moments.steps
    return (1.0 - _BETA) * (1.0 + left) / ((1.0 + _BETA) * (1.0 - left)) * variance / size**2


OPTIMIZERS: dict[str, Callable[[Floats, Moments], Floats]] = {"adam": adam, "adam_uniform": adam_uniform, "sgd": sgd}


def rate_factor(schedule: Schedule, iteration: int, iterations: int) -> float:
    """The share of the learning rate at an iteration, counted from 0, of so many."""
    progress = iteration / max(iterations - 1, 1)
    if schedule.type == "exponential":
        return float(schedule.final**progress)
    if schedule.type == "cosine":
        return float(schedule.final + (1.0 - schedule.final) * 0.5 * (1.0 + np.cos(np.pi * progress)))
    if schedule.type == "inverse":
        return 1.0 / (1.0 + schedule.decay * iteration)
    return 1.0
