"""Buffers against values known from geometry; the variance against that of many pictures."""

import numpy as np
import pytest
from parts import body, camera, checker, cornell_box, quad, scene

from diffrt.errors import InputError
from diffrt.render.render import render, render_buffers
from diffrt.render.rendering import BUFFERS
from diffrt.scene.scene import Scene

SIZE = (24, 16)
FOV = 50.0


def tilted_wall() -> Scene:
    """A wall through (0, 0, -3), turned by 30 degrees about Y, larger than the view."""
    wall = quad("wall", scale=20.0, material={"type": "diffuse", "albedo": [0.2, 0.5, 0.8]})
    wall["to_world"] = [{"scale": 20}, {"rotate": {"axis": [0, 1, 0], "degrees": 30}}, {"translate": [0, 0, -3]}]
    return scene({"width": SIZE[0], "height": SIZE[1], "fov": FOV}, [wall], textures={"t": {"data": checker()}})


def pixel_directions() -> np.ndarray:
    """Unit directions (H, W, 3) through the pixels' centres."""
    focal = 0.5 * SIZE[0] / np.tan(np.radians(FOV / 2))
    x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5 - SIZE[0] / 2, np.arange(SIZE[1]) + 0.5 - SIZE[1] / 2)
    d = np.stack([x, -y, np.full_like(x, -focal)], axis=-1)
    return d / np.linalg.norm(d, axis=-1, keepdims=True)


def test_geometry_of_a_tilted_wall(taichi: str) -> None:
    names = ["depth", "normal", "albedo", "mask", "position", "shape_id", "uv"]
    buffers = render_buffers(tilted_wall(), names, spp=256)
    normal = np.array([np.sin(np.radians(30)), 0, np.cos(np.radians(30))])
    d = pixel_directions()
    depth = (np.array([0, 0, -3]) @ normal) / (d @ normal)
    # Means over a pixel differ from its centre's value by its curvature: parts in a thousand here.
    assert np.allclose(buffers["depth"], depth, rtol=4e-3)
    assert np.allclose(buffers["position"], d * depth[..., None], atol=0.03)
    assert np.allclose(buffers["normal"], normal, atol=1e-5)
    assert np.allclose(buffers["albedo"], [0.2, 0.5, 0.8], atol=1e-6)
    assert np.all(buffers["mask"] == 1.0)
    assert np.all(buffers["shape_id"] == 0)
    assert buffers["shape_id"].dtype == np.int32
    distance = np.linalg.norm(buffers["position"], axis=-1)
    assert np.allclose(distance, buffers["depth"], rtol=1e-3)


def test_positions_lie_on_the_rays(taichi: str) -> None:
    """One sample each: exactly consistent with depth, within the pixel."""
    built = tilted_wall()
    buffers = render_buffers(built, ["depth", "position"], spp=1, seed=5)
    assert np.allclose(np.linalg.norm(buffers["position"], axis=-1), buffers["depth"], rtol=1e-5)
    focal = 0.5 * SIZE[0] / np.tan(np.radians(FOV / 2))
    p = buffers["position"]
    column = p[..., 0] / -p[..., 2] * focal + SIZE[0] / 2
    row = -p[..., 1] / -p[..., 2] * focal + SIZE[1] / 2
    assert np.all((column >= np.arange(SIZE[0])[None, :] - 1e-3) & (column <= np.arange(SIZE[0])[None, :] + 1.001))
    assert np.all((row >= np.arange(SIZE[1])[:, None] - 1e-3) & (row <= np.arange(SIZE[1])[:, None] + 1.001))


def test_texture_coordinates(taichi: str) -> None:
    """uv of a square that fills the view: u to the right, v up; the albedo is its texture."""
    sheet = quad("sheet", material={"type": "diffuse", "albedo": {"texture": "t"}})
    data = checker(8, 8)
    textures = {"t": {"data": data, "filter": "nearest"}}
    view = camera((0, 0, 2), type="orthographic", scale=1.0, size=8)
    buffers = render_buffers(scene(view, [sheet], textures=textures), ["uv", "albedo"], spp=64)
    centres = (np.arange(8) + 0.5) / 8
    assert np.allclose(buffers["uv"][..., 0], centres[None, :], atol=0.02)
    assert np.allclose(buffers["uv"][..., 1], 1 - centres[:, None], atol=0.02)
    assert np.allclose(buffers["albedo"], data, atol=1e-5)


def test_mask_is_coverage(taichi: str) -> None:
    """A square that covers a pixel in part; nothing else is seen."""
    sheet = quad("sheet", scale=[0.6, 0.3, 1])
    view = camera((0, 0, 2), type="orthographic", scale=1.0, size=4)
    buffers = render_buffers(scene(view, [sheet]), ["mask", "normal", "depth", "shape_id"], spp=1024)
    across = np.array([0.2, 1, 1, 0.2])
    down = np.array([0.0, 0.6, 0.6, 0.0])
    expected = across[None, :] * down[:, None]
    assert np.allclose(buffers["mask"], expected, atol=0.07)  # 4.5 standard errors
    assert np.allclose(buffers["normal"][..., 2], buffers["mask"], atol=1e-5)  # zero where nothing is met
    assert np.allclose(buffers["depth"], 2 * buffers["mask"], atol=1e-4)
    centre = np.full((4, 4), -1)
    centre[1:3, 1:3] = 0
    assert np.all(buffers["shape_id"] == centre)


def test_shape_ids_are_in_file_order(taichi: str) -> None:
    shapes = [quad(f"s{i}", at=(i - 1.5, 0, 0), scale=[0.4, 1, 1]) for i in range(4)]
    view = camera((0, 0, 2), type="orthographic", scale=2.0, size=(4, 2))
    ids = render_buffers(scene(view, shapes), ["shape_id"], spp=1)["shape_id"]
    assert ids.tolist() == [[0, 1, 2, 3]] * 2


def test_variance_is_that_of_the_mean(taichi: str) -> None:
    """The estimate from one picture's samples, over many seeds, equals the variance among those pictures."""
    built = cornell_box(camera((0, 0, 4.5), fov=38, size=16))
    pictures, estimates = [], []
    for seed in range(64):
        buffers = render_buffers(built, ["radiance", "variance"], spp=16, seed=seed)
        pictures.append(buffers["radiance"])
        estimates.append(buffers["variance"])
    among = np.var(pictures, axis=0, ddof=1).astype(float)
    estimated = np.mean(estimates, axis=0).astype(float)
    lit = among > 1e-8
    assert lit.mean() > 0.7
    ratio = among[lit].sum() / estimated[lit].sum()
    assert ratio == pytest.approx(1.0, abs=0.1)
    # Pixel by pixel a variance of 64 pictures is known to a fifth, more with heavy tails.
    assert np.median(among[lit] / estimated[lit]) == pytest.approx(1.0, abs=0.1)
    assert np.all(render_buffers(built, ["variance"], spp=1)["variance"] == 0.0)


def test_sobol_variance_is_an_upper_bound(taichi: str) -> None:
    built = cornell_box(camera((0, 0, 4.5), fov=38, size=16), sampler="sobol")
    both = [render_buffers(built, ["radiance", "variance"], spp=64, seed=seed) for seed in range(24)]
    among = np.var([b["radiance"] for b in both], axis=0, ddof=1).mean()
    assert among < np.mean([b["variance"] for b in both])


def test_buffers_see_what_the_picture_sees(taichi: str) -> None:
    """A glowing body's radiance is its mask times its glow, sample by sample, in every filter."""
    for film in ("box", "gaussian"):
        glow = body("glow", "sphere", subdivisions=1, emission=[1, 1, 1], shading="flat")
        built = scene(camera((0, 0, 4), size=24, fov=35), [glow], film=film)
        buffers = render_buffers(built, ["radiance", "mask"], spp=8, seed=3)
        assert np.allclose(buffers["radiance"][..., 0], buffers["mask"], atol=1e-6)
        assert 0 < (buffers["mask"] % 1.0 > 0).sum() < buffers["mask"].size


def test_every_buffer_has_its_form(taichi: str) -> None:
    buffers = render_buffers(tilted_wall(), list(BUFFERS), spp=4)
    channels = {"depth": 0, "mask": 0, "shape_id": 0, "uv": 2}
    for name in BUFFERS:
        count = channels.get(name, 3)
        assert buffers[name].shape == (SIZE[1], SIZE[0], count)[: 3 if count else 2]
        assert buffers[name].dtype == (np.int32 if name == "shape_id" else np.float32)
        assert np.isfinite(buffers[name]).all()
    assert list(render_buffers(tilted_wall(), ["mask", "depth"], spp=1)) == ["mask", "depth"]


def test_asking_for_buffers_leaves_the_picture_alone(taichi: str) -> None:
    built = cornell_box(camera((0, 0, 4.5), fov=38, size=16))
    alone = render(built, spp=4)
    assert np.array_equal(alone, render_buffers(built, list(BUFFERS), spp=4)["radiance"])


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"names": ["colour"]}, "names"),
        ({"names": "depth"}, "names"),
        ({"names": ["depth"], "spp": 0}, "spp"),
        ({"names": ["depth"], "spp": 1.5}, "spp"),
        ({"names": ["depth"], "seed": -1}, "seed"),
        ({"names": ["depth"], "max_depth": 0}, "max_depth"),
        ({"names": ["depth"], "max_depth": -2}, "max_depth"),
        ({"names": ["depth"], "width": 0}, "width"),
        ({"names": ["depth"], "camera": "nobody"}, "camera"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, object], field: str) -> None:
    with pytest.raises(InputError, match=field):
        render_buffers(tilted_wall(), **arguments)
