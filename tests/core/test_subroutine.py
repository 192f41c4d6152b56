"""Functions that kernels call: as good as inlined ones, in derivatives too; and kernels with them are found again."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from diffrt._taichi import all_passes

PROGRAM = Path(__file__).with_name("subroutine_calls.py")
X = np.linspace(-1.0, 2.0, 8, dtype=np.float32)


@pytest.fixture(scope="module")
def calls(taichi: str) -> ModuleType:
    from tests.core import subroutine_calls

    return subroutine_calls


def test_equals_what_it_says(calls: ModuleType) -> None:
    calls.field.from_numpy(X)
    calls.differences(calls.field)
    expected = 0.25 * X**2 + 0.75 * 8.0 - 2.0 * (0.25 * X[::-1] ** 2 + 0.75 * 4.0)
    assert calls.results.to_numpy() == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_is_written_out_in_derivatives(calls: ModuleType) -> None:
    calls.field.from_numpy(X)
    calls.results.grad.fill(1.0)
    with all_passes():
        calls.without_loops.grad(calls.field)
    assert calls.field.grad.to_numpy() == pytest.approx(0.5 * X, rel=1e-6)


def test_kernels_are_found_again(tmp_path: Path) -> None:
    """By every other process, though all hash and allocate differently: else they would compile at each start."""
    counts = []
    for seed in range(4):
        environment = {**os.environ, "TI_OFFLINE_CACHE_FILE_PATH": str(tmp_path), "PYTHONHASHSEED": str(seed)}
        subprocess.run([sys.executable, PROGRAM], env=environment, check=True, capture_output=True, timeout=120)
        counts.append(len(list(tmp_path.iterdir())))
    assert counts[0] > 0 and counts == counts[:1] * 4
