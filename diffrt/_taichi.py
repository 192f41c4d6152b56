"""The one place that sets Taichi up: which backend, its options, and that it happens once a process."""

import contextlib
import io
import os
import threading
from typing import Any

from diffrt.errors import InputError, Problem

ARCHS = ("auto", "cuda", "metal", "vulkan", "cpu")
_lock = threading.RLock()
_arch: str | None = None


def init(arch: str = "auto", *, threads: int | None = None) -> str:
    """Start the Taichi runtime. Optional (the first render does it) and idempotent.

    Args:
        arch: "auto" picks the first available of CUDA, Metal, Vulkan on a real GPU, CPU; or one of them by name.
            The environment variable DIFFRT_ARCH stands in for "auto".
        threads: number of CPU threads; all by default.

    Returns:
        The backend in use: "cuda", "metal", "vulkan" or "cpu".

    Raises:
        InputError: unknown backend, one that this machine lacks, or a second call that names another backend
            (a live Taichi runtime cannot be replaced without losing all fields).
    """
    global _arch
    with _lock:
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
    os.environ.setdefault("ENABLE_TAICHI_HEADER_PRINT", "0")
    with contextlib.redirect_stdout(io.StringIO()):
        import taichi as ti

        available = [name for name in ARCHS[1:] if _usable(ti, name)]
    if wanted == "auto":
        # A Vulkan driver may be a software one, slower than the CPU backend: choose it only when asked by name.
        wanted = next((name for name in ("cuda", "metal") if name in available), "cpu")
    elif wanted not in available:
        raise InputError(Problem("arch", f"{wanted!r} is not usable on this machine", ", ".join(available)))
    options: dict[str, Any] = {"default_fp": ti.f32, "default_ip": ti.i32, "fast_math": True, "offline_cache": True}
    if threads is not None:
        options["cpu_max_num_threads"] = threads
    ti.init(arch=getattr(ti, wanted), log_level=ti.ERROR, **options)
    return wanted


def _usable(ti: Any, name: str) -> bool:
    from taichi.lang.misc import is_arch_supported

    return bool(is_arch_supported(getattr(ti, name)))


def current_arch() -> str | None:
    """The backend in use, or None before the first `init`."""
    return _arch
