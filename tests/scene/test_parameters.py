"""Parameters: which there are, reading, setting, revisions, and what is said about wrong ones."""

import numpy as np
import pytest
from rich.console import Console

from diffrt.errors import InputError
from diffrt.scene.scene import Scene
from diffrt.scene.terms import TERMS

DESCRIPTION = {
    "camera": {"fov": 50},
    "textures": {"wood": {"data": np.full((2, 3, 3), 0.5)}, "map": {"data": np.full((1, 1, 3), 0.5)}},
    "materials": {
        "white": {"type": "diffuse", "albedo": 0.8},
        "table": {"type": "principled", "base_color": {"texture": "wood"}, "normal_map": "map"},
        "gold": {"type": "conductor", "eta": 0.2, "k": 3},
        "silver": {"type": "conductor"},
        "a.b": {"type": "mix", "first": "white", "second": {"type": "null"}},
    },
    "shapes": [
        {"name": "box.1", "type": "cube", "material": "white"},
        {
            "name": "tri",
            "type": "mesh",
            "vertices": [[0, 0, 0], [1, 0, 0], [0, 1, 0]],
            "faces": [[0, 1, 2]],
            "normals": [[0, 0, 1]] * 3,
        },
        {"name": "lamp", "type": "rectangle", "emission": 4},
        {"name": "screen", "type": "rectangle", "emission": {"texture": "wood"}},
    ],
    "lights": [
        {"name": "sky", "type": "environment", "data": np.ones((2, 4, 3))},
        {"name": "sun", "type": "directional"},
        {"name": "spot", "type": "spot"},
        {"name": "bulb", "type": "point"},
    ],
}
MOTION = ("to_world", "translation", "rotation")


@pytest.fixture
def scene() -> Scene:
    return Scene.from_dict(DESCRIPTION)


def test_all_names(scene):
    placed = (*MOTION, "scale")
    expected = {
        *(f"shapes.box.1.{key}" for key in ("vertices", *placed, "uvs")),
        *(f"shapes.tri.{key}" for key in ("vertices", *placed, "normals")),
        *(f"shapes.lamp.{key}" for key in ("vertices", *placed, "emission", "uvs")),
        *(f"shapes.screen.{key}" for key in ("vertices", *placed, "uvs")),
        *(f"materials.white.{key}" for key in ("albedo", "opacity")),
        *(f"materials.gold.{key}" for key in ("reflectance", "roughness", "eta", "k", "opacity")),
        *(f"materials.silver.{key}" for key in ("reflectance", "roughness", "opacity")),
        *(f"materials.default.{key}" for key in ("albedo", "opacity")),
        *(f"materials.default_emitter.{key}" for key in ("albedo", "opacity")),
        *(f"materials.a.b.{key}" for key in ("weight", "opacity")),
        *(
            f"materials.table.{key}"
            for key in (
                *("metallic", "roughness", "ior", "specular", "specular_color", "transmission", "clearcoat"),
                *("clearcoat_roughness", "sheen_color", "sheen_roughness", "opacity"),
            )
        ),
        *("textures.wood", "textures.map"),
        *("lights.sky.image", "lights.sky.scale", "lights.sky.to_world", "lights.sky.rotation"),
        *("lights.sun.direction", "lights.sun.irradiance"),
        *(f"lights.spot.{key}" for key in ("position", "direction", "intensity", "cutoff", "falloff_start")),
        *("lights.bulb.position", "lights.bulb.intensity"),
        *(f"camera.{key}" for key in (*MOTION, "fov", "distortion")),
    }
    assert set(scene.parameters) == expected


def test_every_parameter_can_be_read_and_set_back(scene):
    for name, parameter in scene.parameters.items():
        value = scene[name]
        assert parameter.name == name and value.shape == parameter.shape
        low, high = parameter.bounds
        assert low <= value.min() and value.max() <= high
        assert parameter.description
        scene[name] = value
        assert np.array_equal(scene[name], value)


@pytest.mark.parametrize(
    ("name", "shape", "units", "bounds", "terms"),
    [
        ("materials.white.albedo", (3,), "", (0, 1), ("interior",)),
        ("materials.gold.k", (3,), "", (0, np.inf), ("interior",)),
        ("materials.table.specular_color", (3,), "", (0, np.inf), ("interior",)),
        ("textures.wood", (2, 3, 3), "", (0, 1), ("interior",)),
        ("shapes.box.1.vertices", (8, 3), "length", (-np.inf, np.inf), TERMS),
        ("shapes.lamp.emission", (3,), "W/(m2 sr)", (0, np.inf), ("interior",)),
        ("lights.sky.image", (2, 4, 3), "W/(m2 sr)", (0, np.inf), ("interior",)),
        ("lights.spot.cutoff", (), "degrees", (0, 180), ("interior",)),
        ("shapes.tri.normals", (3, 3), "", (-np.inf, np.inf), ("interior", "primary")),
        ("lights.sky.rotation", (3,), "radians", (-np.inf, np.inf), ("interior",)),
        ("lights.sky.to_world", (4, 4), "", (-np.inf, np.inf), ()),
        ("lights.spot.direction", (3,), "", (-np.inf, np.inf), ("interior",)),
        ("lights.sun.direction", (3,), "", (-np.inf, np.inf), ("interior", "delta_shadow")),
        ("materials.a.b.weight", (), "", (0, 1), ("interior",)),
        ("camera.fov", (), "degrees", (0, 180), TERMS),
        ("camera.rotation", (3,), "radians", (-np.inf, np.inf), TERMS),
    ],
)
def test_metadata(scene, name, shape, units, bounds, terms):
    parameter = scene.parameters[name]
    assert (parameter.shape, parameter.units, parameter.bounds) == (shape, units, bounds)
    assert parameter.terms == terms and parameter.differentiable is bool(terms)


def test_cameras_by_name_and_other_lenses():
    scene = Scene.from_dict(
        {
            "cameras": [
                {"name": "a", "intrinsics": {"fx": 1, "fy": 2, "cx": 3, "cy": 4}},
                {"name": "b", "type": "thin_lens", "aperture_radius": 1, "focus_distance": 2},
                {"name": "c", "type": "orthographic"},
            ]
        }
    )
    assert set(scene.parameters) == {
        *(f"cameras.a.{key}" for key in (*MOTION, "intrinsics", "distortion")),
        *(f"cameras.b.{key}" for key in (*MOTION, "fov", "distortion", "aperture_radius", "focus_distance")),
        *(f"cameras.c.{key}" for key in (*MOTION, "scale")),
    }
    assert scene["cameras.a.intrinsics"].tolist() == [1, 2, 3, 4]
    scene["cameras.b.aperture_radius"] = 0.5
    assert scene.cameras["b"].aperture_radius == 0.5 and isinstance(scene.cameras["b"].aperture_radius, float)


def test_reading_gives_a_copy(scene):
    for name in ("shapes.tri.vertices", "materials.white.albedo", "textures.wood", "camera.to_world"):
        before = scene[name]
        scene[name][...] = 7
        assert np.array_equal(scene[name], before)


def test_setting_takes_a_copy(scene):
    value = np.full((3, 3), 2.0)
    value[0] = 1.0
    scene["shapes.tri.vertices"] = value
    value[...] = 9
    assert scene["shapes.tri.vertices"].max() == 2


@pytest.mark.parametrize(
    ("name", "revision"),
    [
        ("shapes.tri.vertices", "geometry"),
        ("shapes.tri.normals", "geometry"),
        ("shapes.lamp.uvs", "geometry"),
        ("shapes.tri.rotation", "geometry"),
        ("shapes.tri.to_world", "geometry"),
        ("shapes.lamp.emission", "appearance"),
        ("materials.gold.k", "appearance"),
        ("materials.white.opacity", "appearance"),
        ("textures.wood", "appearance"),
        ("lights.sun.direction", "appearance"),
        ("lights.sky.image", "appearance"),
        ("camera.fov", "camera"),
        ("camera.translation", "camera"),
    ],
)
def test_revisions(scene, name, revision):
    scene[name] = scene[name]
    counts = {kind: getattr(scene, f"{kind}_revision") for kind in ("topology", "geometry", "appearance", "camera")}
    assert counts == {kind: int(kind == revision) for kind in counts}


def test_directions_and_normals_are_made_unit_length(scene):
    scene["lights.sun.direction"] = [0, 3, 4]
    assert scene["lights.sun.direction"] == pytest.approx([0, 0.6, 0.8])
    scene["shapes.tri.normals"] = [[0, 0, 2], [3, 0, 4], [0, 5, 0]]
    assert np.linalg.norm(scene["shapes.tri.normals"], axis=1) == pytest.approx(1)


def test_scale_takes_one_factor_or_three(scene):
    scene["shapes.tri.scale"] = 2
    assert scene["shapes.tri.scale"].tolist() == [2, 2, 2]
    scene["shapes.tri.scale"] = [1, 2, 3]
    assert scene["shapes.tri.scale"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("materials.white.albedo", 0.5, r"materials.white.albedo: an array of shape \(\); allowed: shape \(3,\)"),
        ("materials.gold.roughness", [0.5], r"shape \(1,\); allowed: one number"),
        ("shapes.tri.vertices", np.zeros((4, 3)), r"shape \(4, 3\); allowed: shape \(3, 3\)"),
        ("textures.wood", np.zeros((2, 3)), r"allowed: shape \(2, 3, 3\)"),
        ("materials.white.albedo", [1, 2, np.nan], r"not finite at \(2,\)"),
        ("shapes.tri.vertices", [[0, 0, 0], [0, np.inf, 0], [0, 0, 0]], r"not finite at \(1, 1\)"),
        ("textures.wood", np.full((2, 3, 3), 1e39), "not finite"),
        ("materials.white.albedo", "red", "'red' is not numbers"),
        ("materials.white.albedo", None, "not numbers"),
        ("materials.white.albedo", [1j, 0, 0], "not numbers"),
        ("materials.white.albedo", [True, False, True], "not numbers"),
        ("materials.white.albedo", [[1], [2, 3]], "numbers, shape"),
        ("shapes.tri.to_world", np.zeros((4, 4)), "last row"),
        ("shapes.tri.to_world", np.diag([1, 1, 0, 1]), "inverted"),
        ("shapes.tri.scale", [1, 0, 1], "not zero"),
        ("shapes.tri.normals", np.zeros((3, 3)), "no length"),
        ("lights.sun.direction", [0, 0, 0], "no direction"),
        ("lights.sky.to_world", np.diag([1, 2, 1, 1]), "rotation"),
        ("materials.table.ior", 0, "greater than 0"),
        ("camera.fov", 180, "less than 180"),
    ],
)
def test_wrong_values(scene, name, value, message):
    before = scene[name]
    with pytest.raises(InputError, match=message) as caught:
        scene[name] = value
    assert caught.value.problems[0].field == name
    assert np.array_equal(scene[name], before)
    assert scene.geometry_revision == scene.appearance_revision == scene.camera_revision == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("materials.white.albdo", "did you mean 'materials.white.albedo'"),
        ("materials.wihte.albedo", "did you mean 'materials.white.albedo'"),
        ("material.white.albedo", "did you mean 'materials.white.albedo'"),
        ("textures.wod", "did you mean 'textures.wood'"),
        ("materials.table.base_color", "it is the texture 'wood'; allowed: textures.wood"),
        ("shapes.screen.emission", "it is the texture 'wood'"),
        ("shapes.tri.emission", "does not emit"),
        ("shapes.box.1.normals", "follow from the vertices"),
        ("shapes.tri.uvs", "no texture coordinates"),
        ("materials.silver.eta", "no eta and k"),
        ("lights.sky.radiance", "it has scale"),
        ("camera.intrinsics", "given in another way"),
        ("cameras.camera.fov", "the scene has one camera"),
        ("", "no parameter"),
        ("nothing.like.it", "shapes.box.1.vertices"),
        (3, "a text"),
        (("materials", "white"), "a text"),
    ],
)
def test_unknown_names(scene, name, message):
    with pytest.raises(InputError, match=message):
        scene[name]
    with pytest.raises(InputError, match=message):
        scene[name] = 1.0


def test_hint_for_a_list_of_cameras():
    scene = Scene.from_dict({"cameras": [{"name": "front"}]})
    with pytest.raises(InputError, match=r"a list of cameras.*cameras.front.fov"):
        scene["camera.fov"]


def test_table(scene):
    text = str(scene.parameters)
    lines = text.splitlines()
    assert len(lines) == len(scene.parameters) + 1 and lines[0].startswith("name")
    row = next(line for line in lines if line.startswith("textures.wood"))
    assert "2x3x3" in row and "[0, 1]" in row and "interior" in row
    assert "all terms" in next(line for line in lines if line.startswith("camera.fov"))
    assert "none" in next(line for line in lines if line.startswith("lights.sky.to_world"))
    assert str(scene.parameters) == repr(scene.parameters)
    console = Console(width=200)
    with console.capture() as capture:
        console.print(scene.parameters)
    assert "materials.white.albedo" in capture.get()
