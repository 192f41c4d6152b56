"""How many samples each term of a gradient deserves: the variance that it brings and the time that it takes, measured.

A term whose n samples a pixel leave a variance of v / n and take c n seconds gets n in proportion to sqrt(v / c): no
other split of the same time leaves less variance in the sum (Neyman's allocation with costs; Cochran 1977, 5.5).
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from diffrt.errors import InputError, Problem
from diffrt.gradient.backward import render_backward
from diffrt.gradient.request import TERMS
from diffrt.scene.elements import Camera
from diffrt.scene.scene import Scene

_LEAST_SHARE = 0.125
"""Part of an equal share that a term keeps, however small its variance: a few runs may have missed what is rare."""


@dataclass(frozen=True)
class TermCost:
    """What a term adds to a gradient.

    Attributes:
        variance: of its part of the gradient, at `spp` samples per pixel.
        seconds: that these take.
    """

    variance: float
    seconds: float
    spp: int


@dataclass(frozen=True)
class GradientVariance:
    """What `gradient_variance` measured.

    Attributes:
        terms: by name. Variances are relative: the sum over the numbers of a parameter over the squared length of its
            gradient, summed over the parameters. Terms that no parameter has are left out.
    """

    terms: dict[str, TermCost]

    @property
    def split(self) -> dict[str, int]:
        """`spp_TERM` by name, as `render_backward` takes them: the least variance in the time that was measured."""
        return {f"spp_{name}": count for name, count in best_split(self.terms).items()}

    @property
    def gain(self) -> float:
        """Variance of the measured split over that of the advised one."""
        counts = best_split(self.terms)
        after = sum(term.variance * term.spp / counts[name] for name, term in self.terms.items())
        return sum(term.variance for term in self.terms.values()) / after if after > 0.0 else 1.0

    def __str__(self) -> str:
        return "\n".join(table(self.terms))


def best_split(terms: Mapping[str, TermCost]) -> dict[str, int]:
    """Samples per pixel of each term, at least 1, that take as long as the measured ones did."""
    budget = sum(term.seconds for term in terms.values())
    cost = {name: max(term.seconds, 1e-9) / term.spp for name, term in terms.items()}
    least = {name: _LEAST_SHARE * term.spp for name, term in terms.items()}
    wish = {name: np.sqrt(term.variance * term.spp / cost[name]) for name, term in terms.items()}
    if not any(wish.values()):
        return {name: term.spp for name, term in terms.items()}
    counts = dict(least)
    free = set(terms)
    while free:  # what wishes for less than the least gets that, and the others share the rest
        rest = budget - sum(cost[name] * least[name] for name in terms if name not in free)
        scale = rest / max(sum(cost[name] * wish[name] for name in free), 1e-300)
        short = {name for name in free if scale * wish[name] < least[name]}
        if not short:
            counts |= {name: scale * wish[name] for name in free}
            break
        free -= short
    return {name: max(1, round(count)) for name, count in counts.items()}


def table(terms: Mapping[str, TermCost]) -> list[str]:
    """Lines of text: each term's variance, time and advised samples."""
    total = sum(term.variance for term in terms.values()) or 1.0
    counts = best_split(terms)
    return [f"  {'term':12s} variance   share  seconds    spp  advised"] + [
        f"  {name:12s} {term.variance:8.2g}  {term.variance / total:5.1%}  {term.seconds:7.3f}  {term.spp:5d}"
        f"  {counts[name]:7d}"
        for name, term in terms.items()
    ]


def gradient_variance(
    scene: Scene,
    image_gradient: np.ndarray | Mapping[str, np.ndarray],
    parameters: Sequence[str],
    spp: int | None = None,
    seed: int | None = None,
    *,
    seeds: int = 4,
    camera: str | Camera | None = None,
    max_depth: int | None = None,
    width: int | None = None,
    height: int | None = None,
    terms: Sequence[str] = TERMS,
) -> GradientVariance:
    """Measure what each term of a gradient costs and how noisy it is, and so how samples are best split among them.

    ```python
    measured = diffrt.gradient_variance(scene, image_gradient, names, spp=8)
    gradients = diffrt.render_backward(scene, image_gradient, names, **measured.split)
    ```

    Args:
        spp: samples per pixel of each term.
        seed: of the first of the runs.
        seeds: how many runs of each term the variances come from, at least 2. They are known to about
            sqrt(2 / (seeds - 1)) of themselves, better where a parameter has many numbers.
        others: as for `render_backward`.

    Raises:
        InputError: as for `render_backward`.
    """
    if seeds < 2:
        raise InputError(Problem("seeds", f"found {seeds}", "at least 2"))
    spp = scene.settings.spp if spp is None else spp
    first = scene.settings.seed if seed is None else seed
    names = list(parameters) if not isinstance(parameters, str) else [parameters]
    runs: dict[str, list[dict[str, np.ndarray]]] = {}
    seconds: dict[str, float] = {}

    def run(term: str, number: int, count: int) -> dict[str, np.ndarray]:
        return render_backward(
            scene, image_gradient, names, count, first + number, camera=camera, max_depth=max_depth, width=width,
            height=height, terms=(term,),
        )  # fmt: skip

    for term in terms:
        run(term, 0, 1)  # compiles
        before = time.perf_counter()
        results = [run(term, number, spp) for number in range(seeds)]
        seconds[term] = (time.perf_counter() - before) / seeds
        if any(np.any(result[name]) for result in results for name in names):
            runs[term] = results
    variances = {
        term: {name: _variance([r[name] for r in results]) for name in names} for term, results in runs.items()
    }
    squares = {}
    for name in names:
        mean = sum(np.mean([result[name] for result in results], axis=0) for results in runs.values())
        noise = sum(each[name] for each in variances.values())
        squares[name] = max(float(np.sum(mean**2)), noise, 1e-300)
    return GradientVariance(
        {
            term: TermCost(sum(each[name] / squares[name] for name in names), seconds[term], spp)
            for term, each in variances.items()
        }
    )


def _variance(results: Sequence[np.ndarray]) -> float:
    """Of a single run, summed over the array's numbers."""
    return float(np.sum(np.var(results, axis=0, ddof=1)))
