"""Loops that are handed out to threads while they run."""

import numpy as np
import pytest
import taichi as ti

from diffrt.device.work import Queue, first_turn, handed_out, next_turn

pytestmark = pytest.mark.usefixtures("taichi")


@ti.kernel
def _count(queue: Queue, workers: ti.i32, out: ti.types.ndarray(dtype=ti.i32, ndim=1), count: ti.i32):
    for worker in range(workers):
        i = first_turn(queue, worker)
        while i < count:
            out[i] += 1
            i = next_turn(queue, i)


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 1000, 2**16, 2**16 + 17])
def test_every_turn_comes_once(count: int) -> None:
    out = np.zeros(count + 8, np.int32)
    _count(*handed_out(count), out, count)
    assert np.all(out[:count] == 1)
    assert np.all(out[count:] == 0)
