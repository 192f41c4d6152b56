"""Lists the vertices of a record that move, level by level: most rows are none of a level's."""

from itertools import pairwise

import taichi as ti

from diffrt.device.work import Queue, fetch, handed_out, is_worker, run_length
from diffrt.render.record import DROPPED, PathRecord

_RUN = 512


@ti.func
def _moves(record: ti.template(), row: ti.i32, level: ti.i32) -> bool:
    return record.level[row] == level and record.kind[row] != DROPPED


@ti.kernel
def _list_level(record: ti.template(), queue: Queue, workers: ti.i32, level: ti.i32, first: ti.i32, end: ti.i32):
    run = ti.static(run_length(_RUN))
    for i in range(workers):
        if is_worker(i):
            start = first + fetch(queue, run)
            while start < end:
                stop = ti.min(start + run, end)
                found = 0
                for row in range(start, stop):
                    if _moves(record, row, level):
                        found += 1
                at = ti.atomic_add(record.listed_count[None], found)
                for row in range(start, stop):
                    if _moves(record, row, level):
                        record.listed[at] = row
                        at += 1
                start = first + fetch(queue, run)


def list_levels(record: PathRecord, first: int, end: int) -> list[tuple[int, int]]:
    """For each level, from where to where `record.listed` has its vertices, of the rows [first, end)."""
    record.listed_count[None] = 0
    ends = [0]
    for level in range(record.levels[None] + 1):
        _list_level(record, *handed_out(end - first), level, first, end)
        ends.append(int(record.listed_count[None]))
    return list(pairwise(ends))
