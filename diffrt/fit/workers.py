"""Other processes that look at the views of a step, each at its own share of the processor's cores.

A process loads the problem once; for each step it gets the values of the variables and, after remeshing, meshes and
baked textures.
"""

import atexit
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np

from diffrt import _taichi
from diffrt.errors import InputError, Problem
from diffrt.fit.checkpoint import Arrays, set_surfaces, values_of
from diffrt.fit.evaluate import Evaluation, Look, apply_values, look_at
from diffrt.fit.prepare import FitSetup, prepare


class Workers:
    """A pool of processes; a context that ends them.

    Args:
        count: how many.
        data, base_dir, iterations: as for `prepare`. What functions they name must be known to a new process, too:
            registered by a module that it imports, or by the main one outside of `if __name__ == "__main__"`.
    """

    def __init__(self, count: int, data: Any, base_dir: Path, iterations: int | None) -> None:
        threads = max(1, len(os.sched_getaffinity(0)) // count) if hasattr(os, "sched_getaffinity") else None
        self._pool = ProcessPoolExecutor(
            count,
            multiprocessing.get_context("spawn"),
            _begin,
            (data, base_dir.resolve(), iterations, _taichi.init(), threads),
        )

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def look(self, setup: FitSetup, looks: Sequence[Look]) -> list[Evaluation]:
        """What all these looks give at the setup's present values, in their order.

        Raises:
            InputError: the processes cannot start, or died.
        """
        values = values_of(setup)
        try:
            return list(self._pool.map(_look, [(values, look) for look in looks]))
        except BrokenProcessPool:
            found = "a process could not start, or died; what it said stands above"
            raise InputError(Problem("workers", found, "1, without other processes")) from None


_setup: FitSetup


def _begin(data: Any, base_dir: Path, iterations: int | None, arch: str, threads: int | None) -> None:
    """In a new process: load the problem, and end when the one that asked for it does."""
    global _setup
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process ends the run, and with it this one
    threading.Thread(target=_end_with_parent, daemon=True).start()
    atexit.register(_end)
    _taichi.init(arch, threads=threads)
    _setup = prepare(data, base_dir, iterations)


def _end() -> None:
    """Keep what was compiled, and leave: freed piece by piece, solvers of cholespy would be reported as leaks."""
    _taichi.end()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _look(task: tuple[Arrays, Look]) -> Evaluation:
    arrays, look = task
    _bring(arrays)
    return look_at(_setup, look)


def _bring(arrays: Arrays) -> None:
    """Set the variables, meshes that got other triangles, and what was baked for these."""
    set_surfaces(_setup, arrays)
    changed = False
    for name, item in _setup.variables.items():
        value = arrays[f"value/{name}"]
        changed |= not np.array_equal(item.value, value)
        item.value = value
    if changed:
        apply_values(_setup)
