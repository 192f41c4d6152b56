"""Forward mode: how a picture changes when parameters move in a given direction."""

from collections.abc import Mapping, Sequence

import numpy as np

from diffrt import _taichi
from diffrt.gradient.backward import checked
from diffrt.gradient.request import DEFAULT_ROWS, TERMS, make_request
from diffrt.scene.elements import Camera
from diffrt.scene.parameters import find
from diffrt.scene.scene import Scene


def render_forward(
    scene: Scene,
    tangents: Mapping[str, np.ndarray],
    spp: int | None = None,
    seed: int | None = None,
    *,
    camera: str | Camera | None = None,
    max_depth: int | None = None,
    width: int | None = None,
    height: int | None = None,
    terms: Sequence[str] = TERMS,
    spp_interior: int | None = None,
    spp_primary: int | None = None,
    spp_shadow: int | None = None,
    spp_delta_shadow: int | None = None,
    spp_indirect: int | None = None,
    rows: int = DEFAULT_ROWS,
) -> np.ndarray:
    """The derivative of every pixel when parameters move with these velocities.

    It is made of the same paths as `render_backward` with equal arguments: the sum of `image_gradient` times this
    picture is the sum of the velocities times those gradients, to rounding for the interior and the primary edges, and
    within noise for shadows, whose samples go where the adjoint image needs them.

    Args:
        tangents: parameter name -> array of its shape.
        others: as for `render_backward`.

    Returns:
        (H, W, 3) float64, dImage/dt.

    Raises:
        InputError: an argument is out of range, a parameter unknown, or a gradient by it not there.
    """
    spp_of = {
        "interior": spp_interior,
        "primary": spp_primary,
        "shadow": spp_shadow,
        "delta_shadow": spp_delta_shadow,
        "indirect": spp_indirect,
    }
    request = make_request(scene, camera, width, height, max_depth, seed, None, terms, spp, spp_of, rows)
    velocities = {name: checked(tangent, name, find(scene, name).parameter.shape) for name, tangent in tangents.items()}
    with _taichi.lock:
        _taichi.init()
        with _taichi.quick_imports():
            from diffrt.gradient import run

        return run.forward(request, velocities)
