"""Mitsuba 3 renders the same scenes: means, blocks of 4x4 pixels and single pixels agree within their noise."""

from collections.abc import Callable

import numpy as np
import pytest
from agreement import Agreement, compare
from parts import body, camera, checker, cornell_box, quad, scene, sky

from diffrt.render.render import render
from diffrt.scene.scene import Scene

mi = pytest.importorskip("mitsuba", reason="the extra `peers` is not installed")

BATCHES = 16
SAMPLES = 16
FLOOR = quad("floor", "+y", (0, -1, 0), 3.0, material="floor")
GREY = {"type": "diffuse", "albedo": [0.5, 0.45, 0.4]}
LAMP = quad("lamp", "-y", (0.6, 2.5, 0.5), 0.7, emission=[9, 10, 11])
ABOVE = camera((0, 1.5, 4.5), (0, -0.4, 0), fov=42)


def _metals() -> Scene:
    materials = {
        "floor": GREY,
        "mirror": {"type": "conductor", "reflectance": [0.9, 0.8, 0.7]},
        "gold": {"type": "conductor", "roughness": 0.45, "eta": [0.14, 0.37, 1.44], "k": [3.98, 2.39, 1.6]},
        "rough": {"type": "conductor", "roughness": 0.8, "reflectance": [0.3, 0.6, 0.9]},
    }
    shapes = [
        FLOOR,
        LAMP,
        body("left", "sphere", (-1.3, -0.4, 0), 0.6, subdivisions=3, material="mirror"),
        body("middle", "sphere", (0, -0.4, 0.3), 0.6, subdivisions=3, material="gold"),
        body("right", "cube", (1.3, -0.48, 0), 0.5, 30, material="rough"),
    ]
    return scene(ABOVE, shapes, materials)


def _glass() -> Scene:
    materials = {
        "floor": GREY,
        "smooth": {"type": "dielectric", "ior": 1.5},
        "rough": {"type": "dielectric", "ior": 1.33, "exterior_ior": 1.1, "roughness": 0.5},
    }
    shapes = [
        FLOOR,
        quad("lamp", "-y", (0.3, 2.5, 0.5), 1.2, emission=[4, 4.5, 5]),
        body("ball", "sphere", (-0.7, -0.3, 0), 0.7, subdivisions=3, material="smooth"),
        body("block", "cube", (0.9, -0.45, 0.2), 0.5, 25, material="rough"),
    ]
    return scene(ABOVE, shapes, materials, max_depth=8)


def _plastics() -> Scene:
    materials = {
        "floor": GREY,
        "smooth": {"type": "plastic", "albedo": [0.7, 0.2, 0.1], "ior": 1.5, "roughness": 0.0},
        # A black base: Mitsuba's rough coat swallows light on its inside, up to 30 per cent of the diffuse part.
        "rough": {"type": "plastic", "albedo": 0.0, "ior": 1.6, "roughness": 0.5},
    }
    shapes = [
        FLOOR,
        LAMP,
        body("left", "sphere", (-0.8, -0.4, 0), 0.6, subdivisions=3, material="smooth"),
        body("right", "sphere", (0.8, -0.4, 0), 0.6, subdivisions=3, material="rough"),
    ]
    return scene(ABOVE, shapes, materials, lights=[{"type": "environment", "radiance": [0.3, 0.3, 0.4]}])


def _image_environment() -> Scene:
    materials = {
        "floor": GREY,
        "metal": {"type": "conductor", "roughness": 0.5, "reflectance": [0.9, 0.8, 0.7]},
    }
    shapes = [
        FLOOR,
        body("left", "sphere", (-0.8, -0.4, 0), 0.6, subdivisions=3, material="floor"),
        body("right", "sphere", (0.8, -0.4, 0), 0.6, subdivisions=3, material="metal"),
    ]
    turns = [{"rotate": {"axis": [1, 0.3, 0.2], "degrees": 40}}, {"rotate": {"axis": [0, 1, 0], "degrees": 75}}]
    light = {"type": "environment", "data": sky(), "scale": 0.8, "to_world": turns}
    return scene(camera((0, 0.6, 4.5), (0, 0.2, 0), fov=60), shapes, materials, lights=[light])


def _principled_metal() -> Scene:
    materials = {
        "floor": GREY,
        "metal": {"type": "principled", "base_color": [0.9, 0.6, 0.3], "metallic": 1.0, "roughness": 0.5},
    }
    shapes = [FLOOR, LAMP, body("ball", "sphere", (0, -0.2, 0), 0.8, subdivisions=3, material="metal")]
    return scene(ABOVE, shapes, materials, lights=[{"type": "environment", "radiance": [0.3, 0.4, 0.5]}])


def _delta_lights() -> Scene:
    lights = [
        {"type": "environment", "radiance": [0.1, 0.12, 0.2]},
        {"type": "point", "position": [-1.5, 1.0, 1.5], "intensity": [3, 2, 1]},
        {"type": "spot", "position": [1.5, 2.0, 1.0], "direction": [-0.6, -1, -0.4], "intensity": [6, 8, 10],
         "cutoff": 30, "falloff_start": 12},
        {"type": "directional", "direction": [0.5, -1, -0.7], "irradiance": [0.6, 0.5, 0.4]},
    ]  # fmt: skip
    shapes = [FLOOR, body("block", "cube", (0.1, -0.48, 0), 0.5, 30, material="floor")]
    return scene(ABOVE, shapes, {"floor": GREY}, lights=lights)


def _textures() -> Scene:
    data = checker()
    textures = {
        f"{wrap}_{kind}": {"data": data, "wrap": wrap, "filter": kind}
        for wrap in ("repeat", "clamp", "mirror")
        for kind in ("bilinear", "nearest")
    }
    textures["glow"] = {"data": 6.0 * checker(5, 3, 7) ** 3, "wrap": "clamp", "filter": "bilinear"}
    textures["gloss"] = {"data": 0.25 + 0.5 * checker(4, 4, 8)[..., :1]}
    materials = {name: {"type": "diffuse", "albedo": {"texture": name}} for name in list(textures)[:6]}
    corners = [[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]
    shapes = [
        {
            "name": f"tile{i}", "type": "mesh", "vertices": corners, "faces": [[0, 1, 2], [0, 2, 3]],
            "uvs": [[-1.3, -0.8], [2.2, -0.6], [1.9, 2.4], [-0.7, 1.8]], "material": name,
            "to_world": [{"scale": 0.45}, {"translate": [(i % 3) - 1.0, (i // 3) - 0.5, 0]}],
        }
        for i, name in enumerate(materials)
    ]  # fmt: skip
    shapes.append(quad("glow", "-z", (0.2, 0.2, 2.2), [1.2, 0.8, 1], emission={"texture": "glow"}))
    materials["back"] = {"type": "diffuse", "albedo": 0.3}
    shapes.append(quad("back", "+z", (0, 0, -0.5), 4, material="back"))
    return scene(camera((0, 0, 2.1), fov=75, size=(60, 44)), shapes, materials, textures=textures)


def _thin_lens() -> Scene:
    return cornell_box(
        camera((0.4, 0.2, 3.5), type="thin_lens", fov=40, aperture_radius=0.2, focus_distance=3.2, size=(56, 40))
    )


def _see_through() -> Scene:
    """Mitsuba counts passing a surface as a segment: paths are so long that it does not matter. And it drops what it
    gathered on a masked surface if the path then passes into nothing: the faint sky leaves no nothing."""
    mask = np.random.default_rng(2).uniform(0, 1, (5, 5, 1)).astype(np.float32)
    materials = {
        "floor": GREY,
        "blend": {"type": "mix", "first": GREY, "second": {"type": "conductor", "roughness": 0.5}, "weight": 0.3},
        "half": {"type": "diffuse", "albedo": [0.8, 0.2, 0.2], "opacity": 0.4},
        "mask": {"type": "diffuse", "albedo": [0.2, 0.3, 0.8], "opacity": {"texture": "mask"}},
        "air": {"type": "null"},
    }
    shapes = [
        FLOOR,
        quad("lamp", "-y", (0.6, 2.5, 0.5), 1.5, emission=[3, 3.5, 4]),
        quad("half", "+z", (-0.9, 0, 0.6), 0.6, material="half"),
        quad("mask", "+y", (0.5, 0.4, 0.2), 0.8, material="mask"),
        body("air", "cube", (0, 0.6, 0), 1.5, material="air"),
        body("ball", "sphere", (0.3, -0.5, 0), 0.5, subdivisions=2, material="blend"),
    ]
    lights = [{"type": "environment", "radiance": [0.04, 0.05, 0.06]}]
    textures = {"mask": {"data": mask, "filter": "nearest"}}
    view = camera((0, 1.5, 4.5), (0, -0.4, 0), type="orthographic", scale=2.2, size=(56, 40))
    return scene(view, shapes, materials, lights=lights, textures=textures, max_depth=30)


def _bumps() -> Scene:
    map_ = np.random.default_rng(4).uniform([0.35, 0.35, 0.8], [0.65, 0.65, 1.0], (8, 8, 3)).astype(np.float32)
    materials = {
        "floor": {**GREY, "normal_map": "bumps"},
        "gloss": {"type": "conductor", "roughness": 0.6, "normal_map": "bumps"},
    }
    corners = [[-2, -1, 1], [2, -1, 1.5], [2.5, -0.8, -2], [-2, -1, -1.5]]
    floor = {"name": "floor", "type": "mesh", "vertices": corners, "faces": [[0, 1, 2], [0, 2, 3]],
             "uvs": [[0, 0], [1, 0.2], [1.3, 1.1], [-0.1, 0.9]], "material": "floor"}  # fmt: skip
    shapes = [floor, LAMP, body("ball", "sphere", (0, -0.3, 0), 0.7, subdivisions=3, material="gloss")]
    return scene(ABOVE, shapes, materials, textures={"bumps": {"data": map_, "encoding": "linear"}}, max_depth=3)


def _many_lights() -> Scene:
    random = np.random.default_rng(11)
    shapes = [FLOOR, body("ball", "sphere", (0, -0.3, 0), [0.7, 0.6, -0.5], subdivisions=2, material="floor")]
    for i in range(40):
        at = random.uniform([-2, -0.5, -1.5], [2, 1.2, 1.5])
        shapes.append(
            body(
                f"lamp{i}", "cube", at.tolist(), float(random.uniform(0.02, 0.06)), float(random.uniform(0, 90)),
                emission=(random.uniform(0, 1, 3) ** 3 * 60).tolist(),
            )
        )  # fmt: skip
    return scene(ABOVE, shapes, {"floor": GREY}, max_depth=4)


def _one_sided() -> Scene:
    """One-sided surfaces and lamps, also in mirrored frames."""
    materials = {
        "floor": {**GREY, "two_sided": False},
        "one": {"type": "conductor", "roughness": 0.5, "two_sided": False},
    }
    shapes = [
        FLOOR,
        quad("away", "-z", (-1, 0, -0.5), 0.7, material="floor"),
        quad("towards", "+z", (0.6, 0, -0.5), 0.7, material="one"),
        quad("mirrored", "+z", (-0.2, 0.3, 1.0), [-0.3, 0.3, 1], emission=[5, 4, 3]),
        body("inside_out", "sphere", (1.2, -0.3, 0.4), [0.4, -0.4, 0.4], subdivisions=2, emission=[2, 3, 4]),
    ]
    return scene(ABOVE, shapes, materials, max_depth=4)


def _shifted(film: str) -> Callable[[], Scene]:
    def build() -> Scene:
        intrinsics = {"fx": 60.0, "fy": 60.0, "cx": 31.0, "cy": 13.5}
        return cornell_box(camera((0, 0, 4.5), size=(56, 40), intrinsics=intrinsics), film=film)

    return build


SCENES: dict[str, Callable[[], Scene]] = {
    "cornell_box": cornell_box,
    "metals": _metals,
    "glass": _glass,
    "plastics": _plastics,
    "image_environment": _image_environment,
    "principled_metal": _principled_metal,
    "delta_lights": _delta_lights,
    "textures": _textures,
    "thin_lens": _thin_lens,
    "see_through": _see_through,
    "bumps": _bumps,
    "many_lights": _many_lights,
    "one_sided": _one_sided,
    "principal_point": _shifted("box"),
    "tent_filter": _shifted("tent"),
    "gaussian_filter": _shifted("gaussian"),
}


def side_by_side(name: str, samples: int) -> Agreement:
    mi.set_variant("scalar_rgb")
    from benchmarks.mitsuba_scene import to_mitsuba

    ours_scene = SCENES[name]()
    their_scene = mi.load_dict(to_mitsuba(ours_scene))
    ours = np.stack([render(ours_scene, spp=samples, seed=seed) for seed in range(BATCHES)])
    theirs = np.stack([np.array(mi.render(their_scene, spp=samples, seed=seed)) for seed in range(BATCHES)])
    return compare(ours, theirs, samples)


@pytest.mark.parametrize("name", SCENES)
def test_agrees_with_mitsuba(taichi: str, name: str) -> None:
    agreement = side_by_side(name, SAMPLES)
    assert agreement.precision < 0.02, "too noisy to see anything"
    assert agreement.problems() == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_agrees_closely_with_mitsuba(taichi: str, name: str) -> None:
    """Ten times the samples: a third of the noise."""
    assert side_by_side(name, 10 * SAMPLES).problems() == []


def test_a_wrong_picture_is_seen(taichi: str) -> None:
    """Two per cent too bright, or shifted by a tenth of a pixel: the comparison must notice."""
    ours = np.stack([render(cornell_box(), spp=SAMPLES, seed=seed) for seed in range(BATCHES)])
    right = np.stack([render(cornell_box(), spp=SAMPLES, seed=100 + seed) for seed in range(BATCHES)])
    assert compare(ours, right, SAMPLES).problems() == []
    assert compare(ours, 1.02 * right, SAMPLES).problems() != []
    moved = cornell_box(camera((0, 0, 4.5), size=48, intrinsics={"fx": 69.7, "fy": 69.7, "cx": 24.3, "cy": 24.0}))
    shifted = np.stack([render(moved, spp=SAMPLES, seed=100 + seed) for seed in range(BATCHES)])
    assert compare(ours, shifted, SAMPLES).problems() != []
