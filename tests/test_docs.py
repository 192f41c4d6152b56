"""The documentation: its programs run, its scenes load, its links lead somewhere, its generated page is current."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import diffrt
from diffrt.description import transform
from diffrt.fit import losses, parametrisations, regularizers
from diffrt.fit.prepare import prepare
from diffrt.io import formats
from diffrt.io.images import write_image
from diffrt.render.rendering import BUFFERS
from diffrt.scene.scene import Scene

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
TITLES = [str(page.relative_to(ROOT)) for page in PAGES]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("number", range(2))
def test_programs_of_the_readme_run(number: int, taichi: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenes").symlink_to(ROOT / "scenes")
    programs = blocks(ROOT / "README.md", "python")
    assert len(programs) == 2
    small = (
        programs[number]
        .replace("width=128", "width=16")
        .replace('"width": 128, "height": 96', '"width": 16, "height": 12')
    )
    names: dict[str, Any] = {}
    exec(compile(small, f"README.md, program {number}", "exec"), names)
    assert names["image"].shape[1:] == (16, 3)


def test_programs_about_gradients_run(taichi: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they stand, one after the other."""
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    for number, program in enumerate(blocks(DOCS / "gradients.md", "python")):
        exec(compile(program, f"gradients.md, program {number}", "exec"), names)
        if number == 1:  # the target has less red and green
            before = diffrt.load("scenes/cornell_box.json")["materials.white.albedo"]
            assert np.all(names["scene"]["materials.white.albedo"][:2] < before[:2])
    assert names["tangent"].shape == (32, 32, 3)
    assert names["gradients"].keys() == {"shapes.small_box.translation"}


def test_programs_about_fitting_run(
    taichi: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As they stand, one after the other; the JSON beside them is a problem that loads."""
    for module, registry in ((losses, "_measures"), (regularizers, "_terms"), (parametrisations, "_functions")):
        monkeypatch.setattr(module, registry, dict(getattr(module, registry)))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenes").symlink_to(ROOT / "scenes")
    page = DOCS / "fitting.md"
    start, described, _ = (json.loads(block) for block in blocks(page, "json"))
    poses = [transform.look_at([x, 0.5, 4.0], [0.2, -0.1, -0.1], [0, 1, 0]) for x in (-1.0, 0.0, 1.0, 2.0, 3.0)]
    frames = [{"file_path": f"p{k}.png", "transform_matrix": pose.tolist()} for k, pose in enumerate(poses)]
    (tmp_path / "transforms.json").write_text(json.dumps({"camera_angle_x": 0.8, "frames": frames}))
    for frame in frames:
        write_image(tmp_path / frame["file_path"], np.full((16, 16, 3), 100, dtype=np.uint8), encoding="srgb")
    (tmp_path / "start.json").write_text(json.dumps(start))
    assert len(prepare(described, tmp_path).fitted_views) == 4

    programs = blocks(page, "python")
    assert len(programs) == 5
    found: list[dict[str, Any]] = [{} for _ in programs]
    for number, program in enumerate(programs):
        if "import jax" not in program or importlib.util.find_spec("jax"):
            exec(compile(program, f"fitting.md, program {number}", "exec"), found[number])
    assert found[0]["middle"] == pytest.approx([0.2, -0.1, -0.1])
    assert found[1]["result"].views[0]["after"]["psnr"] > found[1]["result"].views[0]["before"]["psnr"]
    assert "cauchy" in losses.known_losses() and "grey" in regularizers.known_regularizers()
    fitted = found[3]["result"]
    assert fitted.values["white"] == pytest.approx(0.5, abs=0.1)
    if found[4]:
        x, gradients = np.array(0.1), {"materials.white.albedo": np.array([1.0, 2.0, 3.0])}
        (a, pull_a), (b, pull_b) = (
            parametrisations.parametrise(name, x, fitted.scene) for name in ("warmth", "warmth_of_jax")
        )
        assert b["materials.white.albedo"] == pytest.approx(a["materials.white.albedo"], rel=1e-6)
        assert pull_b(gradients) == pytest.approx(pull_a(gradients), rel=1e-6)


@pytest.mark.parametrize("page", [ROOT / "README.md", DOCS / "scene_format_intro.md"], ids=lambda page: page.name)
def test_scenes_load(page: Path) -> None:
    scenes = [json.loads(block) for block in blocks(page, "json")]
    whole = [scene for scene in scenes if isinstance(scene, dict) and "shapes" in scene]
    assert whole
    for scene in whole:
        assert Scene.from_dict(scene).shapes


def test_buffers_of_the_readme_are_those_there_are() -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Buffers")[2].partition("##")[0]
    assert set(re.findall(r"`(\w+)`", section)) == set(BUFFERS)


def test_commands_of_the_readme_exist() -> None:
    from diffrt import cli

    known = {command.name or command.callback.__name__ for command in cli.app.registered_commands if command.callback}
    shown = set(re.findall(r"^diffrt (\w+)", "\n".join(blocks(ROOT / "README.md", "sh")), re.MULTILINE))
    assert shown == known


@pytest.mark.parametrize("page", PAGES, ids=TITLES)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_named_files_exist() -> None:
    """Files that the pages name with their folder are there, but for the ones that a page says to make."""
    made = {"off.py", "fisheye.py", "lunar.py"}
    for page in PAGES:
        for name in re.findall(r"`((?:diffrt|scenes|tests|docs)/[\w/]+(?:\.\w+|/))`", page.read_text(encoding="utf-8")):
            assert Path(name).name in made or (ROOT / name).exists(), f"{page.name}: {name}"


def test_scene_format_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(DOCS), *sys.path])
    import make_scene_format

    expected = make_scene_format.text()
    assert (DOCS / "scene_format.md").read_text(encoding="utf-8") == expected, "run python docs/make_scene_format.py"


def test_format_of_the_guide_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    formats.lookup("mesh reader", Path("mesh.ply"))
    monkeypatch.setitem(formats._registries, "mesh reader", dict(formats._registries["mesh reader"]))
    exec(compile(blocks(DOCS / "adding_a_format.md", "python")[0], "adding_a_format.md", "exec"), {})
    file = tmp_path / "tetrahedron.off"
    file.write_text("OFF\n4 4 6\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 2 1\n3 0 1 3\n3 0 3 2\n3 1 2 3\n")
    (shape,) = Scene.load(file).shapes.values()
    assert len(shape.mesh.faces) == 4
