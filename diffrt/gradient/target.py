"""A parameter as gradients see it: what it reaches on the device, and the chain rule back from there. Plain data."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diffrt.scene.terms import Terms

Floats = NDArray[np.float64]
Pull = Callable[[dict[str, Floats]], Floats]

MOVING = (
    "positions", "normals", "uvs", "camera_to_world", "camera_intrinsics", "camera_distortion", "camera_lens",
    "delta_position", "delta_direction",
)  # fmt: skip
"""Fields through which positions or directions move."""


@dataclass(frozen=True)
class Target:
    """A parameter and what it reaches.

    Attributes:
        name: of the parameter.
        fields: of SceneFields, by name, that depend on it.
        pull: from derivatives by these fields, by name, to that by the parameter.
        materials: those whose values it changes.
        slots: bit k is set if it is slot k of them.
        bends: it bends rays, though it moves no surface.
        opacities: the materials whose opacity it changes.
        weights: the mixes whose weight it changes.
        lacks: what the gradient by it lacks, in words; nothing if empty.
        terms: those that its gradient is the sum of.
    """

    name: str
    fields: tuple[str, ...]
    pull: Pull
    materials: tuple[str, ...] = ()
    slots: int = 0
    bends: bool = False
    opacities: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    lacks: str = ""
    terms: Terms = ()

    @property
    def moves(self) -> bool:
        """Whether places, directions or texture coordinates change with it."""
        return bool(set(self.fields) & set(MOVING))
