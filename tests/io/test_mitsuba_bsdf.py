"""Mitsuba XML: materials, textures and spectra."""

import numpy as np
import pytest
from mitsuba_files import load, material

from diffrt.io.spectra import spectrum_to_rgb
from diffrt.scene.scene import Scene


@pytest.mark.parametrize(
    ("bsdf", "expected"),
    [
        ('<bsdf type="diffuse"/>', {"type": "diffuse", "albedo": [0.5] * 3, "two_sided": False}),
        (
            '<bsdf type="twosided"><bsdf type="diffuse"><spectrum name="reflectance" value="0.25"/></bsdf></bsdf>',
            {"type": "diffuse", "albedo": [0.25] * 3, "two_sided": True},
        ),
        (
            '<bsdf type="roughdielectric"><string name="int_ior" value="water"/><float name="alpha" value="0.04"/>'
            "</bsdf>",
            {"type": "dielectric", "ior": 1.333, "exterior_ior": 1.000277, "roughness": pytest.approx(0.2)},
        ),
        (
            '<bsdf type="conductor"/>',
            {"type": "conductor", "reflectance": [1.0] * 3, "roughness": 0.0, "two_sided": False},
        ),
        (
            '<bsdf type="mask"><float name="opacity" value="0.3"/><bsdf type="null"/></bsdf>',
            {"type": "null", "opacity": 0.3},
        ),
    ],
)
def test_bsdfs(tmp_path, bsdf, expected):
    assert material(tmp_path, bsdf) == expected
    Scene.load(tmp_path / "scene.xml")


def test_metals_by_name_and_by_numbers(tmp_path):
    gold = material(tmp_path, '<bsdf type="roughconductor"><string name="material" value="Au"/></bsdf>')
    np.testing.assert_allclose([gold["eta"], gold["k"]], [[0.143, 0.375, 1.442], [3.983, 2.386, 1.603]])
    assert gold["roughness"] == pytest.approx(np.sqrt(0.1))
    text = '<bsdf type="conductor"><rgb name="eta" value="1,2,3"/><float name="k" value="4"/></bsdf>'
    assert material(tmp_path, text)["k"] == [4, 4, 4]


def test_principled_and_blend(tmp_path):
    text = """<bsdf type="blendbsdf"><float name="weight" value="0.2"/><bsdf type="diffuse" id="base"/>
    <bsdf type="principled" id="top"><rgb name="base_color" value="0.9,0.1,0.1"/><float name="metallic" value="0.7"/>
    <float name="roughness" value="0.4"/><float name="clearcoat" value="1"/>
    <float name="specular" value="0.5"/></bsdf></bsdf>"""
    blend = material(tmp_path, text)
    assert blend == {"type": "mix", "first": "base", "second": "top", "weight": 0.2}
    top = load(tmp_path, f'<shape type="rectangle">{text}</shape>')["materials"]["top"]
    assert (top["metallic"], top["roughness"], top["clearcoat"]) == (0.7, 0.4, 0.25)
    assert ((top["ior"] - 1) / (top["ior"] + 1)) ** 2 == pytest.approx(0.04)
    Scene.load(tmp_path / "scene.xml")


def test_textures_and_their_uvs(tmp_path):
    from PIL import Image

    Image.fromarray(np.array([[[188, 0, 0]], [[0, 255, 0]]], dtype=np.uint8)).save(tmp_path / "flag.png")
    text = """<shape type="rectangle"><bsdf type="diffuse"><texture type="bitmap" name="reflectance">
    <string name="filename" value="flag.png"/><string name="filter_type" value="nearest"/>
    <transform name="to_uv"><scale x="3" y="3"/></transform></texture></bsdf></shape>"""
    scene = load(tmp_path, text)
    (shape,) = scene["shapes"]
    texture = scene["textures"][scene["materials"][shape["material"]]["albedo"]["texture"]]
    assert texture["filter"] == "nearest"
    np.testing.assert_allclose(texture["data"][0, 0], [((188 / 255 + 0.055) / 1.055) ** 2.4, 0, 0], rtol=1e-5)
    corner = shape["uvs"][shape["uv_faces"][shape["faces"] == 0][0]]
    np.testing.assert_allclose(corner, [0, 1])  # Mitsuba's uv (0, 0), the top of the image, at (-1, -1)
    np.testing.assert_allclose(np.ptp(shape["uvs"], axis=0), [3, 3])
    Scene.load(tmp_path / "scene.xml")


def test_spectra_agree_with_mitsuba(mitsuba):
    pairs = [(400, 0.04), (500, 0.058), (550, 0.06), (600, 0.287), (650, 0.65), (700, 0.642)]
    text = ", ".join(f"{wavelength}:{value}" for wavelength, value in pairs)
    wavelengths, values = np.array(pairs, dtype=float).T
    bsdf = f'<bsdf version="3.0.0" type="diffuse"><spectrum name="reflectance" value="{text}"/></bsdf>'
    theirs = np.array(mitsuba.traverse(mitsuba.load_string(bsdf))["reflectance.value"])
    np.testing.assert_allclose(spectrum_to_rgb(wavelengths, values, emission=False), theirs, atol=0.012)
    text = f'<emitter version="3.0.0" type="constant"><spectrum name="radiance" value="{text}"/></emitter>'
    theirs = np.array(mitsuba.traverse(mitsuba.load_string(text))["radiance.value"])
    np.testing.assert_allclose(spectrum_to_rgb(wavelengths, values, emission=True), theirs, atol=0.012)


def test_a_flat_reflectance_is_grey():
    wavelengths = np.array([300.0, 900.0])
    np.testing.assert_allclose(spectrum_to_rgb(wavelengths, np.array([0.4, 0.4]), emission=False), 0.4, atol=1e-9)
