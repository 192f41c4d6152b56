"""Problem files: the published schema is that of the code, and whatever is wrong is named, all at once."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from diffrt.errors import InputError
from diffrt.fit.prepare import prepare
from diffrt.fit.problem import read_problem, schema_text

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = ROOT / "scenes" / "problem.schema.json"

FULL: dict[str, Any] = {
    "$schema": "problem.schema.json",
    "scene": "start.json",
    "views": [
        {"camera": "front", "target": "front.exr", "buffers": {"depth": "front.exr", "uv": "front_uv.npy"}},
        {"camera": {"type": "perspective", "fov": 30}, "target": "photo.jpg", "mask": "mask.png", "holdout": True},
    ],
    "views_from": {"transforms": "transforms.json", "holdout_every": 5},
    "parameters": {
        "shapes.bunny.vertices": {
            "learning_rate": 0.01,
            "precondition": {"type": "large_steps", "lambda": 19},
            "free": [False, True, False],
        },
        "materials.white.albedo": {"learning_rate": 0.02, "bounds": [0, [1, 1, 0.5]], "optimizer": "sgd"},
        "shapes.left.rotation": {"learning_rate": 0.01, "tied": ["shapes.right.rotation", "shapes.other*.rotation"]},
        "pose": {"learning_rate": 0.1, "function": "skeleton", "start": [0.0, 1.0]},
        "camera_response.exposure": {
            "learning_rate": 0.01,
            "per_view": True,
            "schedule": {"type": "cosine", "final": 0.1},
        },
    },
    "loss": {"type": "l1", "space": "linear", "pyramid_levels": 4, "buffers": {"mask": 0.5, "depth": 0.1}},
    "regularizers": [{"type": "laplacian", "parameter": "shapes.bunny.vertices", "weight": 0.1}],
    "optimizer": "adam",
    "stages": [
        {"iterations": 100, "resolution": 0.25},
        {"iterations": 200, "resolution": 1.0, "remesh": {"edge_length": 0.02}, "spp": 4, "spp_gradient": 2},
    ],
    "iterations": 300,
    "spp": 16,
    "spp_gradient": 8,
    "max_spp": 64,
    "views_per_iteration": 4,
    "seed": 0,
}


def test_published_schema_is_current() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(), (
        "run diffrt schema --problem > scenes/problem.schema.json"
    )


def test_a_full_problem_fits_model_and_schema() -> None:
    read_problem(FULL)
    jsonschema.Draft202012Validator(json.loads(schema_text())).validate(FULL)


WRONG: list[tuple[str, Any, str]] = [
    ("scene", 3, "scene"),
    ("views", [{"targt": "a.exr"}], "views[0].targt"),
    ("views", [], "views"),
    ("views_from", {"transforms": "t.json", "colmap": "model"}, "views_from.colmap"),
    ("views_from", {"colmap": "model"}, "views_from.images"),
    ("parameters", {}, "parameters"),
    ("parameters", {"a": {}}, "parameters.a.learning_rate"),
    ("parameters", {"a": {"learning_rate": 0}}, "parameters.a.learning_rate"),
    ("parameters", {"a": {"learning_rate": 1, "bounds": [1, 0]}}, "parameters.a.bounds"),
    ("parameters", {"a": {"learning_rate": 1, "free": 1}}, "parameters.a.free"),
    ("parameters", {"a": {"learning_rate": 1, "optimizer": "lbfgs"}}, "parameters.a.optimizer"),
    ("parameters", {"a": {"learning_rate": 1, "schedule": {"type": "linear"}}}, "parameters.a.schedule.type"),
    ("loss", {"pyramid_levels": 0}, "loss.pyramid_levels"),
    ("loss", {"buffers": {"mask": -1}}, "loss.buffers.mask"),
    ("views", [{"target": "a.exr", "buffers": {"dpth": "a.exr"}}], "views[0].buffers.dpth"),
    ("views", [{"target": "a.exr", "buffers": {"depth": 3}}], "views[0].buffers.depth"),
    ("parameters", {"a": {"learning_rate": 1, "tied": "b"}}, "parameters.a.tied"),
    ("parameters", {"a": {"learning_rate": 1, "function": ""}}, "parameters.a.function"),
    ("spp_gradient", 0, "spp_gradient"),
    ("stages", [{"iterations": 10, "spp_gradient": 2.5}], "stages[0].spp_gradient"),
    ("max_spp", 0, "max_spp"),
    ("max_spp", 8, "max_spp"),
    ("optimizer", "lbfgs", "max_spp"),
    ("regularizers", [{"type": "laplacian", "weight": 1}], "regularizers[0].parameter"),
    ("stages", [{"iterations": 10, "resolution": 2}], "stages[0].resolution"),
    ("iterations", 0, "iterations"),
    ("seed", -1, "seed"),
    ("sedd", 1, "sedd"),
]


@pytest.mark.parametrize(
    ("key", "value", "field"), WRONG, ids=[f"{key}-{number}" for number, (key, _, _) in enumerate(WRONG)]
)
def test_structure(key: str, value: Any, field: str) -> None:
    data = {**FULL, key: value}
    if key == "views":
        del data["views_from"]
    with pytest.raises(InputError) as caught:
        read_problem(data)
    assert field in [item.field for item in caught.value.problems]


def problems_of(problem: dict[str, Any], **changes: Any) -> dict[str, str]:
    with pytest.raises(InputError) as caught:
        prepare({**problem, **changes}, Path("."))
    return {item.field: str(item) for item in caught.value.problems}


def test_all_at_once(problem: dict[str, Any]) -> None:
    """Also when the structure is broken in one place, what is missing in others is said."""
    problem["views"][0]["camera"] = "frnt"
    problem["views"][1]["target"] = "no_such.exr"
    problem["parameters"]["materials.wal.albedo"] = {"learning_rate": 1}
    problem["parameters"]["lights.bulb.intensity"] = {"learning_rate": -1}
    found = problems_of(problem)
    assert {"views[0].camera", "views[1].target", "parameters.materials.wal.albedo"} < set(found)
    assert "parameters.lights.bulb.intensity.learning_rate" in found
    assert "did you mean 'materials.wall.albedo'" in found["parameters.materials.wal.albedo"]
    assert "did you mean 'front'" in found["views[0].camera"]


def test_parameters(problem: dict[str, Any]) -> None:
    wall = {"learning_rate": 0.1, "bounds": [0.5, 1.0], "free": [True, False]}
    found = problems_of(
        problem,
        parameters={
            "materials.wall.albedo": wall,
            "cameras.front.fov": {"learning_rate": 1, "precondition": {}, "per_view": True},
            "cameras.front.near": {"learning_rate": 1},
            "lights.*.intensty": {"learning_rate": 1},
        },
    )
    assert "the start 0.4 at [0] lies outside of [0.5, 1]" in found["parameters.materials.wall.albedo.bounds"]
    assert set(found) == {
        "parameters.materials.wall.albedo.bounds",
        "parameters.materials.wall.albedo.free",
        "parameters.cameras.front.fov.precondition",
        "parameters.cameras.front.fov.per_view",
        "parameters.cameras.front.near",
        "parameters.lights.*.intensty",
    }


def test_losses_and_regularizers(problem: dict[str, Any]) -> None:
    terms = [
        {"type": "laplacan", "parameter": "materials.wall.albedo", "weight": 1},
        {"type": "laplacian", "parameter": "materials.wall.albedo", "weight": 1},
        {"type": "prior", "parameter": "materials.floor.albedo", "weight": 1},
    ]
    found = problems_of(problem, loss={"type": "l3"}, regularizers=terms)
    assert set(found) == {"loss.type", "regularizers[0].type", "regularizers[1].parameter", "regularizers[2].parameter"}
    assert "'laplacian'" in found["regularizers[0].type"]


def test_views(problem: dict[str, Any]) -> None:
    wrong = np.zeros((8, 12, 3))
    wrong[2, 3] = np.nan
    views = [
        {"name": "a", "camera": "front", "target": np.zeros((8, 11, 3))},
        {"name": "b", "camera": "front", "target": wrong},
        {"name": "c", "camera": "front", "target": np.zeros((8, 12, 3)), "mask": np.zeros((8, 12))},
        {"name": "d", "camera": "front", "target": np.zeros((8, 12, 3)), "mask": np.ones((8, 10))},
        {"name": "e", "camera": "front", "target": np.zeros((8, 12, 3))},
        {"name": "e", "camera": "front", "target": np.zeros((8, 12, 3))},
    ]
    found = problems_of(problem, views=views)
    assert list(found) == ["views[0].target", "views[1].target", "views[2].mask", "views[3].mask", "views[5].name"]
    assert "11 x 8 pixels, the camera's film is 12 x 8" in found["views[0].target"]
    assert "3 numbers not finite" in found["views[1].target"]


def test_nothing_left_to_fit(problem: dict[str, Any]) -> None:
    for view in problem["views"]:
        view["holdout"] = True
    assert "all views are kept out" in problems_of(problem)["views"]


def test_a_broken_scene_is_named(problem: dict[str, Any]) -> None:
    found = problems_of(problem, scene={"shapes": [{"type": "cub"}]})
    assert "scene: shapes[0].type" in found


def test_a_pattern_means_all_but_those_named(problem: dict[str, Any]) -> None:
    problem["parameters"] = {
        "materials.*.albedo": {"learning_rate": 0.1},
        "materials.wall.albedo": {"learning_rate": 0.2},
    }
    variables = prepare(problem, Path(".")).variables
    rates = {name: item.fit.learning_rate for name, item in variables.items()}
    assert rates == {"materials.wall.albedo": 0.2, "materials.floor.albedo": 0.1}


def test_stages_are_cut_or_made_longer(problem: dict[str, Any]) -> None:
    problem["stages"] = [{"iterations": 10, "resolution": 0.5}, {"iterations": 20}]
    del problem["iterations"]

    def lengths(iterations: int | None) -> list[int]:
        return [stage.iterations for stage in prepare(problem, Path("."), iterations).stages]

    assert lengths(None) == [10, 20]
    assert lengths(5) == [5]
    assert lengths(50) == [10, 40]
    assert prepare(problem, Path(".")).stage_at(10)[0] == 1
