"""Loops whose turns take different times, handed out to threads while they run.

On the CPU Taichi gives each thread an equal part of a loop, and those that are done wait for the last. Here threads
come back for more:

    for worker in range(workers):
        i = first_turn(queue, worker)
        while i < count:
            ...
            i = next_turn(queue, i)

with `*handed_out(count)` for the kernel's queue and workers. Each thread takes a run of neighbouring turns at once.
"""

from typing import Any

import taichi as ti

from diffrt._taichi import current_arch
from diffrt.device.arrays import zeros

Queue = ti.types.ndarray(dtype=ti.i32, ndim=1)
TURNS = 512
"""A thread of the CPU gets no fewer turns of a loop."""

_RUN = 64
"""Turns that a thread takes at once."""
_NONE = 2**31 - 1


def handed_out(count: int) -> tuple[Any, int]:
    """A queue for one loop of so many turns, once, and the turns of the loop around it."""
    return zeros(1, ti.i32), threads() * TURNS if current_arch() == "cpu" else count


def threads() -> int:
    """Threads of the CPU that run kernels."""
    number: int = ti.lang.impl.current_cfg().cpu_max_num_threads
    return number


def run_length(turns: int) -> int:
    """How many turns a thread takes at once: so many on the CPU, elsewhere one."""
    return turns if current_arch() == "cpu" else 1


@ti.func
def is_worker(i: ti.i32) -> bool:
    """Whether it is the first turn of a thread."""
    return i % ti.static(run_length(TURNS)) == 0


@ti.func
def fetch(queue: ti.template(), run: ti.i32) -> ti.i32:
    """The first of the next `run` turns; none are left if it is no turn."""
    return ti.atomic_add(queue[0], run)


@ti.func
def first_turn(queue: ti.template(), worker: ti.i32) -> ti.i32:
    """Of a thread; none are left if it is no turn."""
    turn = _NONE
    if is_worker(worker):
        turn = fetch(queue, ti.static(run_length(_RUN)))
    return turn


@ti.func
def next_turn(queue: ti.template(), turn: ti.i32) -> ti.i32:
    """After that one."""
    following = turn + 1
    if following % ti.static(run_length(_RUN)) == 0:
        following = fetch(queue, ti.static(run_length(_RUN)))
    return following
