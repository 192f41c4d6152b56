"""Slow, independent NumPy versions of what the BSDFs compute, in double precision."""

from collections.abc import Callable, Sequence

import numpy as np

Fresnel = Callable[[np.ndarray], np.ndarray]


def gauss(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of Gauss-Legendre quadrature on [0, 1]."""
    x, w = np.polynomial.legendre.leggauss(n)
    return (x + 1.0) / 2.0, w / 2.0


def fresnel(cos_i: np.ndarray, index: complex | np.ndarray) -> np.ndarray:
    """Reflectance of unpolarised light by complex arithmetic; index = (n + ik) / n_outside."""
    cos_i = np.asarray(cos_i, float)
    m = np.asarray(index, complex)
    cos_t = np.sqrt(1.0 - (1.0 - cos_i**2) / m**2)
    tiny = 1e-300
    r_s = (cos_i - m * cos_t) / (cos_i + m * cos_t + tiny)
    r_p = (m * cos_i - cos_t) / (m * cos_i + cos_t + tiny)
    return 0.5 * (np.abs(r_s) ** 2 + np.abs(r_p) ** 2)


def dielectric(eta: float) -> Fresnel:
    return lambda c: fresnel(c, eta)


def schlick_rise(c: np.ndarray) -> np.ndarray:
    return (1.0 - c) ** 5


def lossless(c: np.ndarray) -> np.ndarray:
    return np.ones_like(c)


def ggx_albedos(mu: float, alpha: float, fresnels: Sequence[Fresnel], n: int = 220) -> list[float]:
    """Share of the light at cosine mu that a GGX layer reflects, int F D G1 G1 / (4 mu) dwi, for several F.

    Quadrature over the square that draws visible normals: int F(wo.h) G1(wi) du.
    """
    phi, weight_phi = gauss(n)
    u, weight_u = gauss(n)
    phi, u = np.meshgrid(np.pi * phi, u, indexing="ij")
    weight = weight_phi[:, None] * weight_u
    wo = np.array([np.sqrt(max(1.0 - mu * mu, 0.0)), 0.0, mu])
    stretched = np.array([alpha * wo[0], 0.0, mu])
    stretched /= np.linalg.norm(stretched)
    below_pole = u * (1.0 + stretched[2])
    sine = np.sqrt(np.maximum(below_pole * (2.0 - below_pole), 0.0))
    h = np.stack(
        [
            alpha * (sine * np.cos(phi) + stretched[0]),
            alpha * sine * np.sin(phi),
            1.0 - below_pole + stretched[2],
        ],
        axis=-1,
    )
    h /= np.linalg.norm(h, axis=-1, keepdims=True)
    cosine = np.clip(h @ wo, 0.0, 1.0)
    z = 2.0 * cosine * h[..., 2] - mu
    up = z > 0.0
    shadowing = np.where(up, 2.0 * z / (z + np.sqrt(z * z + alpha * alpha * np.maximum(1.0 - z * z, 0.0))), 0.0)
    return [float((weight * shadowing * f(cosine)).sum()) for f in fresnels]


def sheen_lambda(c: np.ndarray, alpha: float) -> np.ndarray:
    """Lambda of Estevez and Kulla 2017."""
    t = (1.0 - alpha) ** 2
    pairs = (21.5473, 25.3245), (3.82987, 3.32435), (0.19823, 0.16801), (-1.97760, -1.27393), (-4.32054, -4.85967)
    a, b, p, d, e = (x + (y - x) * t for x, y in pairs)

    def exponent(x: np.ndarray) -> np.ndarray:
        return a / (1.0 + b * x**p) + d * x + e

    c = np.asarray(c, float)
    return np.where(c < 0.5, np.exp(exponent(c)), np.exp(2.0 * exponent(np.array(0.5)) - exponent(1.0 - c)))


def sheen(wo: np.ndarray, wi: np.ndarray, alpha: float) -> np.ndarray:
    """f_s of the Charlie sheen of colour one, without the cosine."""
    h = wo + wi
    h = h / np.linalg.norm(h, axis=-1, keepdims=True)
    sine = np.sqrt(np.maximum(1.0 - h[..., 2] ** 2, 0.0))
    density = (2.0 + 1.0 / alpha) * sine ** (1.0 / alpha) / (2.0 * np.pi)
    total = 1.0 + sheen_lambda(wo[..., 2], alpha) + sheen_lambda(wi[..., 2], alpha)
    return density / (total * 4.0 * wo[..., 2] * wi[..., 2])


def sheen_albedo(mu: float, roughness: float, n: int = 300) -> float:
    """Share of the light at cosine mu that the sheen of colour one reflects."""
    x, w = gauss(n)
    z, phi = np.meshgrid(x**3, np.pi * x, indexing="ij")
    weight = (w * 3.0 * x**2)[:, None] * w
    s = np.sqrt(1.0 - z * z)
    wi = np.stack([s * np.cos(phi), s * np.sin(phi), z], axis=-1)
    wo = np.array([np.sqrt(1.0 - mu * mu), 0.0, mu])
    return float(2.0 * np.pi * (weight * sheen(wo, wi, roughness**2) * z).sum())
