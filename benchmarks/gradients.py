"""(h) to (n): noise of gradients at equal work, against Mitsuba's `prb` and `prb_projective`."""

from dataclasses import dataclass

import numpy as np

from benchmarks.gradient_cases import GradientCase
from benchmarks.peers import Peer, Timed
from benchmarks.report import Row, Section, Spread


@dataclass(frozen=True)
class Noise:
    """What runs with different seeds tell: median seconds, and means with their standard errors.

    Attributes:
        variance: of a gradient, summed over the parameter's numbers.
        slope: derivative in the case's direction.
    """

    seconds: float
    variance: float
    variance_error: float
    slope: float
    slope_error: float

    @staticmethod
    def of(runs: list[Timed], direction: np.ndarray) -> "Noise":
        gradients = np.array([np.asarray(run.image) for run in runs])
        n = len(gradients)
        squares = ((gradients - gradients.mean(axis=0)) ** 2).reshape(n, -1).sum(axis=1) * n / (n - 1)
        slopes = (gradients * direction).reshape(n, -1).sum(axis=1)
        return Noise(float(np.median([run.wall for run in runs])), *_mean(squares), *_mean(slopes))

    @property
    def work(self) -> float:
        """Variance times seconds: whatever the number of samples, the same."""
        return self.variance * self.seconds


def _mean(values: np.ndarray) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))


def measure(case: GradientCase, diffrt: Peer, mitsuba: Peer, runs: int, quick: bool) -> Section:
    """Gradients by both in turn, and the difference quotient of diffrt's pictures."""
    width = 32 if quick else case.width
    spp, their_spp = (2, 2) if quick else (case.spp, case.their_spp)
    direction = case.direction(case.scene(width))
    seeds = 2 if quick else (4 if direction.size > 1 else 32) * runs  # the variance of one number is itself uncertain
    for peer in (diffrt, mitsuba):
        peer.load_gradient(case.point, width)
    diffrt.gradient(spp, 0), mitsuba.gradient(their_spp, 0)  # compilers
    ours, theirs = [], []
    for seed in range(1, seeds + 1):
        ours.append(diffrt.gradient(spp, seed))
        theirs.append(mitsuba.gradient(their_spp, seed))
    a, b = Noise.of(ours, direction), Noise.of(theirs, direction)
    pictures = [diffrt.render(spp, seed) for seed in range(seeds + 1)][1:]
    quotient = np.array([diffrt.difference(2 if quick else 64, seed) for seed in range(8)])
    slope, slope_error = _mean(quotient)
    ratio = a.work / b.work
    error = ratio * float(np.hypot(a.variance_error / a.variance, b.variance_error / b.variance))
    section = Section(
        f"({case.point}) {case.title}",
        [
            Row(
                case.point,
                f"{case.title}: variance of the gradient times seconds, diffrt / Mitsuba",
                f"{ratio:.3f} +- {error:.3f}",
                f"<= {case.target:.1f}",
                ratio <= case.target,
            )
        ],
        f"Gradient by `{case.parameter}` ({direction.size} numbers) of a smooth loss, {width}x{width}; Mitsuba's "
        f"integrator is `{case.integrator}`" + (", without guiding" if case.moves else "") +
        f". {seeds} runs each" + (", diffrt's samples split as `gradient_variance` advises" if case.moves else "") +
        ". The derivative is that along one direction; its last line is by differences of diffrt's pictures.",
        ("", "spp", "seconds", "variance", "derivative", "derivative / difference quotient"),
    )  # fmt: skip
    if not case.moves:
        cost = Spread.of([run.wall / picture.wall for run, picture in zip(ours, pictures, strict=True)])
        what = f"{case.title}: seconds of a gradient / of a picture of as many samples, diffrt"
        wanted = case.parameter == "textures.paint"
        target, met = ("<= 3.0", cost.median <= 3.0) if wanted else ("", None)
        section.rows.append(Row(case.point, what, str(cost), target, met))
    for name, count, noise in (("diffrt", spp, a), ("Mitsuba", their_spp, b)):
        share = noise.slope / slope
        share_error = abs(share) * float(np.hypot(noise.slope_error / noise.slope, slope_error / slope))
        section.lines.append(
            (name, str(count), f"{noise.seconds:.2f}", f"{noise.variance:.3g} +- {noise.variance_error:.2g}",
             f"{noise.slope:.5g} +- {noise.slope_error:.2g}", f"{share:.4f} +- {share_error:.4f}")
        )  # fmt: skip
    section.lines.append(("difference quotient", "", "", "", f"{slope:.5g} +- {slope_error:.2g}", ""))
    return section
