"""The one place that sets Taichi up: which backend, its options, and that it happens once a process."""

import contextlib
import gc
import inspect
import io
import linecache
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from diffrt import _quick_launch, _quick_reading
from diffrt.errors import InputError, Problem

os.environ.setdefault("ENABLE_TAICHI_HEADER_PRINT", "0")  # before the first import: results own standard output

ARCHS = ("auto", "cuda", "metal", "vulkan", "cpu")
lock = threading.RLock()
"""Held while the device works: one runtime, one scene on the device at a time."""

_arch: str | None = None


def init(arch: str = "auto", *, threads: int | None = None) -> str:
    """Start the Taichi runtime. Optional (the first render does it) and idempotent.

    Args:
        arch: "auto" picks the first of CUDA, Metal, Vulkan (unless its driver is a software one) and CPU that works;
            or one of them by name.
            The environment variable DIFFRT_ARCH stands in for "auto".
        threads: number of CPU threads; all by default.

    Returns:
        The backend in use: "cuda", "metal", "vulkan" or "cpu".

    Raises:
        InputError: unknown backend, one that this machine lacks, or a second call that names another backend
            (a live Taichi runtime cannot be replaced without losing all fields).
    """
    global _arch
    with lock:
        if arch not in ARCHS:
            raise InputError(Problem("arch", f"{arch!r} is not a backend", ", ".join(ARCHS)))
        if _arch is not None:
            if arch not in ("auto", _arch):
                raise InputError(Problem("arch", f"{arch!r} asked for, but this process already runs on {_arch!r}"))
            return _arch
        wanted = os.environ.get("DIFFRT_ARCH", "auto") if arch == "auto" else arch
        if wanted not in ARCHS:
            raise InputError(Problem("DIFFRT_ARCH", f"{wanted!r} is not a backend", ", ".join(ARCHS)))
        _arch = _start(wanted, threads)
        return _arch


def _start(wanted: str, threads: int | None) -> str:
    with quick_imports():
        import taichi as ti

    ti.set_logging_level(ti.ERROR)
    candidates: tuple[str, ...] = ARCHS[1:]
    if wanted == "auto":
        if _software_vulkan():
            candidates = tuple(name for name in candidates if name != "vulkan")
        wanted = next(name for name in candidates if _usable(ti, name))
    elif not _usable(ti, wanted):
        usable = ", ".join(name for name in ARCHS[1:] if _usable(ti, name))
        raise InputError(Problem("arch", f"{wanted!r} is not usable on this machine", usable))
    options: dict[str, Any] = {"default_fp": ti.f32, "default_ip": ti.i32, "fast_math": True, "offline_cache": True}
    if wanted in ("cpu", "cuda", "vulkan"):
        # LLVM and Vulkan's drivers optimise as well without Taichi's own passes, which take most of the time to compile
        # a large kernel.
        options["advanced_optimization"] = False
    if threads is not None:
        options["cpu_max_num_threads"] = threads
    _quick_reading.install()
    _free_arrays_of_vectors()
    if wanted == "cpu":
        _quick_launch.install()
    with contextlib.redirect_stdout(io.StringIO()), quick_imports():  # of Taichi's own kernels
        ti.init(arch=getattr(ti, wanted), log_level=ti.ERROR, **options)
    return wanted


@contextlib.contextmanager
def quick_imports() -> Iterator[None]:
    """Around the import of modules with kernels: half the time for it.

    Taichi's decorators look at the line that they are called from, whether it starts a class. For one line `inspect`
    goes through all modules there are; this reads the line and no more.
    """
    original = inspect.getframeinfo

    def one_line(frame: Any, context: int = 1) -> inspect.Traceback:
        if context != 1 or not isinstance(frame, FrameType):
            return original(frame, context)
        file, line = frame.f_code.co_filename, frame.f_lineno
        return inspect.Traceback(file, line, frame.f_code.co_name, [linecache.getline(file, line)], 0)

    inspect.getframeinfo = one_line
    try:
        yield
    finally:
        inspect.getframeinfo = original


def _free_arrays_of_vectors() -> None:
    """Let arrays of vectors and matrices free their memory with themselves: in Taichi 1.7 only those of numbers do."""
    from taichi.lang import _ndarray, matrix

    release = getattr(_ndarray.ScalarNdarray, "__del__", None)
    kinds: tuple[Any, ...] = (matrix.VectorNdarray, matrix.MatrixNdarray)
    for kind in kinds:
        if release is not None and not hasattr(kind, "__del__"):
            kind.__del__ = release


def _software_vulkan() -> bool:
    """Whether Vulkan can only be Mesa's software driver here (no GPU device), which is slower than the CPU backend."""
    if sys.platform != "linux":
        return False
    devices = [*Path("/dev").glob("dri/renderD*"), *Path("/dev").glob("nvidia[0-9]*"), *Path("/dev").glob("dxg")]
    return not devices


def _usable(ti: Any, name: str) -> bool:
    from taichi.lang.misc import is_arch_supported

    return bool(is_arch_supported(getattr(ti, name)))


@contextlib.contextmanager
def all_passes() -> Iterator[None]:
    """Compile kernels with Taichi's own optimisation passes, too: around the first call of every `kernel.grad`.

    Without them Taichi's reverse mode is silently wrong: zeros and NaN. That vectors are taken apart before them makes
    them up to three times faster, as each goes over all numbers that a kernel holds again and again.
    """
    import taichi as ti

    config = ti.lang.impl.current_cfg()
    before = config.advanced_optimization, config.force_scalarize_matrix
    config.advanced_optimization, config.force_scalarize_matrix = True, True
    try:
        yield
    finally:
        config.advanced_optimization, config.force_scalarize_matrix = before


def current_arch() -> str | None:
    """The backend in use, or None before the first `init`."""
    return _arch


def end() -> None:
    """Leave nothing but the end of the process: keep what was compiled, and free nothing piece by piece.

    To be called when nothing will be rendered any more.
    """
    if _arch is not None:
        import taichi as ti

        ti.reset()
    gc.freeze()
