"""OBJ files with materials: a shape for each, and what each becomes."""


import numpy as np
import pytest
from asset_files import ASSETS, needs_assets
from PIL import Image

from diffrt.errors import InputError
from diffrt.io.obj_scene import import_obj
from diffrt.log import DiffrtWarning
from diffrt.scene.scene import Scene

QUADS = """mtllib a library.mtl
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 5 5 5
vt 0 0
vt 1 0
vt 1 1
usemtl {0}
f 1/1 2/2 3/3
usemtl {1}
f 1 3 4
usemtl {0}
f 3/3 4/1 5/2
"""


def scene_of(folder, library, first="one", second="two"):
    (folder / "model.obj").write_text(QUADS.format(first, second))
    (folder / "a library.mtl").write_text(library)
    return import_obj(folder / "model.obj")


def material_of(folder, text):
    return scene_of(folder, f"newmtl one\n{text}\nnewmtl two\nKd 0 0 0\n")["materials"]["one"]


def test_one_shape_for_each_material(tmp_path):
    scene = scene_of(tmp_path, "newmtl one\nKd 0.1 0.2 0.3\nillum 1\nnewmtl two\nKd 1 1 1\nKe 3 2 1\n")
    first, second = scene["shapes"]
    assert (first["name"], first["material"]) == ("one", "one")
    assert scene["materials"]["one"] == {"type": "diffuse", "albedo": [0.1, 0.2, 0.3]}
    assert first["vertices"].shape == (5, 3) and first["faces"].shape == (2, 3)
    assert second["vertices"].shape == (3, 3) and "uvs" not in second
    assert second["emission"] == [3, 2, 1] and "emission" not in first
    corners = first["vertices"][first["faces"]]
    np.testing.assert_array_equal(corners[1], [[1, 1, 0], [0, 1, 0], [5, 5, 5]])


def test_the_scene_loads(tmp_path):
    scene_of(tmp_path, "newmtl one\nKd 0.1 0.2 0.3\nKs 0.5 0.5 0.5\nNs 100\nillum 2\nnewmtl two\nKe 1 1 1\n")
    scene = Scene.load(tmp_path / "model.obj")
    assert set(scene.shapes) == {"one", "two"} and len(scene.cameras) == 1
    np.testing.assert_allclose(scene["materials.one.base_color"], [0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kd 0.5 0.5 0.5\nd 0.25", {"type": "diffuse", "albedo": [0.5] * 3, "opacity": 0.25}),
        ("Kd 0.5 0.5 0.5\nTr 0.25", {"type": "diffuse", "albedo": [0.5] * 3, "opacity": 0.75}),
        ("Kd 0.5 0.5 0.5\nKs 1 1 1\nillum 1", {"type": "diffuse", "albedo": [0.5] * 3}),
        ("Kd 0 0 0\nKs 0.9 0.8 0.7\nillum 3", {"type": "conductor", "reflectance": [0.9, 0.8, 0.7], "roughness": 0.0}),
        ("Ni 1.33\nillum 7\nd 0.1", {"type": "dielectric", "ior": 1.33}),
    ],
)
def test_illumination_models(tmp_path, text, expected):
    assert material_of(tmp_path, text) == expected


def test_phong_becomes_principled(tmp_path):
    material = material_of(tmp_path, "Kd 0.5 0.5 0.5\nKs 0.2 0.4 0.4\nNs 30\nillum 2")
    assert material["type"] == "principled" and material["metallic"] == 0.0
    assert material["roughness"] ** 2 == pytest.approx(np.sqrt(2 / 32))
    assert material["specular"] == 0.4 and material["specular_color"] == [0.5, 1.0, 1.0]


def test_pbr_extension(tmp_path):
    material = material_of(tmp_path, "Kd 0.5 0.5 0.5\nKs 0 0 0\nPm 0.9\nPr 0.3\nPc 0.5\nillum 2")
    assert (material["metallic"], material["roughness"], material["clearcoat"]) == (0.9, 0.3, 0.5)


def test_maps_are_decoded_and_multiplied(tmp_path):
    Image.fromarray(np.array([[[188, 255, 0]]], dtype=np.uint8)).save(tmp_path / "wood map.png")
    Image.fromarray(np.array([[[255, 255, 255, 51]]], dtype=np.uint8)).save(tmp_path / "leaf.png")
    text = "newmtl one\nKd 0.5 1 1\nmap_Kd -s 1 1 1 -clamp off wood map.png\nmap_d leaf.png\n"
    scene = scene_of(tmp_path, text + "newmtl two\nKd 0 0 0\nmap_Kd wood map.png\n")
    one, two = scene["materials"]["one"], scene["materials"]["two"]

    def texel(value):
        return scene["textures"][value["texture"]]["data"][0, 0]

    light = ((188 / 255 + 0.055) / 1.055) ** 2.4
    np.testing.assert_allclose(texel(one["albedo"]), [0.5 * light, 1, 0], rtol=1e-5)
    np.testing.assert_allclose(texel(one["opacity"]), [0.2], rtol=1e-5)
    np.testing.assert_allclose(texel(two["albedo"]), [light, 1, 0], rtol=1e-5)  # black times a map is the map


def test_what_is_missing_is_named(tmp_path):
    with pytest.warns(DiffrtWarning, match="no such file for map_Kd: gone.png"):
        scene_of(tmp_path, "newmtl one\nmap_Kd gone.png\nnewmtl two\n")
    with pytest.warns(DiffrtWarning, match="'three' is in no library"):
        scene = scene_of(tmp_path, "newmtl one\n", second="three")
    assert "material" not in scene["shapes"][1]
    (tmp_path / "a library.mtl").unlink()
    with pytest.warns(DiffrtWarning, match="no such material library: a library.mtl"):
        assert len(import_obj(tmp_path / "model.obj")["shapes"]) == 2


@pytest.mark.parametrize("text", ["Kd 1 1 1\n", "newmtl one\nKd red\n", "newmtl one\nNs nan\n", "newmtl one\nmap_Kd\n"])
def test_broken_libraries_are_refused(tmp_path, text):
    with pytest.raises(InputError, match=r"a library\.mtl.*line \d"):
        scene_of(tmp_path, text)


@needs_assets
def test_teapot_without_its_library():
    with pytest.warns(DiffrtWarning, match=r"teapot\.mtl"):
        scene = import_obj(ASSETS / "meshes" / "teapot.obj")
    assert sum(len(shape["faces"]) for shape in scene["shapes"]) == 15704
