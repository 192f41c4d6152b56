"""Loops whose turns take different times, handed out to threads while they run.

On the CPU Taichi gives each thread an equal part of a loop, and those that are done wait for the last. Here threads
come back for more:

    for i in range(workers):
        if is_worker(i):
            start = fetch(queue, run)
            while start < count:
                for k in range(start, ti.min(start + run, count)):
                    ...
                start = fetch(queue, run)

with `workers(count)`, a `new_queue()`, and a run of `run_length(...)` turns.
"""

from typing import Any

import taichi as ti

from diffrt._taichi import current_arch
from diffrt.device.arrays import zeros

Queue = ti.types.ndarray(dtype=ti.i32, ndim=1)
TURNS = 512
"""A thread of the CPU gets no fewer turns of a loop."""


def workers(count: int) -> int:
    """Turns of the outer loop for so many of the inner one."""
    return threads() * TURNS if current_arch() == "cpu" else count


def threads() -> int:
    """Threads of the CPU that run kernels."""
    number: int = ti.lang.impl.current_cfg().cpu_max_num_threads
    return number


def run_length(turns: int) -> int:
    """How many turns a thread takes at once: so many on the CPU, elsewhere one."""
    return turns if current_arch() == "cpu" else 1


def new_queue() -> Any:
    """For one loop, once."""
    return zeros(1, ti.i32)


@ti.func
def is_worker(i: ti.i32) -> bool:
    """Whether it is the first turn of a thread."""
    return i % ti.static(run_length(TURNS)) == 0


@ti.func
def fetch(queue: ti.template(), run: ti.i32) -> ti.i32:
    """The first of the next `run` turns; none are left if it is no turn."""
    return ti.atomic_add(queue[0], run)
