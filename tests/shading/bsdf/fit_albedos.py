"""A program that prints the constants of diffrt/shading/bsdf/albedo.py.

Each fit is a linear program: least mean and greatest deviation, under the constraint that the fit lies on the side
where a layer over a base never returns more light than came in.

    python tests/shading/bsdf/fit_albedos.py
"""

from itertools import product

import numpy as np
from bsdf_reference import dielectric, gauss, ggx_albedos, lossless, schlick_rise, sheen_albedo
from scipy.optimize import linprog

ETAS = (1.2, 1.33, 1.5, 1.8, 2.4)


def terms(degrees: tuple[int, ...], variables: tuple[np.ndarray, ...], factor: np.ndarray) -> np.ndarray:
    """Columns factor * v0^i v1^j ... with the last exponent fastest."""
    columns = []
    for exponents in product(*(range(d + 1) for d in degrees)):
        column = np.array(factor, float)
        for v, e in zip(variables, exponents, strict=True):
            column = column * v**e
        columns.append(column.ravel())
    return np.stack(columns, axis=1)


def fit_above(x: np.ndarray, y: np.ndarray, weight: np.ndarray, bound: float = 100.0) -> np.ndarray:
    """Coefficients c with x c >= y, least max + mean of the weighted excess, |c| <= bound."""
    scale = np.abs(x).max(axis=0)
    scaled, y, weight = x / scale, y.ravel(), weight.ravel()
    weighted = weight[:, None] * scaled
    result = linprog(
        np.append(weighted.mean(axis=0), 1.0),
        A_ub=np.block([[-scaled, np.zeros((len(y), 1))], [weighted, -np.ones((len(y), 1))]]),
        b_ub=np.append(-y, weight * y),
        bounds=[(-bound * s, bound * s) for s in scale] + [(0.0, None)],
    )
    return result.x[:-1] / scale


def show(name: str, coefficients: np.ndarray, degrees: tuple[int, ...]) -> None:
    values = np.char.mod("%.7g", coefficients).reshape([d + 1 for d in degrees]).tolist()
    print(f"{name} = {values}".replace("'", "").replace("[", "(").replace("]", ")"))


def excess(name: str, e: np.ndarray) -> None:
    print(f"# {name}: from {e.min():.5f} to {e.max():.5f}, mean {e.mean():.5f}")


def main() -> None:
    mu = np.concatenate([[0.002, 0.005, 0.01, 0.02, 0.035], np.linspace(0.055, 1.0, 26)])
    roughness = np.sqrt(0.001) + (1.0 - np.sqrt(0.001)) * np.linspace(0.0, 1.0, 19) ** 1.1
    fresnels = [lossless, schlick_rise, *(dielectric(e) for e in ETAS)]
    table = np.array([[ggx_albedos(m, r * r, fresnels) for m in mu] for r in roughness])
    r, m = np.meshgrid(roughness, mu, indexing="ij")
    s = m / np.sqrt(m * m + r**4)

    # Albedo without Fresnel: from above, so 1 - E from below.
    degrees = (3, 1, 3)
    x = terms(degrees, (r, m, s), 1.0 - s)
    loss = fit_above(-x, table[..., 0] - 1.0, np.ones_like(m))
    albedo = (1.0 - x @ loss).reshape(m.shape)
    show("_LOSS", loss, degrees)
    excess("albedo", albedo - table[..., 0])

    # The cosine whose Fresnel term stands for the mean over the visible normals: from below for every Fresnel.
    grid = np.linspace(1e-9, 1.0, 4001)
    limit = 1.0 - (table[..., 1] / albedo) ** 0.2
    for k, eta in enumerate(ETAS):
        curve = dielectric(eta)(grid)
        above = albedo[..., None] * curve >= table[..., 2 + k, None]
        limit = np.minimum(limit, np.where(above, grid, 0.0).max(axis=-1))
    f = dielectric(1.5)
    slope = np.maximum(100.0 * (f(limit) - f(np.minimum(limit + 0.01, 1.0))) + 1.5 * (1.0 - limit) ** 4, 0.02)
    degrees = (2, 1, 2)
    x = terms(degrees, (r, m, s), r)
    c = fit_above(-x, m - limit, slope)
    cosine = m + (x @ c).reshape(m.shape)
    show("_COSINE", c, degrees)
    for k, eta in enumerate(ETAS):
        e = albedo * dielectric(eta)(cosine) - table[..., 2 + k]
        excess(f"reflectance, index {eta}", e)
    excess("Schlick's rise", albedo * schlick_rise(cosine) - table[..., 1])

    # Mean transmittance of the rough coat over a cosine lobe, from above.
    # Variable: the amplitude (n-1)/(n+1) of the reflection at normal incidence, indices 1 to 3.
    nodes, weights = gauss(128)
    amplitude = np.linspace(0.0, 0.5, 26)
    rough = np.linspace(np.sqrt(0.001), 1.0, 33)
    mean = np.zeros((len(rough), len(amplitude)))
    for i, value in enumerate(rough):
        sn = nodes / np.sqrt(nodes**2 + value**4)
        e = 1.0 - terms((3, 1, 3), (value + 0 * sn, nodes, sn), 1.0 - sn) @ loss
        cm = nodes + terms((2, 1, 2), (value + 0 * sn, nodes, sn), value + 0 * sn) @ c
        for j, a in enumerate(amplitude):
            mean[i, j] = 1.0 - 2.0 * (weights * nodes * e * dielectric((1 + a) / (1 - a))(np.clip(cm, 0, 1))).sum()
    q, a = np.meshgrid(rough, amplitude, indexing="ij")
    degrees = (3, 4)
    x = terms(degrees, (q, a), np.ones_like(a))
    c = fit_above(x, mean, np.ones_like(a))
    show("_ROUGH_TRANSMITTANCE", c, degrees)
    excess("mean transmittance, rough", x @ c - mean.ravel())

    nodes, weights = gauss(400)
    amplitude = np.linspace(0.0, 0.5, 201)
    mean = np.array([1 - 2 * (weights * nodes * dielectric((1 + a) / (1 - a))(nodes)).sum() for a in amplitude])
    degrees = (7,)
    x = terms(degrees, (amplitude,), np.ones_like(amplitude))
    c = fit_above(x, mean, np.ones_like(amplitude))
    show("_SMOOTH_TRANSMITTANCE", c, degrees)
    excess("mean transmittance, smooth", x @ c - mean)

    # Sheen: the logarithm of its albedo, from above.
    mu = np.concatenate([[0.002, 0.01, 0.03], np.linspace(0.06, 1.0, 24)])
    rough = np.linspace(0.2, 1.0, 17)
    table = np.array([[sheen_albedo(m, q) for m in mu] for q in rough])
    q, m = np.meshgrid(rough, mu, indexing="ij")
    degrees = (3, 3)
    x = terms(degrees, (q, m), np.ones_like(m))
    c = fit_above(x, np.log(np.maximum(table, 3e-3)), np.maximum(table, 0.03))
    show("_SHEEN", c, degrees)
    excess("sheen", np.exp(x @ c) - table.ravel())


if __name__ == "__main__":
    main()
