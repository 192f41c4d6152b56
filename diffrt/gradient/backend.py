"""Whether the backend in use computes derivatives: one that does not would return zeros."""

import functools

import taichi as ti

from diffrt import _taichi
from diffrt.errors import InputError, Problem


@ti.kernel
def _products(x: ti.template(), y: ti.template()):
    for i in range(8):
        y[None] += x[i] * x[i % 4]


@functools.cache
def derivatives_right() -> bool:
    """Differentiate a sum whose derivative is known: atomic adds into shared elements, as all gradients here."""
    x = ti.field(ti.f32, shape=8, needs_grad=True)
    y = ti.field(ti.f32, shape=(), needs_grad=True)
    for i in range(8):
        x[i] = i + 1.0
    y.grad[None] = 1.0
    with _taichi.all_passes():
        _products.grad(x, y)
    expected = [2.0 * (i + 1) + (i + 5) if i < 4 else i - 3 for i in range(8)]
    return all(abs(x.grad[i] - expected[i]) < 1e-4 for i in range(8))


def require_derivatives() -> None:
    """Try the backend, once a process; the CPU's is tested.

    Raises:
        InputError: its derivatives are wrong.
    """
    arch = _taichi.current_arch()
    if arch != "cpu" and not derivatives_right():
        raise InputError(Problem("arch", f"{arch!r} renders on this machine, but its derivatives are wrong", "cpu"))
