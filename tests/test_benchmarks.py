"""The benchmarks run, at toy sizes; their figures are no test's business."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from benchmarks import machine
from benchmarks.fit_run import FitProcess, Iteration, Setting
from benchmarks.fit_speed import CASES, Course
from benchmarks.peers import Peer
from benchmarks.report import Row, Section, Spread, page
from benchmarks.surfaces import wavy_torus

ROOT = Path(__file__).resolve().parents[1]


def test_wavy_torus_is_closed() -> None:
    vertices, faces = wavy_torus(2_000)
    assert len(faces) >= 2_000 and faces.min() == 0 and faces.max() == len(vertices) - 1
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    forward = {tuple(edge) for edge in edges.tolist()}
    assert len(forward) == len(edges)
    assert all((b, a) in forward for a, b in forward)


def test_report_tells_what_was_missed_and_no_paths() -> None:
    rows = [Row("a", "fast", str(Spread.of([1.0, 3.0, 2.0])), ">= 1", True), Row("b", "slow", "0.5", ">= 1", False)]
    text = page([Section("(a) Speed", rows)], "python -m benchmarks.run", 3, quick=False)
    assert "| a | fast | 2.00 (1.00 to 3.00) | >= 1 | yes |" in text
    assert "| b | slow | 0.5 | >= 1 | **no** |" in text
    assert str(ROOT) not in text and sys.prefix not in text


def _course(distances: list[float], seconds: float) -> Course:
    """A fit of 12 iterations, measured after some; the first ones compile."""
    numbers = [5, 10, 12]
    closeness = {n: {"near": (d, 1.0), "far": (0.0, 9.0)} for n, d in zip(numbers, distances, strict=True)}
    iterations = [Iteration(9.0 if n <= 5 else seconds, seconds, closeness.get(n)) for n in range(1, 13)]
    return Course(Setting("diffrt", "lattice", 4, 1, 12), [iterations])


def test_a_fit_is_close_from_when_it_stays_so() -> None:
    course = _course([0.2, 0.6, 0.2], 0.5)
    assert course.end == pytest.approx(0.1)
    assert course.arrival(0.1 + 1e-9) == 12 and course.arrival(0.05) is None
    assert _course([0.6, 0.4, 0.2], 0.5).arrival(0.2 + 1e-9) == 10
    assert course.arrival(0.3, max) == 12 and course.arrival(0.6, max) == 5
    assert course.seconds(0.3, "wall") == pytest.approx(5 * 0.5) and course.seconds(0.05, "cpu") == float("inf")


@pytest.mark.parametrize("seconds", [0.0, 0.3], ids=["before it is asked", "while it starts"])
def test_a_process_that_dies_is_told(seconds: float) -> None:
    """Whether or not it has read what it was asked; the benchmarks go on with the next point."""
    with FitProcess(CASES[0], Setting("diffrt", "lattice", 1, 1, 1)) as fit, Peer("diffrt") as peer:
        for process, ask in ((fit._process, fit.next), (peer._process, lambda: peer.render(1, 0))):
            os.kill(process.pid, signal.SIGSTOP)  # it must not answer first
            timer = threading.Timer(seconds, process.kill)
            timer.start()
            if seconds == 0.0:
                process.join()
            with pytest.raises(RuntimeError, match="ended"):
                ask()


def test_unknown_point_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", "--only", "x"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "letters from a to s" in done.stderr


QUICK = {
    "a,f,h,s": ("(a) Cornell box", "(f) The tree", "(h) Albedo texture", "(s) The first gradient"),
    "d,l,o": ("(d) Error at equal time", "(l) Shadow", "(o) Wall colours"),
}


@pytest.mark.skipif(not machine.mitsuba_installed(), reason="Mitsuba is not installed")
@pytest.mark.skipif(machine.find_llvm() is None, reason="no shared library of LLVM")
@pytest.mark.parametrize("points", ["a,f,h,s", pytest.param("d,l,o", marks=pytest.mark.slow)])
def test_quick_run(tmp_path: Path, points: str) -> None:
    report = tmp_path / "performance.md"
    command = [sys.executable, "-m", "benchmarks.run", "--quick", "--only", points, "--output", str(report)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr[-2000:]  # 1: a target missed, which toy sizes may
    text = report.read_text(encoding="utf-8")
    assert all(title in text for title in QUICK[points])
    assert "not measured" not in text and "--quick" in text
