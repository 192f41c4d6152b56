"""Differentiated: how much of the light a rough layer reflects in all directions, as fits.

What a layer lies on may only scatter the rest. tests/shading/bsdf/fit_albedos.py computes the constants. Reflectances
are fitted from above and transmittances over a cosine lobe as well, so a layered material never makes energy; the
price is a loss. Sizes of the errors, mean and greatest over mu and roughness:

- albedo of GGX without Fresnel term: 0.002, 0.007.
- reflectance with the exact Fresnel term, ior 1.2 to 2.4: 0.007, 0.04 (the greatest below mu = 0.15; 0.018 beyond);
  with Schlick's (1 - cos)^5: 0.006, 0.056.
- mean transmittance, ior 1 to 3: rough 0.0014, 0.004; smooth 0.0001, 0.0002.
- sheen, roughness 0.2 to 1: 0.011, 0.07.
"""

import taichi as ti

_LOSS = (
    ((0.05708182, 0.4810184, -1.243199, 1.811975), (-16.13142, -100.0, 71.26494, 42.67645)),
    ((-0.06745584, -1.842054, 5.133648, -4.090501), (76.70772, 85.75879, -69.59808, -100.0)),
    ((0.2237133, 23.84242, 94.81173, -75.32823), (35.03041, -46.07648, -41.35848, 90.07631)),
    ((0.1733206, -100.0, -72.64071, 94.31464), (-17.27372, 36.08069, -18.87295, -15.94232)),
)
_COSINE = (
    ((0.2556224, -0.6818019, 0.3974961), (-4.013957, 6.035831, -2.834344)),
    ((1.000253, 4.777282, -4.447629), (16.33725, -20.47708, 5.660956)),
    ((-0.8184613, -11.28243, 9.698261), (-5.319334, 6.840874, -2.995866)),
)
_ROUGH_TRANSMITTANCE = (
    (0.9992064, -0.586452, 1.27947, -3.951042, 3.151247),
    (0.02659985, 0.03353756, -3.17943, 11.47268, -12.52226),
    (-0.04830282, 2.240698, -4.247639, -0.2157178, 7.3104),
    (0.02372002, -1.735579, 5.777047, -7.071271, 1.937122),
)
_SMOOTH_TRANSMITTANCE = (1.0, -0.6142551, 2.419839, -14.86273, 48.86226, -96.0425, 100.0, -42.38226)
_SHEEN = (
    (1.113688, -11.99895, 3.588322, -0.9439582),
    (-6.245477, 32.07814, -5.964582, -5.860751),
    (9.545086, -39.20584, 10.35308, 9.648011),
    (-4.449531, 16.57809, -6.418644, -3.626017),
)
_MIN_ROUGHNESS = 0.03162278
"""Square root of the least alpha of the GGX lobe."""
_MAX_AMPLITUDE = 0.5
"""(ior - 1) / (ior + 1) at the end of the fits, ior 3."""


@ti.func
def _polynomial_1(c: ti.template(), x: ti.f32) -> ti.f32:
    """sum_i c[i] x^i."""
    total = 0.0
    for i in ti.static(range(len(c) - 1, -1, -1)):
        total = total * x + c[i]
    return total


@ti.func
def _polynomial_2(c: ti.template(), x: ti.f32, y: ti.f32) -> ti.f32:
    """sum_ij c[i][j] x^i y^j."""
    total = 0.0
    for i in ti.static(range(len(c) - 1, -1, -1)):
        total = total * x + _polynomial_1(c[i], y)
    return total


_LOSS_OF_R = tuple(tuple(c[j][k] for c in _LOSS) for j in range(2) for k in range(4))
_COSINE_OF_R = tuple(tuple(c[j][k] for c in _COSINE) for j in range(2) for k in range(3))
_Loss = ti.types.vector(8, ti.f32)
_Cosine = ti.types.vector(6, ti.f32)


@ti.dataclass
class GgxFit:
    """The fits of a GGX layer of some roughness, as polynomials of the direction alone: what a material needs for all
    the directions that it is asked about.

    Attributes:
        alpha2: alpha squared.
        loss, cosine: coefficients of mu^j s^k, k fastest, s being mu / sqrt(mu^2 + alpha^2).
    """

    alpha2: ti.f32
    loss: _Loss
    cosine: _Cosine


@ti.func
def ggx_fit(roughness: ti.f32) -> GgxFit:
    """The polynomials at a roughness."""
    r = ti.max(roughness, _MIN_ROUGHNESS)
    r2 = r * r
    loss = _Loss([c[0] + r * c[1] + r2 * (c[2] + r * c[3]) for c in ti.static(_LOSS_OF_R)])
    cosine = _Cosine([r * (c[0] + r * c[1] + r2 * c[2]) for c in ti.static(_COSINE_OF_R)])
    return GgxFit(r2 * r2, loss, cosine)


@ti.func
def no_fit() -> GgxFit:
    """Of nothing: to be left unused."""
    return GgxFit(1.0, _Loss(0.0), _Cosine(0.0))


@ti.func
def _linear_in(mu: ti.f32, c: ti.template(), s: ti.f32) -> ti.f32:
    """sum_jk c[j n/2 + k] mu^j s^k for j = 0, 1 and n coefficients."""
    constant, slope = 0.0, 0.0
    for k in ti.static(range(c.n // 2 - 1, -1, -1)):
        constant = constant * s + c[k]
        slope = slope * s + c[c.n // 2 + k]
    return constant + mu * slope


@ti.func
def ggx(fit: ti.template(), mu: ti.f32):
    """Of a GGX layer, seen at cosine mu: its albedo E without Fresnel term, and the cosine c for which E F(c) is its
    albedo with Fresnel term F, within the stated error, for the dielectric's and for Schlick's."""
    s = mu / ti.sqrt(mu * mu + fit.alpha2)
    e = 1.0 - (1.0 - s) * _linear_in(mu, fit.loss, s)
    cosine = mu + _linear_in(mu, fit.cosine, s)
    return ti.min(ti.max(e, 0.0), 1.0), ti.min(ti.max(cosine, 0.0), 1.0)


@ti.func
def mean_transmittance(ior: ti.f32, roughness: ti.f32) -> ti.f32:
    """2 int T(mu) mu dmu of a coat, where T is one minus its albedo; 0 is perfectly smooth. For other ior than 1 to 3
    an upper bound."""
    a = ti.min(ti.max((ior - 1.0) / (ior + 1.0), 0.0), _MAX_AMPLITUDE)
    smooth = _polynomial_1(_SMOOTH_TRANSMITTANCE, a)
    rough = _polynomial_2(_ROUGH_TRANSMITTANCE, ti.max(roughness, _MIN_ROUGHNESS), a)
    return ti.select(roughness > 0.0, rough, smooth)


@ti.func
def sheen(mu: ti.f32, roughness: ti.f32) -> ti.f32:
    """Albedo of the sheen lobe of colour one at cosine mu, roughness 0.2 to 1. Above one at grazing angles for 0.2."""
    return ti.exp(_polynomial_2(_SHEEN, roughness, mu))
