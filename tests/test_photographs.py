"""examples/photos/: a start is found in photographs of a known place; pictures are degraded as stated."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from diffrt.description import primitives, transform
from diffrt.fit.prepare import prepare
from diffrt.io.cameras import read_transforms
from diffrt.io.color import srgb_to_linear
from diffrt.io.images import write_image
from diffrt.render.render import render, render_buffers
from diffrt.scene.scene import Scene

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples" / "photos"))
import fox  # noqa: E402
import spot  # noqa: E402
import stereo  # noqa: E402

WIDTH, HEIGHT, FOCAL = 96, 144, 110.0
LENS = {"k1": 0.06, "k2": -0.05, "p1": 0.002, "p2": -0.001}
RADIUS = 0.8
NORMAL = transform.unit(np.array([1.0, -0.5, 0.1]))
ORIGIN = np.array([0.2, 0.1, -0.3])


def speckles(seed: int) -> np.ndarray:
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(128, 128, 3)), (1.5, 1.5, 0), mode="wrap")
    return np.clip(0.5 + 0.25 * noise / noise.std(), 0.05, 0.95)


def poses() -> list[np.ndarray]:
    """Six cameras before a wall, in a half circle."""
    across = transform.unit(np.cross([0.0, 0.0, 1.0], NORMAL))
    up = np.cross(NORMAL, across)
    turns = np.linspace(-0.7, 0.7, 6)
    places = [np.cos(turn) * NORMAL + np.sin(turn) * across + 0.3 * (k % 2) * up for k, turn in enumerate(turns)]
    return [transform.look_at(ORIGIN + 5.0 * unit, ORIGIN, [0.0, 0.0, 1.0]) for unit in places]


@pytest.fixture(scope="module")
def place(taichi: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Photographs of a ball, half of it in a wall, and their transforms.json."""
    folder = tmp_path_factory.mktemp("place")
    onto = transform.look_at(ORIGIN, ORIGIN - NORMAL, [0.0, 0.0, 1.0])
    wall = onto @ np.diag([6.0, 6.0, 1.0, 1.0])
    ball = onto @ np.diag([RADIUS, RADIUS, RADIUS, 1.0])
    camera = {
        "width": WIDTH,
        "height": HEIGHT,
        "intrinsics": {"fx": FOCAL, "fy": FOCAL, "cx": 50.0, "cy": 70.0},
        "distortion": LENS,
    }
    scene = Scene.from_dict(
        {
            "cameras": [{"name": f"p{k}", "to_world": pose, **camera} for k, pose in enumerate(poses())],
            "integrator": {"max_depth": 2},
            "textures": {"a": {"data": speckles(1)}, "b": {"data": speckles(2)}},
            "materials": {n: {"type": "diffuse", "albedo": {"texture": n}} for n in ("a", "b")},
            "shapes": [
                {"name": "wall", "type": "rectangle", "to_world": wall, "material": "a"},
                {"name": "ball", "type": "sphere", "to_world": ball, "material": "b"},
            ],
            "lights": [{"type": "environment", "radiance": 1.0}],
        }
    )
    frames = []
    for name, item in scene.cameras.items():
        picture = render(scene, spp=32, camera=name)
        write_image(folder / f"{name}.png", np.repeat(np.repeat(picture, 4, axis=0), 4, axis=1))
        frames.append({"file_path": f"{name}.png", "transform_matrix": item.to_world.tolist()})
    lens = {"fl_x": 4 * FOCAL, "fl_y": 4 * FOCAL, "cx": 200.0, "cy": 280.0, "w": 4 * WIDTH, "h": 4 * HEIGHT, **LENS}
    (folder / "transforms.json").write_text(json.dumps({**lens, "frames": frames}))
    scene.save(folder / "scene.json")
    yield folder


def test_points_are_where_the_camera_sees_them(place: Path) -> None:
    scene = Scene.load(place / "scene.json")
    posed = read_transforms(place / "transforms.json")[1]
    buffers = render_buffers(scene, ["position"], spp=256, camera="p1", width=24, height=36)
    pixels, seen = stereo.project(posed, buffers["position"].astype(np.float64), 24, 36)
    x, y = np.meshgrid(np.arange(24) + 0.5, np.arange(36) + 0.5)
    on_wall = np.abs((buffers["position"] - ORIGIN) @ NORMAL) < 0.01  # elsewhere a pixel's mean is on no surface
    assert on_wall.sum() > 300 and seen[on_wall].all()
    # The mean of the points of a pixel, 0.29 pixels wide each way, is known to 0.29 / 16 pixels; five of these.
    assert np.abs(pixels - np.stack([x, y], axis=-1))[on_wall].max() < 0.1
    _, behind = stereo.project(posed, posed.to_world[:3, 3] + posed.to_world[:3, 2], 24, 36)
    assert not behind


def test_wall_and_ball_are_found(place: Path) -> None:
    photographs = fox.read_photographs(read_transforms(place / "transforms.json"), 4)
    plane = stereo.main_plane(photographs)
    assert plane.axes[2] @ NORMAL > np.cos(np.deg2rad(1.0))
    assert abs((plane.origin - ORIGIN) @ NORMAL) < 0.05
    np.testing.assert_allclose(plane.axes @ plane.axes.T, np.eye(3), atol=1e-12)
    steps = np.linspace(-1.6, 1.6, 48)
    points = np.stack(np.meshgrid(steps, steps), axis=-1)
    middle = (ORIGIN - plane.origin) @ plane.axes.T
    height = stereo.heights(photographs, plane, points, np.linspace(-0.1, 1.2, 27), patch=5)
    away = np.linalg.norm(points - middle[:2], axis=-1)
    true = np.sqrt(np.maximum(RADIUS**2 - away**2, 0.0))
    assert np.median(np.abs(height - true)[away < 0.8 * RADIUS]) < 0.05  # the step of the levels
    assert np.median(np.abs(height)[away > 1.3 * RADIUS]) < 0.05
    inside = stereo.middle_piece(height > 0.15)
    assert inside[away < 0.6 * RADIUS].mean() > 0.95 and inside[away > 1.6 * RADIUS].mean() < 0.05


def test_a_sphere_is_pushed_out_to_a_dome() -> None:
    steps = np.linspace(-1.5, 1.5, 61)
    points = np.stack(np.meshgrid(steps, steps), axis=-1)
    away = np.linalg.norm(points - [0.2, -0.1], axis=-1)
    body = fox.pushed_sphere(away < 1.0, np.sqrt(np.maximum(1.0 - away**2, 0.0)), points, bottom=-0.05)
    top = body[body[:, 2] > 0.2]
    assert np.abs(np.linalg.norm(top - [0.2, -0.1, 0.0], axis=1) - 1.0).mean() < 0.05
    assert body[:, 2].min() > -0.1


def test_the_problem_of_photographs_is_whole(place: Path, tmp_path: Path) -> None:
    fox.make(place / "transforms.json", tmp_path)
    setup = prepare(json.loads((tmp_path / "fox.json").read_text()), tmp_path)
    assert [view.name for view in setup.views if view.holdout] == ["p3"]
    size = (round(4 * WIDTH / fox.SHRINK), round(4 * HEIGHT / fox.SHRINK))
    assert {(view.width, view.height) for view in setup.views} == {size}
    assert {"shapes.fox.vertices", "textures.fur", "lights.sky.image", "camera_response.exposure"} <= set(
        setup.variables
    )


@pytest.mark.parametrize("module", [fox, spot])
def test_without_its_input_a_script_says_what_is_missing(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "photos" / "fox"
    more = ["--photographs", str(missing)] if module is fox else []
    monkeypatch.setattr(module, "ASSETS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["script.py", "--output", str(tmp_path / "out"), *more])
    with pytest.raises(SystemExit) as caught:
        module.main()
    said = capsys.readouterr().err
    assert caught.value.code == 2 and "does not exist" in said and "DIFFRT_ASSETS" in said
    assert not (tmp_path / "out").exists()


def test_a_phone_rounds_clips_and_adds_noise() -> None:
    rng = np.random.default_rng(0)
    picture = spot.photograph(np.full((200, 200, 3), 0.2), -0.5, rng)
    assert picture.dtype == np.uint8
    values = srgb_to_linear(picture / 255.0)
    true, count = 0.2 * 2**-0.5, values.size
    sigma = np.sqrt(4e-4 * true + 4e-6)
    assert abs(values.mean() - true) < 5 * sigma / np.sqrt(count) + 1e-4  # the curve bends within a step of 8 bits
    assert abs(values.std() / sigma - 1.0) < 0.1
    assert (spot.photograph(np.full((4, 4, 3), 3.0), 0.0, rng) == 255).all()


def test_a_pose_is_moved_as_stated() -> None:
    true = spot.places()[4]
    wrong = spot.moved(true, np.random.default_rng(1))
    assert np.linalg.norm(wrong[:3, 3] - true[:3, 3]) == pytest.approx(0.03)
    cosine = 0.5 * (np.trace(true[:3, :3].T @ wrong[:3, :3]) - 1.0)
    assert np.rad2deg(np.arccos(cosine)) == pytest.approx(1.0)


def test_size_and_place_are_found_again() -> None:
    sphere = primitives.sphere(3)
    body = sphere.vertices * [1.0, 0.8, 0.5]
    points = spot.spread(body, sphere.faces)[::7]
    scale, shift = spot.fitted_onto(1.1 * points + [0.05, 0.0, -0.1], body, sphere.faces)
    assert scale == pytest.approx(1.0 / 1.1, abs=0.003)
    np.testing.assert_allclose(shift, [-0.05 / 1.1, 0.0, 0.1 / 1.1], atol=0.003)


def test_values_are_spread_over_a_triangle() -> None:
    corners = np.array([[0.0, 0.0, 1.0], [2.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    points = spot.spread(corners, np.array([[0, 1, 2]], dtype=np.int32))
    assert len(points) == 15
    np.testing.assert_allclose(points.mean(axis=0), corners.mean(axis=0), atol=1e-12)
    assert {tuple(point) for point in points.round(9)} >= {tuple(corner) for corner in corners}


def test_colors_of_a_texture_are_read_at_its_coordinates() -> None:
    texture = srgb_to_linear(np.random.default_rng(4).random((8, 16, 3)))
    row, column = np.array([0, 3, 7]), np.array([2, 15, 9])
    uvs = np.stack([(column + 0.5) / 16, 1.0 - (row + 0.5) / 8], axis=1)
    np.testing.assert_allclose(srgb_to_linear(spot.colors(texture, uvs)), texture[row, column], atol=1e-5)
