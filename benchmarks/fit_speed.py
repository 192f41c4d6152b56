"""(o) to (r): seconds of an iteration of a fit, and how close it comes, against the same loop in Mitsuba."""

import multiprocessing
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.peers import SCENES, Timed, mitsuba
from benchmarks.report import Row, Section, Spread
from diffrt.fit.prepare import FitSetup

TARGET = 0.5
FIRST = 5
"""Iterations that do not count: they compile."""


@dataclass(frozen=True)
class FitCase:
    """An example of scenes/fits.

    Attributes:
        without: parameters that neither fits, for Mitsuba has no derivative by them; they are true from the start.
        note: what else is not alike.
    """

    point: str
    name: str
    title: str
    without: tuple[str, ...] = ()
    note: str = ""


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


def _example(name: str) -> Any:
    if str(SCENES) not in sys.path:
        sys.path.insert(0, str(SCENES))
    from fit_examples import EXAMPLES

    return EXAMPLES[name]


def _problem(case: FitCase) -> dict[str, Any]:
    """The problem, where what is not fitted is true."""
    example = _example(case.name)
    start = dict(example.start)
    if case.without:
        start["lights"] = [dict(light) for light in start["lights"]]
        for name in case.without:
            _, element, field = name.split(".")
            light, true = (next(x for x in scene["lights"] if x["name"] == element) for scene in (start, example.truth))
            light[field] = true[field]
    parameters = {key: value for key, value in example.problem["parameters"].items() if key not in case.without}
    views = [{**view, "target": str(SCENES / "fits" / view["target"])} for view in example.problem["views"]]
    return {**example.problem, "parameters": parameters, "scene": start, "views": views}


class Turns:
    """Times iterations, and waits for leave before each.

    Args:
        connection: to whoever gives leave.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.wait()

    def wait(self) -> None:
        """Until the next iteration may begin."""
        self._connection.recv()
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def done(self) -> None:
        """Report an iteration, and wait."""
        self._connection.send(Timed(time.perf_counter() - self._wall, time.process_time() - self._cpu, None))
        self.wait()


def _run_diffrt(case: FitCase, iterations: int | None, turns: Turns) -> Any:
    import diffrt
    from diffrt.fit.loop import fit

    diffrt.init("cpu")
    return fit(_problem(case), iterations=iterations, callback=lambda row, scene: turns.done()).scene


def _run_mitsuba(case: FitCase, iterations: int | None, turns: Turns) -> Any:
    mitsuba()
    from benchmarks.mitsuba_fit import MitsubaFit

    setup = _setup(case, iterations)
    fit = MitsubaFit(setup)
    for iteration in range(setup.iterations):
        fit.step(iteration)
        turns.done()
    return fit.result()


PROGRAMS: dict[str, Callable[[FitCase, int | None, Turns], Any]] = {"diffrt": _run_diffrt, "Mitsuba": _run_mitsuba}


def _setup(case: FitCase, iterations: int | None) -> FitSetup:
    from diffrt.fit.prepare import prepare

    return prepare(_problem(case), SCENES, iterations)


def _serve(connection: Connection, program: str, case: FitCase, iterations: int | None) -> None:
    """Run a fit, an iteration a message; the last message says how close it came. What fails is raised there."""
    try:
        scene = PROGRAMS[program](case, iterations, Turns(connection))
        connection.send(_example(case.name).closeness(scene, {}))
    except Exception as error:
        connection.send(f"{program}: {type(error).__name__}: {error}")


class _Worker:
    """A fit in a process of its own."""

    def __init__(self, program: str, case: FitCase, iterations: int | None) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, program, case, iterations), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> "_Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.terminate()

    def next(self) -> Any:
        """What the next iteration took; after the last one how close the fit came."""
        try:
            self._connection.send(None)
            result = self._connection.recv()
        except (EOFError, BrokenPipeError):
            raise RuntimeError("the process of a fit ended") from None
        if isinstance(result, str):
            raise RuntimeError(result)
        return result


def measure(case: FitCase, quick: bool) -> Section:
    """Iterations of both in turn; then how close each came."""
    iterations = 2 if quick else None
    setup = _setup(case, iterations)
    with _Worker("diffrt", case, iterations) as ours, _Worker("Mitsuba", case, iterations) as theirs:
        pairs = [(ours.next(), theirs.next()) for _ in range(setup.iterations)]
        found = {"diffrt": ours.next(), "Mitsuba": theirs.next()}
    pairs = pairs[min(FIRST, len(pairs) - 1) :]
    wall = Spread.of([a.wall / b.wall for a, b in pairs])
    cpu = Spread.of([a.cpu / b.cpu for a, b in pairs])
    whole = sum(a.cpu for a, _ in pairs) / sum(b.cpu for _, b in pairs)
    problem, view = setup.problem, setup.views[0]
    views = problem.views_per_iteration or len(setup.fitted_views)
    size = f"{views} of {len(setup.views)} views of {view.width}x{view.height}, {problem.spp} spp"
    section = Section(
        f"({case.point}) {case.title}",
        [
            Row(case.point, f"Fit `{case.name}`, {size}: seconds of an iteration, diffrt / Mitsuba", str(wall),
                f"<= {TARGET}", wall.median <= TARGET),
            Row(case.point, "the same by processor time", str(cpu), "", None),
            Row(case.point, "processor time of all iterations, diffrt / Mitsuba", f"{whole:.2f}", "", None),
        ],
        f"`scenes/fits/{case.name}.json`, {size}, {setup.iterations} iterations by both in turn, with equal targets, "
        f"views and rates; the first {FIRST} are not counted. Every tenth of diffrt's looks at its views twice, "
        f"to measure noise. {case.note}",
        ("", "seconds", "processor seconds"),
    )  # fmt: skip
    for at, name in enumerate(PROGRAMS):
        times = [pair[at] for pair in pairs]
        seconds, processor = (Spread.of([getattr(time, kind) for time in times]) for kind in ("wall", "cpu"))
        section.lines.append((name, _fine(seconds), _fine(processor)))
    for what, (value, limit) in found["diffrt"].items():
        theirs_value = found["Mitsuba"][what][0]
        if not any(what.startswith(word) for word in ("turn",) if case.without):
            met = None if quick else value <= limit
            figure = f"{value:.4f} / {theirs_value:.4f}"
            section.rows.append(Row(case.point, f"{what}, diffrt / Mitsuba", figure, f"<= {limit:g}", met))
    return section


def _fine(spread: Spread) -> str:
    return f"{spread.median:.3f} ({spread.low:.3f} to {spread.high:.3f})"
