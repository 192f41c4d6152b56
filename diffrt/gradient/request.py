"""What the calls for gradients have in common: their arguments, checked and filled in. Plain data."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from diffrt.render.arguments import Arguments, view_of
from diffrt.render.rendering import MOST_SAMPLES
from diffrt.render.steps import seed_at
from diffrt.scene.elements import Camera
from diffrt.scene.scene import Scene
from diffrt.scene.terms import TERMS as TERMS

DEFAULT_ROWS = 2**17
_SEED_OF_GRADIENTS = 0x5A17E5
"""Set apart from pictures, so that equal seeds do not make a gradient depend on the noise of its picture."""


@dataclass
class Request:
    """A call for gradients.

    Attributes:
        spp: samples per pixel of each term.
        rows: how many vertices of paths are kept at once; bounds the memory.
    """

    scene: Scene
    view: Camera
    terms: tuple[str, ...]
    seed: int
    step: int | None
    max_depth: int
    spp: dict[str, int] = field(default_factory=dict)
    rows: int = DEFAULT_ROWS

    @property
    def gradient_seed(self) -> int:
        """Of samples on edges."""
        return seed_at(self.path_seed, self.step, "independent")

    @property
    def path_seed(self) -> int:
        """Of paths from the camera."""
        seed = (self.seed ^ _SEED_OF_GRADIENTS) & 0x7FFFFFFF
        return seed_at(seed, self.step, self.scene.settings.sampler)


def make_request(
    scene: Scene,
    camera: str | Camera | None,
    width: int | None,
    height: int | None,
    max_depth: int | None,
    seed: int | None,
    step: int | None,
    terms: Sequence[str],
    spp: int | None,
    spp_of: dict[str, int | None],
    rows: int,
) -> Request:
    """Check the arguments; see `render_backward`.

    Raises:
        InputError: with every problem found.
    """
    settings = scene.settings
    spp = settings.spp if spp is None else spp
    seed = settings.seed if seed is None else seed
    max_depth = settings.max_depth if max_depth is None else max_depth
    arguments = Arguments()
    arguments.names("terms", terms, TERMS, "term")
    arguments.picture(spp, seed, step, max_depth, width, height)
    for term, count in spp_of.items():
        if count is not None:
            arguments.whole(f"spp_{term}", count, 0, MOST_SAMPLES)
    arguments.whole("rows", rows, 256, 2**26)
    arguments.done()
    view = view_of(scene, camera, width, height)
    counts = {term: int(spp if spp_of.get(term) is None else spp_of[term] or 0) for term in TERMS}
    return Request(scene, view, tuple(terms), int(seed), step, int(max_depth), counts, int(rows))
