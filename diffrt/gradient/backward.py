"""Backward mode: from the derivative of a loss by a picture to that by the scene's parameters."""

from collections.abc import Mapping, Sequence

import numpy as np

from diffrt import _taichi
from diffrt.errors import InputError, Problem
from diffrt.gradient.request import DEFAULT_ROWS, TERMS, make_request
from diffrt.render.arguments import Arguments
from diffrt.render.rendering import CHANNELS
from diffrt.scene.elements import Camera
from diffrt.scene.scene import Scene


def render_backward(
    scene: Scene,
    image_gradient: np.ndarray | Mapping[str, np.ndarray],
    parameters: Sequence[str],
    spp: int | None = None,
    seed: int | None = None,
    *,
    step: int | None = None,
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
) -> dict[str, np.ndarray]:
    """Derivatives of a loss by parameters of the scene, from its derivatives by the pixels of `render`.

    Args:
        scene: its settings stand in for arguments that are None.
        image_gradient: (H, W, 3), dLoss/dImage; finite. Pixels where it is zero cost nothing. For an unbiased gradient
            it must not come from the random numbers of this call: its seeds are other ones than those of `render`, so
            any seed will do. Or a mapping of such arrays by buffer, of the shapes that `render_buffers` gives:
            radiance, depth, normal, albedo, mask, position, uv. A loss of several of them has their sum.
        parameters: names, as in `scene.parameters`.
        spp: samples per pixel of every term; `spp_TERM` sets that of one.
        seed: equal seeds give equal gradients, up to the order of sums.
        step: of a loop, as for `render`.
        terms: which parts of the derivative, all that the parameters have by default: see docs/gradients.md.
        rows: how many vertices of paths are kept at once, which bounds the memory (about a kilobyte each).
        others: as for `render`.

    Returns:
        By name an array of the parameter's shape, float64.

    Raises:
        InputError: an argument is out of range, a parameter unknown, or a gradient by it not there; the backend does
            not compute derivatives; a path has more vertices than there are `rows`.
    """
    spp_of = {
        "interior": spp_interior,
        "primary": spp_primary,
        "shadow": spp_shadow,
        "delta_shadow": spp_delta_shadow,
        "indirect": spp_indirect,
    }
    request = make_request(scene, camera, width, height, max_depth, seed, step, terms, spp, spp_of, rows)
    adjoints = _adjoints(image_gradient, request.view)
    names = list(parameters) if not isinstance(parameters, str) else [parameters]
    with _taichi.lock:
        _taichi.init()
        with _taichi.quick_imports():
            from diffrt.gradient import run

        return run.backward(request, adjoints, names)


def _adjoints(image_gradient: object, view: Camera) -> dict[str, np.ndarray]:
    """Derivatives by buffer name.

    Raises:
        InputError: a buffer is unknown or has none, or an array is not of the buffer's shape.
    """
    if not isinstance(image_gradient, Mapping):
        return {"radiance": checked(image_gradient, "image_gradient", (view.height, view.width, 3))}
    known = {"radiance": 3, **{name: count for name, (_, count) in CHANNELS.items()}}
    arguments = Arguments()
    arguments.names("image_gradient", tuple(image_gradient), known, "buffer with a gradient")
    arguments.done()
    return {
        name: checked(array, f"image_gradient.{name}", (view.height, view.width, *([known[name]] * (known[name] > 1))))
        for name, array in image_gradient.items()
    }


def checked(array: object, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """An argument as finite numbers of this shape.

    Raises:
        InputError: it is not.
    """
    try:
        numbers = np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(Problem(name, "not an array of numbers", f"shape {shape}")) from None
    if numbers.shape != shape:
        raise InputError(Problem(name, f"an array of shape {numbers.shape}", f"shape {shape}"))
    if not np.isfinite(numbers).all():
        raise InputError(Problem(name, f"{int((~np.isfinite(numbers)).sum())} numbers not finite", "finite numbers"))
    return numbers
