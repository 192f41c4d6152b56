"""Scenes in Mitsuba's XML, for the tests of their import."""

import os
from pathlib import Path

import pytest

from diffrt.errors import InputError
from diffrt.io.mitsuba_xml import import_mitsuba

SHARED = Path(__file__).resolve().parents[3] / "shared" / "assets"
ASSETS = Path(os.environ.get("DIFFRT_ASSETS") or SHARED) / "mitsuba_xml"
needs_assets = pytest.mark.skipif(not ASSETS.is_dir(), reason="no assets (set DIFFRT_ASSETS)")
SHAPE = '<shape type="rectangle"/>'


def load(folder, content, version="3.0.0"):
    path = folder / "scene.xml"
    path.write_text(f'<?xml version="1.0"?>\n<scene version="{version}">\n{content}\n</scene>\n')
    return import_mitsuba(path)


def refusal(folder, content):
    with pytest.raises(InputError) as caught:
        load(folder, content)
    assert "scene.xml" in str(caught.value)
    return str(caught.value)


def material(folder, bsdf):
    scene = load(folder, f'<shape type="rectangle">{bsdf}</shape>')
    return scene["materials"][scene["shapes"][0]["material"]]
