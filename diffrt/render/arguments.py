"""Checks of the arguments that pictures and gradients share: all problems are found before they are raised."""

from collections.abc import Iterable, Sequence

import numpy as np

from diffrt.description.names import listed, nearest
from diffrt.errors import InputError, Problem
from diffrt.render.rendering import MOST_PIXELS, MOST_SAMPLES, MOST_SEGMENTS
from diffrt.render.steps import MOST_STEPS
from diffrt.scene.elements import Camera
from diffrt.scene.scene import Scene


class Arguments:
    """Collects what is wrong with the arguments of a call."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def whole(self, name: str, value: object, low: int, high: int, also: str = "") -> None:
        """`value` has to be a whole number from `low` to `high`; `also` says what else is allowed."""
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= int(value) <= high:
            self.problems.append(Problem(name, f"found {value!r}", f"a whole number from {low} to {high}{also}"))

    def names(self, name: str, values: Sequence[str], known: Iterable[str], kind: str) -> None:
        """`values` has to be a list of some of the known names of this kind."""
        if isinstance(values, str):
            self.problems.append(Problem(name, f"found the text {values!r}", f"a list of {kind}s"))
            return
        known = tuple(known)
        for value in values:
            if value not in known:
                self.problems.append(Problem(name, f"{value!r} is no {kind}", listed(known), nearest(value, known)))

    def picture(
        self, spp: object, seed: object, step: object, max_depth: object, width: object, height: object
    ) -> None:
        """What says how a picture is made. The step and sizes may be None."""
        self.whole("spp", spp, 1, MOST_SAMPLES)
        self.whole("seed", seed, 0, 2**31 - 1)
        if step is not None:
            self.whole("step", step, 0, MOST_STEPS)
        if max_depth != -1:
            self.whole("max_depth", max_depth, 1, MOST_SEGMENTS, ", or -1 for no limit")
        for name, size in (("width", width), ("height", height)):
            if size is not None:
                self.whole(name, size, 1, 65536)

    def done(self) -> None:
        """Raise what was found.

        Raises:
            InputError: something was.
        """
        if self.problems:
            raise InputError(self.problems)


def view_of(scene: Scene, camera: str | Camera | None, width: int | None, height: int | None) -> Camera:
    """The camera to use, with its film resized.

    Raises:
        InputError: it is unknown, or the film too large.
    """
    view = scene.camera(camera)
    if width is not None or height is not None:
        view = view.resized(width, height)
    if view.width * view.height > MOST_PIXELS:
        raise InputError(Problem("width, height", f"{view.width} x {view.height} pixels", f"at most {MOST_PIXELS}"))
    return view
