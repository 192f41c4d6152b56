"""Fits by diffrt and by Mitsuba, each in a process of its own, step by step: what steps took, how close they came."""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.machine import cores
from benchmarks.peers import SCENES, mitsuba
from diffrt.fit.prepare import FitSetup, prepare
from diffrt.scene.scene import Scene

EVERY = 5
"""Iterations from one measurement of how close a fit is to the next."""


@dataclass(frozen=True)
class FitCase:
    """An example of scenes/fits.

    Attributes:
        without: parameters that neither fits, for Mitsuba has no derivative by them; they are true from the start.
        note: what else is not alike.
        shares: of the example's samples per pixel, that are tried.
        seeds: runs of each setting: how close a fit comes is chance, too.
    """

    point: str
    name: str
    title: str
    without: tuple[str, ...] = ()
    note: str = ""
    shares: tuple[float, ...] = (1.0, 0.5)
    seeds: int = 1

    @property
    def example(self) -> Any:
        """It, from scenes/fit_examples."""
        if str(SCENES) not in sys.path:
            sys.path.insert(0, str(SCENES))
        from fit_examples import EXAMPLES

        return EXAMPLES[self.name]

    def problem(self) -> dict[str, Any]:
        """The problem, where what is not fitted is true."""
        example = self.example
        start = dict(example.start)
        if self.without:
            start["lights"] = [dict(light) for light in start["lights"]]
            for name in self.without:
                _, element, field = name.split(".")
                light, true = (
                    next(item for item in scene["lights"] if item["name"] == element)
                    for scene in (start, example.truth)
                )
                light[field] = true[field]
        parameters = {key: value for key, value in example.problem["parameters"].items() if key not in self.without}
        views = [{**view, "target": str(SCENES / "fits" / view["target"])} for view in example.problem["views"]]
        return {**example.problem, "parameters": parameters, "scene": start, "views": views}

    def closeness(self, scene: Scene) -> dict[str, tuple[float, float]]:
        """What the example measures of a fitted scene, and its limits; without what says how light is turned."""
        measured: dict[str, tuple[float, float]] = self.example.closeness(scene, {})
        return {what: pair for what, pair in measured.items() if not (self.without and what.startswith("turn"))}


@dataclass(frozen=True)
class Setting:
    """A way to run a case.

    Attributes:
        spp: samples per pixel of pictures; spp_gradient: of gradients.
    """

    program: str
    sampler: str
    spp: int
    spp_gradient: int
    iterations: int
    seed: int = 0

    def problem(self, case: FitCase) -> dict[str, Any]:
        """With these samples per pixel."""
        return {**case.problem(), "spp": self.spp, "spp_gradient": self.spp_gradient, "seed": self.seed}

    def setup(self, case: FitCase) -> FitSetup:
        """The problem, prepared."""
        return prepare(self.problem(case), SCENES, self.iterations)


@dataclass(frozen=True)
class Iteration:
    """What an iteration took: wall time and the processor time of all threads, in seconds. And how close the scene is
    after it: by what is measured the value and its limit; None where it was not measured."""

    wall: float
    cpu: float
    closeness: dict[str, tuple[float, float]] | None


def _processor_seconds() -> float:
    """Of this process and of those that it started, all threads."""
    seconds = time.process_time()
    for child in multiprocessing.active_children():
        fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
        seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


class _Turns:
    """Times iterations, measures how close they come, and waits for leave before each."""

    def __init__(self, connection: Connection, case: FitCase, iterations: int) -> None:
        self._connection, self._case, self._iterations = connection, case, iterations
        self._done = 0
        self._wait()

    def _wait(self) -> None:
        self._connection.recv()
        self._wall, self._cpu = time.perf_counter(), _processor_seconds()

    def done(self, scene: Callable[[], Scene]) -> None:
        """Report an iteration, and wait for the next one's turn. scene: gives what is fitted so far."""
        wall, cpu = time.perf_counter() - self._wall, _processor_seconds() - self._cpu
        self._done += 1
        measured = self._done % EVERY == 0 or self._done == self._iterations
        self._connection.send(Iteration(wall, cpu, self._case.closeness(scene()) if measured else None))
        if self._done < self._iterations:
            self._wait()


def _run_diffrt(case: FitCase, setting: Setting, turns: _Turns) -> None:
    import diffrt
    from diffrt.fit.fit import fit

    diffrt.init("cpu")
    fit(
        setting.problem(case), workers=cores(), iterations=setting.iterations,
        callback=lambda row, scene: turns.done(lambda: scene),
    )  # fmt: skip


def _run_mitsuba(case: FitCase, setting: Setting, turns: _Turns) -> None:
    mitsuba()
    from benchmarks.mitsuba_fit import MitsubaFit

    fit = MitsubaFit(setting.setup(case), setting.sampler, setting.spp_gradient)
    for iteration in range(setting.iterations):
        fit.step(iteration)
        turns.done(fit.result)


PROGRAMS: dict[str, Callable[[FitCase, Setting, _Turns], None]] = {"diffrt": _run_diffrt, "Mitsuba": _run_mitsuba}


def _serve(connection: Connection, case: FitCase, setting: Setting) -> None:
    """Run a fit, an iteration a message. What fails is raised there."""
    try:
        PROGRAMS[setting.program](case, setting, _Turns(connection, case, setting.iterations))
    except Exception as error:
        connection.send(f"{setting.program}: {type(error).__name__}: {error}")


class FitProcess:
    """A fit in a process of its own. Use as a context manager."""

    def __init__(self, case: FitCase, setting: Setting) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, case, setting))
        self._process.start()
        theirs.close()

    def __enter__(self) -> "FitProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.terminate()

    def next(self) -> Iteration:
        """Run the next iteration.

        Raises:
            RuntimeError: the fit failed.
        """
        try:
            self._connection.send(None)
            result = self._connection.recv()
        except (EOFError, ConnectionError):
            raise RuntimeError("the process of a fit ended") from None
        if isinstance(result, str):
            raise RuntimeError(result)
        iteration: Iteration = result
        return iteration
