"""The loop of a fit: choose views, evaluate, step, note; and everything around it that makes it safe to stop."""

import time
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from diffrt import log
from diffrt.description.json_file import read_json
from diffrt.errors import InputError, Problem
from diffrt.fit import checkpoint, output
from diffrt.fit.checkpoint import RunState
from diffrt.fit.evaluate import Evaluation, Looker, apply_values, evaluate
from diffrt.fit.fingerprint import fingerprint
from diffrt.fit.fit_result import Callback, FitResult
from diffrt.fit.lbfgs import run_lbfgs
from diffrt.fit.noise import Noise
from diffrt.fit.prepare import FitSetup, prepare
from diffrt.fit.problem import Stage
from diffrt.fit.report import Outcome, write_report
from diffrt.fit.running_loss import RunningLoss
from diffrt.fit.view_order import ViewOrder
from diffrt.fit.workers import Workers
from diffrt.progress import Report, interrupts_held, peak_memory

MOST_SKIPPED = 3
_CHECKPOINT_SHARE = 0.02
"""Of the time may go into checkpoints."""
_WORSE = 1.5
"""A finished run whose loss ends above the best by this factor, beyond the noise of both, gives the best."""


def run(
    problem: str | Path | dict[str, Any],
    folder: Path | None,
    resume: bool,
    callback: Callback | None,
    workers: int,
    iterations: int | None,
    progress: Report | None,
) -> FitResult:
    """See `fit`."""
    data, base_dir = (
        (problem, Path(".")) if isinstance(problem, dict) else (read_json(Path(problem)), Path(problem).parent)
    )
    setup = prepare(data, base_dir, iterations)
    count = min(workers, ViewOrder(setup).count)
    with nullcontext() if count == 1 else Workers(count, data, base_dir, iterations) as pool:
        look = None if pool is None else pool.look
        return _Run(setup, folder, callback, progress or (lambda share, text: None), look).run(resume)


@dataclass
class _Run:
    setup: FitSetup
    folder: Path | None
    callback: Callback | None
    progress: Report
    look: Looker | None
    state: RunState = field(default_factory=RunState)
    ending: str = "finished"
    cut: list[str] = field(default_factory=list)
    blind: set[str] = field(default_factory=set)
    sighted: bool = False

    def run(self, resume: bool) -> FitResult:
        """The whole run; if a file cannot be written, the message says what is left."""
        try:
            return self._run(resume)
        except InputError as error:
            if self.folder is None or not (self.folder / checkpoint.FILE).is_file():
                raise
            hint = "the last checkpoint is whole: go on with --resume"
            raise InputError(
                [replace(item, hint=hint) if item.field == "output" else item for item in error.problems]
            ) from None

    def _run(self, resume: bool) -> FitResult:
        setup, folder = self.setup, self.folder
        self.fingerprint = {} if folder is None else fingerprint(setup)
        saved = checkpoint.read_checkpoint(folder, self.fingerprint) if resume and folder is not None else None
        before = self._pictures("start", 0.0)
        if saved is not None:
            self.state = checkpoint.restore(setup, saved)
            apply_values(setup)
        if folder is not None:
            checkpoint.clear(folder, resume)
        self.history = output.History(folder, self.state.iteration)
        self.order = ViewOrder(setup)
        self.resumed_seconds, self.started = self.state.seconds, time.perf_counter()
        self.written, self.writing = time.perf_counter(), 0.0
        try:
            if setup.problem.optimizer == "lbfgs":
                self._descend_lbfgs()
            else:
                self._descend()
        except KeyboardInterrupt:
            self.ending = "interrupted"
        if folder is not None and self.state.iteration:
            checkpoint.write_checkpoint(folder, setup, self.state, self.fingerprint)
        return self._result(before)

    def _pictures(self, which: str, share: float) -> dict[str, np.ndarray]:
        """Every view of the scene as it is now; `share` of the run is done."""
        result = {}
        for number, view in enumerate(self.setup.views, start=1):
            self.progress(share, f"pictures of the {which}, {number} of {len(self.setup.views)}")
            result[view.name] = output.picture_of(self.setup, view)
        return result

    def _descend(self) -> None:
        setup, state = self.setup, self.state
        while state.iteration < setup.iterations and self.ending == "finished":
            number, stage = setup.stage_at(state.iteration)
            self._enter(number)
            views = self.order.at(state.iteration)
            began = time.perf_counter()
            looks = 2 if state.noise.due() else 1
            spp = state.noise.samples(stage.spp or setup.problem.spp)
            evaluation = evaluate(setup, views, state.iteration, stage, spp, looks, self.look)
            self._warn_of_blind(evaluation)
            with interrupts_held() as interrupted:
                self._note(evaluation)
                skipped = self._step(evaluation, stage)
                self._finish(evaluation, number, skipped, time.perf_counter() - began)
                if interrupted():
                    raise KeyboardInterrupt

    def _enter(self, number: int) -> None:
        """Begin a stage, unless it has begun."""
        state = self.state
        if state.remeshed >= number:
            return
        wanted = self.setup.stages[number].remesh
        with interrupts_held() as interrupted:
            if wanted is not None:
                from diffrt.fit.remesh import remesh

                remesh(self.setup, wanted)
                state.best = {}  # of other triangles
            state.remeshed, state.best_loss, state.loss, state.noise = number, float("inf"), RunningLoss(), Noise()
            if interrupted():
                raise KeyboardInterrupt

    def _warn_of_blind(self, evaluation: Evaluation) -> None:
        """Say which views lead nowhere.

        Raises:
            InputError: all do.
        """
        new = [name for name in evaluation.blind if name not in self.blind]
        self.blind |= set(new)
        self.sighted |= len(evaluation.blind) < len(evaluation.views)
        if not self.sighted and len(self.blind) == len(self.setup.fitted_views):
            found = "none depends on any of the parameters: what is fitted is not seen, or no light falls on it"
            raise InputError(Problem("views", found, "a start in which some view sees what may move"))
        for name in new:
            log.warn(f"view {name}: its picture depends on none of the parameters: it does not see what is fitted")

    def _step(self, evaluation: Evaluation, stage: Stage) -> list[str]:
        """Move every variable, or none if some gradient is not finite; names of these."""
        setup, state = self.setup, self.state
        broken = evaluation.not_finite()
        if broken:
            for name in broken:
                setup.variables[name].rate_scale *= 0.5
            state.skipped += 1
            log.warn(
                f"iteration {state.iteration}: the gradient by {', '.join(broken)} is not finite; "
                "the step is skipped and its learning rate halved"
            )
            if state.skipped >= MOST_SKIPPED:
                self.ending = "not finite"
            return broken
        state.skipped = 0
        for name, gradient in evaluation.gradients.items():
            step = setup.variables[name].step(gradient, state.iteration, setup.iterations)
            state.noise.add(setup.variables[name], step, evaluation.variances.get(name))
            self.cut += [name] * step.cut
        spp = stage.spp or setup.problem.spp
        state.noise.end_step(spp, setup.problem.max_spp or spp)
        apply_values(setup)
        return []

    def _note(self, evaluation: Evaluation) -> None:
        """Remember the present state if the loss is the lowest yet, over ten iterations or two rounds."""
        state = self.state
        if not np.isfinite(evaluation.loss):
            return
        state.loss.add(evaluation.loss, max(10.0, 2.0 * self.order.steps))
        bound = state.loss.bounds()[1]
        if bound < state.best_loss or not state.best:
            state.best_loss, state.best_iteration = bound, state.iteration
            state.best = {key: array.copy() for key, array in checkpoint.values_of(self.setup).items()}

    def _finish(self, evaluation: Evaluation, stage: int, skipped: list[str], seconds: float) -> None:
        """Account for an iteration: history, progress, checkpoint, callback."""
        setup, state = self.setup, self.state
        now = time.perf_counter()
        state.seconds = self.resumed_seconds + now - self.started
        row: dict[str, Any] = {
            "iteration": state.iteration,
            "stage": stage,
            "loss": evaluation.loss,
            "terms": evaluation.terms,
            "views": evaluation.views,
            "gradient_norms": {name: float(np.linalg.norm(item)) for name, item in evaluation.gradients.items()},
            "samples": evaluation.samples,
            "spp": evaluation.spp,
            "noise": state.noise.shares(),
            "seconds": seconds,
            "peak_memory": peak_memory(),
        }
        if skipped:
            row["skipped"] = skipped
        if self.cut:
            row["cut"], self.cut = self.cut, []
        self.history.add(row)
        state.iteration += 1
        noise = f", noise {state.noise.mean_share():.0%}" if state.noise.measured else ""
        text = f"iteration {state.iteration}, loss {evaluation.loss:.4g}{noise}"
        self.progress(state.iteration / setup.iterations, text)
        if self.folder is not None and now - self.written >= self.writing / _CHECKPOINT_SHARE:
            checkpoint.write_checkpoint(self.folder, setup, state, self.fingerprint)
            self.written = time.perf_counter()
            self.writing = self.written - now
        if self.callback is not None and self.callback(row, setup.scene) is False and self.ending == "finished":
            self.ending = "stopped"

    def _descend_lbfgs(self) -> None:
        setup, state = self.setup, self.state

        def look(number: int) -> tuple[Evaluation, bool]:
            """The objective at the variables' present values; whether the run ends."""
            stage_number, stage = setup.stage_at(state.iteration)
            began = time.perf_counter()
            # The same random numbers each time: one smooth function.
            evaluation = evaluate(setup, setup.fitted_views, 0, stage, None, 1, self.look)
            self._warn_of_blind(evaluation)
            with interrupts_held() as interrupted:
                if evaluation.loss < state.best_loss:
                    state.best_loss, state.best_iteration = evaluation.loss, state.iteration
                    state.best = {key: array.copy() for key, array in checkpoint.values_of(setup).items()}
                broken = evaluation.not_finite()
                self.ending = "not finite" if broken else self.ending
                self._finish(evaluation, stage_number, broken, time.perf_counter() - began)
                if interrupted():
                    raise KeyboardInterrupt
            return evaluation, self.ending != "finished" or state.iteration >= setup.iterations

        run_lbfgs(setup, state, look)

    def _result(self, before: dict[str, np.ndarray]) -> FitResult:
        setup, state = self.setup, self.state
        iteration = state.iteration
        worse = state.loss.bounds()[0] > _WORSE * state.best_loss
        searched = setup.problem.optimizer == "lbfgs"  # along lines, whose last point need not be the best
        if state.best and (self.ending in ("interrupted", "not finite") or worse or searched):
            if worse and self.ending == "finished":
                log.warn(f"the loss rose again: the result is that of iteration {state.best_iteration}")
            checkpoint.set_values(setup, state.best)
            iteration = state.best_iteration
        apply_values(setup)
        after = self._pictures("result", 1.0)
        targets = {view.name: view.at(setup.finest) for view in setup.views}
        scores = {
            name: {
                "before": output.scores_of(target, before[name]),
                "after": output.scores_of(target, after[name]),
            }
            for name, target in targets.items()
        }
        views = output.view_descriptions(setup, scores)
        if self.folder is not None:
            output.write_result(self.folder, setup, views)
            output.write_pictures(self.folder, setup, before, "before")
            output.write_pictures(self.folder, setup, after, "after")
            output.write_pictures(
                self.folder, setup, {name: target.color for name, target in targets.items()}, "target"
            )
            write_report(self.folder, setup, Outcome(before, after, views, self.history.rows, self.ending, iteration))
        values = {name: item.value.copy() for name, item in setup.variables.items()}
        return FitResult(setup.result_scene(), self.history.rows, views, self.ending, iteration, values)
