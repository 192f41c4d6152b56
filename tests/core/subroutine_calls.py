"""Kernels that use a subroutine; as a program of its own, it runs one of them."""

import diffrt

diffrt.init("cpu")

import taichi as ti  # noqa: E402

from diffrt.core.subroutine import subroutine  # noqa: E402

field = ti.field(ti.f32, shape=8, needs_grad=True)
results = ti.field(ti.f32, shape=8, needs_grad=True)


@ti.func
def doubled_until(x: ti.f32, most: ti.f32) -> ti.f32:
    """An inlined function with a loop."""
    y = x
    while y < most:
        y *= 2.0
    return y


@subroutine
def halfway(values: ti.template(), loops: ti.template(), i: ti.i32, most: ti.f32) -> ti.f32:
    """A quarter of a square, and three quarters of the first power of two from `most` on, or of 1."""
    result = values[i] * values[i]
    end = 1.0
    if ti.static(loops):
        end = doubled_until(1.0, most)
    for _ in range(2):
        result = 0.5 * (result + end)
    return result


@ti.kernel
def differences(values: ti.template()):
    """It is used twice."""
    for i in range(8):
        results[i] = halfway(values, True, i, 5.0) - 2.0 * halfway(values, True, 7 - i, 3.0)


@ti.kernel
def without_loops(values: ti.template()):
    """Taichi's derivatives know no loops of unknown length."""
    for i in range(8):
        results[i] = halfway(values, False, i, 0.0)


if __name__ == "__main__":
    differences(field)
