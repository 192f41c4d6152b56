"""The loop: it finds what it should, within bounds, and its order of views is a shuffled one."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import diffrt
from diffrt.errors import InputError
from diffrt.fit import loop
from diffrt.fit.evaluate import Evaluation, Look, evaluate
from diffrt.fit.fit import fit
from diffrt.fit.noise import EVERY
from diffrt.fit.prepare import FitSetup, prepare
from diffrt.fit.view_order import ViewOrder
from diffrt.io.images import read_image
from diffrt.log import DiffrtWarning
from diffrt.render.steps import STEP_BITS
from diffrt.scene.scene import Scene

WALL, BULB = "materials.wall.albedo", "lights.bulb.intensity"


def test_finds_colour_and_light(problem: dict[str, Any], truth: Scene, tmp_path: Path) -> None:
    problem["iterations"] = 80
    for item in problem["parameters"].values():
        item["schedule"] = {"type": "cosine", "final": 0.05}
    result = fit(problem, tmp_path)
    assert result.ending == "finished" and result.iteration == 80
    assert result.scene[WALL] == pytest.approx(truth[WALL], abs=0.02)
    assert result.scene[BULB] == pytest.approx(truth[BULB], rel=0.02)
    assert all(view["after"]["psnr"] > view["before"]["psnr"] + 10.0 for view in result.views)


def test_what_it_writes(problem: dict[str, Any], tmp_path: Path) -> None:
    problem["views"][2]["holdout"] = True
    problem["iterations"] = EVERY + 2
    result = fit(problem, tmp_path)
    assert [row["iteration"] for row in result.history] == list(range(EVERY + 2))
    assert diffrt.fit(problem, None).history[3]["loss"] == pytest.approx(result.history[3]["loss"], rel=1e-4)
    row = result.history[EVERY - 1]
    assert all(set(item["views"]) == {"front", "side"} for item in result.history)
    assert row["loss"] == pytest.approx(np.mean(list(row["views"].values()))) == pytest.approx(row["terms"]["radiance"])
    assert set(row["gradient_norms"]) == {WALL, BULB}
    assert row["samples"] == {"picture": 16, "gradient": 4}  # looked at twice, to tell the noise
    assert result.history[EVERY - 2]["samples"] == {"picture": 8, "gradient": 2} and row["spp"] == 4
    assert [set(item["noise"]) for item in result.history] == [set()] * (EVERY - 1) + [{WALL, BULB}] * 3
    assert row["seconds"] > 0.0 and row["peak_memory"] >= 0.0
    loaded = Scene.load(tmp_path / "fitted.json")
    assert loaded[WALL] == pytest.approx(result.scene[WALL])
    assert list(loaded.cameras) == ["front", "side", "other"]
    assert len((tmp_path / "history.jsonl").read_text().splitlines()) == EVERY + 2
    for view in ("front", "side", "other"):
        for ending in ("before", "target", "after"):
            assert read_image(tmp_path / "renders" / f"{view}_{ending}.png").data.shape == (8, 12, 3)
    assert [view["holdout"] for view in result.views] == [False, False, True]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"spp": 8}, [2, 2]),
        ({"spp": 2}, [1, 1]),
        ({"spp": 8, "spp_gradient": 5}, [5, 5]),
        ({"spp": 8, "stages": [{"iterations": 1, "spp": 32}, {"iterations": 1, "spp_gradient": 3}]}, [8, 3]),
        ({"spp": 8, "optimizer": "lbfgs"}, [8, 8]),
    ],
    ids=["a quarter", "one at least", "stated", "of stages", "lbfgs"],
)
def test_samples_of_gradients(problem: dict[str, Any], settings: dict[str, Any], expected: list[int]) -> None:
    """Fewer than those of pictures, unless the problem or the stage says otherwise."""
    problem |= {"iterations": 2, "views": problem["views"][:1]} | settings
    assert [row["samples"]["gradient"] for row in fit(problem).history] == expected


def test_samples_of_gradients_go_with_those_of_pictures(problem: dict[str, Any]) -> None:
    """As `max_spp` doubles these."""
    setup = prepare(problem | {"spp": 4, "spp_gradient": 3}, Path("."))
    found = evaluate(setup, setup.fitted_views[:1], 0, setup.stages[0], 16)
    assert found.samples == {"picture": 16, "gradient": 12}


def test_fewer_samples_of_gradients_add_little_noise(problem: dict[str, Any], truth: Scene) -> None:
    """At the solution: a residual of noise alone leaves a gradient's own noise little to multiply.

    Were both alike, a sixteenth of the gradient's samples would give 8.5 times the variance.
    """
    problem |= {"scene": truth, "spp": 16}
    noise = []
    for count in (16, 1):
        setup = prepare(problem | {"spp_gradient": count}, Path("."))
        found = [evaluate(setup, setup.fitted_views[:1], i, setup.stages[0]).gradients[WALL] for i in range(40)]
        noise.append(float(np.var(found, axis=0).sum()))
    assert noise[1] < 3.0 * noise[0]


def test_pictures_have_the_size_of_the_finest_stage(problem: dict[str, Any], tmp_path: Path) -> None:
    """Nothing finer was looked at: a photograph of many pixels must not cost more than its fit."""
    problem["stages"] = [{"iterations": 1, "resolution": 0.25}, {"iterations": 1, "resolution": 0.5}]
    del problem["iterations"]
    said: list[tuple[float, str]] = []
    result = fit(problem, tmp_path, progress=lambda share, text: said.append((share, text)))
    for ending in ("before", "target", "after"):
        assert read_image(tmp_path / "renders" / f"side_{ending}.png").data.shape == (4, 6, 3)
    assert all(np.isfinite(view["after"]["psnr"]) for view in result.views)
    assert (0.0, "pictures of the start, 1 of 3") in said and (1.0, "pictures of the result, 3 of 3") in said


def test_the_scene_that_was_given_stays(problem: dict[str, Any]) -> None:
    before = problem["scene"][WALL]
    fit(problem)
    assert np.array_equal(problem["scene"][WALL], before)


def test_bounds_and_free(problem: dict[str, Any]) -> None:
    problem["parameters"][WALL] |= {"bounds": [[0.38, 0, 0], 0.45], "free": [True, True, False], "learning_rate": 0.1}
    seen: list[np.ndarray] = []
    result = fit(problem, callback=lambda row, scene: seen.append(scene[WALL]))
    assert len(seen) == 12
    assert all(0.38 <= value[0] <= 0.45 and value.max() <= 0.45 and value[2] == 0.4 for value in seen)
    assert max(value[0] for value in seen) == 0.45  # the truth, 0.7, lies beyond
    assert result.scene[WALL][2] == 0.4


def test_albedo_stays_an_albedo(problem: dict[str, Any]) -> None:
    problem["parameters"][WALL]["learning_rate"] = 5.0
    fit(problem, callback=lambda row, scene: 0.0 <= scene[WALL].min() <= scene[WALL].max() <= 1.0)


def test_lbfgs(problem: dict[str, Any], truth: Scene, tmp_path: Path) -> None:
    problem |= {"optimizer": "lbfgs", "iterations": 25, "spp": 16}
    result = fit(problem, tmp_path)
    assert len(result.history) <= 25
    assert result.history[-1]["loss"] < 1e-2 * result.history[0]["loss"]
    assert result.scene[WALL] == pytest.approx(truth[WALL], abs=0.02)


def test_a_callback_can_stop_it(problem: dict[str, Any]) -> None:
    result = fit(problem, callback=lambda row, scene: row["iteration"] < 4)
    assert result.ending == "stopped" and len(result.history) == 5


@pytest.mark.filterwarnings("ignore::diffrt.log.DiffrtWarning")
def test_interrupt_leaves_the_best_scene(problem: dict[str, Any], tmp_path: Path) -> None:
    def interrupt(row: dict[str, Any], scene: Scene) -> None:
        if row["iteration"] == 6:
            os.kill(os.getpid(), signal.SIGINT)

    result = fit(problem, tmp_path, callback=interrupt)
    assert result.ending == "interrupted" and len(result.history) == 7
    best = Scene.load(tmp_path / "fitted.json")
    assert best[WALL] == pytest.approx(result.scene[WALL])
    resumed = fit(problem, tmp_path, resume=True)
    whole = fit(problem)
    assert resumed.ending == "finished" and len(resumed.history) == 12
    assert resumed.scene[WALL] == pytest.approx(whole.scene[WALL], rel=1e-4)


def broken(kind: list[int]) -> Any:
    def look(*arguments: Any) -> Evaluation:
        evaluation = evaluate(*arguments)
        if arguments[2] in kind:
            evaluation.gradients[WALL][1] = np.nan
        return evaluation

    return look


def test_a_step_that_is_not_finite_is_skipped(problem: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "evaluate", broken([3, 4]))
    values: list[np.ndarray] = []
    with pytest.warns(DiffrtWarning, match=r"iteration 3: the gradient by materials.wall.albedo is not finite"):
        result = fit(problem, callback=lambda row, scene: values.append(scene[WALL]))
    assert result.ending == "finished"
    assert [row["iteration"] for row in result.history if "skipped" in row] == [3, 4]
    assert np.array_equal(values[2], values[4])
    assert np.abs(values[5] - values[4]).max() < 0.3 * np.abs(values[2] - values[1]).max()  # a quarter of the rate


@pytest.mark.filterwarnings("ignore::diffrt.log.DiffrtWarning")
def test_three_in_a_row_end_it(problem: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(loop, "evaluate", broken([5, 6, 7]))
    result = fit(problem, tmp_path)
    assert result.ending == "not finite" and len(result.history) == 8
    assert np.isfinite(Scene.load(tmp_path / "fitted.json")[WALL]).all()


def test_exposure_of_each_view(problem: dict[str, Any], truth: Scene) -> None:
    """Four samples a pixel are noisy: were the picture's noise in its own derivative, all would come out too dark."""
    stops = [0.0, 0.7, -0.5]
    for view, stop in zip(problem["views"], stops, strict=True):
        view["target"] = (view["target"] * 2.0**stop).astype(np.float32)
    problem["scene"][BULB] = truth[BULB]
    problem["parameters"] = {
        "camera_response.exposure": {"learning_rate": 0.05, "per_view": True},
        WALL: {"learning_rate": 0.03},
    }
    problem |= {"iterations": 150, "views_per_iteration": 3}
    for item in problem["parameters"].values():
        item["schedule"] = {"type": "cosine", "final": 0.05}
    result = fit(problem)
    found = [view.get("camera_response", {"exposure": 0.0})["exposure"] for view in result.views]
    assert found == pytest.approx(stops, abs=0.02)  # the standard deviation over seeds is 0.004
    assert result.scene[WALL] == pytest.approx(truth[WALL], abs=0.01)


def test_camera_of_a_view(problem: dict[str, Any], targets: dict[str, np.ndarray], truth: Scene) -> None:
    """Its own cameras, given inline, are fitted under the view's name; the scene keeps its cameras."""
    view = {"name": "mine", "target": targets["front"]}
    view["camera"] = {"to_world": {"translate": [0, 0.3, 4]}, "fov": 36, "width": 12, "height": 8}
    problem |= {"scene": truth, "views": [view], "iterations": 70, "spp": 16}
    problem["parameters"] = {"views.*.camera.fov": {"learning_rate": 0.25, "schedule": {"type": "cosine"}}}
    result = fit(problem)
    assert result.views[0]["camera"]["fov"] == pytest.approx(40.0, abs=0.15)
    assert list(result.scene.cameras) == ["front", "side", "other"]


def test_order_of_views(problem: dict[str, Any]) -> None:
    names = [f"v{i}" for i in range(7)]
    problem["views"] = [{**problem["views"][0], "name": name} for name in names]
    problem["views_per_iteration"] = 3
    order = ViewOrder(prepare(problem, Path(".")))
    drawn = [[view.name for view in order.at(i)] for i in range(70)]
    assert all(len(set(step)) == 3 for step in drawn)
    flat = [name for step in drawn for name in step]
    rounds = [flat[i : i + 7] for i in range(0, len(flat), 7)]
    assert all(sorted(part) == names for part in rounds)
    assert len({tuple(part) for part in rounds}) > 20
    assert [view.name for view in ViewOrder(prepare(problem, Path("."))).at(41)] == drawn[41]


def test_views_count_their_looks(problem: dict[str, Any]) -> None:
    """Each is looked at once at each of its steps, of whose random numbers the mean has the least noise."""
    problem["views_per_iteration"] = 2
    setup = prepare(problem, Path("."))
    order, seen = ViewOrder(setup), []

    def look(_: FitSetup, looks: Sequence[Look]) -> list[Evaluation]:
        seen.extend(looks)
        return [Evaluation(gradients={name: np.ones(3) for name in setup.variables}) for _ in looks]

    for iteration in range(30):
        evaluate(setup, order.at(iteration), iteration, setup.stages[0], 4, 1 + iteration % 2, look)
    for view in range(3):
        first, second = ([item.step for item in seen if (item.view, item.number) == (view, k)] for k in (0, 1))
        assert first == list(range(20)) and set(second) < set(first)


def test_looks_of_a_loop_average_out(problem: dict[str, Any], truth: Scene) -> None:
    """At the solution: the mean gradient of 16 steps has less noise than that of as many looks of other seeds."""
    runs, steps = 30, 16
    noise = []
    for even in (True, False):
        found = []
        for run in range(runs):
            setup = prepare(problem | {"scene": truth, "seed": run if even else 1000}, Path("."))
            first = 0 if even else run * steps * 2**STEP_BITS
            numbers = first + np.arange(steps) * (1 if even else 2**STEP_BITS)
            gradients = [evaluate(setup, setup.fitted_views, int(i), setup.stages[0]).gradients[WALL] for i in numbers]
            found.append(np.mean(gradients, axis=0))
        noise.append(float(np.var(found, axis=0, ddof=1).sum()))
    assert noise[0] < 0.6 * noise[1]


def test_names_of_views_stay_in_the_folder(problem: dict[str, Any], tmp_path: Path) -> None:
    problem["views"][0]["name"] = "../../a/b"
    fit(problem, tmp_path / "one" / "two", iterations=1)
    assert (tmp_path / "one" / "two" / "renders" / "..%2F..%2Fa%2Fb_after.png").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_wrong_arguments(problem: dict[str, Any]) -> None:
    for arguments in ({"workers": 0}, {"resume": True}, {"iterations": 0}):
        with pytest.raises(InputError):
            fit(problem, **arguments)
