"""The Vulkan backend against the CPU's: equal seeds, equal pictures but for rounding."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from parts import Part, body, camera, checker, cornell_box, quad, scene, sky

from diffrt.render.render import render_buffers
from diffrt.scene.scene import Scene
from tests.vulkan import arrays_on_vulkan

pytestmark = pytest.mark.vulkan
NAMES = ["radiance", "depth", "normal", "mask", "shape_id"]


def _shiny() -> Scene:
    """Glass, metal, a texture, a mask, an image of the sky and a point light, a lens, roulette."""
    materials = {
        "floor": {"type": "diffuse", "albedo": {"texture": "t"}},
        "glass": {"type": "dielectric", "roughness": 0.0},
        "metal": {"type": "conductor", "roughness": 0.4},
        "veil": {"type": "diffuse", "opacity": 0.5},
    }
    return _arranged(materials)


def _every_material() -> Scene:
    """And those that take a software driver minutes to compile."""
    materials = {
        "floor": {"type": "principled", "base_color": {"texture": "t"}, "metallic": 0.2, "roughness": 0.4},
        "glass": {"type": "dielectric", "roughness": 0.3},
        "metal": {"type": "mix", "first": {"type": "plastic"}, "second": {"type": "conductor", "roughness": 0.4}},
        "veil": {"type": "diffuse", "opacity": 0.5},
    }
    return _arranged(materials)


def _arranged(materials: Part) -> Scene:
    shapes = [
        quad("floor", "+y", (0, -1, 0), 3.0, material="floor"),
        body("ball", "cube", (-0.8, -0.4, 0), 0.45, 10, material="glass"),
        body("block", "cube", (0.8, -0.49, 0), 0.5, 25, material="metal"),
        quad("veil", "+z", (0, 0, 1), 0.4, material="veil"),
    ]
    lights = [
        {"type": "environment", "data": sky(), "scale": 0.3},
        {"type": "point", "position": [1, 1, 2], "intensity": [1, 1, 1]},
    ]
    view = camera((0, 1, 4), (0, -0.3, 0), size=32, type="thin_lens", aperture_radius=0.05, focus_distance=4)
    return scene(
        view,
        shapes,
        materials,
        textures={"t": {"data": checker()}},
        lights=lights,
        max_depth=6,
        rr_depth=3,
        film="tent",
    )


def _many_triangles() -> Scene:
    """A tree of some depth, seen by a distorted camera."""
    random = np.random.default_rng(1)
    shapes = [
        body(f"ball{i}", "sphere", random.uniform(-1, 1, 3).tolist(), 0.25, subdivisions=3, shading="flat")
        for i in range(8)
    ]
    view = camera((0, 0.5, 3.5), size=32, fov=45, distortion={"k1": -0.2, "p1": 0.01})
    return scene(view, shapes, lights=[{"type": "environment", "radiance": [1, 1, 1]}], sampler="sobol", max_depth=3)


SCENES: dict[str, Callable[[], Scene]] = {
    "cornell_box": lambda: cornell_box(camera((0, 0, 4.5), fov=38, size=32)),
    "shiny": _shiny,
    "many_triangles": _many_triangles,
    "every_material": _every_material,
}
QUICK = ("cornell_box", "shiny", "many_triangles")


def pictures(*names: str) -> dict[str, np.ndarray]:
    """Buffers of scenes, by scene and buffer."""
    return {
        f"{name}.{buffer}": image
        for name in names
        for buffer, image in render_buffers(SCENES[name](), NAMES, spp=32, seed=5).items()
    }


def drawn_on_vulkan(folder: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    return arrays_on_vulkan(
        folder, "from test_vulkan import pictures", f"pictures(*{names!r})", (Path(__file__).parent,)
    )


@pytest.fixture(scope="module")
def on_vulkan(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    return drawn_on_vulkan(tmp_path_factory.mktemp("vulkan"), QUICK)


@pytest.mark.parametrize("name", QUICK)
def test_vulkan_draws_what_the_cpu_draws(taichi: str, on_vulkan: dict[str, np.ndarray], name: str) -> None:
    assert_same(on_vulkan, name)


@pytest.mark.slow
def test_vulkan_draws_every_material(taichi: str, tmp_path: Path) -> None:
    assert_same(drawn_on_vulkan(tmp_path, ("every_material",)), "every_material")


def assert_same(on_vulkan: dict[str, np.ndarray], name: str) -> None:
    """Rounding may send single paths another way: pixels agree but for a few, means closely."""
    expected = pictures(name)
    for buffer in NAMES:
        ours, theirs = on_vulkan[f"{name}.{buffer}"], expected[f"{name}.{buffer}"]
        assert ours.shape == theirs.shape
        assert np.isfinite(ours).all()
        if buffer == "shape_id":
            assert np.mean(ours != theirs) < 0.01
            continue
        scale = float(np.abs(theirs).mean())
        assert float(ours.mean()) == pytest.approx(float(theirs.mean()), abs=0.005 * scale), buffer
        off = np.abs(ours - theirs) > 1e-3 * scale + 1e-2 * np.abs(theirs)
        assert np.mean(off) < 0.05, buffer
