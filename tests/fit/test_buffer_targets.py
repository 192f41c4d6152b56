"""Targets of other buffers than radiance: read, refused, compared; and fits that only they can decide."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import diffrt
from diffrt.errors import InputError
from diffrt.fit.buffer_targets import read_buffer
from diffrt.fit.evaluate import PICTURE, evaluate, seed_of
from diffrt.fit.fit import fit
from diffrt.fit.prepare import prepare
from diffrt.io.exr import write_exr
from diffrt.io.images import write_image
from diffrt.render.render import trace
from diffrt.scene.scene import Scene

CHANNELS = {"depth": (), "normal": (3,), "albedo": (3,), "position": (3,), "uv": (2,)}
RNG = np.random.default_rng(8)
ARRAYS = {name: RNG.uniform(-2.0, 2.0, (8, 12, *more)).astype(np.float32) for name, more in CHANNELS.items()}
WALL = "materials.wall.albedo"


@pytest.mark.parametrize("name", CHANNELS)
def test_what_render_writes_is_read(name: str, tmp_path: Path) -> None:
    """All buffers in the layers of one file, as `diffrt render --buffers` writes them; one alone; and as .npy."""
    write_exr(tmp_path / "all.exr", {"radiance": np.zeros((8, 12, 3), np.float32), **ARRAYS})
    write_exr(tmp_path / "one.exr", {name: ARRAYS[name]})
    np.save(tmp_path / "one.npy", ARRAYS[name])
    for source in ("all.exr", "one.exr", "one.npy", ARRAYS[name]):
        assert np.array_equal(read_buffer(name, source, tmp_path, "f"), ARRAYS[name])


def test_colours_count_as_a_buffer(tmp_path: Path) -> None:
    """What other programs write: R, G, B for three numbers, with or without an alpha, and Y for one."""
    write_image(tmp_path / "rgba.exr", np.concatenate([ARRAYS["normal"], np.ones((8, 12, 1))], axis=2), bits=32)
    write_image(tmp_path / "y.exr", ARRAYS["depth"], bits=32)
    assert np.array_equal(read_buffer("normal", "rgba.exr", tmp_path, "f"), ARRAYS["normal"])
    assert np.array_equal(read_buffer("depth", "y.exr", tmp_path, "f"), ARRAYS["depth"])


def test_what_is_refused(tmp_path: Path) -> None:
    holed = ARRAYS["depth"].copy()
    holed[1, 2] = np.inf
    write_image(tmp_path / "eight.png", np.full((8, 12), 0.5))
    write_exr(tmp_path / "layers.exr", {"uv": ARRAYS["uv"], "normal": ARRAYS["normal"]})
    for name, source, text in (
        ("depth", "none.exr", "none.exr"),
        ("depth", "eight.png", "a picture of 8 or 16 bits"),
        ("depth", "layers.exr", "has the layers normal, uv"),
        ("depth", ARRAYS["uv"], "2 channels; allowed: 1 for depth"),
        ("uv", ARRAYS["normal"], "3 channels; allowed: 2 for uv"),
        ("depth", holed, "1 numbers not finite"),
    ):
        with pytest.raises(InputError, match=text):
            read_buffer(name, source, tmp_path, "f")


def test_problems(problem: dict[str, Any]) -> None:
    first, second, _ = problem["views"]
    first["buffers"] = {"depth": np.zeros((8, 11)), "uv": "no_such.exr"}
    second["buffers"] = {"normal": ARRAYS["normal"]}
    with pytest.raises(InputError) as caught:
        prepare(problem | {"loss": {"buffers": {"depth": 1.0, "uv": 1.0}}}, Path("."))
    found = {item.field: str(item) for item in caught.value.problems}
    assert set(found) == {"views[0].buffers.depth", "views[0].buffers.uv", "views[1].buffers.normal"}
    assert "11 x 8 pixels, the target 12 x 8" in found["views[0].buffers.depth"]
    assert "no_such.exr" in found["views[0].buffers.uv"]
    assert "without a weight" in found["views[1].buffers.normal"]


def test_weights_of_what_no_view_knows(problem: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        prepare(problem | {"loss": {"buffers": {"mask": 1.0, "albedo": 1.0}}}, Path("."))
    assert [item.field for item in caught.value.problems] == ["loss.buffers.albedo", "loss.buffers.mask"]


def test_a_missing_file_is_said_beside_other_problems(problem: dict[str, Any]) -> None:
    problem["views"][0]["buffers"] = {"depth": "no_such.exr"}
    problem["sedd"] = 1
    with pytest.raises(InputError) as caught:
        prepare(problem, Path("."))
    assert {"sedd", "views[0].buffers.depth"} <= {item.field for item in caught.value.problems}


def test_the_loss_of_each(problem: dict[str, Any]) -> None:
    """Mean squares under the mask, of the buffers that the scene's render has with the same random numbers."""
    mask = np.zeros((8, 12))
    mask[2:, :7] = 1.0
    weights = {name: 0.5 + number for number, name in enumerate(CHANNELS)}
    problem["views"] = [problem["views"][0] | {"mask": mask, "buffers": ARRAYS}]
    problem["loss"]["buffers"] = weights
    setup = prepare(problem, Path("."))
    found = evaluate(setup, setup.fitted_views, 3, setup.stages[0])
    seed = seed_of(0, PICTURE, 0, 0)
    images = trace(setup.scene, list(CHANNELS), spp=4, seed=seed, step=3, camera="front").images
    for name in CHANNELS:
        expected = weights[name] * np.mean((images[name] - ARRAYS[name])[mask > 0] ** 2)
        assert found.terms[name] == pytest.approx(expected, rel=1e-5)
    assert found.loss == pytest.approx(sum(found.terms.values()))


def test_smaller_buffers_are_means_under_the_mask(problem: dict[str, Any]) -> None:
    mask = np.ones((8, 12))
    mask[0, 0] = 0.0
    depth = np.full((8, 12), 3.0)
    depth[0, 0] = 77.0
    problem["views"][0] |= {"mask": mask, "buffers": {"depth": depth}}
    problem["loss"]["buffers"] = {"depth": 1.0}
    view = prepare(problem, Path(".")).views[0]
    assert view.at(0.5).buffers["depth"] == pytest.approx(np.full((4, 6), 3.0))


def test_depth_tells_how_far(taichi: str) -> None:
    """A glowing wall that fills the picture looks the same at any distance."""
    scene = Scene.from_dict(
        {
            "camera": {"to_world": {"translate": [0, 0, 4]}, "fov": 30, "width": 10, "height": 6},
            "integrator": {"max_depth": 1},
            "shapes": [{"name": "wall", "type": "rectangle", "to_world": {"scale": 9}, "emission": [1, 1, 1]}],
        }
    )
    truth = scene.copy()
    truth["shapes.wall.translation"] = [0.0, 0.0, 0.7]
    images = diffrt.render_buffers(truth, ["radiance", "depth"], spp=64, seed=1)
    item = {"learning_rate": 0.05, "free": [False, False, True]}
    result = fit(
        {
            "scene": scene,
            "views": [{"name": "front", "target": images["radiance"], "buffers": {"depth": images["depth"]}}],
            "parameters": {"shapes.wall.translation": item},
            "loss": {"type": "l2", "buffers": {"depth": 1.0}},
            "optimizer": "lbfgs",
            "iterations": 12,
            "spp": 4,
        }
    )
    assert max(row["terms"]["radiance"] for row in result.history) < 1e-10
    assert result.scene["shapes.wall.translation"] == pytest.approx([0.0, 0.0, 0.7], abs=0.005)


def test_albedo_tells_colour_from_light(problem: dict[str, Any], truth: Scene) -> None:
    """In half the light a wall of twice the albedo looks the same."""
    problem["scene"] = truth.copy()
    problem["scene"]["lights.bulb.intensity"] = truth["lights.bulb.intensity"] * 0.7
    problem["scene"][WALL] = [0.5, 0.5, 0.5]
    problem["parameters"] = {WALL: {"learning_rate": 0.03, "schedule": {"type": "cosine"}}}
    for view in problem["views"]:
        albedo = diffrt.render_buffers(truth, ["albedo"], spp=256, seed=5, camera=view["camera"])["albedo"]
        view |= {"buffers": {"albedo": albedo}}
    problem |= {"iterations": 60, "spp": 8}
    with_albedo = fit(problem | {"loss": {"type": "l2", "buffers": {"albedo": 1e3}}})
    assert with_albedo.scene[WALL] == pytest.approx(truth[WALL], abs=0.01)
