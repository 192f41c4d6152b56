"""Scenes from descriptions: defaults, textures, lights, placement, copies."""

import numpy as np
import pytest
from equal_scenes import TRIANGLE, assert_equal, scene_of, write_png

from diffrt.description import transform
from diffrt.description.mesh import make_mesh
from diffrt.description.values import TextureRef
from diffrt.errors import InputError
from diffrt.log import DiffrtWarning
from diffrt.scene.elements import Camera
from diffrt.scene.scene import Scene
from diffrt.scene.summary import memory, summary_rows, summary_table

# Defaults


def test_defaults():
    scene = scene_of(camera={}, shapes=[{"type": "cube"}])
    camera = scene.camera()
    assert (camera.name, camera.type, camera.width, camera.height) == ("camera", "perspective", 512, 512)
    assert camera.fov == 40 and camera.fov_axis == "x" and camera.near == 0 and camera.far == np.inf
    settings = scene.settings
    assert (settings.max_depth, settings.rr_depth, settings.spp, settings.seed) == (6, 5, 64, 0)
    assert (settings.sampler, settings.filter) == ("lattice", "box")


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
