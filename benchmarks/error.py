"""(d): error against a converged reference after equal wall time, diffrt's default sampler against each of Mitsuba's.

Mitsuba's samplers take certain numbers of samples only, so the time is theirs: what a sampler of Mitsuba takes for 64
samples per pixel (49 for "orthogonal") is what diffrt gets, and as many samples as fit. The worst of the ratios counts.

The reference is the mean R of a long rendering by either program, A and B. With x a picture and |.| the root mean
square, |x - R|^2 counts the noise of R and half the way from A to B too. |A - B|^2 / 4 is both, and is subtracted; so
neither program gains from a reference of its own, or from one that is not quite converged.
"""

import statistics
import sys
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.peers import Job, Peer, Timed
from benchmarks.report import Row, Section, Spread
from benchmarks.speed import in_turn

SCENES = {
    "Cornell box": Job("cornell_box.json", 256),
    "Veach MIS plates": Job("veach_mis.json", 256),
    "environment-lit object": Job("environment_object.json", 256),
    "materials row": Job("materials_row.json", 256),
    "many lights": Job("many_lights.json", 256),
}
SAMPLERS = {"independent": 64, "stratified": 64, "multijitter": 64, "orthogonal": 49, "ldsampler": 64}
REFERENCE_SECONDS = 45.0
"""For each program and scene."""
_REFERENCE_SEEDS = 1_000_000
_ENOUGH = 4
"""Scenes of the five with the lower error."""


@dataclass(frozen=True)
class Reference:
    """A long rendering by both programs. own_error: the mean square that it adds to that of a picture."""

    mean: np.ndarray
    weight: np.ndarray
    own_error: float
    own_relative: float
    apart: float

    def errors(self, image: np.ndarray) -> tuple[float, float]:
        """Mean square error of a picture, and the same relative to the reference's squared value."""
        square = (image - self.mean) ** 2
        return float(np.mean(square)) - self.own_error, float(np.mean(square * self.weight)) - self.own_relative


def reference(diffrt: Peer, mitsuba: Peer, spp: int, seconds: float) -> Reference:
    """Render with both for so long each, in pieces of spp samples of different seeds."""
    means = []
    for peer in (diffrt, mitsuba):
        total: np.ndarray | None = None
        used, number = 0.0, 0
        while used < seconds:
            timed = peer.render(spp, _REFERENCE_SEEDS + number, keep=True)
            image = _image(timed)
            total = image if total is None else total + image
            used, number = used + timed.wall, number + 1
        assert total is not None
        means.append(total / number)
    a, b = means
    mean = 0.5 * (a + b)
    weight = 1.0 / (mean**2 + (0.05 * float(mean.mean())) ** 2)
    square = (a - b) ** 2 / 4.0
    apart = float(a.mean() / b.mean() - 1.0)
    return Reference(mean, weight, float(np.mean(square)), float(np.mean(square * weight)), apart)


def _image(timed: Timed) -> np.ndarray:
    assert timed.image is not None
    return timed.image.astype(np.float64)


@dataclass(frozen=True)
class Duel:
    """One of Mitsuba's samplers against diffrt on one scene: samples, seconds, root mean square errors by seed."""

    sampler: str
    samples: tuple[int, int]
    seconds: tuple[float, float]
    errors: tuple[float, float]
    relative: tuple[float, float]
    by_seed: Spread

    @property
    def ratio(self) -> float:
        return self.errors[0] / self.errors[1]

    @property
    def relative_ratio(self) -> float:
        return self.relative[0] / self.relative[1]


def duel(sampler: str, samples: int, diffrt: Peer, mitsuba: Peer, truth: Reference, runs: int, quick: bool) -> Duel:
    """Equal wall time for both: measure, then compare."""
    mitsuba.render(samples, 0, sampler)
    trials = [
        (diffrt.render(samples, k).wall, mitsuba.render(samples, k, sampler).wall) for k in range(1 if quick else 3)
    ]
    fitting = max(1, int(samples * statistics.median(theirs / ours for ours, theirs in trials)))
    squares: tuple[list[float], list[float]] = ([], [])
    relative: tuple[list[float], list[float]] = ([], [])
    seconds: tuple[list[float], list[float]] = ([], [])
    for run in range(runs):
        pictures = diffrt.render(fitting, run + 1, keep=True), mitsuba.render(samples, run + 1, sampler, keep=True)
        for k, timed in enumerate(pictures):
            square, weighed = truth.errors(_image(timed))
            squares[k].append(max(square, 1e-12))
            relative[k].append(max(weighed, 1e-12))
            seconds[k].append(timed.wall)

    def root(values: list[float]) -> float:
        return float(np.sqrt(np.mean(values)))

    return Duel(
        sampler,
        (fitting, samples),
        (statistics.median(seconds[0]), statistics.median(seconds[1])),
        (root(squares[0]), root(squares[1])),
        (root(relative[0]), root(relative[1])),
        Spread.of([float(np.sqrt(a / b)) for a, b in zip(*squares, strict=True)]),
    )


def measure(diffrt: Peer, mitsuba: Peer, runs: int, quick: bool) -> Section:
    """All scenes, all samplers."""
    section = Section(
        "(d) Error at equal time",
        text=" ".join(str(__doc__).split("\n\n", 1)[1].split())
        + " Errors are root mean squares over pixels, channels and seeds; relative ones are divided by the reference's "
        "value (and a twentieth of the picture's mean). Films are 256 pixels wide; the scenes are those of `scenes/`, "
        "the materials row without what Mitsuba cannot say. The sampler with the greatest ratio is shown.",
        header=(
            "scene", "best of Mitsuba's", "samples, diffrt : Mitsuba", "seconds, diffrt : Mitsuba",
            "error, diffrt : Mitsuba", "ratio (by seed)", "relative errors' ratio", "means of the references apart by",
        ),
    )  # fmt: skip
    better = 0
    scenes = dict(list(SCENES.items())[:1]) if quick else SCENES
    samplers = {"independent": 4, "ldsampler": 4} if quick else SAMPLERS
    for name, job in scenes.items():
        job = replace(job, width=32) if quick else job
        job = replace(job, without=mitsuba.untranslatable(job))
        diffrt.load(job)
        mitsuba.load(job)
        in_turn([diffrt, mitsuba], 1, 1)
        truth = reference(diffrt, mitsuba, 16 if quick else 256, 0.2 if quick else REFERENCE_SECONDS)
        duels = [duel(s, n, diffrt, mitsuba, truth, runs, quick) for s, n in samplers.items()]
        worst = max(duels, key=lambda d: d.ratio)
        better += worst.ratio < 1.0
        section.lines.append(_line(name, worst, truth))
        print(f"    {name}: {worst.ratio:.2f} ({worst.sampler})", file=sys.stderr, flush=True)
        others = ", ".join(f"{d.sampler} {d.ratio:.2f}" for d in duels)
        section.rows.append(
            Row("d", f"{name}: error at equal time, diffrt / Mitsuba's {worst.sampler} (all: {others})",
                f"{worst.ratio:.2f}", "", None)
        )  # fmt: skip
    wanted = min(_ENOUGH, len(scenes))
    figure = f"{better} of {len(scenes)}"
    section.rows.append(Row("d", "scenes with a lower error at equal time", figure, f">= {wanted}", better >= wanted))
    return section


def _line(name: str, d: Duel, truth: Reference) -> tuple[str, ...]:
    return (
        name,
        d.sampler,
        f"{d.samples[0]} : {d.samples[1]}",
        f"{d.seconds[0]:.2f} : {d.seconds[1]:.2f}",
        f"{d.errors[0]:.3g} : {d.errors[1]:.3g}",
        f"{d.ratio:.2f} ({d.by_seed.low:.2f} to {d.by_seed.high:.2f})",
        f"{d.relative_ratio:.2f}",
        f"{100 * truth.apart:+.2f} %",
    )
