"""From radiance to what a camera records of it: vignetting, exposure, white balance, gamma; with derivatives.

c = (2^exposure w v(r) L)^gamma with v(r) = 1 + a r^2 + b r^4 + c r^6, where r is 0 at the centre of the picture and 1
in its corners (the even polynomial of Goldman 2010, "Vignette and exposure calibration and compensation").
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Pull = Callable[[Floats], tuple[Floats, dict[str, Floats]]]

_LOG2 = float(np.log(2.0))
_DARK = 1e-8
"""Below it the power has no usable derivative."""


@dataclass(frozen=True)
class ResponseField:
    """A number or three of the response: its value at rest, units, bounds, what it is."""

    rest: Floats
    units: str
    bounds: tuple[float, float]
    description: str


FIELDS = {
    "exposure": ResponseField(np.zeros(()), "stops", (-np.inf, np.inf), "factor 2^exposure"),
    "white_balance": ResponseField(np.ones(3), "", (0.0, np.inf), "factors on red, green, blue"),
    "gamma": ResponseField(np.ones(()), "", (0.05, 20.0), "exponent, the last step"),
    "vignetting": ResponseField(np.zeros(3), "", (-np.inf, np.inf), "1 + a r^2 + b r^4 + c r^6, r = 1 in the corners"),
}


@dataclass(frozen=True)
class Response:
    """What a camera makes of radiance."""

    exposure: Floats = field(default_factory=lambda: FIELDS["exposure"].rest)
    white_balance: Floats = field(default_factory=lambda: FIELDS["white_balance"].rest)
    gamma: Floats = field(default_factory=lambda: FIELDS["gamma"].rest)
    vignetting: Floats = field(default_factory=lambda: FIELDS["vignetting"].rest)

    @property
    def at_rest(self) -> bool:
        """Whether it changes nothing."""
        return all(np.array_equal(getattr(self, name), item.rest) for name, item in FIELDS.items())


def radii(height: int, width: int) -> Floats:
    """(H, W, 3): r^2, r^4, r^6 at the centres of the pixels."""
    y = (np.arange(height) + 0.5) / height * 2.0 - 1.0
    x = (np.arange(width) + 0.5) / width * 2.0 - 1.0
    squared = (y[:, None] ** 2 * height**2 + x[None, :] ** 2 * width**2) / (height**2 + width**2)
    return np.stack([squared, squared**2, squared**3], axis=2)


def respond(radiance: Floats, response: Response) -> tuple[Floats, Pull]:
    """What the camera records, (H, W, 3), and the way back.

    Returns:
        The picture, and a function from derivatives by it to those by the radiance and, by name, by the response.
    """
    powers = radii(*radiance.shape[:2])
    falloff = 1.0 + powers @ response.vignetting
    factor = 2.0 ** float(response.exposure) * response.white_balance
    exposed = radiance * factor * falloff[..., None]
    gamma = float(response.gamma)
    if gamma == 1.0:
        recorded, slope = exposed, np.ones_like(exposed)
    else:
        lit = exposed > _DARK
        guarded = np.where(lit, exposed, 1.0)
        recorded = np.where(lit, guarded**gamma, 0.0)
        slope = np.where(lit, gamma * guarded ** (gamma - 1.0), 0.0)

    def pull(gradient: Floats) -> tuple[Floats, dict[str, Floats]]:
        d_exposed = gradient * slope
        weighted = d_exposed * exposed
        by_channel = d_exposed * radiance * falloff[..., None]
        by_falloff = np.sum(d_exposed * radiance * factor, axis=2)
        lit = exposed > _DARK
        logs = np.log(np.where(lit, exposed, 1.0))
        grads = {
            "exposure": np.asarray(_LOG2 * weighted.sum()),
            "white_balance": 2.0 ** float(response.exposure) * by_channel.sum(axis=(0, 1)),
            "gamma": np.asarray(np.sum(gradient * np.where(lit, recorded * logs, 0.0))),
            "vignetting": np.einsum("hw,hwk->k", by_falloff, powers),
        }
        return d_exposed * factor * falloff[..., None], grads

    return recorded, pull
