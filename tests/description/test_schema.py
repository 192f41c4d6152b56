"""The models and the JSON Schema agree with each other, with the published file and with good examples."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from diffrt.description.json_file import parse_json
from diffrt.description.materials import bounds_of, description_of
from diffrt.description.schema import COLOUR_FIELDS, MATERIAL_FIELDS, SceneFile, TextureRef, schema_json, schema_text
from diffrt.errors import InputError

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "scenes" / "scene.schema.json"

FULL = {
    "$schema": "scene.schema.json",
    "cameras": [
        {"type": "perspective", "to_world": {"look_at": {"origin": [0, 1, 4], "target": [0, 1, 0], "up": [0, 1, 0]}}},
        {"name": "fox", "intrinsics": {"fx": 500, "fy": 510, "cx": 256, "cy": 250}, "distortion": {"k1": 0.1}},
        {"type": "thin_lens", "aperture_radius": 0.1, "focus_distance": 4, "fov": 30, "fov_axis": "smaller"},
        {"type": "orthographic", "scale": 2, "near": 0.1, "far": 10, "width": 64, "height": 32},
    ],
    "integrator": {"max_depth": -1, "rr_depth": 3},
    "sampling": {"sampler": "independent", "spp": 4, "seed": 7},
    "film": {"filter": "gaussian"},
    "textures": {
        "bumps": {"data": [[[0.5, 0.5, 1]]]},
        "checker": {"data": [[0, 1], [1, 0]], "wrap": "mirror", "filter": "nearest", "encoding": "linear"},
    },
    "materials": {
        "white": {"type": "diffuse", "albedo": 0.8, "opacity": 0.5, "two_sided": False, "normal_map": "bumps"},
        "gold": {"type": "conductor", "roughness": {"texture": "checker"}, "eta": [0.2, 0.4, 1.4], "k": 3},
        "glass": {"type": "dielectric", "ior": 1.33},
        "coat": {"type": "plastic", "albedo": {"texture": "checker"}},
        "all": {"type": "principled", "base_color": [1, 0.5, 0], "metallic": 0, "specular_color": [2, 1, 1]},
        "blend": {"type": "mix", "first": "white", "second": {"type": "diffuse", "albedo": 0.1}, "weight": 0.3},
        "nothing": {"type": "null"},
    },
    "shapes": [
        {
            "name": "floor",
            "type": "rectangle",
            "material": "white",
            "to_world": [{"scale": 5}, {"translate": [0, 1, 0]}],
        },
        {"type": "cube", "to_world": {"rotate": {"axis": [1, 0, 0], "degrees": -90}}},
        {"type": "sphere", "subdivisions": 1, "material": {"type": "diffuse", "albedo": [1, 0, 0]}, "shading": "flat"},
        {"type": "disk", "segments": 5, "emission": {"texture": "checker"}, "two_sided_emission": True},
        {"type": "cylinder", "to_world": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]},
        {
            "type": "mesh",
            "vertices": [[0, 0, 0], [1, 0, 0], [0, 1, 0]],
            "faces": [[0, 1, 2]],
            "uvs": [[0, 0], [1, 0], [0, 1]],
            "normals": [[0, 0, 1]],
            "normal_faces": [[0, 0, 0]],
        },
    ],
    "lights": [
        {
            "type": "environment",
            "radiance": [1, 1, 1],
            "scale": 2,
            "to_world": {"rotate": {"axis": [0, 1, 0], "degrees": 9}},
        },
        {"type": "point", "position": [0, 2, 0], "intensity": 5},
        {"type": "spot", "direction": [0, -1, 0], "cutoff": 30, "falloff_start": 10},
        {"type": "directional", "direction": [0, -1, 1], "irradiance": [1, 2, 3]},
    ],
}


def validator():
    return jsonschema.Draft202012Validator(schema_json())


def test_published_schema_is_the_generated_one():
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(), (
        "write it anew: diffrt schema > scenes/scene.schema.json"
    )
    jsonschema.Draft202012Validator.check_schema(schema_json())


def test_full_example_passes_both():
    assert list(validator().iter_errors(FULL)) == []
    SceneFile.model_validate(FULL)


@pytest.mark.parametrize("path", sorted((ROOT / "scenes").glob("**/*.json")), ids=lambda path: path.name)
def test_example_scenes_pass_the_schema(path):
    data = json.loads(path.read_text(encoding="utf-8"))
    if path.name.endswith(".schema.json") or "views" in data or "views_from" in data:
        pytest.skip("not a scene")
    assert [error.message for error in validator().iter_errors(data)] == []


def edited(path, value):
    data = copy.deepcopy(FULL)
    target = data
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return data


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("materials", "white", "albedo"), 1.5),
        (("materials", "white", "albedo"), [1, 2]),
        (("materials", "white", "albedo"), {"texture": 3}),
        (("materials", "white", "albdo"), 0.5),
        (("materials", "white", "type"), "difuse"),
        (("materials", "white", "two_sided"), "yes"),
        (("materials", "blend", "first"), 3),
        (("materials", "glass", "ior"), 0),
        (("shapes", 0, "to_world"), [{"translate": [1, 2]}]),
        (("shapes", 0, "to_world"), [{"turn": 3}]),
        (("shapes", 0, "shading"), "round"),
        (("shapes", 2, "subdivisions"), 9),
        (("shapes", 5, "vertices"), [[1, 2]]),
        (("shapes", 5, "faces"), [[0, 1, 1.5]]),
        (("lights", 1, "position"), "here"),
        (("lights", 2, "cutoff"), 0),
        (("cameras", 0, "fov"), 180),
        (("cameras", 0, "width"), 0),
        (("cameras", 1, "intrinsics"), {"fx": 1}),
        (("sampling", "spp"), 0),
        (("sampling", "sampler"), "halton"),
        (("integrator", "max_depth"), -2),
        (("film",), {"filter": "sinc"}),
        (("shape",), []),
        (("textures", "checker", "wrap"), "tile"),
    ],
)
def test_schema_and_models_refuse_the_same(path, value):
    data = edited(path, value)
    assert list(validator().iter_errors(data)) != []
    with pytest.raises(ValueError):
        SceneFile.model_validate(data)


def test_device_slot_order():
    assert MATERIAL_FIELDS == {
        "diffuse": ("albedo",),
        "conductor": ("reflectance", "roughness", "eta", "k"),
        "dielectric": ("ior", "exterior_ior", "roughness"),
        "plastic": ("albedo", "ior", "roughness"),
        "principled": (
            "base_color",
            "metallic",
            "roughness",
            "ior",
            "specular",
            "specular_color",
            "transmission",
            "clearcoat",
            "clearcoat_roughness",
            "sheen_color",
            "sheen_roughness",
        ),
        "mix": ("weight",),
        "null": (),
    }


def test_values_become_arrays_of_one_shape():
    scene = SceneFile.model_validate(FULL)
    for material in scene.materials.values():
        for field in MATERIAL_FIELDS[material.type]:
            value = getattr(material, field)
            if value is not None and not isinstance(value, TextureRef):
                assert value.shape == ((3,) if field in COLOUR_FIELDS else ()) and value.dtype == np.float64


def test_every_field_has_bounds_and_a_description():
    for kind, fields in MATERIAL_FIELDS.items():
        for field in (*fields, "opacity"):
            low, high = bounds_of(kind, field)
            assert 0.0 == low < high and description_of(kind, field)


def test_principled_defaults_are_those_of_gltf():
    material = SceneFile.model_validate({"materials": {"m": {"type": "principled"}}}).materials["m"]
    found = {field: np.unique(getattr(material, field)).tolist() for field in MATERIAL_FIELDS["principled"]}
    ones = {"base_color", "metallic", "roughness", "specular", "specular_color"}
    assert found == {field: [1.5] if field == "ior" else [float(field in ones)] for field in found}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON: line 1"),
        ('{"a": 1,}', "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[" * 600 + "]" * 600, "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "a number that is too long"),
        ('{"a": 1, "b": {"c": [{"d": 1, "d": 2}]}}', r"b\.c\[0\]\.d: the key is given more than once"),
        ('{"a": {"x": 1, "x": 2}, "a": 3}', "given more than once"),
    ],
)
def test_broken_json(text, message):
    with pytest.raises(InputError, match=message):
        parse_json(text, "scene.json")


def test_nan_passes_to_whoever_checks_the_field():
    assert np.isnan(parse_json('{"a": NaN}', "x")["a"])


def test_description_and_scene_do_not_import_taichi():
    code = (
        "import importlib, pkgutil, sys\n"
        "for package in ('diffrt.description', 'diffrt.scene'):\n"
        "    for module in pkgutil.iter_modules(importlib.import_module(package).__path__, package + '.'):\n"
        "        importlib.import_module(module.name)\n"
        "from diffrt.scene.scene import Scene\n"
        "Scene.from_dict({'shapes': [{'type': 'cube'}], 'camera': {}}).parameters\n"
        "sys.exit('taichi' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
