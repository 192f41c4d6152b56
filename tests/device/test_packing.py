"""Arrays reach the fields they are meant for, whichever way."""

import numpy as np
import pytest
import taichi as ti

from diffrt.device import packing
from diffrt.device.scene_fields import Capacity, SceneFields

pytestmark = pytest.mark.usefixtures("taichi")


@pytest.mark.parametrize("way", ["memory", "kernel"])
@pytest.mark.parametrize("gradients", [False, True])
def test_arrays_reach_their_fields(monkeypatch: pytest.MonkeyPatch, way: str, gradients: bool) -> None:
    if way == "kernel":
        monkeypatch.setattr(packing, "current_arch", lambda: "another")
    scene = SceneFields(Capacity(vertices=20).grown(), gradients)
    rng = np.random.default_rng(1)
    fields = [
        scene.positions, scene.uvs, scene.triangles, scene.triangle_shape, scene.far_strength,
        scene.environment_texture, scene.environment_scale, scene.environment_radiance, scene.camera_to_world,
        scene.film_size, scene.facet_rows[3],
    ]  # fmt: skip
    expected = []
    for field in fields:
        shape = (*field.shape, *_element(field))
        expected.append(rng.integers(-100, 100, shape).astype(np.float64))
    packing.write(scene, list(zip(fields, expected, strict=True)))
    part = rng.integers(-100, 100, (7, 3))
    packing.write(scene, [(scene.positions, part)])
    expected[0][:7] = part
    for field, values in zip(fields, expected, strict=True):
        assert np.array_equal(field.to_numpy(), values)


@pytest.mark.parametrize("way", ["memory", "kernel"])
def test_derivatives_are_taken_once(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    if way == "kernel":
        monkeypatch.setattr(packing, "current_arch", lambda: "another")
    scene = SceneFields(Capacity(vertices=20).grown(), True)
    scene.positions.fill(1.0)
    rng = np.random.default_rng(1)
    for field in (
        scene.positions, scene.uvs, scene.environment_radiance, scene.environment_scale, scene.camera_to_world,
    ):  # fmt: skip
        shape = (*field.shape, *_element(field))
        values = rng.integers(-100, 100, shape)
        if field.shape:
            field.grad.from_numpy(values.astype(np.float32))
        elif not shape:
            field.grad[None] = int(values)
        else:
            field.grad[None] = (ti.Matrix if values.ndim == 2 else ti.Vector)(values.tolist())
        assert np.array_equal(packing.take_grad(scene, field), values)
        assert not field.grad.to_numpy().any() and packing.take_grad(scene, field).shape == shape
    assert (scene.positions.to_numpy() == 1.0).all()


@ti.kernel
def _tell(field: ti.template(), addresses: ti.types.ndarray(dtype=ti.u64, ndim=1)):
    for _ in range(1):
        addresses[0] = ti.get_addr(field, ti.static([0] * len(field.shape)))


@pytest.mark.parametrize("gradients", [False, True])
def test_all_fields_are_found(gradients: bool) -> None:
    scene = SceneFields(Capacity(vertices=20).grown(), gradients)
    fields = [*scene.fields(), *(f.grad for f in scene.fields() if f.grad is not None and f.grad.snode.ptr is not None)]
    assert len(fields) > (60 if gradients else 40)
    address = np.zeros(1, np.uint64)
    for field in fields[:: 1 if gradients else 5]:
        _tell(field, address)
        assert packing._memory(scene)[id(field)].ctypes.data == int(address[0])


def _element(field: ti.Field) -> tuple[int, ...]:
    if not isinstance(field, ti.MatrixField):
        return ()
    return (field.n,) if field.ndim == 1 else (field.n, field.m)


def test_what_does_not_fit_is_refused() -> None:
    scene = SceneFields(Capacity().grown(), False)
    with pytest.raises(ValueError, match="broadcast"):
        packing.write(scene, [(scene.far_strength, np.zeros(1000))])
