"""Scenes for tests, and what makes two of them equal."""

import numpy as np
import pytest

from diffrt.scene.scene import Scene

TRIANGLE = {"type": "mesh", "vertices": [[0, 0, 0], [1, 0, 0], [0, 1, 0]], "faces": [[0, 1, 2]]}


def scene_of(**parts):
    return Scene.from_dict(parts)


def assert_equal(first: Scene, second: Scene) -> None:
    """Same elements under the same names, same world placement, same arrays."""
    assert first.settings == second.settings and first.several_cameras == second.several_cameras
    for group in ("cameras", "shapes", "materials", "textures", "lights"):
        assert list(getattr(first, group)) == list(getattr(second, group)), group
    for a, b in zip(first.shapes.values(), second.shapes.values(), strict=True):
        assert (a.smooth, a.has_given_normals, a.material) == (b.smooth, b.has_given_normals, b.material)
        assert a.world_matrix() == pytest.approx(b.world_matrix())
        for key in ("vertices", "faces", "uvs", "uv_faces"):
            old, new = getattr(a.mesh, key), getattr(b.mesh, key)
            assert (old is None and new is None) or np.array_equal(old, new), (a.name, key)
        if a.mesh.normals is not None:
            old, new = a.mesh.normals[a.mesh.normal_faces], b.mesh.normals[b.mesh.normal_faces]
            assert old == pytest.approx(new, abs=1e-12)
        assert same(a.emission, b.emission) and a.two_sided_emission == b.two_sided_emission
    for a, b in zip(first.materials.values(), second.materials.values(), strict=True):
        assert (a.type, a.two_sided, a.normal_map) == (b.type, b.two_sided, b.normal_map)
        assert (a.first, a.second) == (b.first, b.second) and same(a.opacity, b.opacity)
        assert list(a.fields) == list(b.fields) and all(same(a.fields[key], b.fields[key]) for key in a.fields)
    for a, b in zip(first.textures.values(), second.textures.values(), strict=True):
        assert np.array_equal(a.data, b.data) and (a.wrap, a.filter) == (b.wrap, b.filter)
    for a, b in zip(first.lights.values(), second.lights.values(), strict=True):
        assert a.type == b.type and list(a.fields) == list(b.fields)
        assert all(a.fields[key] == pytest.approx(b.fields[key], rel=1e-15) for key in a.fields)
        assert same(a.image, b.image) and a.to_world == pytest.approx(b.to_world)
    for a, b in zip(first.cameras.values(), second.cameras.values(), strict=True):
        assert a.world_matrix() == pytest.approx(b.world_matrix())
        for key in ("type", "width", "height", "fov_axis", "aperture_radius", "focus_distance", "scale", "near", "far"):
            assert getattr(a, key) == getattr(b, key), key
        assert same(a.fov, b.fov) and same(a.intrinsics, b.intrinsics) and same(a.distortion, b.distortion)


def same(first, second) -> bool:
    if isinstance(first, np.ndarray):
        return isinstance(second, np.ndarray) and np.array_equal(first, second)
    return first == second


def write_png(path, value=128):
    from diffrt.io.images import write_image

    write_image(path, np.full((2, 2, 3), value, dtype=np.uint8), encoding="srgb")
