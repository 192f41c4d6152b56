"""Values and densities against Mitsuba 3, direction by direction.

Conventions: its wi is our wo and its wo our wi; its alpha is our roughness squared; its eval holds the cosine as ours
does, and its radiance scales by 1/eta^2 on transmission as ours does. Its default air has index 1.000277: set to 1.
Expected differences: its fdr_int is a fit, off by up to 0.4 per cent. Under its rough coat, light that the microfacets
mask after refraction is lost, so the base of its roughplastic is darker than ours: by 4 per cent at roughness 0.2 and
normal incidence, 18 at 0.4, 75 at 0.7.
"""

from typing import Any

import numpy as np
import pytest
from bsdf_harness import Bench, Setting, direction, sphere

mi: Any = pytest.importorskip("mitsuba")

WO = [direction(a, 20.0) for a in (0.0, 25.0, 50.0, 80.0)]
INSIDE = [direction(a, 20.0) for a in (100.0, 130.0, 165.0)]


@pytest.fixture(scope="module")
def bench(taichi: str) -> Bench:
    mi.set_variant("scalar_rgb")
    return Bench(gradients=False)


def rgb(value: object) -> dict[str, object]:
    return {"type": "rgb", "value": [float(v) for v in np.broadcast_to(value, 3)]}


def compare(
    bench: Bench, setting: Setting, scene_dict: dict[str, Any], *, wo_list: list[np.ndarray], rtol: float,
    pdf_rtol: float | None,
) -> None:  # fmt: skip
    """Uniform directions and sampled ones, all compared relatively, apart from values far below the brightest."""
    bsdf = mi.load_dict(scene_dict)
    context = mi.BSDFContext()
    bench.load(setting)
    rng = np.random.default_rng(8)
    for wo in wo_list:
        wo = wo.astype(np.float32)
        drawn = bench.sample(wo, rng.random((60, 3), dtype=np.float32))
        wi = np.concatenate([sphere(rng, 60), drawn.wi[drawn.valid & ~drawn.delta]]).astype(np.float32)
        si = mi.SurfaceInteraction3f()
        si.wi = [float(x) for x in wo]
        theirs = np.array([bsdf.eval(context, si, [float(x) for x in w]) for w in wi])
        their_pdf = np.array([bsdf.pdf(context, si, [float(x) for x in w]) for w in wi])
        value, pdf = bench.evaluate(wo, wi)
        # Our frame mirrors opaque materials; Mitsuba's are black from behind.
        assert np.count_nonzero(theirs) > 100
        assert np.allclose(value, theirs, rtol=rtol, atol=1e-6 * theirs.max()), np.abs(value / theirs - 1.0).max()
        if pdf_rtol is not None:
            assert np.allclose(pdf, their_pdf, rtol=pdf_rtol, atol=1e-6 * their_pdf.max())


def test_diffuse(bench: Bench) -> None:
    albedo = (0.2, 0.5, 0.9)
    compare(
        bench, Setting("diffuse", {"albedo": albedo}), {"type": "diffuse", "reflectance": rgb(albedo)},
        wo_list=WO, rtol=1e-5, pdf_rtol=1e-5,
    )  # fmt: skip


@pytest.mark.parametrize("roughness", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("measured", [False, True])
def test_rough_conductor(bench: Bench, roughness: float, measured: bool) -> None:
    eta, k = (0.143, 0.375, 1.442), (3.983, 2.386, 1.603)
    values: dict[str, object] = {"roughness": roughness, "reflectance": (0.9, 0.7, 0.5)}
    theirs: dict[str, Any] = {
        "type": "roughconductor", "distribution": "ggx", "alpha": roughness**2,
        "specular_reflectance": rgb((0.9, 0.7, 0.5)),
    }  # fmt: skip
    if measured:
        values |= {"eta": eta, "k": k}
        theirs |= {"eta": rgb(eta), "k": rgb(k)}
    else:
        theirs["material"] = "none"
    compare(bench, Setting("conductor", values), theirs, wo_list=WO, rtol=2e-4, pdf_rtol=2e-4)


@pytest.mark.parametrize("roughness", [0.3, 0.6, 1.0])
@pytest.mark.parametrize("ior", [(1.5, 1.0), (1.0, 1.33), (2.0, 1.2)])
def test_rough_dielectric(bench: Bench, roughness: float, ior: tuple[float, float]) -> None:
    compare(
        bench,
        Setting("dielectric", {"roughness": roughness, "ior": ior[0], "exterior_ior": ior[1]}),
        {"type": "roughdielectric", "distribution": "ggx", "alpha": roughness**2, "int_ior": ior[0], "ext_ior": ior[1]},
        wo_list=WO + INSIDE, rtol=5e-4, pdf_rtol=5e-4,
    )  # fmt: skip


@pytest.mark.parametrize("ior", [1.3, 1.5, 1.9])
def test_smooth_plastic(bench: Bench, ior: float) -> None:
    albedo = (0.2, 0.5, 0.9)
    compare(
        bench,
        Setting("plastic", {"albedo": albedo, "ior": ior, "roughness": 0.0}),
        {"type": "plastic", "diffuse_reflectance": rgb(albedo), "int_ior": ior, "ext_ior": 1.0, "nonlinear": False},
        wo_list=WO, rtol=4e-3, pdf_rtol=1e-3,
    )  # fmt: skip


def rough_plastic(roughness: float, albedo: object, coat: float = 1.0) -> dict[str, Any]:
    return {
        "type": "roughplastic", "distribution": "ggx", "alpha": roughness**2, "diffuse_reflectance": rgb(albedo),
        "specular_reflectance": rgb(coat), "int_ior": 1.5, "ext_ior": 1.0, "nonlinear": False,
    }  # fmt: skip


@pytest.mark.parametrize("roughness", [0.2, 0.4, 0.7])
def test_coat_of_rough_plastic(bench: Bench, roughness: float) -> None:
    compare(
        bench, Setting("plastic", {"albedo": 0.0, "roughness": roughness}), rough_plastic(roughness, 0.0),
        wo_list=WO, rtol=3e-4, pdf_rtol=None,
    )  # fmt: skip


def test_base_of_rough_plastic(bench: Bench) -> None:
    """What lies under a coat of small roughness, away from grazing angles."""
    bsdf = mi.load_dict(rough_plastic(0.1, 0.5, coat=0.0))
    for wo in WO[:3]:
        for angle in (5.0, 30.0, 60.0):
            wi = direction(angle, 130.0).astype(np.float32)
            si = mi.SurfaceInteraction3f()
            si.wi = [float(x) for x in wo]
            theirs = bsdf.eval(mi.BSDFContext(), si, [float(x) for x in wi])[0]
            whole = bench.load(Setting("plastic", {"albedo": 0.5, "roughness": 0.1})).evaluate(wo, wi)[0][0, 0]
            coat = bench.load(Setting("plastic", {"albedo": 0.0, "roughness": 0.1})).evaluate(wo, wi)[0][0, 0]
            assert whole - coat == pytest.approx(theirs, rel=0.04)


@pytest.mark.parametrize("wo", WO + INSIDE)
def test_smooth_dielectric(bench: Bench, wo: np.ndarray) -> None:
    """Direction, weight and eta of both lobes of `dielectric`, chosen by the same random number."""
    bsdf = mi.load_dict({"type": "dielectric", "int_ior": 1.5, "ext_ior": 1.0})
    bench.load(Setting("dielectric"))
    u = np.random.default_rng(9).random((40, 3), dtype=np.float32)
    drawn = bench.sample(wo, u)
    si = mi.SurfaceInteraction3f()
    si.wi = [float(x) for x in wo]
    for i in range(len(u)):
        theirs, weight = bsdf.sample(mi.BSDFContext(), si, float(u[i, 0]), [0.5, 0.5])
        assert np.allclose(drawn.wi[i], np.array(theirs.wo), atol=2e-6)
        assert np.allclose(drawn.weight[i], np.array(weight), rtol=1e-5)
        assert drawn.eta[i] == pytest.approx(theirs.eta, rel=1e-5)
        assert drawn.delta[i]


def test_smooth_conductor(bench: Bench) -> None:
    eta, k = (0.143, 0.375, 1.442), (3.983, 2.386, 1.603)
    bsdf = mi.load_dict({"type": "conductor", "eta": rgb(eta), "k": rgb(k)})
    bench.load(Setting("conductor", {"eta": eta, "k": k}))
    for wo in WO:
        drawn = bench.sample(wo, np.array([[0.5, 0.5, 0.5]]))
        si = mi.SurfaceInteraction3f()
        si.wi = [float(x) for x in wo]
        theirs, weight = bsdf.sample(mi.BSDFContext(), si, 0.5, [0.5, 0.5])
        assert np.allclose(drawn.wi[0], np.array(theirs.wo), atol=1e-6)
        assert np.allclose(drawn.weight[0], np.array(weight), rtol=1e-4)
