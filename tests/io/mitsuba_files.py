"""Scenes in Mitsuba's XML, for the tests of their import."""


import pytest

from diffrt.errors import InputError
from diffrt.io.mitsuba_xml import import_mitsuba

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
