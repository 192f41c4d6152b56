"""The terms that a gradient is the sum of, and which of them each kind of parameter has: see docs/gradients.md."""

from typing import TypeAlias

Terms: TypeAlias = tuple[str, ...]

TERMS: Terms = ("interior", "primary", "shadow", "delta_shadow", "indirect")
"""The parts of a gradient: inside of what is seen, and the edges where something comes into sight."""
MOVING = TERMS
"""What moves surfaces or the camera moves every kind of edge."""
WITHIN: Terms = ("interior",)
"""What changes strengths or colours moves no edge."""
NORMALS: Terms = ("interior", "primary")
"""Given normals move the lines at which they turn away from the camera."""
SHADOWS_OF_DELTA_LIGHTS: Terms = ("interior", "delta_shadow")
"""A light without extent that moves, moves its shadows and nothing else."""
NOT_DIFFERENTIABLE: Terms = ()
