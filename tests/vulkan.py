"""Runs code on the Vulkan backend, in a process of its own; skips where there is no driver."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
_FRAME = """
import os, sys
sys.path[:0] = {paths!r}
import numpy as np, diffrt
{code}
assert diffrt.init() == "vulkan"
np.savez({file!r}, **{call})
os._exit(0)  # drivers have been seen to crash on the way out
"""


def _run(code: str, seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "DIFFRT_ARCH": "vulkan"}, cwd=ROOT, capture_output=True,
        text=True, timeout=seconds,
    )  # fmt: skip


@cache
def has_vulkan() -> bool:
    """Whether Taichi finds a Vulkan device and starts on it."""
    return _run("import os, diffrt\nassert diffrt.init() == 'vulkan'\nos._exit(0)", 120).returncode == 0


def arrays_on_vulkan(folder: Path, code: str, call: str, paths: tuple[Path, ...] = ()) -> dict[str, np.ndarray]:
    """What `call` gives after `code` has been run, a dict of arrays; `paths` are put before Python's."""
    if not has_vulkan():
        pytest.skip("no Vulkan driver")
    file = folder / "arrays.npz"
    done = _run(_FRAME.format(paths=[str(ROOT), *map(str, paths)], code=code, file=str(file), call=call), 900)
    assert done.returncode == 0, done.stderr[-4000:]
    return dict(np.load(file))
