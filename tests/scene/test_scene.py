"""Loading, defaults, cameras, saving and loading back."""

import json
from pathlib import Path

import numpy as np
import pytest

from diffrt.description import transform
from diffrt.description.mesh import make_mesh
from diffrt.description.values import TextureRef
from diffrt.errors import InputError
from diffrt.log import DiffrtWarning
from diffrt.scene.elements import Camera
from diffrt.scene.scene import Scene
from diffrt.scene.summary import memory, summary_rows, summary_table

TRIANGLE = {"type": "mesh", "vertices": [[0, 0, 0], [1, 0, 0], [0, 1, 0]], "faces": [[0, 1, 2]]}


def scene_of(**parts):
    return Scene.from_dict(parts)


def assert_equal(first: Scene, second: Scene) -> None:
    """Same elements under the same names, same world placement, same arrays."""
    assert first.settings == second.settings and first.several_cameras == second.several_cameras
    for group in ("cameras", "shapes", "materials", "textures", "lights"):
        assert list(getattr(first, group)) == list(getattr(second, group)), group
    for a, b in zip(first.shapes.values(), second.shapes.values(), strict=True):
        assert (a.smooth, a.has_given_normals, a.material) == (b.smooth, b.has_given_normals, b.material)
        assert a.world_matrix() == pytest.approx(b.world_matrix())
        for key in ("vertices", "faces", "uvs", "uv_faces"):
            old, new = getattr(a.mesh, key), getattr(b.mesh, key)
            assert (old is None and new is None) or np.array_equal(old, new), (a.name, key)
        if a.mesh.normals is not None:
            old, new = a.mesh.normals[a.mesh.normal_faces], b.mesh.normals[b.mesh.normal_faces]
            assert old == pytest.approx(new, abs=1e-12)
        assert same(a.emission, b.emission) and a.two_sided_emission == b.two_sided_emission
    for a, b in zip(first.materials.values(), second.materials.values(), strict=True):
        assert (a.type, a.two_sided, a.normal_map) == (b.type, b.two_sided, b.normal_map)
        assert (a.first, a.second) == (b.first, b.second) and same(a.opacity, b.opacity)
        assert list(a.fields) == list(b.fields) and all(same(a.fields[key], b.fields[key]) for key in a.fields)
    for a, b in zip(first.textures.values(), second.textures.values(), strict=True):
        assert np.array_equal(a.data, b.data) and (a.wrap, a.filter) == (b.wrap, b.filter)
    for a, b in zip(first.lights.values(), second.lights.values(), strict=True):
        assert a.type == b.type and list(a.fields) == list(b.fields)
        assert all(a.fields[key] == pytest.approx(b.fields[key], rel=1e-15) for key in a.fields)
        assert same(a.image, b.image) and a.to_world == pytest.approx(b.to_world)
    for a, b in zip(first.cameras.values(), second.cameras.values(), strict=True):
        assert a.world_matrix() == pytest.approx(b.world_matrix())
        for key in ("type", "width", "height", "fov_axis", "aperture_radius", "focus_distance", "scale", "near", "far"):
            assert getattr(a, key) == getattr(b, key), key
        assert same(a.fov, b.fov) and same(a.intrinsics, b.intrinsics) and same(a.distortion, b.distortion)


def same(first, second) -> bool:
    if isinstance(first, np.ndarray):
        return isinstance(second, np.ndarray) and np.array_equal(first, second)
    return first == second


@pytest.fixture
def rich_scene() -> Scene:
    rng = np.random.default_rng(0)
    return Scene.from_dict(
        {
            "cameras": [
                {"name": "front", "to_world": {"look_at": {"origin": [0, 1, 4], "target": [0, 0, 0]}}, "fov": 33.3},
                {"type": "thin_lens", "intrinsics": {"fx": 400, "fy": 410, "cx": 1, "cy": 2}, "aperture_radius": 0.1,
                 "focus_distance": 3, "distortion": {"k1": 0.01, "p2": -0.02}, "near": 0.25, "far": 80},
                {"type": "orthographic", "scale": 2.5, "width": 20, "height": 10},
            ],
            "integrator": {"max_depth": 3, "rr_depth": 9},
            "sampling": {"sampler": "independent", "spp": 5, "seed": 3},
            "film": {"filter": "tent"},
            "textures": {
                "rgb": {"data": rng.random((3, 4, 3)), "wrap": "clamp"},
                "grey": {"data": rng.random((2, 2)), "filter": "nearest"},
                "with alpha": {"data": rng.random((2, 2, 2))},
                "rgba": {"data": rng.random((2, 5, 4))},
            },
            "materials": {
                "wall": {"type": "diffuse", "albedo": {"texture": "rgb"}, "normal_map": "rgb", "two_sided": False},
                "metal": {"type": "conductor", "roughness": {"texture": "grey"}, "eta": [0.1, 1, 3], "k": 2},
                "blend": {"type": "mix", "first": "wall", "second": {"type": "dielectric", "roughness": 0.1}},
                "leaf": {"type": "principled", "opacity": {"texture": "rgba"}, "transmission": 0.5},
            },
            "shapes": [
                {"type": "cube", "material": "blend", "to_world": [{"scale": [1, 2, 3]}, {"translate": [4, 5, 6]}]},
                {"name": "ball", "type": "sphere", "subdivisions": 2, "material": {"type": "plastic"}},
                {"name": "lamp", "type": "disk", "segments": 6, "emission": [1, 2, 3], "two_sided_emission": True},
                {"name": "tri", **TRIANGLE, "normals": [[0, 0, 1], [0, 1, 1], [1, 0, 1]]},
                {"name": "quad", "type": "mesh", "vertices": [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]],
                 "faces": [[0, 1, 2], [0, 2, 3]], "uvs": [[0, 0], [1, 0], [1, 1]], "uv_faces": [[0, 1, 2], [2, 1, 0]],
                 "shading": "smooth", "emission": {"texture": "rgb"}, "material": "leaf"},
                {"name": "pipe", "type": "cylinder", "shading": "flat", "material": "metal"},
            ],
            "lights": [
                {"name": "sky", "type": "environment", "data": rng.random((4, 8, 3)), "scale": 0.5,
                 "to_world": {"rotate": {"axis": [0, 1, 0], "degrees": 30}}},
                {"type": "spot", "direction": [1, -2, 0], "intensity": 4},
                {"type": "point", "position": [1, 1, 1]},
                {"type": "directional", "direction": [1, 2, 3]},
            ],
        }
    )  # fmt: skip


# Defaults


def test_defaults():
    scene = scene_of(camera={}, shapes=[{"type": "cube"}])
    camera = scene.camera()
    assert (camera.name, camera.type, camera.width, camera.height) == ("camera", "perspective", 512, 512)
    assert camera.fov == 40 and camera.fov_axis == "x" and camera.near == 0 and camera.far == np.inf
    settings = scene.settings
    assert (settings.max_depth, settings.rr_depth, settings.spp, settings.seed) == (6, 5, 64, 0)
    assert (settings.sampler, settings.filter) == ("sobol", "box")


def test_unnamed_elements_get_free_names():
    scene = scene_of(
        shapes=[{"type": "cube"}, {"type": "cube", "name": "shape0"}, {"type": "cube"}],
        lights=[{"type": "point"}, {"type": "point"}],
        cameras=[{}, {"name": "a"}, {}],
    )
    assert list(scene.shapes) == ["shape0_1", "shape0", "shape2"]
    assert list(scene.lights) == ["light0", "light1"] and list(scene.cameras) == ["camera0", "a", "camera2"]


def test_default_materials():
    scene = scene_of(shapes=[{"type": "cube"}, {"type": "disk", "emission": 1}, {"type": "disk"}])
    assert [shape.material for shape in scene.shapes.values()] == ["default", "default_emitter", "default"]
    assert scene.materials["default"].fields["albedo"].tolist() == [0.5] * 3
    assert scene.materials["default_emitter"].fields["albedo"].tolist() == [0.0] * 3


def test_default_material_gives_way_to_a_users_name():
    scene = scene_of(materials={"default": {"type": "null"}}, shapes=[{"type": "cube"}])
    assert scene.materials[scene.shapes["shape0"].material].type == "diffuse"


def test_inline_materials_are_named_after_their_place():
    inline = {"type": "mix", "first": {"type": "diffuse"}, "second": {"type": "plastic"}}
    scene = scene_of(
        materials={"ball": {"type": "null"}}, shapes=[{"name": "ball", "type": "sphere", "material": inline}]
    )
    assert list(scene.materials) == ["ball", "ball_1", "ball_1.first", "ball_1.second"]
    assert scene.shapes["ball"].material == "ball_1" and scene.materials["ball_1"].second == "ball_1.second"


@pytest.mark.parametrize(
    ("material", "expected"),
    [
        ({"type": "diffuse"}, True),
        ({"type": "diffuse", "two_sided": False}, False),
        ({"type": "dielectric"}, False),
        ({"type": "dielectric", "two_sided": True}, True),
        ({"type": "principled"}, True),
        ({"type": "principled", "transmission": 0.1}, False),
        ({"type": "principled", "transmission": {"texture": "t"}}, False),
        ({"type": "mix", "first": "glass", "second": "grey"}, False),
        ({"type": "mix", "first": "grey", "second": "grey"}, True),
    ],
)
def test_two_sided_unless_light_passes_through(material, expected):
    materials = {"m": material, "glass": {"type": "dielectric"}, "grey": {"type": "diffuse"}}
    scene = scene_of(materials=materials, textures={"t": {"data": np.ones((1, 1, 1))}})
    assert scene.materials["m"].two_sided is expected


@pytest.mark.parametrize(
    ("shape", "smooth", "given"),
    [
        ({"type": "cube"}, False, False),
        ({"type": "cube", "shading": "smooth"}, True, False),
        ({"type": "sphere", "subdivisions": 0}, True, False),
        ({"type": "sphere", "subdivisions": 0, "shading": "flat"}, False, False),
        ({"type": "cylinder", "segments": 4}, True, False),
        (TRIANGLE, False, False),
        ({**TRIANGLE, "shading": "smooth"}, True, False),
        ({**TRIANGLE, "normals": [[0, 0, 1]] * 3}, True, True),
        ({**TRIANGLE, "normals": [[0, 0, 1]] * 3, "shading": "flat"}, False, False),
    ],
)
def test_shading(shape, smooth, given):
    found = scene_of(shapes=[shape]).shapes["shape0"]
    assert (found.smooth, found.has_given_normals) == (smooth, given)


def test_values_are_kept_as_given_or_spread_over_channels():
    scene = scene_of(
        materials={"a": {"type": "diffuse", "albedo": 0.25}, "b": {"type": "plastic", "albedo": {"texture": "t"}}},
        textures={"t": {"data": np.ones((1, 1, 3))}},
    )
    assert scene.materials["a"].fields["albedo"].tolist() == [0.25] * 3
    assert scene.materials["b"].fields["albedo"] == TextureRef("t")
    assert scene.materials["b"].fields["roughness"].shape == ()


def test_arrays_of_the_caller_are_copied():
    vertices = np.array(TRIANGLE["vertices"], dtype=float)
    data = np.ones((2, 2, 3), dtype=np.float32)
    scene = scene_of(shapes=[{**TRIANGLE, "vertices": vertices}], textures={"t": {"data": data}})
    vertices[:] = 7
    data[:] = 7
    assert scene.shapes["shape0"].mesh.vertices.max() == 1 and scene.textures["t"].data.max() == 1
    assert vertices.flags.writeable and data.flags.writeable


# Textures


def write_png(path, value=128):
    from diffrt.io.images import write_image

    write_image(path, np.full((2, 2, 3), value, dtype=np.uint8), encoding="srgb")


def test_encoding_follows_the_use(tmp_path):
    write_png(tmp_path / "a.png")
    texture = {"file": "a.png"}
    scene = Scene.from_dict(
        {
            "textures": {
                "colour": texture,
                "data": texture,
                "said": {**texture, "encoding": "linear"},
                "idle": texture,
            },
            "materials": {
                "m": {"type": "plastic", "albedo": {"texture": "colour"}, "roughness": {"texture": "data"}},
                "n": {"type": "diffuse", "albedo": {"texture": "said"}},
            },
        },
        tmp_path,
    )
    encodings = {name: item.encoding for name, item in scene.textures.items()}
    assert encodings == {"colour": "srgb", "data": "linear", "said": "linear", "idle": "srgb"}
    assert scene.textures["data"].data[0, 0] == pytest.approx(128 / 255)
    assert scene.textures["colour"].data[0, 0] == pytest.approx(((128 / 255 + 0.055) / 1.055) ** 2.4, rel=1e-5)


def test_textures_out_of_range_warn():
    materials = {"m": {"type": "diffuse", "albedo": {"texture": "t"}}}
    with pytest.warns(DiffrtWarning, match=r"materials\.m\.albedo: texture 't' holds 0 to 2, outside 0 to 1"):
        scene_of(textures={"t": {"data": np.array([[0.0, 2.0]])}}, materials=materials)


def test_textures_on_meshes_without_uvs_warn():
    mix = {"type": "mix", "first": {"type": "diffuse", "albedo": {"texture": "t"}}, "second": {"type": "null"}}
    with pytest.warns(DiffrtWarning, match="shape 'tri' has no texture coordinates for its texture t"):
        scene_of(textures={"t": {"data": np.ones((1, 1, 3))}}, shapes=[{"name": "tri", **TRIANGLE, "material": mix}])


def test_8_bit_arrays_are_treated_like_8_bit_files():
    data = np.full((1, 1, 4), 128, dtype=np.uint8)
    materials = {"m": {"type": "diffuse", "albedo": {"texture": "t"}}}
    texel = scene_of(textures={"t": {"data": data}}, materials=materials).textures["t"].data[0, 0]
    assert texel[:3] == pytest.approx(0.2158605, rel=1e-5) and texel[3] == pytest.approx(128 / 255)


def test_environment_images_get_three_channels():
    for channels in (1, 2, 3, 4):
        data = np.full((2, 4, channels), 3.0)
        image = scene_of(lights=[{"type": "environment", "data": data}]).lights["light0"].image
        assert image.shape == (2, 4, 3) and image.dtype == np.float32 and (image == 3).all()


def test_negative_radiance_is_clipped_with_a_warning():
    with pytest.warns(DiffrtWarning, match=r"lights\[0\]"):
        scene = scene_of(lights=[{"type": "environment", "data": np.full((2, 4, 3), -1.0)}])
    assert scene.lights["light0"].image.max() == 0


# Lights, cameras, placement


def test_directions_have_unit_length():
    lights = [{"type": "directional", "direction": [0, 0, -1e-200]}, {"type": "spot", "direction": [3, 0, 4]}]
    scene = scene_of(lights=lights)
    assert scene.lights["light0"].fields["direction"].tolist() == [0, 0, -1]
    assert scene.lights["light1"].fields["direction"] == pytest.approx([0.6, 0, 0.8])
    assert scene.lights["light1"].fields["falloff_start"] == pytest.approx(15)


@pytest.mark.parametrize(("axis", "extent"), [("x", 200), ("y", 100), ("smaller", 100), ("larger", 200), (None, 200)])
def test_focal_length_from_field_of_view(axis, extent):
    camera = {"fov": 90, "width": 200, "height": 100} | ({"fov_axis": axis} if axis else {})
    fx, fy, cx, cy = scene_of(camera=camera).camera().focal()
    assert (fx, fy, cx, cy) == pytest.approx((extent / 2, extent / 2, 100, 50))


def test_resized_scales_intrinsics():
    camera = scene_of(
        camera={"intrinsics": {"fx": 10, "fy": 20, "cx": 30, "cy": 40}, "width": 100, "height": 50}
    ).camera()
    assert camera.focal() == (10, 20, 30, 40) and camera.fov is None
    small = camera.resized(50, 10)
    assert (small.width, small.height) == (50, 10) and small.focal() == pytest.approx((5, 4, 15, 8))
    assert (camera.resized(width=20).height, camera.resized(height=100).width) == (10, 200)
    assert camera.resized().focal() == camera.focal()
    by_fov = Camera("c", "perspective", np.eye(4), 100, 50, fov=np.array(90.0), fov_axis="x")
    assert by_fov.resized(200, 100).focal() == pytest.approx((100, 100, 100, 50))


def test_orthographic_cameras_have_no_focal_length():
    with pytest.raises(ValueError, match="orthographic"):
        scene_of(camera={"type": "orthographic"}).camera().focal()


def test_choosing_a_camera():
    scene = scene_of(cameras=[{"name": "left"}, {"name": "right"}])
    assert scene.camera().name == "left" and scene.camera("right").name == "right"
    other = scene.camera("right").resized(8, 8)
    assert scene.camera(other) is other
    with pytest.raises(InputError, match=r"'rihgt'.*left, right.*did you mean 'right'"):
        scene.camera("rihgt")
    with pytest.raises(InputError, match="no camera"):
        scene_of().camera()


def test_motions_are_about_the_centre_in_world_axes():
    scene = scene_of(shapes=[{"type": "cube", "to_world": [{"rotate": {"axis": [0, 1, 0], "degrees": 45}},
                                                            {"translate": [5, 0, 0]}]}], camera={})  # fmt: skip
    shape = scene.shapes["shape0"]
    assert shape.center == pytest.approx([5, 0, 0])
    scene["shapes.shape0.rotation"] = [0, np.pi / 4, 0]
    scene["shapes.shape0.scale"] = [2, 1, 1]
    scene["shapes.shape0.translation"] = [0, 0, 7]
    expected = transform.compose(
        [
            transform.rotate([0, 1, 0], 45),
            transform.scale([2, 1, 1]),
            transform.rotate([0, 1, 0], 45),
            transform.translate([5, 0, 7]),
        ]
    )
    assert shape.world_matrix() == pytest.approx(expected)
    scene["camera.to_world"] = transform.translate([1, 2, 3])
    scene["camera.rotation"] = [0, np.pi / 2, 0]
    assert scene.camera().world_matrix()[:3, 3] == pytest.approx([1, 2, 3])
    assert scene.camera().world_matrix()[:3, 2] == pytest.approx([1, 0, 0])


# Files


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


# Copies, meshes, revisions, summary


def test_copies_are_independent(rich_scene):
    twin = rich_scene.copy()
    assert_equal(rich_scene, twin)
    assert twin.uid != rich_scene.uid
    for name in ("shapes.tri.vertices", "materials.metal.k", "lights.light1.intensity", "textures.rgb"):
        before = rich_scene[name]
        twin[name] = before * 0.5
        assert np.array_equal(rich_scene[name], before) and not np.array_equal(twin[name], before)


def test_set_mesh():
    scene = scene_of(shapes=[{"type": "cube", "shading": "smooth"}])
    scene.set_mesh("shape0", make_mesh(TRIANGLE["vertices"], TRIANGLE["faces"]))
    assert scene["shapes.shape0.vertices"].shape == (3, 3) and scene.topology_revision == 1
    with pytest.raises(InputError, match="did you mean 'shape0'"):
        scene.set_mesh("shap0", make_mesh(TRIANGLE["vertices"], TRIANGLE["faces"]))


def test_touch():
    scene = scene_of()
    scene.touch()
    scene.touch("camera")
    assert (scene.topology_revision, scene.geometry_revision) == (1, 1)
    assert (scene.appearance_revision, scene.camera_revision) == (1, 2)
    with pytest.raises(InputError, match="geometry"):
        scene.touch("geometri")


def test_summary(rich_scene):
    rows = {what: (count, details) for what, count, details in summary_rows(rich_scene)}
    assert rows["shapes"][0] == "6" and rows["triangles"][0] == str(12 + 320 + 6 + 1 + 2 + 128)
    assert rows["materials"][0] == "8" and rows["textures"][0] == "4" and rows["cameras"][0] == "3"
    assert "sky (environment 8x4x3)" in rows["lights"][1]
    assert memory(rich_scene) > 4 * 8 * 3 * 4
    assert summary_table(rich_scene, "title").row_count == len(rows)
