"""The fits of albedos against quadrature: never below (or energy is made), and no further above than they state."""

import numpy as np
import pytest
import taichi as ti
from bsdf_reference import dielectric, gauss, ggx_albedos, lossless, schlick_rise, sheen_albedo

from diffrt.shading.bsdf import albedo

pytestmark = pytest.mark.usefixtures("taichi")
# Cosines and roughnesses between those that the fits were made of.
MU = np.array([0.03, 0.11, 0.23, 0.37, 0.52, 0.68, 0.83, 0.97])
ROUGHNESS = np.array([0.035, 0.13, 0.25, 0.41, 0.59, 0.77, 0.96])
SLACK = 5e-4
"""Quadrature, single precision, and what the fits do between their grid points."""


@ti.kernel
def _ggx(mu: ti.f32, roughness: ti.f32) -> ti.math.vec2:
    e, c = albedo.ggx(albedo.ggx_fit(roughness), mu)
    return ti.math.vec2(e, c)


@ti.kernel
def _mean_transmittance(ior: ti.f32, roughness: ti.f32) -> ti.f32:
    return albedo.mean_transmittance(ior, roughness)


@ti.kernel
def _sheen(mu: ti.f32, roughness: ti.f32) -> ti.f32:
    return albedo.sheen(mu, roughness)


def test_ggx() -> None:
    for roughness in ROUGHNESS:
        for mu in MU:
            e, c = _ggx(mu, roughness)
            fresnels = [lossless, schlick_rise, dielectric(1.25), dielectric(1.5), dielectric(2.2)]
            truth = ggx_albedos(mu, roughness**2, fresnels, n=160)
            found = [e * float(f(np.array(c))) for f in fresnels]
            assert -SLACK <= found[0] - truth[0] <= 0.01, (mu, roughness)
            for a, b in zip(found[1:], truth[1:], strict=True):
                assert -SLACK <= a - b <= (0.02 if mu > 0.15 else 0.06), (mu, roughness, a, b)


@pytest.mark.parametrize("ior", [1.0, 1.2, 1.5, 2.0, 2.9])
def test_mean_transmittance_of_a_smooth_coat(ior: float) -> None:
    mu, weight = gauss(400)
    truth = 1.0 - 2.0 * float((weight * mu * dielectric(ior)(mu)).sum())
    assert -2e-6 <= _mean_transmittance(ior, 0.0) - truth <= 3e-4


@pytest.mark.parametrize("ior", [1.2, 1.5, 2.0, 2.9])
@pytest.mark.parametrize("roughness", [0.05, 0.3, 0.65, 0.95])
def test_mean_transmittance_of_a_rough_coat(ior: float, roughness: float) -> None:
    """The fits agree with each other: 2 int (1 - E F(c)) mu dmu."""
    mu, weight = gauss(48)
    e, c = np.array([list(_ggx(float(m), roughness)) for m in mu]).T
    truth = 1.0 - 2.0 * float((weight * mu * e * dielectric(ior)(c)).sum())
    assert -SLACK <= _mean_transmittance(ior, roughness) - truth <= 5e-3


@pytest.mark.slow
def test_sheen() -> None:
    for roughness in (0.2, 0.33, 0.52, 0.74, 1.0):
        for mu in MU:
            assert -2e-3 <= _sheen(mu, roughness) - sheen_albedo(mu, roughness) <= 0.075, (mu, roughness)
