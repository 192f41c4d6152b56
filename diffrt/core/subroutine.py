"""Functions that kernels call, in place of those that Taichi writes out wherever they are used.

A kernel that uses a large function in several places compiles two to three times sooner, and runs about as fast. Only
Taichi's LLVM backends know such functions, and none of its derivatives do: elsewhere they are written out as always.

A kernel calls one at most. Taichi finds compiled kernels again by a text that lists those that a kernel calls in the
order of a hash table of addresses, which differs from process to process.
"""

import functools
from collections.abc import Callable
from typing import Any

import taichi as ti
from taichi.lang import impl, kernel_impl
from taichi.lang.enums import AutodiffMode

from diffrt._taichi import current_arch


def subroutine(function: Callable[..., Any]) -> Callable[..., Any]:
    """Like `ti.func`, of stated types of arguments and result; what kernels are given as templates may be passed on."""
    inlined, called = ti.func(function), ti.real_func(function)

    @functools.wraps(function)
    def call(*args: Any) -> Any:
        differentiated = impl.get_runtime().current_kernel.autodiff_mode != AutodiffMode.NONE
        return (inlined if differentiated or current_arch() != "cpu" else called)(*args)

    marked: Any = call
    marked.func, marked._is_taichi_function, marked._is_real_function = inlined.func, True, False
    return call


def _builder(self: Any) -> Any:
    return impl.get_runtime().compiling_callable.ast_builder()


# Taichi 1.7 puts the statements of an inlined function into the kernel, though it be used by one that is called.
kernel_impl.Kernel.ast_builder = _builder
