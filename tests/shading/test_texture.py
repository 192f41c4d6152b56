"""Texture lookups against a reference in NumPy, for all wraps and filters, far outside the unit square too."""

import numpy as np
import pytest
import taichi as ti
from taichi.math import vec2, vec3

from diffrt.device.upload import upload
from diffrt.scene.scene import Scene
from diffrt.shading.texture import lookup

WRAPS = ("repeat", "clamp", "mirror")
SIZES = ((6, 8), (1, 5), (7, 1), (1, 1))


@ti.kernel
def _lookups(
    scene: ti.template(), texture: ti.i32,
    uv: ti.types.ndarray(dtype=vec2, ndim=1), out: ti.types.ndarray(dtype=vec3, ndim=1),
):  # fmt: skip
    for i in range(uv.shape[0]):
        out[i] = lookup(scene, texture, uv[i])


def looked_up(scene: Scene, name: str, uv: np.ndarray) -> np.ndarray:
    device = upload(scene, scene.camera())
    uv = np.ascontiguousarray(uv, np.float32)
    out = np.zeros((len(uv), 3), np.float32)
    _lookups(device.fields, list(scene.textures).index(name), uv, out)
    return out


def textured(data: np.ndarray, wrap: str, kind: str) -> Scene:
    other = np.full((3, 3, 3), 100.0)  # lies before it in memory: a wrong index shows
    return Scene.from_dict(
        {
            "camera": {"width": 4, "height": 4},
            "textures": {"other": {"data": other}, "wanted": {"data": data, "wrap": wrap, "filter": kind}},
            "materials": {"paper": {"type": "diffuse", "albedo": {"texture": "wanted"}}},
            "shapes": [{"name": "sheet", "type": "rectangle", "material": "paper"}],
        }
    )


def reference(data: np.ndarray, uv: np.ndarray, wrap: str, kind: str) -> np.ndarray:
    """Texel centres at ((i + 0.5) / W, (j + 0.5) / H), row 0 at the top, v up."""
    height, width = data.shape[:2]

    def index(i: np.ndarray, n: int) -> np.ndarray:
        if wrap == "repeat":
            return i % n
        if wrap == "clamp":
            return np.clip(i, 0, n - 1)
        phase = i % (2 * n)
        return np.where(phase < n, phase, 2 * n - 1 - phase)

    x, y = uv[:, 0].astype(float) * width, (1.0 - uv[:, 1].astype(float)) * height
    if kind == "nearest":
        return data[index(np.floor(y).astype(int), height), index(np.floor(x).astype(int), width)]
    left, top = np.floor(x - 0.5).astype(int), np.floor(y - 0.5).astype(int)
    fx, fy = (x - 0.5 - left)[:, None], (y - 0.5 - top)[:, None]
    rows, columns = [index(top + k, height) for k in (0, 1)], [index(left + k, width) for k in (0, 1)]
    upper = data[rows[0], columns[0]] * (1 - fx) + data[rows[0], columns[1]] * fx
    lower = data[rows[1], columns[0]] * (1 - fx) + data[rows[1], columns[1]] * fx
    return upper * (1 - fy) + lower * fy


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", ["bilinear", "nearest"])
@pytest.mark.parametrize("wrap", WRAPS)
def test_lookup_matches_reference(taichi: str, wrap: str, kind: str, size: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    data = random.uniform(0, 1, (*size, 3)).astype(np.float32)
    scene = textured(data, wrap, kind)
    near = random.uniform(-4, 4, (3000, 2)).astype(np.float32)
    assert np.abs(looked_up(scene, "wanted", near) - reference(data, near, wrap, kind)).max() < (
        2e-5 if kind == "bilinear" else 1e-6
    )
    # At 1000 a coordinate is known to 6e-5: right to that, times the steepest slope between texels.
    far = random.uniform(-1000, 1000, (3000, 2)).astype(np.float32)
    error = np.abs(looked_up(scene, "wanted", far) - reference(data, far, wrap, kind)).max(axis=1)
    if kind == "bilinear":
        assert error.max() < 1e-4 * 2 * max(size)
    else:
        assert np.mean(error > 1e-6) < 0.002  # next to a border between texels


def test_texel_centres_hold_the_texels(taichi: str) -> None:
    data = np.random.default_rng(2).uniform(0, 1, (5, 4, 3)).astype(np.float32)
    scene = textured(data, "repeat", "bilinear")
    j, i = np.mgrid[0:5, 0:4]
    uv = np.column_stack([(i.ravel() + 0.5) / 4, 1.0 - (j.ravel() + 0.5) / 5])
    assert np.allclose(looked_up(scene, "wanted", uv), data.reshape(-1, 3), atol=1e-6)


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("kind", ["bilinear", "nearest"])
def test_extreme_coordinates_stay_inside(taichi: str, wrap: str, kind: str) -> None:
    data = np.random.default_rng(3).uniform(0.5, 1, (4, 4, 3)).astype(np.float32)
    extreme = np.array(
        [0.0, 1.0, -0.0, -1.0, 2.0, np.nextafter(np.float32(1), np.float32(0)), 1e6, -1e6, 1e9, -3e9, 1e20]
    )
    uv = np.array(np.meshgrid(extreme, extreme)).reshape(2, -1).T
    values = looked_up(textured(data, wrap, kind), "wanted", uv)
    assert values.min() >= data.min() - 1e-5
    assert values.max() <= data.max() + 1e-5


def test_channels(taichi: str) -> None:
    """One channel fills all three; alpha is left out."""
    grey = np.random.default_rng(4).uniform(0, 1, (3, 3, 1)).astype(np.float32)
    with_alpha = np.random.default_rng(5).uniform(0, 1, (3, 3, 4)).astype(np.float32)
    uv = np.array([[0.5, 0.5]])
    assert np.allclose(looked_up(textured(grey, "repeat", "nearest"), "wanted", uv), grey[1, 1, 0])
    assert np.allclose(looked_up(textured(with_alpha, "repeat", "nearest"), "wanted", uv), with_alpha[1, 1, :3])
