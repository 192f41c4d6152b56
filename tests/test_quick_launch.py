"""Kernels that are started quickly: the same results, and Taichi's own complaints."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest
import taichi as ti
from taichi.math import vec2

pytestmark = pytest.mark.usefixtures("taichi")
Reals, Vectors = ti.types.ndarray(dtype=ti.f32, ndim=1), ti.types.ndarray(dtype=vec2, ndim=1)


@ti.data_oriented
class _Holder:
    def __init__(self) -> None:
        self.field = ti.field(ti.f32, shape=(), needs_grad=True)


@ti.kernel
def _mixed(held: ti.template(), times: ti.template(), n: ti.i32, factor: ti.f32, a: Reals, b: Vectors):
    for i in range(n):
        a[i] += factor * ti.static(times) * b[i].y + held.field[None]


@ti.kernel
def _scaled(held: ti.template(), out: ti.template(), factor: ti.f32):
    for _ in range(1):
        out.field[None] += factor * held.field[None]


@ti.kernel
def _answer(n: ti.i32) -> ti.i32:
    return n + 1


def _start(*args: Any) -> None:
    for _ in range(2):  # the second start is the quick one
        _mixed(*args)


def test_all_kinds_of_arguments() -> None:
    held = _Holder()
    held.field[None] = 0.5
    a, b = np.zeros(4, np.float32), np.arange(8, dtype=np.float32).reshape(4, 2)
    _start(held, 2, 3, 0.25, a, b)
    once = 0.25 * 2 * b[:, 1] + 0.5
    assert np.array_equal(a, [*(2 * once[:3]), 0.0])
    _start(held, 3, np.int32(4), np.float64(1.0), a, b)  # another value of a template
    assert np.array_equal(a, [*(2 * once[:3] + 6 * b[:3, 1] + 1), 6 * b[3, 1] + 1])
    other = _Holder()
    a[:] = 0
    _start(other, 2, 4, 1, a, b)
    assert np.array_equal(a, 4 * b[:, 1])
    assert [_answer(n) for n in range(3)] == [1, 2, 3]


def test_derivatives_and_arrays_that_change_size() -> None:
    held, out = _Holder(), _Holder()
    out.field.grad[None] = 1.0
    for k in range(3):
        _scaled.grad(held, out, float(k))
        out.field.grad[None] = 1.0
    assert held.field.grad[None] == pytest.approx(3.0)
    for size in (2, 5, 3):
        a = np.zeros(size, np.float32)
        _mixed(held, 1, size, 1.0, a, np.ones((size, 2), np.float32))
        assert np.array_equal(a, np.ones(size))


def test_what_is_wrong_is_refused_as_before() -> None:
    held = _Holder()
    a, b = np.zeros(4, np.float32), np.zeros((4, 2), np.float32)
    _start(held, 2, 4, 1.0, a, b)
    wrong = [
        (held, 2, 4, 1.0, a.astype(np.float64), b),
        (held, 2, 4, 1.0, a.reshape(2, 2), b),
        (held, 2, 4, 1.0, a, np.zeros((4, 3), np.float32)),
        (held, 2, 4.5, 1.0, a, b),
        (held, 2, 4, "1", a, b),
        (held, 2, 4, 1.0, a),
    ]
    complaints = (ValueError, TypeError, ti.TaichiRuntimeError, ti.TaichiRuntimeTypeError, ti.TaichiSyntaxError)
    for args in wrong:
        with pytest.raises(complaints):
            _mixed(*args)


def test_taichi_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what it compiled for is not kept alive."""
    from taichi.lang.kernel_impl import Kernel

    held = _Holder()
    a, b = np.zeros(4, np.float32), np.zeros((4, 2), np.float32)
    asked = []
    original = Kernel.launch_kernel
    monkeypatch.setattr(Kernel, "launch_kernel", lambda self, *args: asked.append(self) or original(self, *args))
    for _ in range(5):
        _mixed(held, 7, 4, 1.0, a, b)
    assert len(asked) == 1
    _mixed(held, 7, 4, 1.0, a[::2][:2].copy(), b)
    assert len(asked) == 1
    _mixed(held, 7, 2, 1.0, np.zeros(8, np.float32)[:4], b)
    assert len(asked) == 1
    watched = weakref.ref(held)
    del held
    gc.collect()
    assert watched() is None
