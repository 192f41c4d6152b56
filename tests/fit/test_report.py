"""The report: one file, everything in it, and a run without the extra that says what is missing."""

import base64
import importlib.util
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffrt.fit import loop, report
from diffrt.fit.evaluate import Evaluation
from diffrt.fit.fit import fit
from diffrt.fit.noise import EVERY
from diffrt.fit.prepare import prepare
from diffrt.io.color import linear_to_srgb
from diffrt.io.images import decode_image
from diffrt.log import DiffrtWarning

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def text(taichi: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("run")
    texture = np.full((4, 4, 3), 0.5)
    scene = {
        "camera": {"to_world": {"translate": [0, 0, 3]}, "width": 10, "height": 10},
        "textures": {"t": {"data": texture}},
        "materials": {"m": {"type": "diffuse", "albedo": {"texture": "t"}}},
        "shapes": [{"name": "ball", "type": "sphere", "subdivisions": 1, "material": "m"}],
        "lights": [{"type": "environment", "radiance": 1}],
    }
    target = np.full((10, 10, 3), 0.3)
    camera = {"to_world": {"translate": [0.1, 0, 3]}, "width": 10, "height": 10}
    problem: dict[str, Any] = {
        "scene": scene,
        "views": [
            {"name": "<first>", "target": target},
            {"name": "own", "camera": camera, "target": target},
            {"name": "kept", "target": target, "holdout": True},
        ],
        "parameters": {
            "textures.t": {"learning_rate": 0.1},
            "shapes.ball.vertices": {"learning_rate": 0.01, "precondition": {}},
            "views.own.camera.translation": {"learning_rate": 0.01},
            "camera_response.white_balance": {"learning_rate": 0.01, "per_view": True},
        },
        "iterations": EVERY + 2,
        "spp": 1,
    }

    def look(setup: Any, views: list[Any], *rest: Any) -> Evaluation:
        gradients = {name: np.ones_like(item.value) for name, item in setup.variables.items()}
        return Evaluation(1.0, {"radiance": 1.0}, {view.name: 1.0 for view in views}, gradients, gradients, 1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "evaluate", look)  # the report does not care where gradients come from
        fit(problem, folder)
    return (folder / report.FILE).read_text(encoding="utf-8")


def test_it_is_one_file(text: str) -> None:
    assert not re.findall(r"(?:src|href)=[\"'](?!data:)[^\"'{]", text.split("<script>")[0].replace('href="#', ""))
    assert "http://" not in re.sub(r"xmlns(:\w+)?=\"[^\"]*\"|<!DOCTYPE[^>]*>", "", text)


def test_it_shows_everything(text: str) -> None:
    for part in (
        "How it went",
        "Scores",
        "Parameters",
        "Textures and environments",
        "Meshes",
        "Cameras",
        "Camera response",
    ):
        assert f"<h2>{part}</h2>" in text
    assert "&lt;first&gt;" in text and "<first>" not in text
    for name in ("textures.t", "shapes.ball.vertices", "views.own.camera.translation", "camera_response.white_balance"):
        assert name in text
    assert text.count('class="badge">kept out') == 2
    assert text.count("<svg") == 3


def test_its_pictures_are_pictures(text: str) -> None:
    sources = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", text)
    assert len(sources) == 3 * 4 + 2 + 2 * 3
    assert {decode_image(base64.b64decode(item), "p").data.shape for item in sources} == {(10, 10, 3), (4, 4, 3)}


def test_bright_light_is_not_all_white(taichi: str) -> None:
    """A sky of radiance 1.5, and one half of it that got darker."""
    light = np.full((2, 4, 3), 1.5)
    half = light.copy()
    half[:, 2:] = 0.375
    setup = prepare(
        {
            "scene": {
                "camera": {"width": 4, "height": 4},
                "shapes": [{"name": "ball", "type": "sphere"}],
                "lights": [{"name": "sky", "type": "environment", "data": light}],
            },
            "views": [{"name": "a", "target": np.zeros((4, 4, 3))}],
            "parameters": {"lights.sky.image": {"learning_rate": 0.1}},
        },
        Path("."),
    )
    item = setup.variables["lights.sky.image"]
    item.value = half
    described = report._image(item)
    assert described["name"] == "lights.sky.image, divided by 3"
    start, fitted = (
        decode_image(base64.b64decode(described[when].partition(",")[2]), "p").color for when in ("start", "fitted")
    )
    assert start == pytest.approx(np.full((2, 4, 3), linear_to_srgb(np.array(0.5))), abs=0.5 / 255)
    assert fitted[0, 3] == pytest.approx(linear_to_srgb(np.full(3, 0.125)), abs=0.5 / 255)


def test_it_is_well_formed(text: str) -> None:
    """Every tag that is opened is closed."""
    open_tags: list[str] = []
    void = {"meta", "img", "input", "br"}

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            if tag not in void:
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Reader().feed(text)
    assert not open_tags


def test_without_the_extra_the_fit_runs(
    problem: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "jinja2" else find(name, *rest)
    )
    with pytest.warns(DiffrtWarning, match=r"report\.html is not written: it needs jinja2: pip install"):
        result = fit(problem, tmp_path, iterations=2)
    assert result.ending == "finished" and not (tmp_path / report.FILE).exists()
