"""Many arrays into many fields with one kernel: compiled once per group of fields, whatever the sizes."""

import numpy as np
import taichi as ti

_reals = ti.types.ndarray(dtype=ti.f32, ndim=1)
_ints = ti.types.ndarray(dtype=ti.i32, ndim=1)


def write(fields: list[tuple[object, np.ndarray]]) -> None:
    """Write each array into the first elements of its field.

    Args:
        fields: pairs of a Taichi field of float32 or int32 (scalars, vectors or matrices, of shape () or (n,)) and an
            array whose first axis counts elements (for fields of shape (): whatever reshapes to one element).
    """
    reals: list[np.ndarray] = []
    ints: list[np.ndarray] = []
    table = np.zeros((len(fields), 2), dtype=np.int32)
    used = {id(reals): 0, id(ints): 0}
    for k, (field, array) in enumerate(fields):
        parts = reals if field.dtype == ti.f32 else ints  # type: ignore[attr-defined]
        flat = np.ascontiguousarray(array, dtype=np.float32 if parts is reals else np.int32).reshape(-1)
        table[k] = used[id(parts)], flat.size // _components(field)
        used[id(parts)] += flat.size
        parts.append(flat)
    data = np.concatenate([*reals, np.zeros(1, np.float32)])
    numbers = np.concatenate([*ints, np.zeros(1, np.int32)])
    _write(tuple(field for field, _ in fields), data, numbers, table.reshape(-1))


def _components(field: object) -> int:
    return int(getattr(field, "n", 1)) * int(getattr(field, "m", 1))


@ti.kernel
def _write(fields: ti.template(), reals: _reals, ints: _ints, table: _ints):
    for k, field in ti.static(tuple(enumerate(fields))):
        for i in range(table[2 * k + 1]):
            count = ti.static(_components(field))
            for c in ti.static(range(count)):
                at = table[2 * k] + i * count + c
                value = ti.static(ints if field.dtype == ti.i32 else reals)[at]
                if ti.static(count == 1 and field.shape == ()):
                    field[None] = value
                elif ti.static(count == 1):
                    field[i] = value
                elif ti.static(field.shape == () and field.m == 1):
                    field[None][c] = value
                elif ti.static(field.shape == ()):
                    field[None][c // field.m, c % field.m] = value
                else:
                    field[i][c] = value
