"""Which model acts, and what surfaces show from behind."""

import numpy as np
import pytest
import taichi as ti
from bsdf_harness import Bench, Setting, direction, sphere
from taichi.math import vec2

from diffrt.shading.bsdf import dispatch

N = 4096
BACK = np.array([1.0, 1.0, -1.0])


@pytest.fixture(scope="module")
def bench(taichi: str) -> Bench:
    return Bench(gradients=False)


@ti.kernel
def _resolve(
    scene: ti.template(), features: ti.template(), material: ti.i32,
    u: ti.types.ndarray(dtype=ti.f32, ndim=1), chosen: ti.types.ndarray(dtype=ti.i32, ndim=1),
    rest: ti.types.ndarray(dtype=ti.f32, ndim=1),
):  # fmt: skip
    for i in range(u.shape[0]):
        m, r = dispatch.resolve_mix(scene, features, material, vec2(0.0), u[i])
        chosen[i] = m
        rest[i] = r


def resolve(bench: Bench, u: np.ndarray, material: int = 0) -> tuple[np.ndarray, np.ndarray]:
    u = u.astype(np.float32)
    chosen, rest = np.zeros(len(u), np.int32), np.zeros(len(u), np.float32)
    _resolve(bench.scene, bench.features, material, u, chosen, rest)
    return chosen, rest


def test_nested_mix_chooses_by_weight_and_leaves_uniform_numbers(bench: Bench) -> None:
    """0 = mix(1, 2; 0.25), 2 = mix(3, 4; 0.6): shares 0.75, 0.25 * 0.4, 0.25 * 0.6. A grid of u has no noise."""
    mixes = Setting("mix", {"weight": 0.25}), Setting("mix", {"weight": 0.6})
    leaves = [Setting("diffuse", {"albedo": a}) for a in (0.1, 0.2, 0.3)]
    bench.load(mixes[0], leaves[0], mixes[1], leaves[1], leaves[2], children={0: (1, 2), 2: (3, 4)})
    chosen, rest = resolve(bench, (np.arange(N) + 0.5) / N)
    for material, share in ((1, 0.75), (3, 0.1), (4, 0.15)):
        mine = np.sort(rest[chosen == material])
        assert abs(len(mine) / N - share) <= 2.0 / N
        uniform = (np.arange(len(mine)) + 0.5) / len(mine)
        assert np.abs(mine - uniform).max() < 2.0 / len(mine)
    assert rest.min() >= 0.0 and rest.max() < 1.0


@pytest.mark.parametrize(("weight", "expected"), [(0.0, 1), (1.0, 2)])
def test_weights_at_the_ends_choose_one(bench: Bench, weight: float, expected: int) -> None:
    bench.load(Setting("mix", {"weight": weight}), Setting("diffuse"), Setting("conductor"), children={0: (1, 2)})
    assert np.all(resolve(bench, np.linspace(0.0, 0.9999999, N))[0] == expected)


def test_what_is_no_mix_stays(bench: Bench) -> None:
    bench.load(Setting("diffuse"), Setting("conductor"))
    chosen, rest = resolve(bench, np.array([0.0, 0.5]), material=1)
    assert np.all(chosen == 1) and np.all(rest == [0.0, 0.5])


OPAQUE = [
    Setting("diffuse"),
    Setting("conductor", {"roughness": 0.4}),
    Setting("plastic"),
    Setting("principled", {"roughness": 0.4, "transmission": 0.5}),
]


@pytest.mark.parametrize("setting", OPAQUE, ids=str)
def test_the_back_mirrors_the_front(bench: Bench, setting: Setting) -> None:
    bench.load(setting)
    rng = np.random.default_rng(10)
    wo, wi = sphere(rng, 500), sphere(rng, 500)
    front, back = bench.evaluate(wo, wi), bench.evaluate(wo * BACK, wi * BACK)
    assert front[0].max() > 0.0
    assert np.array_equal(front[0], back[0]) and np.array_equal(front[1], back[1])
    u = rng.random((500, 3), dtype=np.float32)
    a, b = bench.sample(wo, u), bench.sample(wo * BACK, u)
    assert np.array_equal(a.wi[a.valid] * BACK.astype(np.float32), b.wi[b.valid])
    assert np.array_equal(a.weight, b.weight)


@pytest.mark.parametrize("setting", OPAQUE[:3], ids=str)
def test_one_sided_materials_are_black_from_behind(bench: Bench, setting: Setting) -> None:
    bench.load(Setting(setting.type, setting.values, two_sided=False))
    wo, wi = direction(30.0), direction(50.0)
    assert bench.evaluate(wo, wi)[0].max() > 0.0
    assert bench.evaluate(wo * BACK, wi * BACK)[0].max() == 0.0
    assert bench.evaluate(wo * BACK, wi * BACK)[1].max() == 0.0
    assert bench.sample(wo * BACK, np.full((1, 3), 0.3)).weight.max() == 0.0


def test_one_sided_does_not_blacken_what_light_passes_through(bench: Bench) -> None:
    bench.load(
        Setting("principled", {"transmission": 0.5}, two_sided=False), Setting("dielectric", {}, two_sided=False),
        Setting("null", {}, two_sided=False), Setting("principled", {}, two_sided=False),
    )  # fmt: skip
    weights = [bench.sample(-direction(30.0), np.full((1, 3), 0.6), material=m).weight.max() for m in range(4)]
    assert min(weights[:3]) > 0.0
    assert weights[3] == 0.0


def test_glass_keeps_its_sides_apart(bench: Bench) -> None:
    bench.load(Setting("dielectric"))
    u = np.full((1, 3), 0.9)
    assert bench.sample(direction(0.0), u).eta[0] == pytest.approx(1.5)
    assert bench.sample(-direction(0.0), u).eta[0] == pytest.approx(1.0 / 1.5)


def test_null_passes_everything(bench: Bench) -> None:
    bench.load(Setting("null"))
    for wo in (direction(20.0), -direction(20.0)):
        drawn = bench.sample(wo, np.full((1, 3), 0.5))
        assert np.allclose(drawn.wi[0], -wo, atol=1e-7)
        assert drawn.delta[0] and np.all(drawn.weight == 1.0) and drawn.eta[0] == 1.0


def test_models_of_one_scene_do_not_disturb_each_other(bench: Bench) -> None:
    """A kernel with all models gives what kernels with one model give."""
    every = [*OPAQUE, Setting("dielectric", {"roughness": 0.5}), Setting("null")]
    wo, wi = sphere(np.random.default_rng(11), 300), sphere(np.random.default_rng(12), 300)
    bench.load(*every)
    together = [bench.evaluate(wo, wi, material=i) for i in range(len(every))]
    for i, setting in enumerate(every):
        bench.load(setting)
        for a, b in zip(together[i], bench.evaluate(wo, wi), strict=True):
            assert np.allclose(a, b, rtol=1e-4, atol=1e-6)


def test_fields_with_gradients_give_the_same_values(bench: Bench) -> None:
    """Layers that a scene lacks are left out of a plain render, but kept where their derivative counts."""
    wo, wi = sphere(np.random.default_rng(13), 300), sphere(np.random.default_rng(14), 300)
    other = Bench(gradients=True)
    for values in ({"metallic": 1.0}, {}, {"clearcoat": 0.5}, {"sheen_color": 0.5}, {"transmission": 0.5}):
        setting = Setting("principled", values)
        for a, b in zip(bench.load(setting).evaluate(wo, wi), other.load(setting).evaluate(wo, wi), strict=True):
            assert np.allclose(a, b, rtol=1e-4, atol=1e-6)
