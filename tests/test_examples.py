"""The programs of examples/ run, at tiny sizes, and write what they say."""

import runpy
import sys
from pathlib import Path

import pytest

from diffrt.io.images import read_image

FOLDER = Path(__file__).resolve().parent.parent / "examples"
WRITTEN = {
    "render_a_scene": ["cornell_box.exr", "cornell_box.png"],
    "change_a_parameter": ["before.png", "after.png", "changed.json"],
    "buffers": ["buffers.exr", "depth.png", "normal.png"],
    "scene_from_arrays": ["waves.png"],
    "turntable": ["turntable_00.png", "turntable_01.png", "turntable_02.png"],
}
MORE_ARGUMENTS = {"turntable": ["--views", "3"]}


def test_every_example_is_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == set(WRITTEN)


@pytest.mark.parametrize("name", WRITTEN)
def test_runs(
    name: str, taichi: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--width", "16", "--spp", "2", "--output", str(tmp_path), *MORE_ARGUMENTS.get(name, [])]
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *arguments])
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    for file in WRITTEN[name]:
        assert (tmp_path / file).stat().st_size > 0
        if file.endswith(".png"):
            assert read_image(tmp_path / file).data.shape[1] == 16
    assert capsys.readouterr().out
