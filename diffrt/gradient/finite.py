"""Keeps rows whose derivatives are no numbers from the parameters: one NaN would poison them all."""

import taichi as ti

from diffrt.core.vector import is_finite
from diffrt.render.record import DROPPED, MOST_SLOTS, PathRecord


@ti.kernel
def drop_rows(record: ti.template(), slots: ti.template(), emits: ti.template(), first: ti.i32, end: ti.i32):
    """Set the adjoints of a row to zero where one of them is not finite, and count the row.

    Args:
        slots: bit k is set for fields of materials whose adjoints are used.
        emits: whether those of emissions are.
    """
    for row in range(first, end):
        if record.kind[row] != DROPPED:
            good = 1
            for state in ti.static(_states(record, emits)):
                for d in ti.static(range(state.n)):
                    good &= is_finite(state.grad[row][d])
            for slot in ti.static([k for k in range(MOST_SLOTS) if slots >> k & 1]):
                for d in ti.static(range(3)):
                    good &= is_finite(record.values[slot].grad[row][d])
            if good == 0:
                record.dropped[None] += 1
                for state in ti.static(_states(record, emits)):
                    for d in ti.static(range(state.n)):
                        state.grad[row][d] = 0.0
                for slot in ti.static([k for k in range(MOST_SLOTS) if slots >> k & 1]):
                    for d in ti.static(range(3)):
                        record.values[slot].grad[row][d] = 0.0


def _states(record: PathRecord, emits: bool) -> tuple[object, ...]:
    names = ["emission", "light_radiance"] if emits else []
    if record.geometry:
        names += ["position", "normal", "cross", "direction", "uv", "light_position", "light_cross", "light_uv"]
        names += ["towards", "towards_light", "spread", "light_spread"]
    return tuple(getattr(record, name) for name in names)
