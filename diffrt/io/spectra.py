"""Spectra given at wavelengths as linear RGB (BT.709 primaries, white D65).

Colour matching functions: the fit of Wyman, Sloan and Shirley 2013, "Simple Analytic Approximations to the CIE XYZ
Color Matching Functions", within about 1 percent of CIE 1931. Daylight D65: CIE, every 10 nm.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_XYZ_TO_RGB = np.array(
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
)
_D65_FROM_380 = np.array(
    [
        *(49.98, 54.65, 82.75, 91.49, 93.43, 86.68, 104.86, 117.01, 117.81, 114.86, 115.92, 108.81, 109.35, 107.80),
        *(104.79, 107.69, 104.41, 104.05, 100.00, 96.33, 95.79, 88.69, 90.01, 89.60, 87.70, 83.29, 83.70, 80.03),
        *(80.21, 82.28, 78.28, 69.72, 71.61, 74.35, 61.60, 69.89, 75.09, 63.59, 46.42, 66.81, 63.38),
    ]
)
_WAVELENGTHS = np.arange(380.0, 780.5, 0.5)


def _lobe(peak: float, below: float, above: float) -> Floats:
    """A Gaussian of different widths (nm) below and above its peak."""
    width = np.where(_WAVELENGTHS < peak, below, above)
    lobe: Floats = np.exp(-0.5 * ((_WAVELENGTHS - peak) / width) ** 2)
    return lobe


def _color_matching() -> Floats:
    """(3, N): x, y, z at the wavelengths."""
    x = 1.056 * _lobe(599.8, 37.9, 31.0) + 0.362 * _lobe(442.0, 16.0, 26.7) - 0.065 * _lobe(501.1, 20.4, 26.2)
    y = 0.821 * _lobe(568.8, 46.9, 40.5) + 0.286 * _lobe(530.9, 16.3, 31.1)
    z = 1.217 * _lobe(437.0, 11.8, 36.0) + 0.681 * _lobe(459.0, 26.0, 13.8)
    return np.stack([x, y, z])


def spectrum_to_rgb(wavelengths: Floats, values: Floats, *, emission: bool) -> Floats:
    """Linear RGB (3,) of a spectrum that is linear between its samples and zero beyond them.

    Args:
        wavelengths: (N,) in nm, ascending.
        values: (N,).
        emission: radiance, where the equal-energy spectrum of value 1 has luminance 1; else a reflectance under
            D65, where a reflectance of 1 is white and colours out of gamut are cut to 0..1.
    """
    matching = _color_matching()
    spectrum = np.interp(_WAVELENGTHS, wavelengths, values, left=0.0, right=0.0)
    if emission:
        rgb: Floats = _XYZ_TO_RGB @ (matching @ spectrum) / matching[1].sum()
        return np.maximum(rgb, 0.0)
    daylight = matching * np.interp(_WAVELENGTHS, 380.0 + 10.0 * np.arange(len(_D65_FROM_380)), _D65_FROM_380)
    white = _XYZ_TO_RGB @ daylight.sum(axis=1)  # nearly grey; dividing by it makes it exactly so
    reflectance: Floats = _XYZ_TO_RGB @ (daylight @ spectrum) / white
    return reflectance.clip(0.0, 1.0)
