"""Starts kernels on the CPU in about half of the time that Taichi takes to start one.

For every start Taichi 1.7 looks its compiled form up and goes over all arguments by rules for every kind there is. A
kernel of a few milliseconds waits for tens of others like it, each of which takes a tenth of a millisecond to start.
Here what was compiled is kept by the values of a kernel's templates, and whole numbers, real ones and arrays of NumPy
are handed over at once. Whatever else comes goes Taichi's way.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

_TEMPLATE, _INTEGER, _REAL = "template", "integer", "real"


class _Starter:
    """What is known of a kernel.

    Attributes:
        kinds: of its arguments; of an array its type, the shape of its elements and its dimensions without these. None
            if there are others.
        templates: the places, annotations and names of those that are templates.
        compiled: by the values of its templates.
        program: that it was compiled for.
    """

    def __init__(self, kernel: Any, program: Any) -> None:
        self.kinds = _kinds(kernel)
        self.templates = [
            (place, argument.annotation, argument.name)
            for place, argument in enumerate(kernel.arguments)
            if self.kinds is not None and self.kinds[place] is _TEMPLATE
        ]
        self.compiled: dict[tuple[Any, ...], tuple[Any, Any]] = {}
        self.program = program


def install() -> None:
    """Start kernels so from now on, if this is a Taichi that is known."""
    from taichi.lang import impl, kernel_impl

    kernel_class: Any = kernel_impl.Kernel
    mapper: Any = getattr(kernel_impl, "TaichiCallableTemplateMapper", None)
    if hasattr(mapper, "extract_arg") and hasattr(kernel_class, "ensure_compiled"):
        kernel_class.__call__ = _quick(kernel_class.__call__, mapper.extract_arg, impl.get_runtime)


def _quick(start: Callable[..., Any], extract: Callable[..., Any], runtime: Callable[[], Any]) -> Callable[..., Any]:
    """A stand-in for Taichi's own way to start a kernel."""

    def call(kernel: Any, *args: Any, **named: Any) -> Any:
        program = runtime().prog
        starter = getattr(kernel, "_starter", None)
        if starter is None or starter.program is not program:
            starter = kernel._starter = _Starter(kernel, program)
        if starter.kinds is None or named or len(args) != len(starter.kinds):
            return start(kernel, *args, **named)
        key = tuple([extract(args[place], kind, name) for place, kind, name in starter.templates])
        if key not in starter.compiled:
            result = start(kernel, *args)
            if not kernel.has_print:
                compiled = kernel.compiled_kernels[kernel.ensure_compiled(*args)]
                data = program.compile_kernel(program.config(), program.get_device_caps(), compiled)
                starter.compiled[key] = compiled, data
            return result
        compiled, data = starter.compiled[key]
        context = compiled.make_launch_context()
        if not _hand_over(context, starter.kinds, args):
            return start(kernel, *args)
        program.launch_kernel(data, context)
        return None

    return call


def _hand_over(context: Any, kinds: list[Any], args: tuple[Any, ...]) -> bool:
    """Set the arguments; whether all are what they should be."""
    place = 0
    for kind, value in zip(kinds, args, strict=True):
        if kind is _TEMPLATE:
            continue
        if kind is _INTEGER:
            if not isinstance(value, (int, np.integer)):
                return False
            context.set_arg_int((place,), int(value))
        elif kind is _REAL:
            if not isinstance(value, (float, int, np.floating, np.integer)):
                return False
            context.set_arg_float((place,), float(value))
        else:
            number, element, dimensions = kind
            if type(value) is not np.ndarray or value.dtype != number or not value.flags.c_contiguous:
                return False
            shape = value.shape
            whole = len(shape) - len(element)
            if whole != dimensions or shape[whole:] != element or value.nbytes >= 2**31:
                return False
            context.set_arg_external_array_with_shape((place,), value.ctypes.data, value.nbytes, shape[:whole], 0)
        place += 1
    return True


def _kinds(kernel: Any) -> list[Any] | None:
    """Of a kernel's arguments; None if some are of other kinds, or it returns something."""
    import taichi as ti
    from taichi.types.ndarray_type import NdarrayType

    numbers: dict[Any, Any] = {ti.f32: np.dtype(np.float32), ti.i32: np.dtype(np.int32), ti.u32: np.dtype(np.uint32)}
    result: list[Any] = []
    for argument in kernel.arguments:
        wanted = argument.annotation
        if isinstance(wanted, ti.template):
            result.append(_TEMPLATE)
        elif isinstance(wanted, NdarrayType):
            element = wanted.dtype.get_shape() if hasattr(wanted.dtype, "get_shape") else ()
            number = numbers.get(wanted.dtype.dtype if element else wanted.dtype)
            if number is None or wanted.ndim is None or wanted.layout != ti.Layout.AOS or None in element:
                return None
            result.append((number, tuple(element), wanted.ndim))
        elif wanted is ti.i32:
            result.append(_INTEGER)
        elif wanted is ti.f32:
            result.append(_REAL)
        else:
            return None
    return None if kernel.return_type is not None else result
