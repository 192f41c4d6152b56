"""Remeshing between stages: other triangles, the same run; and the solver that comes with the same extra."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffrt.description import primitives
from diffrt.errors import InputError, MissingExtraError
from diffrt.fit import loop, remesh
from diffrt.fit.evaluate import Evaluation
from diffrt.fit.fit import fit
from diffrt.fit.large_steps import LargeSteps, laplacian
from diffrt.fit.prepare import FitSetup, prepare
from diffrt.scene.scene import Scene

NAME = "shapes.ball.vertices"
TO_CORNER = np.array([0.2, 0.1, 0.0])


def ball_problem(**more: Any) -> dict[str, Any]:
    scene = {
        "camera": {"to_world": {"translate": [0, 0, 4]}, "width": 8, "height": 8},
        "shapes": [{"name": "ball", "type": "sphere", "subdivisions": 2}],
        "lights": [{"type": "environment", "radiance": 1}],
    }
    fitted = {NAME: {"learning_rate": 0.02, "precondition": {}}}
    stages = [{"iterations": 4}, {"iterations": 4, "remesh": {"edge_length": 0.4}}]
    views = [{"name": "front", "target": np.full((8, 8, 3), 0.5)}]
    return {"scene": scene, "views": views, "parameters": fitted, "stages": stages, "spp": 1, **more}


def refused(problem: dict[str, Any]) -> list[str]:
    """What is wrong with a problem, without what is allowed."""
    with pytest.raises(InputError) as caught:
        prepare(problem, Path("."))
    return [str(item).partition("; allowed")[0] for item in caught.value.problems]


@pytest.fixture
def pulled(monkeypatch: pytest.MonkeyPatch, taichi: str) -> None:
    """Instead of pictures: the squared distance of the vertices from a sphere of another size beside."""

    def look(setup: FitSetup, views: list[Any], *rest: Any) -> Evaluation:
        offset = setup.variables[NAME].value - TO_CORNER
        length = np.linalg.norm(offset, axis=1, keepdims=True)
        loss = float(np.mean((length - 0.7) ** 2))
        gradient = 2.0 * (length - 0.7) * offset / length / len(offset)
        return Evaluation(loss, {"radiance": loss}, {"front": loss}, {NAME: gradient})

    monkeypatch.setattr(loop, "evaluate", look)


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remesh.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"diffrt\[mesh\]"):
        prepare(ball_problem(), Path("."))


def test_what_cannot_be_remeshed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remesh.importlib.util, "find_spec", lambda name: name)
    problem = ball_problem()
    problem["scene"]["shapes"].append({"name": "sheet", "type": "rectangle"})
    problem["parameters"]["shapes.sheet.vertices"] = {"learning_rate": 0.1, "bounds": [None, [[2.0]] * 4]}
    problem["parameters"]["shapes.sheet.uvs"] = {"learning_rate": 0.1}
    problem["stages"].append({"iterations": 1, "remesh": {"edge_length": 0.1, "shapes": ["ball", "bal"]}})
    problem["loss"] = {"buffers": {"uv": 1.0}}
    problem["views"][0]["buffers"] = {"uv": np.zeros((8, 8, 2))}
    assert refused(problem) == [
        "stages[1].remesh: given together with loss.buffers.uv: shapes get other texture coordinates",
        "stages[1].remesh: 'sheet' has single vertices with bounds of their own",
        "stages[1].remesh: texture coordinates of 'sheet' are fitted, and would be new ones",
        "stages[2].remesh: given together with loss.buffers.uv: shapes get other texture coordinates",
        "stages[2].remesh.shapes: the vertices of 'bal' are not fitted",
    ]


def test_one_smooth_function_cannot_be_remeshed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remesh.importlib.util, "find_spec", lambda name: name)
    assert refused(ball_problem(optimizer="lbfgs")) == ["stages[1].remesh: given together with lbfgs"]


def test_the_run_goes_on_with_other_triangles(pulled: None, tmp_path: Path) -> None:
    pytest.importorskip("gpytoolbox")
    counts: list[int] = []
    result = fit(ball_problem(), tmp_path, callback=lambda row, scene: counts.append(len(scene[NAME])))
    before = len(primitives.sphere(2).vertices)
    assert counts[:4] == [before] * 4 and len(set(counts[4:])) == 1 and counts[4] != before
    assert [row["stage"] for row in result.history] == [0] * 4 + [1] * 4
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    saved = Scene.load(tmp_path / "fitted.json")
    assert np.array_equal(saved.shapes["ball"].mesh.faces, result.scene.shapes["ball"].mesh.faces)


def test_resuming_behind_a_remeshing(pulled: None, tmp_path: Path) -> None:
    pytest.importorskip("gpytoolbox")
    whole = fit(ball_problem())
    fit(ball_problem(), tmp_path, callback=lambda row, scene: row["iteration"] < 5)
    resumed = fit(ball_problem(), tmp_path, resume=True)
    assert np.array_equal(resumed.scene.shapes["ball"].mesh.faces, whole.scene.shapes["ball"].mesh.faces)
    assert resumed.scene[NAME] == pytest.approx(whole.scene[NAME], abs=1e-12)


def test_cholesky_solves_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cholespy")
    mesh = primitives.sphere(2)
    count = len(mesh.vertices)
    right = np.random.default_rng(0).normal(size=(count, 3))
    dense = np.eye(count) + 7.0 * laplacian(mesh.faces, count).toarray()
    assert LargeSteps(mesh.faces, count, 7.0).decode(right) == pytest.approx(np.linalg.solve(dense, right), abs=1e-12)
