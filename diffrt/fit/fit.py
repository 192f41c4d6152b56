"""`fit`, the entry of inverse rendering. What it takes is imported when it is called: pictures need none of it."""

from pathlib import Path
from typing import Any

from diffrt.errors import InputError, Problem
from diffrt.fit.fit_result import Callback, FitResult
from diffrt.progress import Report


def fit(
    problem: str | Path | dict[str, Any],
    output: str | Path | None = None,
    resume: bool = False,
    callback: Callback | None = None,
    workers: int = 1,
    *,
    iterations: int | None = None,
    progress: Report | None = None,
) -> FitResult:
    """Find the scene that explains pictures.

    Args:
        problem: a problem file (docs/fitting.md), or what it holds as a dict, in which scenes and arrays may stand for
            files; relative paths then start from the working directory.
        output: folder for the result, the history and checkpoints; None writes nothing.
        resume: go on from the checkpoint in `output`, on the same trajectory.
        callback: called after each iteration with its row of the history and the scene as it is then (not a copy);
            returning False stops the run.
        workers: processes that share the views of a step, and the processor's cores. They help where a step has many
            views and much of its time is not spent on all cores: a scene whose geometry moves, a processor of many
            cores. Each holds the scene and the pictures in memory. Results are equal, but for the order of sums. A
            program that asks for more than one must keep to `if __name__ == "__main__"`.
        iterations: instead of the problem's.
        progress: called with the share done and a short text.

    Returns:
        The fitted scene, history and views. Ctrl-C ends the run with the best scene so far.

    Raises:
        InputError: the problem is wrong, with everything that is; or `output` cannot be written to.
    """
    from diffrt.fit import loop

    if not isinstance(workers, int) or workers < 1:
        raise InputError(Problem("workers", f"found {workers!r}", "a whole number, at least 1"))
    if resume and output is None:
        raise InputError(Problem("resume", "true, without output", "the output folder of the earlier run"))
    if iterations is not None and iterations < 1:
        raise InputError(Problem("iterations", f"found {iterations!r}", "at least 1"))
    return loop.run(problem, None if output is None else Path(output), resume, callback, workers, iterations, progress)
