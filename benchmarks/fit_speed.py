"""(o) to (r): seconds that a fit takes to come as close as the same loop in Mitsuba, and seconds of an iteration."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean, median

from benchmarks.fit_run import EVERY, FitCase, FitProcess, Iteration, Setting
from benchmarks.report import Row, Section, Spread

Over = Callable[[list[float]], float]
TARGET = 0.5
FIRST = 5
"""Iterations that compile: they count as long as the median of the others."""
TOLERANCE = 0.05
"""A fit is as close as another one if it is farther off by no more than this share."""
SHARES = (1, 2, 4)
"""What the example's samples per pixel are divided by."""
SAMPLERS = {"diffrt": ("lattice",), "Mitsuba": ("independent", "multijitter")}
"""Mitsuba's default, and the best one of benchmark (d) there."""

_NO_GUIDING = "Mitsuba's integrator is `prb_projective`, without guiding."
CASES = (
    FitCase("o", "wall_colours", "Wall colours and lamp", note="Mitsuba's integrator is `prb`."),
    FitCase("p", "texture", "Texture", note="Mitsuba's integrator is `prb`."),
    FitCase(
        "q",
        "mesh_from_sphere",
        "Mesh from a sphere",
        note=f"{_NO_GUIDING} Masks are pictures of their own there, of primary edges alone.",
    ),
    FitCase(
        "r",
        "joint",
        "Shape, texture and light",
        ("lights.sun.direction",),
        f"{_NO_GUIDING} Neither fits the direction of the sun, by which Mitsuba has no derivative.",
    ),
)


@dataclass
class Course:
    """How a fit went."""

    setting: Setting
    iterations: list[Iteration]

    def times(self, kind: str) -> list[float]:
        """Of each iteration, "wall" or "cpu", without what is compiled in the first ones."""
        times: list[float] = [getattr(item, kind) for item in self.iterations]
        first = min(FIRST, len(times) - 1)
        return [median(times[first:])] * first + times[first:]

    def distances(self, over: Over = fmean) -> dict[int, float]:
        """By the number of iterations done: the example's measures, as shares of what it allows, in one number."""
        return {
            number: over([value / limit for value, limit in item.closeness.values()])
            for number, item in enumerate(self.iterations, start=1)
            if item.closeness is not None
        }

    @property
    def end(self) -> float:
        """The last of these."""
        return self.distances()[len(self.iterations)]

    def arrival(self, distance: float, over: Over = fmean) -> int | None:
        """Iterations until a measurement from which on the fit stays as close as that; None: it does not."""
        result = None
        for number, found in sorted(self.distances(over).items(), reverse=True):
            if found > distance:
                break
            result = number
        return result

    def seconds(self, distance: float, kind: str, over: Over = fmean) -> float:
        """Until then; infinite if it does not come so close."""
        number = self.arrival(distance, over)
        return float("inf") if number is None else list(accumulate(self.times(kind)))[number - 1]


def settings(case: FitCase, iterations: int | None) -> list[Setting]:
    """All that are tried; the stated one of each program first."""
    problem = case.example.problem
    count = iterations or problem["iterations"]
    return [
        Setting(program, sampler, problem["spp"] // share, count)
        for share in SHARES
        for program, samplers in SAMPLERS.items()
        for sampler in (samplers if share == 1 else samplers[-1:])
    ]


def run(case: FitCase, tried: Sequence[Setting]) -> list[Course]:
    """All of them in turn, an iteration of each."""
    courses = [Course(setting, []) for setting in tried]
    with ExitStack() as stack:
        processes = [stack.enter_context(FitProcess(case, setting)) for setting in tried]
        for _ in range(tried[0].iterations):
            for process, course in zip(processes, courses, strict=True):
                course.iterations.append(process.next())
    return courses


def measure(case: FitCase, quick: bool) -> Section:
    """Both programs at all settings; then how soon each came as close as Mitsuba ends, and how close they end."""
    return section(case, run(case, settings(case, 2 if quick else None)), quick)


def section(case: FitCase, courses: Sequence[Course], quick: bool) -> Section:
    """The rows, and the table behind them."""
    ours, theirs = ([item for item in courses if item.setting.program == program] for program in SAMPLERS)
    stated = ours[0].setting
    last = min((item for item in theirs if item.setting.spp == stated.spp), key=lambda item: item.end)
    level = last.end * (1.0 + TOLERANCE)
    setup = stated.setup(case)
    view, problem = setup.views[0], case.example.problem
    views = problem.get("views_per_iteration") or len(setup.fitted_views)
    size = f"{views} of {len(setup.views)} views of {view.width}x{view.height}"
    rows = []
    goals: list[tuple[str, float, Over]] = [
        (f"Fit `{case.name}`, {size}: seconds until as close as Mitsuba ends, diffrt / Mitsuba", level, fmean),
        ("seconds until all that the example measures is within its limits", 1.0, max),
    ]
    for what, goal, over in goals:
        for kind in ("wall", "cpu"):
            best = [min(item.seconds(goal, kind, over) for item in group) for group in (ours, theirs)]
            ratio = best[0] / best[1] if best[0] < float("inf") else best[0]
            figure = f"{ratio:.2f}" if ratio < float("inf") else "never so close"
            judged = kind == "wall" and over is fmean
            met = ratio <= TARGET if judged and not quick else None
            name = what if kind == "wall" else "the same by processor time"
            rows.append(Row(case.point, name, figure, f"<= {TARGET}" if judged else "", met))
    for kind, name in (("wall", "seconds"), ("cpu", "processor seconds")):
        pairs = zip(ours[0].times(kind)[FIRST:], theirs[0].times(kind)[FIRST:], strict=True)
        ratios = [a / b for a, b in pairs] or [ours[0].times(kind)[-1] / theirs[0].times(kind)[-1]]
        what = f"{name} of an iteration at {stated.spp} spp, diffrt / Mitsuba's {theirs[0].setting.sampler}"
        rows.append(Row(case.point, what, str(Spread.of(ratios)), "", None))
    own, other = ours[0].iterations[-1].closeness, last.iterations[-1].closeness
    assert own is not None and other is not None
    for what, (value, limit) in own.items():
        figure = f"{value:.4f} / {other[what][0]:.4f}"
        met = None if quick else value <= limit
        rows.append(Row(case.point, f"{what} at {stated.spp} spp, diffrt / Mitsuba", figure, f"<= {limit:g}", met))
    text = (
        f"`scenes/fits/{case.name}.json`, {size}, {stated.iterations} iterations of each setting in turn, with equal "
        f"targets, views and rates. How close a fit is was measured after every {EVERY}th iteration, outside of what "
        "is timed: the mean of the example's measures, each as a share of what the example allows. Mitsuba ends at "
        f"{last.end:.3f} with its better sampler ({last.setting.sampler}) at {stated.spp} spp; what is within "
        f"{TOLERANCE:.0%} of that, {level:.3f}, and stays there, is as close. Each program has the best of its "
        f"settings below. diffrt looks at the views of an iteration in as many processes as there are cores "
        f"(`--workers`). The first {FIRST} iterations, which compile, count as the median of the others. Every tenth "
        f"of diffrt's looks at its views twice, to measure noise. {case.note}"
    )
    header = (
        "", "sampler", "spp", "seconds of an iteration", "processor seconds", "distance at the end",
        "iterations until as close", "seconds", "processor seconds",
    )  # fmt: skip
    return Section(f"({case.point}) {case.title}", rows, text, header, [_line(item, level) for item in courses])


def _line(course: Course, level: float) -> tuple[str, ...]:
    setting, number = course.setting, course.arrival(level)
    wall, cpu = (median(course.times(kind)) for kind in ("wall", "cpu"))
    until = [f"{course.seconds(level, kind):.2f}" for kind in ("wall", "cpu")] if number else ["", ""]
    return (
        setting.program, setting.sampler, str(setting.spp), f"{wall:.3f}", f"{cpu:.3f}", f"{course.end:.3f}",
        str(number or "never"), *until,
    )  # fmt: skip
