"""(o) to (r): seconds that a fit takes to come as close as the same loop in Mitsuba, and seconds of an iteration."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import accumulate
from statistics import fmean, median

from benchmarks.fit_run import EVERY, FitCase, FitProcess, Iteration, Setting
from benchmarks.report import Row, Section, Spread
from diffrt.fit.evaluate import PICTURE_SAMPLES

Over = Callable[[list[float]], float]
TARGET = 0.5
FIRST = 5
"""Iterations that compile: they count as long as the median of the others."""
TOLERANCE = 0.05
"""A fit is as close as another one if it is farther off by no more than this share."""

_PRB = "Mitsuba's integrator is `prb`."
_NO_GUIDING = "Mitsuba's integrator is `prb_projective`, without guiding."
CASES = (
    FitCase("o", "wall_colours", "Wall colours and lamp", note=_PRB, shares=(2, 1, 0.5), seeds=8),
    FitCase("p", "texture", "Texture", note=_PRB, shares=(2, 1, 0.5), seeds=3),
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
    """How fits of one setting went, by seed."""

    setting: Setting
    runs: list[list[Iteration]]

    def times(self, kind: str) -> list[float]:
        """Of each iteration, "wall" or "cpu", without what is compiled in the first ones; means over the runs."""
        return [fmean(times) for times in zip(*(_without_first(run, kind) for run in self.runs), strict=True)]

    def distances(self, over: Over = fmean) -> dict[int, float]:
        """By the number of iterations done: the example's measures, as shares of what it allows, in one number; its
        mean over the runs."""
        found: dict[int, list[float]] = {}
        for run in self.runs:
            for number, item in enumerate(run, start=1):
                if item.closeness is not None:
                    shares = [value / limit for value, limit in item.closeness.values()]
                    found.setdefault(number, []).append(over(shares))
        return {number: fmean(values) for number, values in found.items()}

    @property
    def end(self) -> float:
        """The last of these."""
        return self.distances()[len(self.runs[0])]

    def measured(self, what: str) -> float:
        """A measure at the end, its mean over the runs."""
        return fmean(item.closeness[what][0] for item in (run[-1] for run in self.runs) if item.closeness is not None)

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


def _without_first(run: Sequence[Iteration], kind: str) -> list[float]:
    times: list[float] = [getattr(item, kind) for item in run]
    first = min(FIRST, len(times) - 1)
    return [median(times[first:])] * first + times[first:]


def settings(case: FitCase, iterations: int | None) -> list[Setting]:
    """All that are tried: samples of pictures in some numbers; of gradients a quarter, diffrt's default, or more: by
    diffrt half as many, by Mitsuba as many, its default."""
    problem = case.example.problem
    count = iterations or problem["iterations"]
    result = []
    for share in case.shares:
        spp = max(1, round(share * problem["spp"]))
        fewer = max(1, spp // PICTURE_SAMPLES)
        result += [Setting("diffrt", "lattice", spp, samples, count) for samples in sorted({max(1, spp // 2), fewer})]
        if share == 1.0:  # Mitsuba's default, besides the best of its samplers in benchmark (d)
            result.append(Setting("Mitsuba", "independent", spp, spp, count))
        result += [Setting("Mitsuba", "multijitter", spp, samples, count) for samples in sorted({spp, fewer})]
    return result


def run(case: FitCase, tried: Sequence[Setting], seeds: int) -> list[Course]:
    """All of them in turn, an iteration of each; that for each seed."""
    courses = [Course(setting, []) for setting in tried]
    for seed in range(seeds):
        with ExitStack() as stack:
            processes = [stack.enter_context(FitProcess(case, replace(setting, seed=seed))) for setting in tried]
            for course in courses:
                course.runs.append([])
            for _ in range(tried[0].iterations):
                for process, course in zip(processes, courses, strict=True):
                    course.runs[-1].append(process.next())
    return courses


def measure(case: FitCase, quick: bool) -> Section:
    """Both programs at all settings; then how soon each came as close as Mitsuba ends, and how close they end."""
    tried = settings(case, 2 if quick else None)
    return section(case, run(case, tried, 1 if quick else case.seeds), quick)


def section(case: FitCase, courses: Sequence[Course], quick: bool) -> Section:
    """The rows, and the table behind them."""
    problem = case.example.problem
    ours = [item for item in courses if item.setting.program == "diffrt"]
    theirs = [item for item in courses if item.setting.program == "Mitsuba"]
    alike = [item for item in theirs if item.setting.spp == item.setting.spp_gradient]
    # With as few samples of gradients as diffrt takes by default.
    stated = min(
        (item for item in ours if item.setting.spp == problem["spp"]), key=lambda item: item.setting.spp_gradient
    )
    usual = next(item for item in alike if item.setting.sampler == "independent")
    last = min((item for item in alike if item.setting.spp == problem["spp"]), key=lambda item: item.end)
    level = last.end * (1.0 + TOLERANCE)
    setup = stated.setting.setup(case)
    view = setup.views[0]
    views = problem.get("views_per_iteration") or len(setup.fitted_views)
    size = f"{views} of {len(setup.views)} views of {view.width}x{view.height}"
    rows = []
    close = f"Fit `{case.name}`, {size}: seconds until as close as Mitsuba ends, diffrt / Mitsuba"
    goals: list[tuple[str, list[Course], float, Over, bool]] = [
        (close, theirs, level, fmean, True),
        ("over Mitsuba with as many samples for gradients as for pictures, its default", alike, level, fmean, False),
        ("seconds until all that the example measures is within its limits", theirs, 1.0, max, False),
    ]
    for what, others, goal, over, judged in goals:
        for kind in ("wall", "cpu"):
            best = [min(item.seconds(goal, kind, over) for item in group) for group in (ours, others)]
            ratio = best[0] / best[1] if best[0] < float("inf") else best[0]
            figure = f"{ratio:.2f}" if ratio < float("inf") else "never so close"
            met = ratio <= TARGET if judged and kind == "wall" and not quick else None
            name = what if kind == "wall" else "by processor time"
            rows.append(Row(case.point, name, figure, f"<= {TARGET}" if judged and kind == "wall" else "", met))
    for kind, name in (("wall", "seconds"), ("cpu", "processor seconds")):
        pairs = zip(stated.times(kind)[FIRST:], usual.times(kind)[FIRST:], strict=True)
        ratios = [a / b for a, b in pairs] or [stated.times(kind)[-1] / usual.times(kind)[-1]]
        what = f"{name} of an iteration at {problem['spp']} spp, diffrt / Mitsuba's {usual.setting.sampler}"
        rows.append(Row(case.point, what, str(Spread.of(ratios)), "", None))
    closeness = stated.runs[0][-1].closeness
    assert closeness is not None
    for what, (_, limit) in closeness.items():
        figures = [item.measured(what) for item in (stated, last)]
        met = None if quick else figures[0] <= limit
        name = f"{what} at {problem['spp']} spp, diffrt / Mitsuba"
        rows.append(Row(case.point, name, f"{figures[0]:.4f} / {figures[1]:.4f}", f"<= {limit:g}", met))
    runs = len(stated.runs)
    text = (
        f"`scenes/fits/{case.name}.json`, {size}, {stated.setting.iterations} iterations of each setting in turn, with "
        f"equal targets, views and rates{f', with {runs} seeds' if runs > 1 else ''}. How close a fit is was measured "
        f"after every {EVERY}th iteration, outside of what is timed: the mean of the example's measures, each as a "
        f"share of what the example allows{', and over the seeds' if runs > 1 else ''}. Mitsuba ends at {last.end:.3f} "
        f"with its better sampler ({last.setting.sampler}) and as many samples of gradients as of pictures, "
        f"{last.setting.spp}; what is within {TOLERANCE:.0%} of that, {level:.3f}, and stays there, is as close. Each "
        "program has the best of its settings below. diffrt looks at the views of an iteration in as many processes as "
        f"there are cores (`--workers`). The first {FIRST} iterations, which compile, count as the median of the "
        f"others. Every twentieth of diffrt's looks at its views twice, to measure noise. {case.note}"
    )
    header = (
        "", "sampler", "spp of pictures", "of gradients", "seconds of an iteration", "processor seconds",
        "distance at the end", "iterations until as close", "seconds", "processor seconds",
    )  # fmt: skip
    return Section(f"({case.point}) {case.title}", rows, text, header, [_line(item, level) for item in courses])


def _line(course: Course, level: float) -> tuple[str, ...]:
    setting, number = course.setting, course.arrival(level)
    wall, cpu = (median(course.times(kind)) for kind in ("wall", "cpu"))
    until = [f"{course.seconds(level, kind):.2f}" for kind in ("wall", "cpu")] if number else ["", ""]
    return (
        setting.program, setting.sampler, str(setting.spp), str(setting.spp_gradient), f"{wall:.3f}", f"{cpu:.3f}",
        f"{course.end:.3f}", str(number or "never"), *until,
    )  # fmt: skip
