"""Every scene of scenes/ loads, fits its published schema, renders, and looks like its preview in docs/images/."""

import json
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image

from diffrt.io.color import srgb_to_linear
from diffrt.render.render import trace
from diffrt.scene.scene import Scene

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "scenes"
PREVIEWS = ROOT / "docs" / "images"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json") if not path.name.endswith(".schema.json"))
each_scene = pytest.mark.parametrize("name", NAMES)
WIDTH = 64


def test_there_are_at_least_ten() -> None:
    assert len(NAMES) >= 10


def test_the_folder_is_small() -> None:
    sizes = {path: path.stat().st_size for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert max(sizes.values()) < 1e6
    assert sum(sizes.values()) < 3e6


@each_scene
def test_fits_the_schema(name: str) -> None:
    schema = json.loads((FOLDER / "scene.schema.json").read_text())
    scene = json.loads((FOLDER / f"{name}.json").read_text())
    assert scene["$schema"] == "scene.schema.json"
    jsonschema.validate(scene, schema)


@each_scene
def test_renders_as_its_preview_shows(name: str, taichi: str, recwarn: pytest.WarningsRecorder) -> None:
    scene = Scene.load(FOLDER / f"{name}.json")
    result = trace(scene, spp=8, width=WIDTH)
    image = result.images["radiance"]
    assert not recwarn.list
    assert result.dropped == 0
    assert np.isfinite(image).all() and (image >= 0.0).all()
    with Image.open(PREVIEWS / f"{name}.png") as picture:
        shown = srgb_to_linear(np.asarray(picture.convert("RGB")) / 255.0)
    here, there = np.clip(image, 0.0, 1.0).mean(axis=(0, 1)), shown.mean(axis=(0, 1))
    assert np.abs(here - there).max() < 0.02 + 0.15 * there.max(), f"mean {here}, preview {there}"


@each_scene
def test_is_in_the_gallery(name: str) -> None:
    preview = PREVIEWS / f"{name}.png"
    assert preview.stat().st_size < 150_000
    with Image.open(preview) as picture:
        assert picture.width == 256
    gallery = (ROOT / "docs" / "scenes.md").read_text()
    assert f"images/{name}.png" in gallery and f"scenes/{name}.json" in gallery


def test_the_hundred_thousand_triangles_are_there() -> None:
    (shape,) = Scene.load(FOLDER / "procedural_surface.json").shapes.values()
    assert 100_000 <= len(shape.mesh.faces) <= 110_000


def test_generated_scene_file_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    from make_scenes import many_lights, scene_text

    assert (FOLDER / "many_lights.json").read_text() == scene_text(many_lights())
