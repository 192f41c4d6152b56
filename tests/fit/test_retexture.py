"""Remeshing shapes that have textures: they look as before, and the run goes on with new texture coordinates."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_remesh import refused
from test_resume import history_of, killed_and_resumed, left_alone

import diffrt
from diffrt.description.primitives import sphere
from diffrt.errors import MissingExtraError
from diffrt.fit import loop, remesh, retexture
from diffrt.fit.evaluate import Evaluation
from diffrt.fit.fit import fit
from diffrt.fit.parametrisations import add_parametrisation
from diffrt.fit.prepare import FitSetup, prepare
from diffrt.fit.problem import Remesh
from diffrt.io.images import write_image
from diffrt.scene.scene import Scene

PAINT, VERTICES = "textures.paint", "shapes.ball.vertices"
TEXELS = 64
AROUND = [[4, 0, 0], [-4, 0, 0], [0, 4, 0], [0, -4, 0], [0.1, 0, 4], [0.1, 0, -4]]


def colours(height: int, width: int, channels: int) -> np.ndarray:
    """Smooth on the sphere, second derivatives below 2; alike above and below, since textures repeat at the poles."""
    j, i = np.mgrid[0:height, 0:width]
    longitude, latitude = (i + 0.5) / width * 2.0 * np.pi, (0.5 - (j + 0.5) / height) * np.pi
    x, y = np.cos(longitude) * np.cos(latitude), np.sin(longitude) * np.cos(latitude)
    return np.stack([0.5 + 0.4 * np.sin(1.5 * x + 1.2 * y + k) for k in range(channels)], axis=-1)


def painted_scene(**more: Any) -> dict[str, Any]:
    """A ball with one texture that is to be fitted, and another of other size and kind."""
    cameras = [
        {
            "name": f"c{number}", "to_world": {"look_at": {"origin": origin, "target": [0, 0, 0], "up": [0.1, 0.2, 1]}},
            "fov": 35, "width": 24, "height": 24,
        }
        for number, origin in enumerate(AROUND)
    ]  # fmt: skip
    return {
        "cameras": cameras,
        "integrator": {"max_depth": 2},
        "textures": {
            "paint": {"data": colours(TEXELS, TEXELS, 3)},
            "glow": {"data": colours(TEXELS, 100, 1) * 0.5},
            "dot": {"data": [[0.5]]},
        },
        "materials": {
            "skin": {
                "type": "principled", "metallic": 0, "base_color": {"texture": "paint"}, "specular": {"texture": "dot"},
            }
        },
        "shapes": [
            {"name": "ball", "type": "sphere", "subdivisions": 3, "material": "skin", "emission": {"texture": "glow"}}
        ],
        "lights": [{"type": "environment", "radiance": 1}],
        **more,
    }  # fmt: skip


def painted_problem(**more: Any) -> dict[str, Any]:
    return {
        "scene": painted_scene(),
        "views": [{"name": "front", "camera": "c0", "target": np.full((24, 24, 3), 0.5)}],
        "parameters": {
            VERTICES: {"learning_rate": 0.005, "precondition": {}},
            PAINT: {"learning_rate": 0.02, "bounds": [0.05, 0.95]},
        },
        "stages": [{"iterations": 4}, {"iterations": 4, "remesh": {"edge_length": 0.2}}],
        "spp": 1,
        **more,
    }


def seen(scene: Scene) -> dict[str, np.ndarray]:
    """(6, 48, 48, C): albedo, emission and coverage from all around."""
    names = [f"c{number}" for number in range(len(AROUND))]
    size = {"width": 48, "height": 48}
    buffers = [diffrt.render_buffers(scene, ["albedo", "mask"], spp=16, seed=3, camera=name, **size) for name in names]
    lights = [diffrt.render(scene, spp=16, seed=3, camera=name, max_depth=1, **size) for name in names]
    return {
        "albedo": np.stack([item["albedo"] for item in buffers]),
        "emission": np.stack(lights),
        "mask": np.stack([item["mask"] for item in buffers]),
    }


def check_alike(before: dict[str, np.ndarray], after: dict[str, np.ndarray], scale: float = 1.0) -> None:
    """Colours within what texels allow; `scale`: the share of a side of the texture that is the ball's."""
    inside = (before["mask"] == 1.0) & (after["mask"] == 1.0)
    assert inside.mean() > 0.15
    assert before["albedo"][inside].std() > 0.1 and before["emission"][inside].std() > 0.05
    # As in test_bake.py, with second derivatives of 2; and the surface moves by a hundredth, along slopes below 0.8.
    side = 2.0 * np.sqrt(4.0 * np.pi / (0.5 * (scale * TEXELS) ** 2))
    bound = 2.0 / 8.0 * 4.0 * side**2 + 0.008
    for name in ("albedo", "emission"):
        error = (after[name] - before[name])[inside]
        assert np.abs(error).max() < bound
        assert np.sqrt(np.mean(error**2)) < 0.25 * bound


@pytest.fixture
def tools() -> None:
    pytest.importorskip("gpytoolbox")
    pytest.importorskip("xatlas")


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch, taichi: str) -> None:
    """Instead of pictures: how far vertices are from a smaller sphere, and texels from one colour."""

    def look(setup: FitSetup, views: list[Any], *rest: Any) -> Evaluation:
        vertices, texels = setup.variables[VERTICES].value, setup.variables[PAINT].value
        length = np.linalg.norm(vertices, axis=1, keepdims=True)
        loss = float(np.mean((length - 0.7) ** 2) + np.mean((texels - 0.3) ** 2))
        gradients = {
            VERTICES: 2.0 * (length - 0.7) * vertices / length / len(vertices),
            PAINT: 2.0 * (texels - 0.3) / texels.size,
        }
        return Evaluation(loss, {"radiance": loss}, {"front": loss}, gradients)

    monkeypatch.setattr(loop, "evaluate", look)


def test_a_remeshed_shape_looks_as_before(taichi: str, tools: None) -> None:
    setup = prepare(painted_problem(), Path("."))
    before = seen(setup.scene)
    remesh.remesh(setup, Remesh(edge_length=0.15))
    assert not np.array_equal(setup.scene.textures["glow"].data, setup.original.textures["glow"].data)
    assert setup.scene.textures["glow"].data.shape == (TEXELS, 100, 1)
    assert setup.scene.textures["dot"].data is setup.original.textures["dot"].data
    once = seen(setup.scene)
    check_alike(before, once)
    remesh.remesh(setup, Remesh(edge_length=0.2))  # from an atlas to the next
    check_alike(once, seen(setup.scene))


def test_shapes_that_share_a_texture_get_an_atlas_together(taichi: str, tools: None) -> None:
    problem = painted_problem()
    ball = problem["scene"]["shapes"][0]
    ball["to_world"] = [{"scale": 0.5}, {"translate": [0, 0, 0.55]}]
    bell = ball | {"name": "bell", "to_world": [{"scale": 0.5}, {"translate": [0, 0, -0.55]}]}
    problem["scene"]["shapes"].append(bell)
    problem["parameters"]["shapes.bell.vertices"] = {"learning_rate": 0.01}
    setup = prepare(problem, Path("."))
    before = seen(setup.scene)
    remesh.remesh(setup, Remesh(edge_length=0.15))
    check_alike(before, seen(setup.scene), scale=0.7)


def test_start_and_moments_come_along(taichi: str, tools: None) -> None:
    setup = prepare(painted_problem(), Path("."))
    paint = setup.variables[PAINT]
    paint.start = 1.0 - paint.value
    paint.moments.mean, paint.moments.square, paint.moments.steps = 2.0 * paint.value, 3.0 * paint.value, 7
    before = paint.value
    remesh.remesh(setup, Remesh(edge_length=0.2))
    assert not np.allclose(paint.value, before, atol=0.1)
    assert paint.start == pytest.approx(1.0 - paint.value)
    assert paint.moments.mean == pytest.approx(2.0 * paint.value)
    assert paint.moments.square == pytest.approx(3.0 * paint.value)
    assert paint.moments.steps == 7
    assert setup.scene[PAINT] == pytest.approx(paint.value, abs=1e-6)
    assert paint.latent is paint.value
    vertices = setup.variables[VERTICES]
    assert vertices.moments.steps == 0 and vertices.moments.mean.shape == vertices.value.shape


@pytest.mark.parametrize(("length", "same"), [(0.2, False), (0.14, True)], ids=["other triangles", "same triangles"])
def test_resuming_behind_a_remeshing(pretended: None, tools: None, tmp_path: Path, length: float, same: bool) -> None:
    """Also where the triangles are even enough already, and only the texture coordinates are new."""
    problem = painted_problem(stages=[{"iterations": 4}, {"iterations": 4, "remesh": {"edge_length": length}}])
    whole = fit(problem)
    assert np.array_equal(whole.scene.shapes["ball"].mesh.faces, sphere(3).faces) == same
    fit(problem, tmp_path, callback=lambda row, scene: row["iteration"] < 5)
    resumed = fit(problem, tmp_path, resume=True)
    saved = Scene.load(tmp_path / "fitted.json")
    assert [row["loss"] for row in resumed.history] == pytest.approx([row["loss"] for row in whole.history])
    for scene, exact in ((resumed.scene, 1e-12), (saved, 1e-6)):
        assert scene[PAINT] == pytest.approx(whole.scene[PAINT], abs=1e-6)
        assert scene["textures.glow"] == pytest.approx(whole.scene["textures.glow"], abs=1e-6)
        mesh, wanted = scene.shapes["ball"].mesh, whole.scene.shapes["ball"].mesh
        assert wanted.uvs is not None and mesh.uvs is not None
        assert np.array_equal(mesh.faces, wanted.faces)
        assert mesh.uvs[mesh.uv_faces] == pytest.approx(wanted.uvs[wanted.uv_faces], abs=exact)


def test_interrupted_right_behind_a_remeshing(
    pretended: None, tools: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best state is of other triangles then."""
    look: Callable[..., Evaluation] = loop.evaluate

    def pressed(setup: FitSetup, views: list[Any], iteration: int, *rest: Any) -> Evaluation:
        if iteration == 4:
            raise KeyboardInterrupt
        return look(setup, views, iteration, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "evaluate", pressed)
        result = fit(painted_problem(), tmp_path)
    assert (result.ending, len(result.history)) == ("interrupted", 4)
    assert len(result.scene[VERTICES]) == len(result.values[VERTICES]) != 642
    whole, resumed = fit(painted_problem()), fit(painted_problem(), tmp_path, resume=True)
    assert resumed.scene[PAINT] == pytest.approx(whole.scene[PAINT], abs=1e-6)


def real_problem(ball: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Find the paint of a ball, and its shape, from six pictures.

    Args:
        ball: more fields of it, such as an emission, which is known.
    """
    scene = painted_scene()
    del scene["shapes"][0]["emission"]
    scene["shapes"][0] |= ball or {}
    scene["materials"]["skin"] = {"type": "diffuse", "albedo": {"texture": "paint"}}
    truth = Scene.from_dict(scene)
    truth[VERTICES] = truth[VERTICES] * [1.0, 0.85, 1.1]
    names = [camera["name"] for camera in scene["cameras"]]
    targets = {name: diffrt.render(truth, spp=64, seed=9, camera=name) for name in names}
    scene["textures"]["paint"]["data"] = np.full((TEXELS, TEXELS, 3), 0.5)
    problem = painted_problem(
        scene=Scene.from_dict(scene),
        views=[{"name": name, "camera": name, "target": targets[name]} for name in names],
        loss={"type": "l2"},
        spp=4,
        views_per_iteration=3,
        stages=[{"iterations": 16}, {"iterations": 24, "remesh": {"edge_length": 0.2}}],
    )
    return problem | more


def test_a_fit_goes_on_behind_a_remeshing(taichi: str, tools: None) -> None:
    history = fit(real_problem()).history
    loss = np.array([row["loss"] for row in history])
    before, behind, end = loss[12:16].mean(), loss[16:20].mean(), loss[-4:].mean()
    assert before < 0.6 * loss[0]
    assert behind < 1.1 * before
    assert end < 0.7 * before


def test_other_processes_get_what_was_baked(taichi: str, tools: None) -> None:
    problem = real_problem(stages=[{"iterations": 2}, {"iterations": 3, "remesh": {"edge_length": 0.2}}])
    problem["parameters"].pop(PAINT)  # baked, and not fitted
    problem["scene"][PAINT] = colours(TEXELS, TEXELS, 3)
    one, two = fit(problem), fit(problem, workers=2)
    for a, b in zip(one.history, two.history, strict=True):
        assert a["views"] == pytest.approx(b["views"], rel=1e-4)
    assert two.scene[VERTICES] == pytest.approx(one.scene[VERTICES], abs=1e-4)


@pytest.mark.slow
def test_killed_at_any_moment(taichi: str, tools: None, tmp_path: Path) -> None:
    """Behind a remeshing, with a texture that is fitted and one that is only baked.

    What threads change in the last digit grows to some 1e-5 of the loss, and to 1e-3 where a path takes another way.
    Were the moments of the vertices lost, which matter least, it would be 1e-3 in the median and 4e-3 at most.
    """
    first, total = 1, 16
    stages = [{"iterations": first}, {"iterations": total - first, "remesh": {"edge_length": 0.17}}]
    problem = real_problem({"emission": {"texture": "glow"}, "shading": "flat"}, stages=stages)
    problem["scene"].save(tmp_path / "start.json")
    for view in problem["views"]:
        write_image(tmp_path / f"{view['name']}.exr", view["target"], bits=32)
        view["target"] = f"{view['name']}.exr"
    problem["scene"] = "start.json"
    path = tmp_path / "problem.json"
    path.write_text(json.dumps(problem))
    whole, history = left_alone(path, tmp_path / "whole")
    kills = killed_and_resumed(path, tmp_path / "killed", 4, seed=2)
    assert sum(first < done < total for done in kills) >= 2, kills
    rows = history_of(tmp_path / "killed")
    assert [row["iteration"] for row in rows] == list(range(total))
    one, other = (np.array([row["loss"] for row in part]) for part in (history, rows))
    assert np.median(np.abs(other / one - 1.0)) < 2e-4
    assert other == pytest.approx(one, rel=4e-3)
    found = Scene.load(tmp_path / "killed" / "fitted.json")
    assert np.sqrt(np.mean((found[PAINT] - whole[PAINT]) ** 2)) < 1e-3


@add_parametrisation("bleached")
def bleached(x: np.ndarray, scene: Scene) -> Any:
    texels = scene[PAINT].astype(float)
    return {PAINT: x * texels}, lambda gradients: np.sum(gradients[PAINT] * texels)


def bell(material: Any) -> dict[str, Any]:
    return {"name": "bell", "type": "sphere", "subdivisions": 1, "material": material}


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "shared": (
        lambda problem: problem["scene"]["shapes"].append(
            bell({"type": "mix", "first": {"type": "diffuse", "albedo": {"texture": "paint"}}, "second": "skin"})
        ),
        "'ball' shares texture 'paint' with 'bell', which is not remeshed with it",
    ),
    "normal map": (
        lambda problem: problem["scene"]["materials"]["skin"].update({"normal_map": "paint"}),
        "'ball' has the normal map 'paint', whose directions follow the texture coordinates",
    ),
    "small": (
        lambda problem: problem["scene"]["textures"].update({"glow": {"data": np.ones((40, 15, 1))}}),
        "texture 'glow' of 'ball' has 15 x 40 texels",
    ),
    "tied": (
        lambda problem: (
            problem["scene"]["textures"].update({"other": {"data": colours(TEXELS, TEXELS, 3)}}),
            problem["parameters"][PAINT].update({"tied": ["textures.other"]}),
        ),
        "texture 'paint' of 'ball' is tied to others, or set by a function",
    ),
    "function": (
        lambda problem: (
            problem["parameters"].pop(PAINT),
            problem["parameters"].update({"b": {"learning_rate": 0.1, "function": "bleached", "start": 1.0}}),
        ),
        "texture 'paint' of 'ball' is tied to others, or set by a function",
    ),
    "bounds": (
        lambda problem: problem["parameters"][PAINT].update({"bounds": [np.zeros((TEXELS, 1, 1)), None]}),
        "texture 'paint' of 'ball' has texels with bounds or a freedom of their own",
    ),
    "no coordinates": (
        lambda problem: problem["scene"]["shapes"].__setitem__(
            0,
            {
                "name": "ball", "type": "mesh", "vertices": [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]],
                "faces": [[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]], "material": "skin",
            },
        ),
        "'ball' has a texture and no texture coordinates",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_baked(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remesh.importlib.util, "find_spec", lambda name: name)
    change, said = REFUSED[kind]
    problem = painted_problem()
    change(problem)
    assert refused(problem) == [f"stages[1].remesh: {said}"]


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retexture.importlib.util, "find_spec", lambda name: None if name == "xatlas" else name)
    with pytest.raises(MissingExtraError, match=r"xatlas.*diffrt\[mesh\]"):
        prepare(painted_problem(), Path("."))


def test_repeated_textures_are_said_to_lose(tools: None, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(retexture, "warn", said.append)
    problem = painted_problem()
    problem["scene"]["shapes"][0] |= {"type": "cube", "shading": "smooth"}
    del problem["scene"]["shapes"][0]["subdivisions"]
    remesh.remesh(prepare(problem, Path(".")), Remesh(edge_length=0.3))
    assert len(said) == 1 and "times coarser" in said[0]
