"""The chain rule from fields to parameters, against differences of the fields' arrays; no picture is rendered."""

from typing import Any

import numpy as np
import pytest

import diffrt
from diffrt.device.upload import continuous
from diffrt.gradient.chain import target
from diffrt.gradient.normals import smooth_normals_adjoint
from diffrt.gradient.request import TERMS, make_request
from tests.gradient import scenes

pytestmark = pytest.mark.usefixtures("taichi")


def everything() -> dict[str, Any]:
    """Every kind of parameter that has a gradient."""
    scene = scenes.bumpy()
    scene["lights"] = [*scenes.POINT, {**scenes.SPOT[0], "name": "spot"},
                       {"name": "sun", "type": "directional", "direction": [0, -1, 0.3], "irradiance": [1, 1, 1]},
                       {"name": "sky", "type": "environment", "data": scenes.sky(),
                        "to_world": scenes.turned([1, 1, 0], 30)}]  # fmt: skip
    given = {"name": "given", "type": "mesh", "vertices": [[0, 0, 0], [1, 0, 0.1], [0, 1, 0.2]], "faces": [[0, 1, 2]],
             "normals": [[0, 0.1, 1], [0.2, 0, 1], [0, 0, 1]], "uvs": [[0, 0], [1, 0], [0, 1]],
             "material": "textured", "to_world": [{"scale": [1, -2, 0.5]}, scenes.turned([1, 2, 3], 40)]}  # fmt: skip
    scene["shapes"].append(given)
    scene["textures"]["veil"] = {"data": scenes.TEXTURE}
    scene["materials"]["veiled"] = {
        "type": "mix",
        "first": "metal",
        "second": "textured",
        "weight": 0.3,
        "opacity": {"texture": "veil"},
    }
    scene["shapes"].append({"name": "veiled", "type": "cube", "material": "veiled"})
    lens = {"type": "thin_lens", "aperture_radius": 0.1, "focus_distance": 2.0}
    placed = {**scenes.CAMERA, "name": "lens", "distortion": {"k1": 0.1}, **lens}
    parallel = {"name": "parallel", "type": "orthographic", "scale": 0.7, "width": 16, "height": 12}
    scene["cameras"] = [placed, parallel]
    del scene["camera"]
    return scene


def differentiable() -> list[str]:
    scene = diffrt.Scene.from_dict(everything())
    return [name for name, parameter in scene.parameters.items() if parameter.differentiable]


@pytest.mark.parametrize("name", differentiable())
def test_the_way_back_is_the_adjoint_of_the_way_forth(name: str) -> None:
    scene = diffrt.Scene.from_dict(everything())
    random = np.random.default_rng(0)
    for shape in ("shapes.floor", "shapes.given"):  # away from rest
        scene[f"{shape}.rotation"] = [0.3, -0.5, 0.2]
        scene[f"{shape}.scale"] = [1.2, 0.8, 1.1]
        scene[f"{shape}.translation"] = [0.1, 0.2, 0.3]
    scene["cameras.lens.rotation"] = [0.1, 0.2, -0.1]
    scene["lights.sky.rotation"] = [0.2, -0.4, 0.3]
    view = scene.camera(name.split(".")[1] if name.startswith("cameras.") else None)
    found = target(scene, view, name)
    start = scene[name].astype(np.float64)
    along = random.normal(size=start.shape)
    if name.endswith("to_world"):
        along[3] = 0.0
    step = 1e-3
    sides = []
    for sign in (1, -1):
        moved = scene.copy()
        moved[name] = start + sign * step * along
        arrays = continuous(moved, moved.camera(view.name))
        sides.append({field: np.asarray(arrays[field], dtype=np.float64) for field in arrays})
    changed = {key for key in sides[0] if not np.array_equal(sides[0][key], sides[1][key])}
    smooth = {"positions", "normals", "uvs", "material_values", "texels", "shape_emission", "delta_position",
              "delta_direction", "delta_intensity", "delta_angles", "environment_radiance", "environment_scale",
              "environment_to_local", "camera_to_world", "camera_intrinsics", "camera_distortion",
              "camera_lens"}  # fmt: skip
    assert changed & smooth <= set(found.fields)
    grads, difference = {}, 0.0
    for field in set(found.fields) | {"positions", "normals"}:
        shape = sides[0][field].shape
        grads[field] = random.normal(size=(*shape, 3) if field == "material_values" and len(shape) == 1 else shape)
        difference += float(np.sum(grads[field] * (sides[0][field] - sides[1][field]))) / (2 * step)
    result = found.pull(grads)
    assert result.shape == start.shape
    size = np.sqrt(np.sum(result**2) * np.sum(along**2)) + 1e-12
    assert float(np.sum(result * along)) == pytest.approx(difference, abs=2e-3 * size)


def test_smooth_normals() -> None:
    from diffrt.description.mesh import smooth_normals
    from diffrt.description.primitives import sphere

    mesh, random = sphere(1), np.random.default_rng(0)
    vertices = mesh.vertices + 0.1 * random.normal(size=mesh.vertices.shape)
    along, adjoint = random.normal(size=vertices.shape), random.normal(size=vertices.shape)
    h = 1e-6
    sides = [smooth_normals(vertices + sign * h * along, mesh.faces) for sign in (1, -1)]
    difference = np.sum(adjoint * (sides[0] - sides[1])) / (2 * h)
    product = np.sum(smooth_normals_adjoint(vertices, mesh.faces, adjoint) * along)
    assert product == pytest.approx(difference, rel=1e-6)


def test_what_has_no_gradient_says_so() -> None:
    scene = diffrt.Scene.from_dict(scenes.lit())
    image = np.zeros((12, 16, 3))
    for name in ("camera.nothing", "shapes.lamp.normals"):
        with pytest.raises(diffrt.InputError, match=name.replace(".", r"\.")):
            diffrt.render_backward(scene, image, [name], spp=1)
    with pytest.raises(diffrt.InputError, match="terms"):
        diffrt.render_backward(scene, image, [], terms=["exterior"])
    with pytest.raises(diffrt.InputError, match="image_gradient"):
        diffrt.render_backward(scene, image[1:], ["camera.fov"], spp=1)
    with pytest.raises(diffrt.InputError, match="depth"):
        diffrt.render_backward(scene, {"depth": image}, ["camera.fov"], spp=1)
    for buffer in ("shape_id", "variance", "masc"):
        with pytest.raises(diffrt.InputError, match=buffer):
            diffrt.render_backward(scene, {buffer: image[..., 0]}, ["camera.fov"], spp=1)
    with pytest.raises(diffrt.InputError, match=r"camera\.fov"):
        diffrt.render_forward(scene, {"camera.fov": np.ones(2)}, spp=1)


ROUND = {"type": "directional", "direction": [0.3, -1, 0], "irradiance": [0, 0, 0]}
DARK = {
    "lights.sun.irradiance": {"lights": [{"name": "sun", **ROUND}, {**ROUND, "name": "moon", "irradiance": 1.0}]},
    "lights.bulb.intensity": {
        "lights": [
            {"name": "bulb", "type": "point", "position": [1, 2, 0], "intensity": [0, 0, 0]},
            {"name": "other", "type": "point", "position": [0, 2, 0], "intensity": 1.0},
        ]
    },
    "lights.sky.radiance": {"lights": [{"name": "sky", "type": "environment", "radiance": [0, 0, 0]}]},
    "shapes.off.emission": {},
}


@pytest.mark.parametrize("name", DARK)
def test_a_light_that_is_off_has_a_derivative(name: str) -> None:
    """Beside others that are on, too: light is linear, so it is the picture when the light is on."""
    facing_down = {"rotate": {"axis": [1, 0, 0], "degrees": 90}}
    lamp = {"type": "rectangle", "emission": [0, 0, 0], "to_world": [facing_down, {"translate": [0, 1.5, 0]}]}
    on = {**lamp, "name": "on", "emission": 1.0, "to_world": [facing_down, {"translate": [3, 1.5, 0]}]}
    scene = diffrt.Scene.from_dict(
        {
            "camera": {"to_world": {"look_at": {"origin": [0, 2, 3], "target": [0, 0, 0]}}, "width": 16, "height": 12},
            "integrator": {"max_depth": 2},
            "shapes": [
                {"name": "floor", "type": "rectangle", "to_world": [facing_down, {"scale": [3, -3, 3]}]},
                *([{**lamp, "name": "off"}, on] if name.startswith("shapes") else []),
            ],
            **DARK[name],
        }
    )
    off = diffrt.render(scene, spp=256)
    weights = np.ones((12, 16, 3)) / off.size
    found = [diffrt.render_backward(scene, weights, [name], spp=64, seed=seed)[name].sum() for seed in range(8)]
    scene[name] = np.ones(3)
    change = (diffrt.render(scene, spp=1024, seed=1) - off).mean()
    assert change > 0.01
    assert np.mean(found) == pytest.approx(change, abs=3 * np.std(found) / np.sqrt(8) + 0.005 * change)


def test_a_black_surface_has_a_derivative() -> None:
    description = scenes.lit({"type": "diffuse", "albedo": [0.0, 0.0, 0.0]}, depth=2)
    scene = diffrt.Scene.from_dict(description)
    name = next(name for name in scene.parameters if name.endswith(".albedo") and "floor" in name)
    weights = np.ones((12, 16, 3)) / 576
    got = diffrt.render_backward(scene, weights, [name], spp=256)[name]
    scene[name] = [1.0, 1.0, 1.0]
    full = diffrt.render(scene, spp=1024, seed=1, max_depth=2).mean(axis=(0, 1)) / 3
    assert got == pytest.approx(full, rel=0.02)


def test_equal_seeds_of_picture_and_gradient_are_apart() -> None:
    request = make_request(diffrt.Scene.from_dict(scenes.lit()), None, None, None, None, 5, None, TERMS, 1, {}, 1024)
    assert request.gradient_seed != 5
