"""Mitsuba XML: real scenes, spelling, references, and what is broken."""

import numpy as np
import pytest
from asset_files import ASSETS, needs_assets
from mitsuba_files import SHAPE, load, refusal

from diffrt.errors import InputError
from diffrt.io.mitsuba_xml import import_mitsuba
from diffrt.log import DiffrtWarning
from diffrt.scene.scene import Scene

# Real scenes


@needs_assets
def test_cornell_box():
    scene = import_mitsuba(ASSETS / "mitsuba_xml" / "cbox" / "cbox.xml")
    assert len(scene["shapes"]) == 8 and len(scene["materials"]) == 5
    red, green = scene["materials"]["red"]["albedo"], scene["materials"]["green"]["albedo"]
    np.testing.assert_allclose(red, [0.49, 0.05, 0.05], atol=0.01)
    np.testing.assert_allclose(green, [0.07, 0.40, 0.09], atol=0.01)
    lamp = scene["shapes"][0]
    assert lamp["name"] == "cbox_luminaire" and lamp["material"] == "light"
    np.testing.assert_allclose(lamp["emission"], [20.7, 10.9, 2.77], rtol=0.01)
    np.testing.assert_allclose(lamp["to_world"][:3, 3], [0, -0.5, 0])
    (camera,) = scene["cameras"]
    assert (camera["fov"], camera["fov_axis"], camera["near"], camera["far"]) == (39.3077, "smaller", 10, 2800)
    np.testing.assert_allclose(-camera["to_world"][:3, 2], [0, 0, 1])  # looks along +z
    np.testing.assert_allclose(camera["to_world"][:3, 0], [-1, 0, 0])  # its right is -x
    assert scene["integrator"] == {"max_depth": -1} and scene["sampling"] == {"spp": 4}


@needs_assets
def test_veach_scene_loads_with_its_spheres_in_place():
    scene = Scene.load(ASSETS / "mitsuba_xml" / "veach_mi" / "mi.xml")
    assert len(scene.shapes) == 10 and not scene.lights
    ball = scene.shapes["sphere"].world_vertices()
    np.testing.assert_allclose(ball.mean(axis=0), [10, 10, 4], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(ball - [10, 10, 4], axis=1), 0.5, rtol=1e-9)
    np.testing.assert_allclose(scene.shapes["sphere_3"].emission, [901.803] * 3)
    plate = scene.materials[scene.shapes["plate2"].material]
    assert plate.type == "plastic"
    assert float(plate.fields["roughness"]) ** 2 == pytest.approx(0.02)
    assert float(plate.fields["ior"]) == pytest.approx(2 / 1.000277)


# Spelling, variables, references


def test_both_spellings_mean_the_same(tmp_path):
    old = load(
        tmp_path,
        """<sensor type="perspective"><float name="fov" value="50"/><string name="fovAxis" value="y"/>
        <transform name="toWorld"><lookAt origin="1,2,3" target="4 5 6" up="0,1,0"/></transform></sensor>
        <shape type="sphere"><bsdf type="roughplastic"><rgb name="diffuseReflectance" value="0.1 0.2 0.3"/>
        <float name="intIOR" value="1.7"/></bsdf></shape>""",
        version="0.6.0",
    )
    new = load(
        tmp_path,
        """<sensor type="perspective"><float name="fov" value="50"/><string name="fov_axis" value="y"/>
        <transform name="to_world"><lookat origin="1,2,3" target="4, 5, 6" up="0,1,0"/></transform></sensor>
        <shape type="sphere"><bsdf type="roughplastic"><rgb name="diffuse_reflectance" value="0.1, 0.2, 0.3"/>
        <float name="int_ior" value="1.7"/></bsdf></shape>""",
    )
    np.testing.assert_array_equal(old["cameras"][0].pop("to_world"), new["cameras"][0].pop("to_world"))
    assert old["cameras"] == new["cameras"] and old["materials"] == new["materials"]
    assert old["materials"]["roughplastic"]["albedo"] == [0.1, 0.2, 0.3]


def test_defaults_are_substituted(tmp_path):
    text = '<default name="d" value="1"/><default name="depth" value="7"/><default name="depth" value="9"/>'
    text += '<integrator type="path"><integer name="max_depth" value="$depth"/></integrator>'
    assert load(tmp_path, text + SHAPE)["integrator"] == {"max_depth": 7}
    assert "$nothing" in refusal(tmp_path, f'<integrator type="$nothing"/>{SHAPE}')


def test_references_may_come_first_and_are_shared(tmp_path):
    text = '<shape type="cube"><ref id="paint"/></shape><shape type="disk"><ref id="paint"/></shape>'
    scene = load(tmp_path, text + '<bsdf type="diffuse" id="paint"><rgb name="reflectance" value="#ff0080"/></bsdf>')
    assert [shape["material"] for shape in scene["shapes"]] == ["paint", "paint"] and len(scene["materials"]) == 1
    np.testing.assert_allclose(scene["materials"]["paint"]["albedo"], [1, 0, 0.2158605], rtol=1e-5)
    assert "'paint'" in refusal(tmp_path, text)


def test_includes(tmp_path):
    (tmp_path / "part.xml").write_text('<scene version="3.0.0"><shape type="cube" id="box"/></scene>')
    scene = load(tmp_path, f'{SHAPE}<include filename="part.xml"/>')
    assert [shape["name"] for shape in scene["shapes"]] == ["rectangle", "box"]
    assert "no such file" in refusal(tmp_path, '<include filename="absent.xml"/>')
    assert "includes" in refusal(tmp_path, '<include filename="scene.xml"/>')


# What is not read, and what is broken


def test_what_is_not_read_is_named(tmp_path):
    text = '<shape type="hair"/><emitter type="sunsky"/><sensor type="radiancemeter"/><shape type="rectangle">'
    text += '<bsdf type="hk"/></shape>'
    with pytest.warns(DiffrtWarning) as seen:
        scene = load(tmp_path, text)
    message = "\n".join(str(warning.message) for warning in seen)
    assert all(word in message for word in ("hair", "sunsky", "radiancemeter", "hk")) and len(scene["shapes"]) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty"),
        ("<shape", "not XML"),
        ('<shape type="obj"><string name="filename" value="absent.obj"/></shape>', "no such file"),
        ('<shape type="sphere"><float name="radius" value="-1"/></shape>', "radius"),
        ('<shape type="sphere"><float name="radius" value="big"/></shape>', "line 3"),
        ('<shape type="sphere"><float name="radius" value="nan"/></shape>', "line 3"),
        ('<shape type="sphere"><string name="radius" value="x"/></shape>', "radius is not a number"),
        ('<shape type="cube"><boolean name="flip_normals" value="maybe"/></shape>', "line 3"),
        ('<shape type="cube"><transform name="to_world"><shear x="1"/></transform></shape>', "line 3"),
        ('<shape type="cube"><transform name="to_world"><rotate angle="5"/></transform></shape>', "line 3"),
        ('<shape type="cube"><transform name="to_world"><matrix value="1 2 3"/></transform></shape>', "line 3"),
        ('<sensor type="perspective"><float name="fov" value="190"/></sensor>' + SHAPE, "fov 190"),
        ('<shape type="cube"><bsdf type="dielectric"><string name="int_ior" value="ice"/></bsdf></shape>', "diamond"),
        ('<shape type="cube"><bsdf type="blendbsdf"/></shape>', "two"),
        (
            '<bsdf type="twosided" id="a"><ref id="b"/></bsdf><bsdf type="twosided" id="b"><ref id="a"/></bsdf>'
            '<shape type="cube"><ref id="a"/></shape>',
            "circle",
        ),
        ('<shape type="cube">' * 300 + "</shape>" * 300, "too deeply"),
    ],
)
def test_broken_scenes_are_refused(tmp_path, content, words):
    assert words in refusal(tmp_path, content)


def test_entities_and_document_types_are_refused(tmp_path):
    path = tmp_path / "scene.xml"
    laughs = '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">'
    for doctype in (
        f"<!DOCTYPE scene [{laughs}]>",
        '<!DOCTYPE scene SYSTEM "http://localhost/x.dtd">',
        '<!DOCTYPE scene [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    ):
        path.write_text(f'<?xml version="1.0"?>{doctype}<scene version="3.0.0">{SHAPE}</scene>')
        with pytest.raises(InputError, match="DOCTYPE or ENTITY"):
            import_mitsuba(path)


def test_variables_that_grow_without_end_are_refused(tmp_path):
    text = '<default name="a0" value="haha"/>'
    text += "".join(f'<default name="a{i + 1}" value="$a{i}$a{i}$a{i}$a{i}"/>' for i in range(9))
    text += "".join(f'<default name="b{i}" value="$a9$a9$a9$a9"/>' for i in range(9))
    assert "characters" in refusal(tmp_path, text + SHAPE)


def test_shared_blends_do_not_multiply(tmp_path):
    text = '<bsdf type="diffuse" id="m0"/>'
    for i in range(25):
        text += f'<bsdf type="blendbsdf" id="m{i + 1}"><ref id="m{i}"/><ref id="m{i}"/></bsdf>'
    scene = load(tmp_path, text + '<shape type="cube"><ref id="m25"/></shape>')
    assert len(scene["materials"]) == 26
