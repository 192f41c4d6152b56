"""Fresnel terms against complex arithmetic in double precision and against values from textbooks."""

import numpy as np
import pytest
import taichi as ti
from bsdf_reference import fresnel as reference
from taichi.math import vec3

from diffrt.shading.bsdf import fresnel


@ti.kernel
def _dielectric(
    cosines: ti.types.ndarray(dtype=ti.f32, ndim=1), eta: ti.f32,
    reflectance: ti.types.ndarray(dtype=ti.f32, ndim=1), transmitted: ti.types.ndarray(dtype=ti.f32, ndim=1),
):  # fmt: skip
    for i in range(cosines.shape[0]):
        r, c = fresnel.dielectric(cosines[i], eta)
        reflectance[i] = r
        transmitted[i] = c


@ti.kernel
def _conductor(
    cosines: ti.types.ndarray(dtype=ti.f32, ndim=1), eta: vec3, k: vec3,
    reflectance: ti.types.ndarray(dtype=vec3, ndim=1),
):  # fmt: skip
    for i in range(cosines.shape[0]):
        reflectance[i] = fresnel.conductor(cosines[i], eta, k)


@ti.kernel
def _rise(cosine: ti.f32) -> ti.f32:
    return fresnel.schlick_rise(cosine)


def dielectric(cosines: object, eta: float) -> tuple[np.ndarray, np.ndarray]:
    c = np.atleast_1d(np.asarray(cosines, np.float32))
    r, t = np.zeros_like(c), np.zeros_like(c)
    _dielectric(c, eta, r, t)
    return r, t


def conductor(cosines: object, eta: object, k: object) -> np.ndarray:
    c = np.atleast_1d(np.asarray(cosines, np.float32))
    out = np.zeros((len(c), 3), np.float32)
    _conductor(c, vec3(*np.broadcast_to(eta, 3)), vec3(*np.broadcast_to(k, 3)), out)
    return out


pytestmark = pytest.mark.usefixtures("taichi")
COSINES = np.concatenate([[1e-4, 1e-3], np.linspace(0.01, 1.0, 200)])


@pytest.mark.parametrize("eta", [1.0001, 1.1, 1.33, 1.5, 2.4, 1 / 1.33, 1 / 1.5, 0.3])
def test_dielectric_matches_complex_arithmetic(eta: float) -> None:
    r, t = dielectric(COSINES, eta)
    expected = reference(COSINES.astype(np.float32), np.float32(eta))
    # cos_t is a root: rounding by 6e-8 under it moves the reflectance by up to its square root at the critical angle.
    near = np.abs(1.0 - (1.0 - COSINES**2) / eta**2) < 1e-3
    assert np.allclose(r[~near], expected[~near], atol=2e-5)
    assert np.allclose(r, expected, atol=2e-3)
    sine_t = np.sqrt(1.0 - COSINES**2) / eta
    assert np.all((t == 0.0) == (sine_t >= 1.0))
    assert np.allclose(t, np.sqrt(np.maximum(1.0 - sine_t**2, 0.0)), atol=1e-3)


def test_normal_incidence() -> None:
    for eta in (1.33, 1.5, 2.0, 0.5):
        assert dielectric(1.0, eta)[0][0] == pytest.approx(((eta - 1) / (eta + 1)) ** 2, rel=1e-5)


def test_brewster_angle_reflects_only_s() -> None:
    """At tan(theta) = n, R_p = 0, and half of R_s = ((n^2 - 1) / (n^2 + 1))^2 is left."""
    n = 1.5
    cosine = 1.0 / np.sqrt(1.0 + n * n)
    assert dielectric(cosine, n)[0][0] == pytest.approx(0.5 * ((n * n - 1) / (n * n + 1)) ** 2, rel=1e-5)


def test_total_reflection_beyond_the_critical_angle() -> None:
    critical = np.arcsin(1 / 1.5)
    assert np.all(dielectric(np.cos(critical + np.array([0.001, 0.1, 0.5])), 1 / 1.5)[0] == 1.0)
    assert np.all(dielectric(np.cos(critical - np.array([0.01, 0.1, 0.5])), 1 / 1.5)[0] < 0.8)


def test_no_interface_reflects_nothing() -> None:
    assert np.all(dielectric(COSINES, 1.0)[0] == 0.0)


@pytest.mark.parametrize(
    ("eta", "k"),
    [((0.143, 0.375, 1.442), (3.983, 2.386, 1.603)), ((0.05, 0.04, 0.03), (4.2, 3.4, 2.4)), (1.5, 0.0), (0.7, 0.0)],
)
def test_conductor_matches_complex_arithmetic(eta: object, k: object) -> None:
    eta, k = np.broadcast_to(eta, 3), np.broadcast_to(k, 3)
    r = conductor(COSINES, eta, k)
    expected = np.stack([reference(COSINES, n + 1j * q) for n, q in zip(eta, k, strict=True)], axis=1)
    critical = (np.abs(1.0 - (1.0 - COSINES[:, None] ** 2) / eta**2) < 2e-2) & (k == 0.0)
    assert np.allclose(r[~critical], expected[~critical], atol=3e-5)
    assert np.all((r >= 0.0) & (r <= 1.0 + 1e-6))


def test_gold_at_normal_incidence() -> None:
    """((n - 1)^2 + k^2) / ((n + 1)^2 + k^2)."""
    n, k = np.array([0.143, 0.375, 1.442]), np.array([3.983, 2.386, 1.603])
    assert np.allclose(conductor(1.0, n, k)[0], ((n - 1) ** 2 + k**2) / ((n + 1) ** 2 + k**2), atol=1e-6)


def test_schlick() -> None:
    assert _rise(1.0) == 0.0
    assert _rise(0.0) == 1.0
    assert _rise(0.5) == pytest.approx(1.0 / 32.0)
