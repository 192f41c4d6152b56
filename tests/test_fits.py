"""The problems of scenes/fits/: files are current, a short run comes closer to the truth, a whole one close enough."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from diffrt.fit.fit import fit
from diffrt.fit.photo import read_photo
from diffrt.fit.prepare import prepare
from diffrt.fit.resize import shrink
from diffrt.io.images import read_image
from diffrt.render.render import render
from diffrt.scene.save import camera_description
from diffrt.scene.scene import Scene

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "scenes" / "fits"
sys.path.insert(0, str(ROOT / "scenes"))
from fit_examples import EXAMPLES, Example  # noqa: E402
from make_fits import problem_text, start_text  # noqa: E402

each_example = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)

SHORT = {
    "wall_colours": ({"iterations": 12}, "relative error of the lamp", 0.5),
    "texture": ({"iterations": 8, "resolution": 0.5}, "root mean square error of a texel", 0.75),
    "rough_metal": ({"iterations": 8, "resolution": 0.5}, "largest error of the colour", 0.6),
    "shiny_ball": ({"iterations": 15, "resolution": 0.5}, "root mean square error over the mean radiance", 0.75),
    "mesh_from_sphere": ({"iterations": 8, "spp": 2}, "mean distance of a vertex from the true surface", 0.95),
    "without_masks": ({"iterations": 8, "spp": 2}, "mean distance of a vertex from the true surface", 0.85),
    "shadow": ({"iterations": 12, "resolution": 0.5}, "distance from the true place", 0.8),
    "mirror": ({"iterations": 12, "resolution": 0.5}, "largest distance of a corner from its true place", 0.6),
    "poses": ({"iterations": 5, "resolution": 0.5}, "mean distance in the picture, in pixels", 0.8),
    "joint": ({"iterations": 8, "resolution": 0.5}, "root mean square error of the colour of the surface", 0.85),
}
"""One short stage, and by which factor it comes closer by one of the example's measures."""
SLOW = ("mesh_from_sphere", "joint")
"""They compile for a minute what others show, too: `without_masks` fits vertices, `texture` a texture."""


@each_example
def test_files_are_current(example: Example) -> None:
    assert (FOLDER / f"{example.name}.json").read_text(encoding="utf-8") == problem_text(example)
    assert (FOLDER / f"{example.name}_start.json").read_text(encoding="utf-8") == start_text(example)


def test_there_is_nothing_else() -> None:
    names = {path.stem for path in FOLDER.glob("*.json")}
    assert names == {name + ending for name in EXAMPLES for ending in ("", "_start")}


@each_example
def test_a_target_is_a_picture_of_the_truth(example: Example, taichi: str) -> None:
    view = example.problem["views"][0]
    target = read_image(FOLDER / view["target"])
    image = render(Scene.from_dict(example.truth, FOLDER), spp=64, camera=view["name"])
    assert target.data.shape[:2] == image.shape[:2]
    color = read_photo(view["target"], FOLDER, "target").color
    error = np.abs(shrink(color, 4, 4) - shrink(image, 4, 4)).mean()  # of means over many pixels, of little noise
    assert error < 0.02 * image.mean() + 0.003


@pytest.mark.parametrize(
    "example",
    [pytest.param(item, id=name, marks=[pytest.mark.slow] * (name in SLOW)) for name, item in EXAMPLES.items()],
)
def test_a_short_run_comes_closer(example: Example, taichi: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    data = json.loads((FOLDER / f"{example.name}.json").read_text(encoding="utf-8"))
    stage, what, factor = SHORT[example.name]
    del data["iterations"]
    for item in data["parameters"].values():
        item.pop("schedule", None)
    setup = prepare({**data, "stages": [stage]}, FOLDER)
    cameras = {view.name: {"camera": camera_description(setup.scene.cameras[view.camera])} for view in setup.views}
    before, _ = example.closeness(setup.result_scene(), cameras)[what]
    result = fit({**data, "stages": [stage]})
    after, _ = example.closeness(result.scene, {view["name"]: view for view in result.views})[what]
    assert after < factor * before
    assert result.history[-1]["loss"] < result.history[0]["loss"]


@pytest.mark.slow
@each_example
def test_a_whole_run_comes_close_enough(example: Example, taichi: str, tmp_path: Path) -> None:
    result = fit(FOLDER / f"{example.name}.json", tmp_path)
    views = {view["name"]: view for view in result.views}
    for what, (found, limit) in example.closeness(Scene.load(tmp_path / "fitted.json"), views).items():
        assert found <= limit, what
