"""What goes wrong around a run: full disks, deaths while writing, cameras that see nothing, broken pictures."""

import errno
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffrt.cli import main
from diffrt.errors import InputError
from diffrt.fit import checkpoint
from diffrt.fit.fingerprint import fingerprint
from diffrt.fit.fit import fit
from diffrt.fit.prepare import prepare
from diffrt.io.images import write_image
from diffrt.log import DiffrtWarning
from diffrt.scene.scene import Scene

WALL, BULB = "materials.wall.albedo", "lights.bulb.intensity"
SAME = 1e-4
"""Sums of gradients are taken in single precision, in an order that threads decide."""
AWAY = {"to_world": {"look_at": {"origin": [0, 0, 9], "target": [0, 0, 20]}}, "width": 12, "height": 8}


class Died(BaseException):
    """In place of a kill."""


class Disk:
    """Counts the files that are written, and fails at one of them with half of it on the disk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.written, self.last, self.error = 0, -1, BaseException()
        whole = Path.write_bytes

        def write_bytes(path: Path, content: bytes) -> int:
            if self.written == self.last:
                whole(path, content[: len(content) // 2])
                raise self.error
            self.written += 1
            return whole(path, content)

        monkeypatch.setattr(Path, "write_bytes", write_bytes)

    def fail(self, at: int, error: BaseException) -> None:
        self.written, self.last, self.error = 0, at, error


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def short(problem: dict[str, Any]) -> dict[str, Any]:
    return problem | {"iterations": 3, "views": problem["views"][:1]}


def test_a_death_while_any_file_is_written(problem: dict[str, Any], tmp_path: Path, disk: Disk) -> None:
    """Checkpoints, scene, pictures, report: whichever was being written, the next run ends as if nothing had been."""
    problem = short(problem)
    whole = fit(problem, tmp_path / "whole")
    count = disk.written
    assert count > 7
    for place in (*range(1, count - 1, 2), count - 1):
        folder = tmp_path / f"died_{place}"
        disk.fail(place, Died())
        with pytest.raises(Died):
            fit(problem, folder)
        disk.fail(-1, Died())
        resumed = fit(problem, folder, resume=(folder / checkpoint.FILE).exists())
        assert [row["iteration"] for row in resumed.history] == [0, 1, 2]
        for name in (WALL, BULB):
            assert Scene.load(folder / "fitted.json")[name] == pytest.approx(whole.scene[name], rel=SAME)
        assert not list(folder.rglob(".*")), "temporary files"


def test_a_full_disk(problem: dict[str, Any], tmp_path: Path, disk: Disk) -> None:
    """The message names the file, the last good checkpoint is there, and with room again the run goes on."""
    problem = short(problem)
    whole = fit(problem)
    disk.fail(2, OSError(errno.ENOSPC, "No space left on device"))  # the history and a first checkpoint fit
    with pytest.raises(InputError, match=r"output: cannot write .*checkpoint\.npz: No space left.*--resume"):
        fit(problem, tmp_path)
    assert not list(tmp_path.glob(".*"))
    saved = checkpoint.read_checkpoint(tmp_path, fingerprint(prepare(problem, Path("."))))
    assert 0 < saved.head["iteration"] < 3
    disk.fail(-1, OSError())
    resumed = fit(problem, tmp_path, resume=True)
    assert resumed.scene[WALL] == pytest.approx(whole.scene[WALL], rel=SAME)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_history_that_cannot_grow(problem: dict[str, Any], tmp_path: Path) -> None:
    def fill(row: dict[str, Any], scene: Scene) -> None:
        (tmp_path / "history.jsonl").unlink()
        (tmp_path / "history.jsonl").symlink_to("/dev/full")

    with pytest.raises(InputError, match=r"cannot write .*history\.jsonl: No space left"):
        fit(problem, tmp_path, callback=fill)


def test_a_file_in_place_of_the_folder(problem: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(InputError, match="output: cannot write"):
        fit(short(problem), tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_a_view_that_sees_nothing_is_named(problem: dict[str, Any], targets: dict[str, np.ndarray]) -> None:
    """The others are fitted all the same."""
    problem["views"] = [problem["views"][0], {"name": "away", "camera": AWAY, "target": targets["side"]}]
    with pytest.warns(DiffrtWarning, match="view away: its picture depends on none of the parameters"):
        result = fit(problem | {"iterations": 4})
    assert result.ending == "finished"
    assert np.abs(result.scene[WALL] - problem["scene"][WALL]).max() > 0.05


@pytest.mark.filterwarnings("ignore::diffrt.log.DiffrtWarning")
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_if_no_view_sees_anything_it_ends(
    problem: dict[str, Any], targets: dict[str, np.ndarray], optimizer: str
) -> None:
    views = [{"name": name, "camera": AWAY, "target": targets[name]} for name in ("front", "side")]
    with pytest.raises(InputError, match="views: none depends on any of the parameters"):
        fit(problem | {"views": views, "views_per_iteration": 1, "optimizer": optimizer})


def test_views_that_are_explained_are_not_blind(problem: dict[str, Any], recwarn: pytest.WarningsRecorder) -> None:
    """Black targets of cameras that look away ask for nothing, and nothing is wrong with them."""
    problem["views"] = [problem["views"][0], {"name": "away", "camera": AWAY, "target": np.zeros((8, 12, 3))}]
    fit(problem | {"iterations": 2})
    assert not [item for item in recwarn if issubclass(item.category, DiffrtWarning)]


def picture(kind: str, folder: Path) -> dict[str, Any]:
    """A view with a picture that is broken in some way; 12 x 8 pixels otherwise."""
    color = np.full((8, 12, 3), 0.5, dtype=np.float32)
    view: dict[str, Any] = {"name": "front", "camera": "front", "target": "a.exr"}
    if kind == "missing":
        return view
    if kind == "NaN":
        color[1, 2, 0] = np.nan
    if kind == "another shape":
        color = np.full((9, 12, 3), 0.5, dtype=np.float32)
    write_image(folder / "a.exr", color, bits=32)
    if kind == "cut short":
        content = (folder / "a.exr").read_bytes()
        (folder / "a.exr").write_bytes(content[: len(content) // 2])
    if kind == "no picture":
        (folder / "a.exr").write_text("hello")
    if kind == "transparent":
        write_image(folder / "a.png", np.concatenate([color, np.zeros((8, 12, 1))], axis=2))
        view["target"] = "a.png"
    if kind.startswith("mask"):
        write_image(folder / "m.exr", np.full((8, 12), np.nan if kind == "mask with NaN" else 1.5), bits=32)
        view["mask"] = "m.exr"
    return view


@pytest.mark.parametrize(
    ("kind", "field", "text"),
    [
        ("missing", "target", "a.exr"),
        ("NaN", "target", "1 pixels of a.exr are NaN or infinite"),
        ("another shape", "target", "12 x 9 pixels, the camera's film is 12 x 8"),
        ("cut short", "target", "damaged or cut short"),
        ("no picture", "target", "a.exr"),
        ("transparent", "target", "the mask is empty"),
        ("mask with NaN", "mask", "NaN or infinite"),
        ("mask above one", "mask", "outside of 0 to 1"),
    ],
)
def test_broken_pictures(
    kind: str,
    field: str,
    text: str,
    problem: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From the command line: one message, exit code 2, and nothing is written."""
    problem["scene"].save(tmp_path / "start.json")
    problem |= {"scene": "start.json", "views": [picture(kind, tmp_path)]}
    (tmp_path / "problem.json").write_text(json.dumps(problem))
    monkeypatch.setattr(sys, "argv", ["diffrt", "fit", str(tmp_path / "problem.json"), "-o", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as caught:
        main()
    message = capsys.readouterr().err
    assert caught.value.code == 2
    assert f"views[0].{field}" in message and text in message and "Traceback" not in message
    assert message.count("views[0]") == 1
    assert not (tmp_path / "out").exists()


def test_pictures_of_poses(problem: dict[str, Any], tmp_path: Path) -> None:
    """What is missing or of another shape is said of each picture, with its place in the file."""
    frame = {"transform_matrix": np.eye(4).tolist()}
    data = {"camera_angle_x": 0.7, "w": 12, "h": 8, "frames": [frame | {"file_path": f"{n}.png"} for n in "ab"]}
    (tmp_path / "transforms.json").write_text(json.dumps(data))
    write_image(tmp_path / "a.png", np.full((8, 11, 3), 0.5))
    with pytest.raises(InputError) as missing:
        prepare(problem | {"views": [], "views_from": {"transforms": "transforms.json"}}, tmp_path)
    assert "b.png" in str(missing.value)
    write_image(tmp_path / "b.png", np.full((8, 12, 3), 0.5))
    with pytest.raises(InputError) as shape:
        prepare(problem | {"views": [], "views_from": {"transforms": "transforms.json"}}, tmp_path)
    assert "11 x 8 pixels" in str(shape.value) and "frames[0]" in str(shape.value)
