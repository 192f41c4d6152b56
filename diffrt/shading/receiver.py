"""What the choice of a light knows of the point that it is to light."""

import taichi as ti
from taichi.math import vec3


@ti.dataclass
class Receiver:
    """A point that scatters light to where the path came from.

    Attributes:
        normal: of the side that light must come from; zero if it may come from either.
        mirrored: the direction that a perfect mirror would be lit from.
        spread: width of the glossy lobe about it: GGX's alpha, squared.
        gloss: share of that lobe in what the point scatters. Zero, with the rest, if nothing is known.
    """

    position: vec3
    normal: vec3
    mirrored: vec3
    spread: ti.f32
    gloss: ti.f32


@ti.func
def bare_receiver(position: vec3, normal: vec3) -> Receiver:
    """Of which no more than this is known."""
    return Receiver(position, normal, vec3(0.0), 1.0, 0.0)
