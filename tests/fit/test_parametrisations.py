"""Parameters that are tied, and parameters that a function sets: the chain rule, the fit, resuming, what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import diffrt
from diffrt.errors import InputError
from diffrt.fit import parametrisations
from diffrt.fit.evaluate import apply_values, evaluate
from diffrt.fit.fit import fit
from diffrt.fit.parametrisations import Pull, Values, add_parametrisation, project, tie
from diffrt.fit.prepare import prepare
from diffrt.scene.scene import Scene

WALL, FLOOR, BULB = "materials.wall.albedo", "materials.floor.albedo", "lights.bulb.intensity"
ENDS = np.array([[0.9, 0.5, 0.1], [0.1, 0.1, 0.5]])
CAMERAS = ("front", "side", "other")


@pytest.fixture(autouse=True)
def blend(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall's colour is that far between two colours; the second number is the strength of a white bulb."""
    monkeypatch.setattr(parametrisations, "_functions", {})

    @add_parametrisation("blend")
    def function(x: np.ndarray, scene: Scene) -> tuple[Values, Pull]:
        share, strength = x
        values = {WALL: (1.0 - share) * ENDS[0] + share * ENDS[1], BULB: np.full(3, strength)}
        return values, lambda d: np.array([d[WALL] @ (ENDS[1] - ENDS[0]), d[BULB].sum()])


def blended(problem: dict[str, Any], start: list[float]) -> dict[str, Any]:
    item = {"function": "blend", "start": start, "learning_rate": 0.05}
    return problem | {"parameters": {"mine": item}}


def test_a_function_is_fitted(problem: dict[str, Any], truth: Scene) -> None:
    scene = truth.copy()
    scene[WALL], scene[BULB] = 0.7 * ENDS[0] + 0.3 * ENDS[1], [8.0, 8.0, 8.0]
    for view in problem["views"]:
        view["target"] = diffrt.render(scene, spp=256, seed=77, camera=view["camera"])
    result = fit(blended(problem, [0.6, 7.0]) | {"optimizer": "lbfgs", "iterations": 20, "spp": 16})
    assert result.values["mine"] == pytest.approx([0.3, 8.0], rel=0.03)  # five standard deviations over seeds
    assert result.scene[WALL] == pytest.approx(scene[WALL], abs=0.02)


def test_its_gradient_is_that_of_the_chain(problem: dict[str, Any]) -> None:
    """The same samples, once by what the function sets and once by its own numbers."""
    scene = problem["scene"]
    scene[WALL], scene[BULB] = 0.5 * ENDS[0] + 0.5 * ENDS[1], [7.0, 7.0, 7.0]
    found = []
    for data in (problem, blended(problem, [0.5, 7.0])):
        setup = prepare(data, Path("."))
        found.append(evaluate(setup, setup.fitted_views, 0, setup.stages[0]).gradients)
    apart, mine = found[0], found[1]["mine"]
    assert mine == pytest.approx([apart[WALL] @ (ENDS[1] - ENDS[0]), apart[BULB].sum()], rel=1e-4)


def test_its_start_is_the_start(problem: dict[str, Any]) -> None:
    """Whatever the scene said before: the pictures before are those of the numbers to start from."""
    setup = prepare(blended(problem, [0.25, 5.0]), Path("."))
    assert setup.scene[BULB] == pytest.approx([5.0, 5.0, 5.0])
    assert setup.original[BULB] == pytest.approx([6.0, 6.0, 6.0])


def test_what_it_sets_stays_within_what_is_allowed(problem: dict[str, Any]) -> None:
    """A share of -0.3 would mean a red of 1.14; only derivatives that lead back count."""
    setup = prepare(blended(problem, [-0.3, 6.0]), Path("."))
    item = setup.variables["mine"]
    assert setup.scene[WALL] == pytest.approx([1.0, 0.62, 0.0])
    up, zero = np.array([1.0, 0.0, 0.0]), np.zeros(3)
    assert item.gradient({WALL: up, BULB: zero})[0] == pytest.approx(-0.8)
    assert item.gradient({WALL: -up, BULB: zero})[0] == 0.0


def test_projection() -> None:
    values, pull = tie(np.array([-1.0, 0.5, 2.0]), ("a", "b"))
    inside, back = project(values, pull, {"a": (0.0, 1.0), "b": (-5.0, 5.0)})
    assert inside["a"].tolist() == [0.0, 0.5, 1.0] and inside["b"].tolist() == [-1.0, 0.5, 2.0]
    ones = np.ones(3)
    assert back({"a": ones, "b": 10.0 * ones}).tolist() == [10.0, 11.0, 11.0]
    assert back({"a": -ones, "b": -10.0 * ones}).tolist() == [-11.0, -11.0, -10.0]


def test_tied_parameters_are_one(problem: dict[str, Any], truth: Scene) -> None:
    """Their gradient is the sum of those apart, and they keep one value."""
    problem["scene"][FLOOR] = problem["scene"][WALL]
    apart = prepare(problem | {"parameters": {"materials.*.albedo": {"learning_rate": 0.1}}}, Path("."))
    gradients = evaluate(apart, apart.fitted_views, 0, apart.stages[0]).gradients
    problem["parameters"] = {WALL: {"learning_rate": 0.1, "tied": ["materials.*.albedo"]}}
    together = prepare(problem, Path("."))
    found = evaluate(together, together.fitted_views, 0, together.stages[0]).gradients
    assert list(found) == [WALL]
    assert found[WALL] == pytest.approx(gradients[WALL] + gradients[FLOOR], rel=1e-4)
    together.variables[WALL].step(found[WALL], 0, 1)
    apply_values(together)
    assert np.array_equal(together.scene[WALL], together.scene[FLOOR])
    assert not np.array_equal(together.scene[WALL], problem["scene"][WALL])


def test_one_focal_length_for_all_cameras(problem: dict[str, Any], truth: Scene) -> None:
    """Each view's picture depends on its own camera alone; what is found is common."""
    for name in CAMERAS:
        problem["scene"][f"cameras.{name}.fov"] = 38.5
    problem["scene"][WALL], problem["scene"][BULB] = truth[WALL], truth[BULB]
    item = {"learning_rate": 0.1, "schedule": {"type": "cosine"}, "tied": ["cameras.*.fov"]}
    result = fit(problem | {"parameters": {"cameras.front.fov": item}, "iterations": 50, "spp": 16})
    found = [float(result.scene[f"cameras.{name}.fov"]) for name in CAMERAS]
    assert found[0] == found[1] == found[2] == pytest.approx(40.0, abs=0.2)


def test_bounds_of_tied_parameters_are_those_of_all(problem: dict[str, Any]) -> None:
    """A colour is at most one, a strength is not."""
    for name in (WALL, BULB):
        problem["scene"][name] = [0.5, 0.5, 0.5]
    item = prepare(problem | {"parameters": {BULB: {"learning_rate": 1, "tied": [WALL]}}}, Path(".")).variables[BULB]
    assert (float(item.low), float(item.high)) == (0.0, 1.0)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_resumed(problem: dict[str, Any], tmp_path: Path, optimizer: str) -> None:
    problem = blended(problem, [0.8, 6.5]) | {"optimizer": optimizer, "iterations": 8}
    problem["parameters"]["cameras.front.fov"] = {"learning_rate": 0.1, "tied": ["cameras.side.fov"]}
    whole = fit(problem)
    fit(problem, tmp_path, callback=lambda row, scene: row["iteration"] < 3)
    resumed = fit(problem, tmp_path, resume=True)
    for name in whole.values:
        assert resumed.values[name] == pytest.approx(whole.values[name], rel=1e-4)
    with pytest.raises(InputError, match=r"parameters.*the checkpoint has"):
        fit(blended(problem, [0.7, 6.5]), tmp_path, resume=True)


WRONG: dict[str, tuple[dict[str, dict[str, Any]], str, str]] = {
    "another start": ({WALL: {"tied": [FLOOR]}}, f"parameters.{WALL}.tied", "starts at another value"),
    "another shape": ({WALL: {"tied": ["cameras.front.fov"]}}, f"parameters.{WALL}.tied", "has shape ()"),
    "tied to nothing": ({WALL: {"tied": ["materials.flor.*"]}}, f"parameters.{WALL}.tied", "no parameter"),
    "tied response": ({"camera_response.gamma": {"tied": [WALL]}}, "parameters.camera_response.gamma.tied", "response"),
    "moved by two": (
        {"cameras.front.fov": {"tied": ["cameras.side.fov"]}, "cameras.side.fov": {}},
        "parameters.cameras.side.fov",
        "which cameras.front.fov moves, too",
    ),
    "unknown function": ({"mine": {"function": "blnd", "start": 1}}, "parameters.mine.function", "mean 'blend'"),
    "no start": ({"mine": {"function": "blend"}}, "parameters.mine.start", "missing"),
    "start alone": ({WALL: {"start": 1}}, f"parameters.{WALL}.start", "without function"),
    "name taken": ({WALL: {"function": "blend", "start": [0, 1]}}, f"parameters.{WALL}", "a name of its own"),
    "function and tied": (
        {"mine": {"function": "blend", "start": [0, 1], "tied": [FLOOR]}},
        "parameters.mine.tied",
        "together with function",
    ),
    "function and parameter": (
        {"mine": {"function": "blend", "start": [0, 1]}, WALL: {}},
        f"parameters.{WALL}",
        "which mine moves, too",
    ),
    "start out of bounds": (
        {"mine": {"function": "blend", "start": [0, 1], "bounds": [0.5, 2]}},
        "parameters.mine.bounds",
        "the start 0 at [0] lies outside",
    ),
    "not numbers": ({"mine": {"function": "blend", "start": "a"}}, "parameters.mine.start", "a number or an array"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_refused(problem: dict[str, Any], case: str) -> None:
    parameters, field, text = WRONG[case]
    data = problem | {"parameters": {key: {"learning_rate": 1, **item} for key, item in parameters.items()}}
    with pytest.raises(InputError) as caught:
        prepare(data, Path("."))
    assert [item.field for item in caught.value.problems] == [field]
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("values", "pulled", "text"),
    [
        ({"materials.wal.albedo": np.zeros(3)}, np.zeros(2), "did you mean 'materials.wall.albedo'"),
        ({WALL: np.zeros(2)}, np.zeros(2), "an array of shape (2,)"),
        ({WALL: np.full(3, np.nan)}, np.zeros(2), "not finite"),
        ({WALL: np.zeros(3)}, np.zeros(3), "its pull gives shape (3,)"),
        ({}, np.zeros(2), "it sets no parameter"),
    ],
)
def test_a_function_that_is_wrong(problem: dict[str, Any], values: Values, pulled: np.ndarray, text: str) -> None:
    add_parametrisation("wrong")(lambda x, scene: (values, lambda gradients: pulled))
    data = problem | {"parameters": {"mine": {"function": "wrong", "start": [0, 1], "learning_rate": 1}}}
    with pytest.raises(InputError) as caught:
        prepare(data, Path("."))
    assert [item.field for item in caught.value.problems] == ["parameters.mine.function"]
    assert text in str(caught.value)
