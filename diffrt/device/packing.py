"""Arrays into fields, and derivatives out of them: by their memory on the CPU; by a kernel on other backends."""

import ctypes
import math
from typing import Any

import numpy as np
import taichi as ti

from diffrt._taichi import current_arch
from diffrt.device.scene_fields import SceneFields

_reals = ti.types.ndarray(dtype=ti.f32, ndim=1)
_ints = ti.types.ndarray(dtype=ti.i32, ndim=1)


def write(scene: SceneFields, fields: list[tuple[object, np.ndarray]]) -> None:
    """Write each array into the first elements of its field.

    Args:
        fields: pairs of one of the scene's fields of float32 or int32 (scalars, vectors or matrices, of shape () or
            (n,)) and an array whose first axis counts elements (for fields of shape (): whatever reshapes to one
            element).
    """
    if current_arch() != "cpu":
        _write_on_device(fields)
        return
    memory = _memory(scene)
    for field, array in fields:
        flat = np.asarray(array).reshape(-1)
        memory[id(field)][: flat.size] = flat


def take_grad(scene: SceneFields, field: Any) -> np.ndarray:
    """The derivatives by a field, of the shape that its `to_numpy` has; they are zero from then on."""
    if current_arch() != "cpu":
        result: np.ndarray = field.grad.to_numpy()
        field.grad.fill(0.0)
        return result
    memory = _memory(scene)[id(field.grad)]
    shape = () if _components(field) == 1 else (field.n,) if field.m == 1 else (field.n, field.m)
    result = memory.reshape((*field.shape, *shape)).copy()
    memory.fill(0.0)
    return result


def _memory(scene: SceneFields) -> dict[int, np.ndarray]:
    """The fields' own memory by their id, all components in a row: a kernel that writes would take longer to start."""
    if not scene.memory:
        fields = tuple(scene.fields())
        fields += tuple(field.grad for field in fields if field.grad is not None and field.grad.snode.ptr is not None)
        for field, address in zip(fields, _addresses(fields), strict=True):
            number = ctypes.c_float if field.dtype == ti.f32 else ctypes.c_int32
            size = math.prod(field.shape) * _components(field)
            scene.memory[id(field)] = np.ctypeslib.as_array((number * size).from_address(address))
    return scene.memory


def _addresses(fields: tuple[Any, ...]) -> list[int]:
    """Where fields begin: a kernel tells it of the first and the last one, which is quicker than of all, and Taichi how
    far the others are from there.

    Raises:
        RuntimeError: the two do not agree.
    """
    found = np.zeros(2, np.uint64)
    _find(fields[0], fields[-1], found)
    first, last = (int(address) for address in found)
    offsets = [sum(node._offset_bytes_in_parent_cell for node in (f.snode, f.snode.parent())) for f in fields]
    if len({f.snode._snode_tree_id for f in fields}) > 1 or last - first != offsets[-1] - offsets[0]:
        raise RuntimeError("the fields of a scene are not where Taichi says that they are")
    return [first + offset - offsets[0] for offset in offsets]


@ti.kernel
def _find(first: ti.template(), last: ti.template(), addresses: ti.types.ndarray(dtype=ti.u64, ndim=1)):
    for k, field in ti.static(((0, first), (1, last))):
        addresses[k] = ti.get_addr(field, ti.static([0] * len(field.shape)))


def _write_on_device(fields: list[tuple[Any, np.ndarray]]) -> None:
    reals: list[np.ndarray] = []
    ints: list[np.ndarray] = []
    table = np.zeros((len(fields), 2), dtype=np.int32)
    used = {id(reals): 0, id(ints): 0}
    for k, (field, array) in enumerate(fields):
        parts = reals if field.dtype == ti.f32 else ints
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
