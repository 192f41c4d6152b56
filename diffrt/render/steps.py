"""Random numbers of the steps of a loop: those of one seed are even together, so that their mean has less noise."""

import numpy as np

STEP_BITS = 6
"""2^6 steps at a time are the parts of one lattice; the next ones have another."""
MOST_STEPS = 2**31 - 1


def place_of(step: int | None) -> tuple[int, int]:
    """What kernels need to find a step's part: bits of the numbers of steps, and this one's. (0, 0): no other steps."""
    return (0, 0) if step is None else (STEP_BITS, step % 2**STEP_BITS)


def seed_at(seed: int, step: int | None, sampler: str) -> int:
    """The seed that kernels get: the same for all parts of a lattice; of other samplers one for each step."""
    if step is None:
        return seed
    number = step >> STEP_BITS if sampler == "lattice" else step
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0] & 0x7FFFFFFF)
