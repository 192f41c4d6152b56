"""A run that is killed goes on where it was: the result is that of a run left alone."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffrt.errors import InputError
from diffrt.fit import checkpoint, output
from diffrt.fit.fit import fit
from diffrt.io.images import read_image, write_image
from diffrt.scene.scene import Scene

ROOT = Path(__file__).resolve().parents[2]
WALL, BULB = "materials.wall.albedo", "lights.bulb.intensity"
SAME = 1e-4
"""Sums of gradients are taken in single precision, in an order that threads decide."""


def run_until(problem: dict[str, Any], folder: Path, last: int, **more: Any) -> None:
    fit(problem, folder, callback=lambda row, scene: row["iteration"] < last, **more)


@pytest.mark.parametrize("optimizer", ["adam", "adam_uniform", "sgd", "lbfgs"])
def test_resume_goes_on_as_if_nothing_had_been(problem: dict[str, Any], tmp_path: Path, optimizer: str) -> None:
    problem["optimizer"] = optimizer
    whole = fit(problem, tmp_path / "whole")
    run_until(problem, tmp_path / "parts", 2)
    run_until(problem, tmp_path / "parts", 6, resume=True)
    resumed = fit(problem, tmp_path / "parts", resume=True)
    assert [row["iteration"] for row in resumed.history] == [row["iteration"] for row in whole.history]
    losses = [[row["loss"] for row in result.history] for result in (whole, resumed)]
    assert losses[1] == pytest.approx(losses[0], rel=SAME)
    for name in (WALL, BULB):
        assert resumed.scene[name] == pytest.approx(whole.scene[name], rel=SAME)


def test_a_finished_run_may_be_made_longer(problem: dict[str, Any], tmp_path: Path) -> None:
    fit(problem, tmp_path, iterations=5)
    assert len(fit(problem, tmp_path, resume=True, iterations=5).history) == 5
    assert len(fit(problem, tmp_path, resume=True).history) == 12


def test_without_resume_it_begins_anew(problem: dict[str, Any], tmp_path: Path) -> None:
    fit(problem, tmp_path, iterations=5)
    assert len(fit(problem, tmp_path, iterations=3).history) == 3
    assert len((tmp_path / "history.jsonl").read_text().splitlines()) == 3


def test_a_new_run_forgets_the_checkpoint_of_the_old_one(problem: dict[str, Any], tmp_path: Path) -> None:
    """Were it still there, a run that was killed at once would be resumed from the state of another one."""
    fit(problem, tmp_path, iterations=5)

    def look(row: dict[str, Any], scene: Scene) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        fit(problem, tmp_path, callback=look)
    resumed = fit(problem, tmp_path, resume=True)
    assert [row["iteration"] for row in resumed.history] == list(range(12))


def test_another_problem_is_refused(problem: dict[str, Any], tmp_path: Path) -> None:
    fit(problem, tmp_path, iterations=2)
    problem["loss"] = {"type": "l1"}
    problem["parameters"][WALL]["learning_rate"] = 0.5
    with pytest.raises(InputError) as caught:
        fit(problem, tmp_path, resume=True)
    assert {str(item).partition("; allowed")[0] for item in caught.value.problems} == {
        "loss.type: 'l1'; the checkpoint has 'l2'",
        f"parameters.{WALL}.learning_rate: 0.5; the checkpoint has 0.03",
    }


def test_other_pictures_and_another_start_are_refused(
    problem: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a ray is traced, and each by its name."""
    path = write_problem(problem, tmp_path)
    fit(path, tmp_path / "out", iterations=2)
    history = (tmp_path / "out" / "history.jsonl").read_bytes()
    target = read_image(tmp_path / "side.exr").data
    write_image(tmp_path / "side.exr", target + np.float32(1e-3), bits=32)
    write_image(tmp_path / "mask.png", np.full((8, 12), 255, dtype=np.uint8), encoding="linear")
    description = json.loads(path.read_text())
    description["views"][0]["mask"] = "mask.png"
    path.write_text(json.dumps(description))
    start = Scene.load(tmp_path / "start.json")
    start["shapes.floor.translation"] = [0.0, 0.01, 0.0]
    start.save(tmp_path / "start.json")
    monkeypatch.setattr(output, "picture_of", None)
    with pytest.raises(InputError) as caught:
        fit(path, tmp_path / "out", resume=True)
    assert [str(item).partition("; allowed")[0] for item in caught.value.problems] == [
        "scene: changed since the checkpoint: shapes.floor",
        "views: changed since the checkpoint: views.front.mask, views.side.target",
    ]
    assert (tmp_path / "out" / "history.jsonl").read_bytes() == history


def test_files_written_anew_with_the_same_content_are_the_same(problem: dict[str, Any], tmp_path: Path) -> None:
    path = write_problem(problem, tmp_path)
    fit(path, tmp_path / "out", iterations=2)
    for name in ("front", "side", "other"):
        write_image(tmp_path / f"{name}.exr", read_image(tmp_path / f"{name}.exr").data, bits=32)
    Scene.load(tmp_path / "start.json").save(tmp_path / "start.json")
    assert len(fit(path, tmp_path / "out", resume=True, iterations=3).history) == 3


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_broken_checkpoint_is_named(problem: dict[str, Any], tmp_path: Path, content: bytes | None) -> None:
    fit(problem, tmp_path, iterations=2)
    path = tmp_path / checkpoint.FILE
    path.write_bytes(path.read_bytes()[:-200] if content is None else content)
    with pytest.raises(InputError, match="checkpoint"):
        fit(problem, tmp_path, resume=True)


def test_no_pickle(problem: dict[str, Any], tmp_path: Path) -> None:
    fit(problem, tmp_path, iterations=2)
    with np.load(tmp_path / checkpoint.FILE, allow_pickle=False) as content:
        assert all(content[key].dtype.kind in "fiub" for key in content.files)


def write_problem(problem: dict[str, Any], folder: Path) -> Path:
    problem["scene"].save(folder / "start.json")
    for view in problem["views"]:
        write_image(folder / f"{view['name']}.exr", view["target"], bits=32)
        view["target"] = f"{view['name']}.exr"
    problem["scene"] = "start.json"
    (folder / "problem.json").write_text(json.dumps(problem))
    return folder / "problem.json"


def command(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "cli.py"), "fit", "--arch", "cpu", *arguments]


def left_alone(path: Path, folder: Path) -> tuple[Scene, list[dict[str, Any]]]:
    """Run the command; what it found, and the history. It keeps the kernels for later processes, as none does that is
    killed."""
    done = subprocess.run(command(str(path), "-o", str(folder)), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return Scene.load(folder / "fitted.json"), history_of(folder)


def history_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


def killed_and_resumed(path: Path, folder: Path, kills: int, seed: int) -> list[int]:
    """Run the command; kill it `kills` times, each time at some moment after a new checkpoint; let it end.

    Returns:
        How many iterations were done in the checkpoint that each kill left.
    """
    waits = random.Random(seed)
    resume: list[str] = []
    done_at_kills = []
    for _ in range(kills):
        process = subprocess.Popen(command(str(path), "-o", str(folder), *resume), stderr=subprocess.DEVNULL)
        mark = folder / checkpoint.FILE
        before = mark.stat().st_mtime_ns if mark.exists() else 0
        deadline = time.monotonic() + 300.0
        while time.monotonic() < deadline and process.poll() is None:
            if mark.exists() and mark.stat().st_mtime_ns != before:
                break
            time.sleep(0.005)
        time.sleep(waits.uniform(0.0, 0.3))
        process.kill()
        process.wait()
        with np.load(mark, allow_pickle=False) as content:
            done_at_kills.append(json.loads(content["state"].tobytes().decode())["iteration"])
        resume = ["--resume"]
    done = subprocess.run(command(str(path), "-o", str(folder), *resume), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done_at_kills


@pytest.mark.parametrize(
    ("kills", "iterations"), [(3, 120), pytest.param(8, 500, marks=pytest.mark.slow)], ids=["thrice", "often"]
)
def test_killed_at_any_moment(problem: dict[str, Any], tmp_path: Path, kills: int, iterations: int) -> None:
    problem |= {"iterations": iterations, "spp": 1, "max_spp": 4}
    path = write_problem(problem, tmp_path)
    whole, history = left_alone(path, tmp_path / "whole")
    killed_and_resumed(path, tmp_path / "killed", kills, seed=kills)
    found = Scene.load(tmp_path / "killed" / "fitted.json")
    for name in (WALL, BULB):
        assert found[name] == pytest.approx(whole[name], rel=SAME)
    rows = history_of(tmp_path / "killed")
    assert [row["iteration"] for row in rows] == list(range(iterations))
    assert [row["spp"] for row in rows] == [row["spp"] for row in history]
    assert not list((tmp_path / "killed").glob(".*")), "temporary files of a killed run"
