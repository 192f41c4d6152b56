"""Kernels that are read quickly say what they said before."""

import ast
import inspect
from typing import Any

import numpy as np
import pytest
import taichi as ti
from taichi.lang import matrix_ops
from taichi.math import vec2, vec3

from diffrt import _quick_reading, _taichi
from diffrt.core import sampler
from diffrt.gradient import interior, shadow_edges
from diffrt.render import path

pytestmark = pytest.mark.usefixtures("taichi")
Reals = ti.types.ndarray(dtype=ti.f32, ndim=1)


@ti.dataclass
class _Pair:
    first: ti.f32
    second: ti.f32


@ti.func
def _divided(a: ti.i32, b: ti.i32):
    return a // b, a % b


@ti.kernel
def _assignments(out: Reals):
    for _ in range(1):
        a, b = 1.0, 2.0
        a, b = b, a
        out[0], out[1] = a, b
        v = vec3(1.0, 2.0, 3.0)
        kept = v
        v = vec3(v.y, v.z, v.x)
        v.z = v.x
        for k in ti.static(range(3)):
            out[2 + k] = v[k]
            out[5 + k] = kept[k]
        pair = _Pair(3.0, 4.0)
        before = pair
        pair = _Pair(pair.second, pair.first)
        out[8], out[9], out[10], out[11] = pair.first, pair.second, before.first, before.second
        c = d = 7.0
        d += 1.0
        out[12], out[13] = c, d
        quotient, rest = _divided(17, 5)
        x, y = vec2(0.25, 0.5)
        out[14], out[15], out[16], out[17] = quotient, rest, x, y
        twice = a
        a = 5.0
        out[18] = twice + a


def test_assignments() -> None:
    out = np.zeros(19, np.float32)
    _assignments(out)
    assert out.tolist() == [2, 1, 2, 3, 2, 1, 2, 3, 4, 3, 3, 4, 7, 8, 3, 2, 0.25, 0.5, 7]


@ti.kernel
def _comparisons(x: ti.f32, i: ti.i32, out: Reals):
    for _ in range(1):
        out[0] = ti.cast(x < 2.0, ti.f32)
        out[1] = ti.cast(1.0 < x < 2.0, ti.f32)
        out[2] = ti.cast(1.0 < x < 1.25, ti.f32)
        out[3] = ti.cast((i == 3) == (x >= 1.5), ti.f32)
        out[4] = ti.cast(i != 3 or x > 7.0, ti.f32)
        larger = vec2(x, 0.0) > vec2(1.0, 1.0)
        out[5], out[6] = ti.cast(larger[0], ti.f32), ti.cast(larger[1], ti.f32)
        out[7] = ti.cast(i <= 3, ti.i32) + (x <= 1.0)
        if ti.static(2 > 1):
            out[8] = 1.0
        while x < out[9]:
            out[9] -= 1.0


def test_comparisons() -> None:
    out = np.full(10, 3.5, np.float32)
    _comparisons(1.5, 3, out)
    assert out.tolist() == [1, 1, 0, 1, 0, 1, 0, 1, 1, 1.5]


@ti.kernel
def _products(a: vec3, b: vec3, c: vec2, out: Reals):
    for _ in range(1):
        out[0], out[1], out[2], out[3] = a.dot(b), a.norm(), c.dot(c + 1.0), c.norm(0.25)
        unit, other, crossed = (a - b).normalized(), a.normalized(0.5), (a + b).cross(b)
        for k in ti.static(range(3)):
            out[4 + k], out[7 + k], out[10 + k] = unit[k], other[k], crossed[k]
        out[13] = c.cross(vec2(3.0, 5.0))
        out[14] = ti.Vector([1, 2, 3]).dot(ti.Vector([4, 5, 6]))
        out[15] = ti.Vector([1.0, 2.0, 3.0, 4.0, 5.0]).norm_sqr()


def test_products_of_vectors() -> None:
    a, b, c = np.array([1.0, -2.0, 0.5]), np.array([0.25, 4.0, 3.0]), np.array([2.0, -1.5])
    out = np.zeros(16, np.float32)
    _products(vec3(*a), vec3(*b), vec2(*c), out)
    length = np.linalg.norm
    expected = [
        a @ b, length(a), c @ (c + 1), np.sqrt(c @ c + 0.25), *((a - b) / length(a - b)), *(a / (length(a) + 0.5)),
        *np.cross(a + b, b), 2.0 * 5.0 + 1.5 * 3.0, 32.0, 55.0,
    ]  # fmt: skip
    assert out == pytest.approx(np.array(expected), rel=1e-6)
    assert vec3(1.0, 2.0, 2.0).norm() == 3.0  # outside of kernels


def test_products_call_no_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    @ti.kernel
    def product(a: vec3, b: vec3) -> ti.f32:
        return a.dot(b) + a.norm() + a.cross(b).normalized().x

    def refuse(*_: Any) -> None:
        raise AssertionError("written down as a function")

    monkeypatch.setattr(matrix_ops, "_reduce", refuse)
    assert product(vec3(0.0, 0.0, 2.0), vec3(0.0, 1.0, 3.0)) == pytest.approx(6.0 + 2.0 - 1.0)


@ti.kernel
def _spread(total: Reals, out: Reals):
    for _ in range(1):
        v = vec3(1.0, 2.0, 3.0) * ti.atomic_add(total[0], 2.0)
        w = ti.select(total[0] > 3.0, v / (total[0] + 1.0), vec3(0.0))
        for k in ti.static(range(3)):
            out[k], out[3 + k] = v[k], w[k]
        out[6] = (vec3(0.0, 3.0, 4.0) * ti.atomic_add(total[0], 1.0)).normalized().z
        out[7] = (vec3(0.0, 3.0, 4.0) + ti.atomic_add(total[0], 1.0)).norm()


def test_numbers_that_multiply_vectors_are_computed_once() -> None:
    """And vectors whose length is asked for."""
    total, out = np.array([2.0], np.float32), np.zeros(8, np.float32)
    _spread(total, out)
    assert total[0] == 6.0
    assert out == pytest.approx(np.array([2.0, 4.0, 6.0, 0.4, 0.8, 1.2, 0.8, np.sqrt(25.0 + 64.0 + 81.0)]))


@ti.kernel
def _differentiated(points: ti.template(), weights: ti.template(), sums: ti.template()):
    for i in range(points.shape[0]):
        if i > 0:
            x, y = points[i], points[i - 1]
            n = x.cross(y).normalized()
            share = 1.0 / (x.norm() + y.dot(y))
            if share > 0.2:
                n *= share
            sums[i] = n.dot(weights[i]) * x.norm_sqr()


def test_derivatives_are_those_of_differences() -> None:
    count = 12
    points, weights = (ti.Vector.field(3, ti.f32, shape=count, needs_grad=True) for _ in range(2))
    sums = ti.field(ti.f32, shape=count, needs_grad=True)
    rng = np.random.default_rng(1)
    at, turned = rng.normal(size=(count, 3)), rng.normal(size=(count, 3))

    def value(p: np.ndarray) -> float:
        x, y = p[1:], p[:-1]
        n = np.cross(x, y)
        n /= np.linalg.norm(n, axis=1, keepdims=True)
        share = 1.0 / (np.linalg.norm(x, axis=1) + (y * y).sum(axis=1))
        n *= np.where(share > 0.2, share, 1.0)[:, None]
        return float(((n * turned[1:]).sum(axis=1) * (x * x).sum(axis=1)).sum())

    points.from_numpy(at.astype(np.float32))
    weights.from_numpy(turned.astype(np.float32))
    sums.grad.fill(1.0)
    with _taichi.all_passes():
        _differentiated.grad(points, weights, sums)
    step = 1e-6
    differences = np.zeros_like(at)
    for place in np.ndindex(*at.shape):
        moved = np.zeros_like(at)
        moved[place] = step
        differences[place] = (value(at + moved) - value(at - moved)) / (2.0 * step)
    assert points.grad.to_numpy() == pytest.approx(differences, rel=2e-4, abs=2e-4)


def test_sources_of_functions_are_those_that_inspect_finds() -> None:
    def failing(function: Any) -> tuple[list[str], int]:
        raise OSError("asked for in spite of its file")

    quick = _quick_reading._quick_lines(failing)
    for function in (_written_in_several_lines, failing, inspect.unwrap(ti.Vector.field)):
        assert quick(function) == inspect.getsourcelines(function)
    without_file: dict[str, Any] = {}
    exec("def nowhere(): pass", without_file)
    with pytest.raises(OSError, match="in spite"):
        quick(without_file["nowhere"])


@pytest.mark.parametrize(
    "module", [path, shadow_edges, interior, sampler, matrix_ops, ti.math], ids=lambda module: module.__name__
)
def test_sources_of_all_functions(module: Any) -> None:
    """They need not end in the same comment or empty line."""
    quick = _quick_reading._quick_lines(inspect.getsourcelines)
    functions = [f for f in map(inspect.unwrap, vars(module).values()) if inspect.isfunction(f)]
    assert len(functions) > 5
    for function in functions:
        (found, first), (expected, line) = quick(function), inspect.getsourcelines(function)
        assert first == line
        assert ast.dump(ast.parse("".join(found))) == ast.dump(ast.parse("".join(expected)))


def _written_in_several_lines(
    *args: Any,
) -> None:  # a comment
    for _ in args:
        pass
