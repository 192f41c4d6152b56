"""Gradients by materials beside those of Mitsuba 3's `prb`, which differentiates the same estimator in another way."""

import numpy as np
import pytest

import diffrt

mi = pytest.importorskip("mitsuba")

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("taichi")]
SIZE, SPP, RUNS = 32, 256, 6


def mitsuba_gradients(weights: np.ndarray) -> np.ndarray:
    """(runs, 3): derivatives by the albedo of the white walls of Mitsuba's own Cornell box."""
    if not any(name in mi.variants() for name in ("llvm_ad_rgb",)):
        pytest.skip("this Mitsuba has no variant with derivatives")
    try:
        mi.set_variant("llvm_ad_rgb")
    except Exception as error:
        pytest.skip(f"Mitsuba's LLVM mode does not start: {error}")
    import drjit as dr

    description = mi.cornell_box()
    description["sensor"]["film"].update(width=SIZE, height=SIZE, rfilter={"type": "box"})
    description["integrator"] = {"type": "prb", "max_depth": 6, "rr_depth": 100}
    scene = mi.load_dict(description)
    parameters = mi.traverse(scene)
    key = "white.reflectance.value"
    rows = []
    for seed in range(RUNS):
        dr.enable_grad(parameters[key])
        parameters.update()
        image = mi.render(scene, parameters, spp=SPP, seed=seed, seed_grad=100 + seed)
        dr.backward(dr.sum(image.array * mi.TensorXf(weights.astype(np.float32)).array))
        rows.append(np.array(dr.grad(parameters[key])).reshape(-1))
        dr.clear_grad(parameters[key])  # they add up otherwise
    return np.array(rows)


def test_albedo_of_the_cornell_box() -> None:
    y, x = np.meshgrid(np.linspace(0, 1, SIZE), np.linspace(0, 1, SIZE), indexing="ij")
    weights = (1.0 + 0.5 * np.sin(4 * x) * np.cos(3 * y))[:, :, None] * np.ones(3) / SIZE**2
    theirs = mitsuba_gradients(weights)
    scene = diffrt.load("scenes/cornell_box.json")
    scene.settings.rr_depth = 100
    ours = np.array(
        [
            diffrt.render_backward(
                scene, weights, ["materials.white.albedo"], SPP, seed, width=SIZE, height=SIZE, max_depth=6
            )["materials.white.albedo"]
            for seed in range(RUNS)
        ]
    )
    error = np.hypot(theirs.std(axis=0, ddof=1), ours.std(axis=0, ddof=1)) / np.sqrt(RUNS)
    gap = np.abs(theirs.mean(axis=0) - ours.mean(axis=0))
    assert (gap <= 3.0 * error + 0.005 * np.abs(ours.mean(axis=0))).all(), (theirs, ours)
