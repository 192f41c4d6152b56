"""Several processes give what one gives, and end with it."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from diffrt.errors import InputError
from diffrt.fit.fit import fit

ROOT = Path(__file__).resolve().parents[2]
WALL, BULB = "materials.wall.albedo", "lights.bulb.intensity"
SAME = 1e-4
"""Sums of gradients are taken in single precision, in an order that threads decide."""


@pytest.mark.parametrize(
    ("name", "fitted"),
    [
        ("camera_response.exposure", {"learning_rate": 0.05, "per_view": True}),
        # Each process compiles the terms of edges anew.
        pytest.param(
            "cameras.front.fov", {"learning_rate": 0.01, "tied": ["cameras.side.fov"]}, marks=pytest.mark.slow
        ),
    ],
    ids=["response", "camera"],
)
def test_equal_results(problem: dict[str, Any], name: str, fitted: dict[str, Any]) -> None:
    """Values, the order of views, noise and the samples that follow it."""
    problem |= {"iterations": 15, "spp": 1, "max_spp": 4}
    problem["parameters"][name] = fitted
    one, two = fit(problem), fit(problem, workers=2)
    for key in one.values:
        assert two.values[key] == pytest.approx(one.values[key], rel=SAME)
    for a, b in zip(one.history, two.history, strict=True):
        assert a["views"] == pytest.approx(b["views"], rel=SAME)
        assert (a["spp"], a["samples"]) == (b["spp"], b["samples"])


def test_what_a_process_does_not_know(problem: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A loss that was registered in this process alone."""
    from diffrt.fit import losses

    monkeypatch.setattr(losses, "_measures", dict(losses._measures))
    losses.add_loss("mine")(losses._measures["l2"])
    with pytest.raises(InputError, match="workers: a process could not start"):
        fit(problem | {"loss": {"type": "mine"}}, workers=2)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_they_end_with_the_one_that_asked(problem: dict[str, Any], tmp_path: Path) -> None:
    """A killed run leaves no process behind."""
    from test_resume import write_problem

    problem["iterations"] = 100_000
    path = write_problem(problem, tmp_path)
    arguments = [sys.executable, str(ROOT / "cli.py"), "fit", "--arch", "cpu", "--workers", "2", str(path)]
    process = subprocess.Popen([*arguments, "-o", str(tmp_path / "out")], stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: (tmp_path / "out" / "checkpoint.npz").exists())
        children = children_of(process.pid)
        assert len(children) >= 2
    finally:
        process.kill()
        process.wait()
    wait_for(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


def wait_for(condition: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def children_of(parent: int) -> list[int]:
    """Processes whose parent it is."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.append(int(folder.name))
    return found
