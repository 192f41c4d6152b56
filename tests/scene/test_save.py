"""Saving: loads back to the same, never overwrites what is another's."""

import json
from pathlib import Path

import numpy as np
import pytest
from equal_scenes import TRIANGLE, assert_equal, scene_of, write_png

from diffrt.description import transform
from diffrt.errors import InputError
from diffrt.log import DiffrtWarning
from diffrt.scene.scene import Scene


def test_paths_are_relative_to_the_scene_file(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    (tmp_path / "s.json").write_text(json.dumps({"shapes": [{"type": "mesh", "file": "sub/a.obj"}]}))
    monkeypatch.chdir("/")
    scene = Scene.load(tmp_path / "s.json")
    assert len(scene.shapes["shape0"].mesh.faces) == 1
    again = Scene.from_dict({"shapes": [{"type": "mesh", "file": Path("a.obj")}]}, base_dir=tmp_path / "sub")
    assert len(again.shapes["shape0"].mesh.faces) == 1


def test_a_mesh_alone_gets_a_camera_and_light(tmp_path):
    (tmp_path / "a.ply").write_text(
        "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
        "element face 1\nproperty list uchar int vertex_indices\nend_header\n10 0 0\n14 0 0\n10 8 0\n3 0 1 2\n"
    )
    scene = Scene.load(tmp_path / "a.ply")
    assert list(scene.shapes) == ["a"] and scene.lights["environment"].fields["radiance"].tolist() == [1, 1, 1]
    camera = scene.camera()
    fx, fy, cx, cy = camera.focal()
    seen = transform.transform_points(np.linalg.inv(camera.world_matrix()), scene.shapes["a"].world_vertices())
    assert (seen[:, 2] < 0).all()
    x, y = cx - fx * seen[:, 0] / seen[:, 2], cy + fy * seen[:, 1] / seen[:, 2]
    assert x.min() > 0 and x.max() < camera.width and y.min() > 0 and y.max() < camera.height


def test_save_and_load_back(tmp_path, rich_scene):
    rich_scene.save(tmp_path / "out.json")
    assert_equal(rich_scene, Scene.load(tmp_path / "out.json"))
    names = sorted(path.name for path in (tmp_path / "out_files").iterdir())
    assert names == ["grey.exr", "quad.obj", "rgb.exr", "rgba.exr", "sky.exr", "tri.ply", "with_alpha.npy"]
    assert not list(tmp_path.glob(".*"))
    kinds = {item["name"]: item["type"] for item in json.loads((tmp_path / "out.json").read_text())["shapes"]}
    assert kinds == {
        "shape0": "cube", "ball": "sphere", "lamp": "disk", "tri": "mesh", "quad": "mesh", "pipe": "cylinder",
    }  # fmt: skip


def test_saving_twice_over_itself(tmp_path, rich_scene):
    rich_scene.save(tmp_path / "out.json")
    loaded = Scene.load(tmp_path / "out.json")
    loaded["shapes.quad.vertices"] = loaded["shapes.quad.vertices"] + 1
    loaded["textures.rgb"] = loaded["textures.rgb"] * 0.5
    loaded["lights.sky.image"] = loaded["lights.sky.image"] * 2
    loaded["shapes.ball.vertices"] = loaded["shapes.ball.vertices"] * 1.5
    loaded.save(tmp_path / "out.json")
    assert_equal(loaded, Scene.load(tmp_path / "out.json"))
    loaded.save(tmp_path / "out.json")
    assert_equal(loaded, Scene.load(tmp_path / "out.json"))


def test_a_changed_shape_does_not_overwrite_the_file_of_another(tmp_path):
    scene_of(shapes=[{"name": "a", **TRIANGLE}]).save(tmp_path / "s.json")
    both = [{"name": name, "type": "mesh", "file": "s_files/a.ply"} for name in ("a", "b")]
    scene = Scene.from_dict({"shapes": both}, tmp_path)
    scene["shapes.a.vertices"] = scene["shapes.a.vertices"] + 5
    scene.save(tmp_path / "s.json")
    assert_equal(scene, Scene.load(tmp_path / "s.json"))


def test_unchanged_files_are_referred_to(tmp_path):
    write_png(tmp_path / "a.png")
    (tmp_path / "a.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    description = {
        "textures": {"t": {"file": "a.png"}},
        "materials": {"m": {"type": "diffuse", "albedo": {"texture": "t"}}},
        "shapes": [{"type": "mesh", "file": "a.obj"}, {"type": "cube", "material": "m"}],
        "lights": [{"type": "environment", "file": "a.png"}],
    }
    scene = Scene.from_dict(description, tmp_path)
    scene["shapes.shape0.translation"] = [1, 2, 3]
    scene.save(tmp_path / "deep" / "er" / "s.json")
    saved = json.loads((tmp_path / "deep" / "er" / "s.json").read_text())
    assert saved["shapes"][0]["file"] == "../../a.obj" and saved["lights"][0]["file"] == "../../a.png"
    assert saved["textures"]["t"] == {
        "file": "../../a.png", "encoding": "srgb", "wrap": "repeat", "filter": "bilinear",
    }  # fmt: skip
    assert not (tmp_path / "deep" / "er" / "s_files").exists()
    loaded = Scene.load(tmp_path / "deep" / "er" / "s.json")
    assert_equal(scene, loaded)
    assert loaded["shapes.shape0.translation"].tolist() == [0, 0, 0]


def test_a_file_that_changed_since_is_not_referred_to(tmp_path):
    (tmp_path / "a.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    scene = Scene.from_dict({"shapes": [{"type": "mesh", "file": "a.obj"}]}, tmp_path)
    (tmp_path / "a.obj").write_text("v 0 0 9\nv 1 0 9\nv 0 1 9.5\nf 1 2 3\n")
    scene.save(tmp_path / "s.json")
    assert_equal(scene, Scene.load(tmp_path / "s.json"))


def test_arrays_as_loaded_cannot_be_changed_behind_the_scenes_back():
    shape = scene_of(shapes=[TRIANGLE]).shapes["shape0"]
    with pytest.raises(ValueError, match="read-only"):
        shape.mesh.vertices[0] = 1


def test_one_camera_stays_one_and_a_list_a_list(tmp_path):
    scene_of(camera={"name": "c"}).save(tmp_path / "a.json")
    scene_of(cameras=[{"name": "c"}]).save(tmp_path / "b.json")
    assert "camera.fov" in Scene.load(tmp_path / "a.json").parameters
    assert "cameras.c.fov" in Scene.load(tmp_path / "b.json").parameters


def test_names_make_safe_files(tmp_path):
    names = ["a/b", "..", "a b", "A_B", "é", "con.ply", "x" * 180]
    scene = scene_of(shapes=[{"name": name, **TRIANGLE} for name in names])
    scene.save(tmp_path / "s.json")
    files = [path.name.lower() for path in (tmp_path / "s_files").iterdir()]
    assert len(set(files)) == len(names) and len(list(tmp_path.iterdir())) == 2
    assert_equal(scene, Scene.load(tmp_path / "s.json"))


def test_saving_where_it_cannot_be(tmp_path):
    with pytest.raises(InputError, match=r"\.json"):
        scene_of().save(tmp_path / "s.txt")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be written"):
        scene_of(shapes=[TRIANGLE]).save(tmp_path / "file" / "s.json")


def test_what_would_not_load_is_clipped_with_a_warning(tmp_path):
    scene = scene_of(
        materials={"m": {"type": "plastic"}},
        shapes=[{"name": "lamp", "type": "disk", "emission": 1}],
        lights=[{"name": "spot", "type": "spot"}],
    )
    scene["materials.m.albedo"] = [0.5, 1.5, -0.5]
    scene["shapes.lamp.emission"] = [-1, 0, 1]
    scene["lights.spot.falloff_start"] = 50
    with pytest.warns(DiffrtWarning) as caught:
        scene.save(tmp_path / "s.json")
    assert [str(item.message).split(" ")[0] for item in caught] == [
        "materials.m.albedo",
        "shapes.lamp.emission",
        "lights.spot.falloff_start",
    ]
    loaded = Scene.load(tmp_path / "s.json")
    assert loaded["materials.m.albedo"].tolist() == [0.5, 1, 0]
    assert loaded["shapes.lamp.emission"].tolist() == [0, 0, 1] and loaded["lights.spot.falloff_start"] == 20
