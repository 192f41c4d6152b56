"""From a problem file to everything a fit works on: the scene, the views, the variables. Finds all that is wrong."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diffrt.description.names import listed, nearest
from diffrt.errors import InputError, Problem
from diffrt.fit.losses import known_losses
from diffrt.fit.parameters import make_variables, matching
from diffrt.fit.problem import ProblemFile, Stage, read_problem
from diffrt.fit.references import references
from diffrt.fit.regularizers import known_regularizers, regularizer_problem
from diffrt.fit.variables import Variable
from diffrt.fit.views import View, read_views
from diffrt.scene.scene import Scene

DEFAULT_ITERATIONS = 100


@dataclass
class FitSetup:
    """What a fit works on.

    Attributes:
        problem: as given. description: its plain data, to tell whether a checkpoint belongs to it.
        scene: the one that is fitted, with the cameras of all views under `cameras.NAME`.
        original: the scene as loaded.
        views: all of them, in the problem's order.
        variables: by name.
        stages: whose iterations sum up to all.
    """

    problem: ProblemFile
    description: dict[str, Any]
    scene: Scene
    original: Scene
    views: list[View]
    variables: dict[str, Variable]
    stages: list[Stage]
    iterations: int = field(init=False)

    def __post_init__(self) -> None:
        self.iterations = sum(stage.iterations for stage in self.stages)

    @property
    def fitted_views(self) -> list[View]:
        """The views that are not kept out."""
        return [view for view in self.views if not view.holdout]

    @property
    def finest(self) -> float:
        """The largest resolution of a stage: that of the pictures that are scored and shown."""
        return max(stage.resolution for stage in self.stages)

    def stage_at(self, iteration: int) -> tuple[int, Stage]:
        """Number and content of the stage of an iteration."""
        end = 0
        for number, stage in enumerate(self.stages):
            end += stage.iterations
            if iteration < end:
                return number, stage
        return len(self.stages) - 1, self.stages[-1]

    def result_scene(self) -> Scene:
        """The scene as it is now, with the cameras it was loaded with and no others."""
        scene = self.scene.copy()
        scene.cameras = {name: camera for name, camera in scene.cameras.items() if name in self.original.cameras}
        scene.several_cameras = self.original.several_cameras
        return scene


def prepare(data: Any, base_dir: Path, iterations: int | None = None) -> FitSetup:
    """Check a problem, load what it refers to.

    Args:
        data: as a problem file holds it; from Python with scenes and arrays inside.
        base_dir: where relative paths start.
        iterations: instead of the problem's.

    Raises:
        InputError: with every problem found.
    """
    problems: list[Problem] = []
    problem, original = None, None
    try:
        problem = read_problem(data)
    except InputError as error:
        problems += error.problems
    given = data.get("scene") if isinstance(data, dict) else None
    try:
        original = _scene(given, base_dir)
    except InputError as error:
        problems += [
            Problem(_below("scene", item.field), item.found, item.allowed, item.hint) for item in error.problems
        ]
    if problem is None or original is None:
        if isinstance(data, dict):
            problems += references(data, original, base_dir)
        raise InputError(list(dict.fromkeys(problems)))

    scene = original.copy()
    scene.several_cameras = True
    single = None if original.several_cameras or not original.cameras else next(iter(original.cameras))
    views: list[View] = []
    try:
        views, cameras = read_views(problem, scene, base_dir)
        scene.cameras |= cameras
    except InputError as error:
        problems += error.problems
    variables: dict[str, Variable] = {}
    if views or not any(key.startswith("views.") for key in problem.parameters):
        try:
            variables = make_variables(problem, scene, original, views, single)
        except InputError as error:
            problems += error.problems
    problems += _named(problem, scene, variables)
    problems += _buffers(problem, views)
    if any(stage.remesh for stage in problem.stages):
        problems += _remeshing(problem, scene, variables)
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
    for variable in variables.values():
        variable.apply(scene)
    stages = _stages(problem, iterations)
    plain = {key: value for key, value in data.items() if key not in ("iterations", "$schema")}
    return FitSetup(problem, plain, scene, original, views, variables, stages)


def _below(place: str, field_name: str) -> str:
    return f"{place}: {field_name}" if field_name else place


def _scene(given: Any, base_dir: Path) -> Scene | None:
    if isinstance(given, Scene):
        return given.copy()
    if isinstance(given, dict):
        return Scene.from_dict(given, base_dir)
    return Scene.load(base_dir / given) if isinstance(given, (str, Path)) and str(given).strip() else None


def _named(problem: ProblemFile, scene: Scene, variables: dict[str, Variable]) -> list[Problem]:
    """Losses and regularizers that do not exist, or not for their parameter."""
    problems = []
    if problem.loss.type not in known_losses():
        known = known_losses()
        problems.append(
            Problem("loss.type", f"{problem.loss.type!r}", listed(known), nearest(problem.loss.type, known))
        )
    for index, item in enumerate(problem.regularizers):
        place = f"regularizers[{index}]"
        if item.type not in known_regularizers():
            known = known_regularizers()
            problems.append(Problem(f"{place}.type", f"{item.type!r}", listed(known), nearest(item.type, known)))
            continue
        names = matching(item.parameter, variables)
        if not names and variables:
            hint = nearest(item.parameter, variables)
            found = f"{item.parameter!r} is not fitted"
            problems.append(Problem(f"{place}.parameter", found, listed(variables, 12), hint))
        for name in names:
            wrong = regularizer_problem(item.type, variables[name])
            if wrong:
                problems.append(Problem(f"{place}.parameter", f"{name!r}", wrong))
    return problems


def _buffers(problem: ProblemFile, views: list[View]) -> list[Problem]:
    """Weights of buffers that no view knows, and buffers of views that have no weight."""
    weights = {str(name) for name in problem.loss.buffers}
    known = {name for view in views for name in view.buffers}
    known |= {"mask"} if any(view.mask is not None for view in views) else set()
    problems = [
        Problem(f"loss.buffers.{name}", f"no view has a {name}", "buffers that views have")
        for name in sorted(weights - known)
        if views
    ]
    for index, model in enumerate(problem.views):
        for name in model.buffers:
            if name not in weights:
                found = "given, without a weight in loss.buffers"
                problems.append(Problem(f"views[{index}].buffers.{name}", found, f"loss.buffers.{name} beside it"))
    return problems


def _remeshing(problem: ProblemFile, scene: Scene, variables: dict[str, Variable]) -> list[Problem]:
    from diffrt.fit.remesh import remesh_problems

    return remesh_problems(problem, scene, variables)


def _stages(problem: ProblemFile, iterations: int | None) -> list[Stage]:
    """The stages, cut to the number of iterations or with the last one made longer."""
    total = iterations or problem.iterations
    if not problem.stages:
        return [Stage(iterations=total or DEFAULT_ITERATIONS)]
    result: list[Stage] = []
    left = total or sum(stage.iterations for stage in problem.stages)
    for number, stage in enumerate(problem.stages):
        last = number == len(problem.stages) - 1
        count = left if last else min(stage.iterations, left)
        if count > 0:
            result.append(stage.model_copy(update={"iterations": count}))
        left -= count
    return result
