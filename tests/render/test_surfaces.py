"""Sides, masks, normals and transforms of surfaces, in pictures."""

from typing import Any

import numpy as np
import pytest
from estimates import estimate
from parts import Part, body, camera, quad, scene

from diffrt.description import primitives
from diffrt.render.render import render, render_buffers
from diffrt.scene.scene import Scene

SUN = {"type": "directional", "direction": [0, 0, -1], "irradiance": [np.pi, np.pi, np.pi]}
BACK_SUN = {**SUN, "direction": [0, 0, 1]}
SKY = {"type": "environment", "radiance": [1.0, 1.0, 1.0]}
WHITE = {"type": "diffuse", "albedo": 1.0}
FRONT = camera((0, 0, 2), size=4, fov=10)
BEHIND = camera((0, 0, -2), size=4, fov=10)


# Sides


@pytest.mark.parametrize("kind", ["diffuse", "conductor", "plastic", "principled"])
def test_one_sided_surfaces_are_black_from_behind(taichi: str, kind: str) -> None:
    material = {"type": kind, "roughness": 0.5} if kind != "diffuse" else {"type": kind}
    for two_sided in (True, False):
        shapes = [quad("sheet", material={**material, "two_sided": two_sided})]
        front = render(scene(FRONT, shapes, lights=[SKY]), spp=16)
        back = render(scene(BEHIND, shapes, lights=[SKY]), spp=16)
        assert front.min() > 0.05
        assert (back.min() > 0.05) == two_sided
        assert (back.max() == 0.0) == (not two_sided)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("two_sided", [False, True])
def test_lamps_shine_on_the_side_of_their_normal(taichi: str, two_sided: bool, mirrored: bool) -> None:
    """Also where a negative scale turns the winding round."""
    scale = [-1, 1, 1] if mirrored else [1, 1, 1]
    shapes = [quad("lamp", scale=scale, emission=[1, 2, 3], two_sided_emission=two_sided)]
    assert np.allclose(render(scene(FRONT, shapes), spp=2), [1, 2, 3])
    assert np.allclose(render(scene(BEHIND, shapes), spp=2), [1, 2, 3] if two_sided else [0, 0, 0])


def test_a_flipped_rectangle_shines_the_other_way(taichi: str) -> None:
    """A scale of -1 along its normal mirrors the normal with the surface."""
    shapes = [quad("lamp", scale=[1, 1, -1], emission=[1, 2, 3])]
    assert np.allclose(render(scene(FRONT, shapes), spp=2), [0, 0, 0])
    assert np.allclose(render(scene(BEHIND, shapes), spp=2), [1, 2, 3])


@pytest.mark.parametrize("kind", ["cube", "sphere", "cylinder"])
@pytest.mark.parametrize("scale", [[1, 1, 1], [-1, 1, 1], [-1, -1, 1], [-0.5, -1, -2]], ids=str)
def test_bodies_shine_outwards_whatever_the_scale(taichi: str, kind: str, scale: list[float]) -> None:
    shapes = [body("lamp", kind, scale=scale, emission=[1, 1, 1])]
    outside = render_buffers(scene(camera((0.3, 5, 2), size=16, fov=40), shapes), ["radiance", "mask"], spp=4)
    if kind == "cylinder":  # open: its inside may be seen, and is dark
        assert outside["radiance"][..., 0].sum() > 0.5 * outside["mask"].sum()
    else:
        assert np.allclose(outside["radiance"][..., 0], outside["mask"], atol=1e-6)
    inside = render(scene(camera((0.1, 0.1, 0.2), (1, 0.2, 0.3), size=8), shapes), spp=4)
    assert inside.max() == 0.0


# Light that passes


@pytest.mark.parametrize("opacity", [0.0, 0.3, 1.0])
def test_opacity_shares_what_is_seen(taichi: str, opacity: float) -> None:
    shapes = [
        quad("veil", at=(0, 0, 0.5), material={"type": "diffuse", "albedo": 0.5, "opacity": opacity}),
        quad("glow", at=(0, 0, -1), scale=3, emission=[2, 2, 2]),
    ]
    result = estimate(scene(FRONT, shapes, lights=[SUN]), spp=64)
    # The veil sees the sun and, on its back, the glow: front lit 0.5, and light of the glow does not come through it.
    assert result.deviation(opacity * 0.5 + (1 - opacity) * 2.0) < 4
    buffers = render_buffers(scene(FRONT, shapes[:1]), ["mask", "depth"], spp=1024)
    assert buffers["mask"].mean() == pytest.approx(opacity, abs=4 * np.sqrt(0.25 / 16 / 1024))


@pytest.mark.parametrize("light", ["sun", "lamp", "sky"])
def test_opacity_casts_a_shadow_of_its_own(taichi: str, light: str) -> None:
    """Three veils one behind another let (1 - 0.3)^3 of the light through, by light samples and by chance hits."""
    veils = [
        quad(f"veil{i}", "+y", (0, 1 + 0.2 * i, 0), 50, material={"type": "diffuse", "albedo": 0.0, "opacity": 0.3})
        for i in range(3)
    ]
    floor = quad("floor", "+y", scale=0.1, material=WHITE)
    view = camera((0, 0.5, 0.3), (0, 0, 0), size=2, fov=1)
    lights: dict[str, tuple[list[Part], list[Part]]] = {
        "sun": ([], [{**SUN, "direction": [0, -1, 0]}]),
        "lamp": ([quad("lamp", "-y", (0, 2, 0), 1, emission=[5, 5, 5])], []),
        "sky": ([], [SKY]),
    }
    shapes, more = lights[light]
    clear = estimate(scene(view, [floor, *shapes], lights=more, max_depth=2), spp=512)
    veiled = estimate(scene(view, [floor, *veils, *shapes], lights=more, max_depth=2), spp=512)
    expected = 0.7**3 * clear.mean
    error = np.hypot(0.7**3 * clear.error, veiled.error) + 1e-6 * expected
    assert np.all(np.abs(veiled.mean - expected) < 4 * error)
    assert np.all(error < 0.02 * expected)


def test_null_shapes_are_not_there(taichi: str) -> None:
    floor = quad("floor", "+y", (0, -1, 0), 3, material=WHITE)
    lamp = quad("lamp", "-y", (0, 2, 0), 0.5, emission=[5, 5, 5])
    air = body("air", "cube", (0, 0.2, 0), 1.1, 10, material={"type": "null"})
    view = camera((0, 1, 4), size=12)
    without, inside = (estimate(scene(view, [floor, lamp, *more], max_depth=3), spp=128) for more in ([], [air]))
    assert np.all(np.abs(without.mean - inside.mean) < 4 * np.hypot(without.error, inside.error))
    assert render_buffers(scene(view, [air]), ["mask"], spp=4)["mask"].max() == 0.0


def test_mixed_shadows(taichi: str) -> None:
    """Both what is lit and what is in between are mixes: the two choices are independent of each other."""
    half = {"type": "mix", "first": {"type": "diffuse", "albedo": 0.0}, "second": {"type": "null"}, "weight": 0.5}
    floor = {"type": "mix", "first": {"type": "diffuse", "albedo": 0.2}, "second": {"type": "diffuse", "albedo": 0.8}}
    shapes = [
        quad("floor", material={**floor, "weight": 0.5}),
        *(quad(f"veil{i}", at=(0, 0, 1 + i), material=half) for i in (0, 1)),
    ]
    view = camera((0, 0, 0.5), size=4, fov=10)
    result = estimate(scene(view, shapes, lights=[SUN], max_depth=2), spp=1024)
    assert result.deviation(0.5 * 0.25) < 4
    assert result.precision() < 0.02


def test_opacity_of_a_mix(taichi: str) -> None:
    """It multiplies that of the halves, for what is seen and for shadows, nested too."""
    inner = {"type": "mix", "first": {"type": "diffuse", "albedo": 0.0, "opacity": 0.5}, "second": {"type": "null"}}
    veil = {"type": "mix", "first": {**inner, "opacity": 0.6, "weight": 0.3}, "second": WHITE, "weight": 0.4}
    there = 0.8 * (0.6 * 0.6 * 0.7 * 0.5 + 0.4)
    sheet = quad("veil", at=(0, 0, 1), material={**veil, "opacity": 0.8})
    mask = render_buffers(scene(FRONT, [sheet]), ["mask"], spp=1024)["mask"].mean()
    assert mask == pytest.approx(there, abs=4 * np.sqrt(0.25 / 16 / 1024))
    floor = quad("floor", material=WHITE)
    result = estimate(scene(camera((0, 0, 0.5), size=4, fov=10), [floor, sheet], lights=[SUN], max_depth=2), spp=16)
    assert np.allclose(result.mean, 1.0 - there, atol=1e-4)  # shadows are weighed: without noise


@pytest.mark.parametrize("see", ["directly", "on the floor"])
def test_a_masked_lamp_gives_its_share(taichi: str, see: str) -> None:
    """A lamp of opacity 0.25 shines a quarter as bright, whichever way the light is found."""
    lamp = {"type": "diffuse", "albedo": 0.0, "opacity": 0.25}
    shapes = [quad("lamp", "-y", (0, 1, 0), 1.5, material=lamp, emission=[4, 4, 4])]
    view = camera((0, 0.1, 0), (0, 1, 0), (1, 0, 0), size=2, fov=1)
    solid = [{**shapes[0], "material": {**lamp, "opacity": 1.0}}]
    if see != "directly":
        floor = [quad("floor", "+y", scale=0.1, material=WHITE)]
        shapes, solid = shapes + floor, solid + floor
        view = camera((0, 0.5, 0.3), (0, 0, 0), size=2, fov=1)
    faint, full = (estimate(scene(view, s, max_depth=2), spp=1024) for s in (shapes, solid))
    error = np.hypot(faint.error, 0.25 * full.error) + 1e-6
    assert np.all(np.abs(faint.mean - 0.25 * full.mean) < 4 * error)
    assert np.all(error < 0.02 * full.mean)


# Normals


@pytest.mark.parametrize(("kind", "largest"), [("given", 1e-4), ("smooth", 0.01), ("flat", 0.15)])
def test_normals_of_a_sphere(taichi: str, kind: str, largest: float) -> None:
    """Given normals are interpolated as they are; those made from the triangles come close; flat ones do not."""
    if kind == "given":
        mesh = primitives.sphere(3)
        arrays = {"vertices": mesh.vertices, "faces": mesh.faces, "normals": mesh.vertices}
        ball = body("ball", "mesh", (0.3, -0.2, 0.1), 0.8, **arrays)
    else:
        ball = body("ball", "sphere", (0.3, -0.2, 0.1), 0.8, subdivisions=3, shading=kind)
    view = camera((0, 0, 4), size=32, fov=22)
    buffers = render_buffers(scene(view, [ball]), ["normal", "position", "mask"], spp=1)
    inside = buffers["mask"] > 0
    radial = (buffers["position"][inside] - [0.3, -0.2, 0.1]) / 0.8
    radial /= np.linalg.norm(radial, axis=1, keepdims=True)
    error = np.linalg.norm(buffers["normal"][inside] - radial, axis=1)
    assert error.max() < largest
    assert (error.max() > 0.02) == (kind == "flat")


def test_normals_follow_an_uneven_scale(taichi: str) -> None:
    """Normals of an ellipsoid by the inverse transpose, mirrored ones too."""
    scale = np.array([0.9, -0.5, 0.7])
    ball = body("ball", "sphere", scale=scale.tolist(), subdivisions=4)
    buffers = render_buffers(scene(camera((1, 2, 4), size=32, fov=22), [ball]), ["normal", "position", "mask"], spp=1)
    inside = buffers["mask"] > 0
    gradient = buffers["position"][inside] / scale**2
    gradient /= np.linalg.norm(gradient, axis=1, keepdims=True)
    assert np.linalg.norm(buffers["normal"][inside] - gradient, axis=1).max() < 5e-3


def _map(normal: Any) -> np.ndarray:
    normal = np.asarray(normal, float) / np.linalg.norm(normal)
    return np.tile(0.5 * (normal + 1), (2, 2, 1)).astype(np.float32)


def _mapped(shape: Part, normal: Any, view: Part) -> np.ndarray:
    textures = {"bump": {"data": _map(normal), "encoding": "linear"}}
    shape = {**shape, "material": {"type": "diffuse", "normal_map": "bump"}}
    return render_buffers(scene(view, [shape], textures=textures), ["normal"], spp=1)["normal"]


def test_a_flat_normal_map_changes_nothing(taichi: str) -> None:
    for shape in (body("ball", "sphere", subdivisions=2), body("box", "cube", turned=30)):
        view = camera((0, 1, 4), size=16, fov=35)
        plain = render_buffers(scene(view, [shape]), ["normal"], spp=1)["normal"]
        assert np.allclose(_mapped(shape, [0, 0, 1], view), plain, atol=1e-4)


def test_a_tilted_normal_map(taichi: str) -> None:
    """In the frame of dp/du and n x s: red along growing u, green along growing v."""
    tilt = np.array([0.3, 0.5, 1.0]) / np.linalg.norm([0.3, 0.5, 1.0])
    assert np.allclose(_mapped(quad("a"), tilt, FRONT), tilt, atol=1e-5)
    # Turned by 90 degrees about Y: u runs along -Z, v along Y, the normal is +X.
    side = _mapped(quad("a", "+x"), tilt, camera((2, 0, 0), size=4, fov=10))
    assert np.allclose(side, [tilt[2], tilt[1], -tilt[0]], atol=1e-5)
    # Skewed uvs: only the direction of dp/du counts, made orthogonal to the normal.
    skewed = {"name": "a", "type": "mesh", "vertices": [[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]],
              "faces": [[0, 1, 2], [0, 2, 3]], "uvs": [[0, 0], [0, 2], [-1, 2.7], [-1, 0.7]]}  # fmt: skip
    edges = np.array([[2.0, 0.0], [0.0, 2.0]])  # of the parallelogram, in x and y
    uv_edges = np.array([[0.0, 2.0], [-1.0, 0.7]])
    du = np.linalg.solve(uv_edges, edges)[0]
    s = np.array([*du, 0]) / np.linalg.norm(du)
    t = np.cross([0, 0, 1], s)
    assert np.allclose(_mapped(skewed, tilt, FRONT), tilt[0] * s + tilt[1] * t + [0, 0, tilt[2]], atol=1e-5)


def test_a_tilted_normal_map_shades(taichi: str) -> None:
    """The cosine is that of the tilted normal."""
    for degrees in (0.0, 30.0, 60.0):
        a = np.radians(degrees)
        textures = {"bump": {"data": _map([np.sin(a), 0, np.cos(a)]), "encoding": "linear"}}
        sheet = quad("sheet", material={**WHITE, "normal_map": "bump"})
        picture = render(scene(FRONT, [sheet], lights=[SUN], textures=textures, max_depth=2), spp=2)
        assert np.allclose(picture, np.cos(a), atol=1e-4)


# Transforms


def test_transforms_apply_first_to_last(taichi: str) -> None:
    steps = {
        "t": {"translate": [1, 0, 0]},
        "r": {"rotate": {"axis": [0, 0, 1], "degrees": 90}},
        "s": {"scale": [2, 1, 1]},
    }
    centres = {"trs": [0, 1], "srt": [1, 0], "rts": [2, 0], "str": [0, 1], "tsr": [0, 2], "rst": [1, 0]}
    for order, expected in centres.items():
        shape = {"name": "dot", "type": "cube", "to_world": [{"scale": 0.1}, *(steps[k] for k in order)]}
        view = camera((0, 0, 5), type="orthographic", scale=3, size=48)
        buffers = render_buffers(scene(view, [shape]), ["position", "mask"], spp=16)
        centre = buffers["position"].sum(axis=(0, 1)) / buffers["mask"].sum()
        assert np.allclose(centre[:2], expected, atol=0.05), order


def test_motions_turn_about_the_centre(taichi: str) -> None:
    """translation, rotation and scale act after to_world, about the centre of the shape as loaded."""
    built = scene(
        camera((0, 0, 5), type="orthographic", scale=3, size=48),
        [{"name": "bar", "type": "cube", "to_world": [{"scale": [0.5, 0.1, 0.1]}, {"translate": [1, 0.5, 0]}]}],
    )
    built["shapes.bar.rotation"] = np.array([0, 0, np.pi / 2])
    built["shapes.bar.translation"] = np.array([-0.5, 0, 0])
    built["shapes.bar.scale"] = np.array([1.0, 2.0, 1.0])
    buffers = render_buffers(built, ["position", "mask"], spp=16)
    seen = buffers["position"][buffers["mask"] == 1.0]
    assert np.allclose(seen[:, :2].mean(axis=0), [0.5, 0.5], atol=0.03)
    # Long along x, scaled by two across, then turned: 0.4 wide and 1 high.
    pixel = 6.0 / 48
    assert buffers["mask"].sum() * pixel**2 == pytest.approx(0.4, rel=0.05)
    assert np.ptp(seen[:, 1]) == pytest.approx(1.0, abs=1.5 * pixel)


def test_two_sided_glass_keeps_its_inside(taichi: str) -> None:
    """An index of one: the ball is not there, from either side of its surface."""
    ball = body("ball", "sphere", subdivisions=2, material={"type": "dielectric", "ior": 1.0})
    wall = quad("wall", at=(0, 0, -2), scale=5, emission=[1, 2, 3])
    for origin in ((0, 0, 3), (0, 0, 0.2)):
        assert np.allclose(render(scene(camera(origin, (0, 0, -1), size=8), [ball, wall]), spp=4), [1, 2, 3], rtol=1e-5)


def test_a_mix_has_the_normal_maps_of_its_halves(taichi: str) -> None:
    """The same map on a plain material, on both halves of a mix, and on the mix itself gives the same picture."""
    mean = {}
    for name, material in {
        "plain": {"type": "diffuse", "albedo": 0.7, "normal_map": "tilt"},
        "halves": {"type": "mix", "first": "bent", "second": "bent", "weight": 0.5},
        "mix": {"type": "mix", "first": "even", "second": "even", "weight": 0.5, "normal_map": "tilt"},
        "none": {"type": "diffuse", "albedo": 0.7},
    }.items():
        made = Scene.from_dict({
            "camera": {"to_world": {"look_at": {"origin": [0, 0, 4], "target": [0, 0, 0]}}, "width": 8, "height": 8},
            "textures": {"tilt": {"data": np.full((2, 2, 3), [0.8, 0.5, 0.9], np.float32)}},
            "materials": {
                "used": material,
                "bent": {"type": "diffuse", "albedo": 0.7, "normal_map": "tilt"},
                "even": {"type": "diffuse", "albedo": 0.7},
            },
            "shapes": [{"type": "rectangle", "material": "used"}],
            "lights": [{"type": "directional", "direction": [-1, 0, -1], "irradiance": 1.0}],
        })  # fmt: skip
        mean[name] = float(render(made, spp=4)[2:6, 2:6].mean())
    assert mean["halves"] == pytest.approx(mean["plain"], rel=1e-5)
    assert mean["mix"] == pytest.approx(mean["plain"], rel=1e-5)
    tilted = np.array([0.6, 0.0, 0.8])
    assert mean["plain"] == pytest.approx(0.7 / np.pi * tilted @ [2**-0.5, 0, 2**-0.5], rel=1e-4)
    assert mean["none"] == pytest.approx(0.7 / np.pi * 2**-0.5, rel=1e-4)
