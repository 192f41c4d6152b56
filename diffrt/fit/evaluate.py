"""The loss of a scene and its gradient by every variable, over some views."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from diffrt.fit.losses import buffer_loss, image_loss
from diffrt.fit.parameters import matching
from diffrt.fit.prepare import FitSetup
from diffrt.fit.problem import Loss, Stage
from diffrt.fit.regularizers import regularize
from diffrt.fit.response import FIELDS, Response, respond
from diffrt.fit.variables import RESPONSE
from diffrt.fit.views import Target, View
from diffrt.gradient.backward import render_backward
from diffrt.render.render import trace

Floats = NDArray[np.float64]
PICTURE, GRADIENT, ORDER, SCORE = range(4)
"""What random numbers are for; each has seeds of its own."""
PICTURE_SAMPLES = 4
"""Samples of pictures for one of gradients, unless a problem says otherwise."""


@dataclass
class Evaluation:
    """What one look at some views gave.

    Attributes:
        loss: the mean over the views, and the regularizers.
        terms: parts of the loss by name, weighted.
        views: loss by view.
        gradients: by variable, of its value's shape.
        variances: by variable, of each number of the gradient of one look, in the coordinates of the steps; if known.
        spp: samples per pixel of a look. samples: summed over views and looks, of pictures and of gradients.
        blind: views that are not explained yet, though nothing that may move changes their pictures.
    """

    loss: float = 0.0
    terms: dict[str, float] = field(default_factory=dict)
    views: dict[str, float] = field(default_factory=dict)
    gradients: dict[str, Floats] = field(default_factory=dict)
    variances: dict[str, Floats] = field(default_factory=dict)
    spp: int = 0
    samples: dict[str, int] = field(default_factory=lambda: {"picture": 0, "gradient": 0})
    blind: list[str] = field(default_factory=list)

    def add(self, term: str, value: float) -> None:
        """Add to a part of the loss."""
        self.terms[term] = self.terms.get(term, 0.0) + value
        self.loss += value

    def add_look(self, look: "Evaluation", share: float) -> None:
        """Add a share of what a look at a view gave."""
        for name, value in look.terms.items():
            self.terms[name] = self.terms.get(name, 0.0) + share * value
        self.loss += share * look.loss
        for name, gradient in look.gradients.items():
            self.gradients[name] += share * gradient
        for name, count in look.samples.items():
            self.samples[name] += count

    def not_finite(self) -> list[str]:
        """The variables whose gradient is not finite; all of them if the loss is not."""
        if not np.isfinite(self.loss):
            return list(self.gradients)
        return [name for name, gradient in self.gradients.items() if not np.isfinite(gradient).all()]


@dataclass(frozen=True)
class Look:
    """A look at a view.

    Attributes:
        view: its number. step: how often it was looked at before. number: 1 for a second look at this step.
        resolution: share of the view's size. spp: samples per pixel of its picture; spp_gradient: of its gradient.
    """

    view: int
    step: int
    resolution: float
    spp: int
    spp_gradient: int
    number: int = 0


Looker = Callable[[FitSetup, Sequence[Look]], list[Evaluation]]
"""Who looks: (setup, looks) -> what each gave, in their order."""


def seed_of(seed: int, purpose: int, *numbers: int) -> int:
    """A seed for one purpose at one place of the run."""
    return int(np.random.SeedSequence([seed, purpose, *numbers]).generate_state(1)[0] & 0x7FFFFFFF)


def apply_values(setup: FitSetup) -> None:
    """Bring the variables' values into the scene."""
    for variable in setup.variables.values():
        variable.apply(setup.scene)


def response_of(setup: FitSetup, view: View) -> Response:
    """The camera response of a view; for one that is kept out the mean of those of the others."""
    fitted = [item.name for item in setup.fitted_views]
    values = {}
    for name in FIELDS:
        variable = setup.variables.get(RESPONSE + name)
        if variable is None:
            continue
        value = variable.value
        if variable.fit.per_view:
            value = value.mean(axis=0) if view.holdout else value[fitted.index(view.name)]
        values[name] = value
    return Response(**values)


def evaluate(
    setup: FitSetup,
    views: list[View],
    iteration: int,
    stage: Stage,
    spp: int | None = None,
    looks: int = 1,
    look: Looker | None = None,
) -> Evaluation:
    """Render each view, compare it with its target, and bring the derivatives back to the variables.

    Args:
        iteration: chooses the random numbers, with the views, which take turns.
        spp: samples per pixel of pictures, if not those of the stage; those of gradients go with them.
        looks: how often each view is looked at. Two tell the variance of the gradients, and give their means.
        look: who looks; by default this process, at one after the other.
    """
    spp = spp or stage.spp or setup.problem.spp
    of_gradients = _of_gradients(setup, stage, spp)
    wanted = []
    for place, view in enumerate(views):
        step = (iteration * len(views) + place) // len(setup.fitted_views)  # all views in turn
        of_view = Look(setup.views.index(view), step, stage.resolution, spp, of_gradients)
        wanted += [replace(of_view, number=number) for number in range(looks)]
    found = [look_at(setup, item) for item in wanted] if look is None else look(setup, wanted)
    result = _nothing(setup, spp)
    for place, view in enumerate(views):
        _add_view(setup, view, found[place * looks : (place + 1) * looks], 1.0 / len(views), result)
    add_regularizers(setup, result)
    return result


def _of_gradients(setup: FitSetup, stage: Stage, spp: int) -> int:
    """Samples per pixel of gradients where pictures have `spp`.

    Near the solution the noise of a gradient is that of the picture, in every pixel's residual: its own is multiplied
    with these. And a sample of a gradient takes several times as long.
    """
    problem = setup.problem
    wanted = stage.spp_gradient or problem.spp_gradient
    if wanted is None:
        return spp if problem.optimizer == "lbfgs" else max(1, spp // PICTURE_SAMPLES)
    return max(1, wanted * spp // (stage.spp or problem.spp))


def _add_view(setup: FitSetup, view: View, found: list[Evaluation], share: float, result: Evaluation) -> None:
    """Add the mean of the looks at a view, and what two of them tell of the variance."""
    for item in found:
        result.add_look(item, share / len(found))
    result.views[view.name] = loss = float(np.mean([item.loss for item in found]))
    if loss > 0.0 and not any(np.any(gradient) for item in found for gradient in item.gradients.values()):
        result.blind.append(view.name)
    if len(found) == 2:
        for name, variable in setup.variables.items():
            difference = share * variable.inward(found[0].gradients[name] - found[1].gradients[name])
            result.variances[name] = result.variances.get(name, 0.0) + 0.5 * difference**2


def _nothing(setup: FitSetup, spp: int) -> Evaluation:
    return Evaluation(spp=spp, gradients={name: np.zeros_like(item.value) for name, item in setup.variables.items()})


def look_at(setup: FitSetup, look: Look) -> Evaluation:
    """The loss of one view and its gradients."""
    problem, spp = setup.problem, look.spp
    view = setup.views[look.view]
    chance, step = (look.view, look.number), look.step
    result = _nothing(setup, spp)
    target = view.at(look.resolution)
    buffers = _buffers_of(target, problem.loss)
    camera = setup.scene.cameras[view.camera].resized(target.width, target.height)
    picture_seed = seed_of(problem.seed, PICTURE, *chance)
    names = ["radiance", *buffers]
    found = trace(setup.scene, names, spp=spp, seed=picture_seed, step=step, camera=camera, before_gradients=True)
    images = found.images
    result.samples["picture"] += spp
    response = response_of(setup, view)
    recorded, pull = respond(images["radiance"].astype(np.float64), response)
    loss, d_recorded = image_loss(recorded, target.color, target.weight, target.clipped, problem.loss)
    result.add("radiance", loss)
    adjoints = {"radiance": pull(d_recorded)[0]}
    for name, (weight, wanted, where) in buffers.items():
        part, d_buffer = buffer_loss(images[name].astype(np.float64), wanted, where, problem.loss)
        adjoints[name] = weight * d_buffer
        result.add(name, weight * part)
    gradient_seed = seed_of(problem.seed, GRADIENT, *chance)
    fitted = [name for name in FIELDS if RESPONSE + name in setup.variables]
    if fitted:
        # Another picture: with this one, whose noise is in d_recorded too, the darkest response would seem the best.
        again = trace(setup.scene, spp=spp, seed=gradient_seed, step=step, camera=camera, before_gradients=True)
        result.samples["picture"] += spp
        _, d_response = respond(again.images["radiance"].astype(np.float64), response)[1](d_recorded)
        for name in fitted:
            variable = setup.variables[RESPONSE + name]
            row = setup.fitted_views.index(view) if variable.fit.per_view else ...
            result.gradients[variable.name][row] += d_response[name]

    acting = [name for item in setup.variables.values() for name in item.targets if _acts(name, view)]
    if acting and all(np.isfinite(adjoint).all() for adjoint in adjoints.values()):
        image_gradient = adjoints if buffers else adjoints["radiance"]
        gradients = render_backward(
            setup.scene, image_gradient, acting, spp=look.spp_gradient, seed=gradient_seed, step=step, camera=camera
        )
        result.samples["gradient"] += look.spp_gradient
        for item in setup.variables.values():
            if any(name in gradients for name in item.targets):
                result.gradients[item.name] += item.gradient(gradients)
    elif acting:
        result.loss = float("nan")
    return result


def _buffers_of(target: Target, loss: Loss) -> dict[str, tuple[float, Floats, Floats]]:
    """For each buffer that a view knows: the weight of its loss, what it should be, where it counts.

    The mask counts everywhere, the others under it.
    """
    known = target.buffers if target.mask is None else {**target.buffers, "mask": target.mask}
    everywhere = np.ones(target.weight.shape)
    return {
        str(name): (weight, known[name], everywhere if name == "mask" else target.weight)
        for name, weight in loss.buffers.items()
        if weight > 0.0 and name in known
    }


def _acts(parameter: str, view: View) -> bool:
    """Whether a picture of the view depends on it: of all cameras only on its own."""
    return not parameter.startswith("cameras.") or parameter.startswith(f"cameras.{view.camera}.")


def add_regularizers(setup: FitSetup, result: Evaluation) -> None:
    """Add the terms that do not look at pictures."""
    for item in setup.problem.regularizers:
        for name in matching(item.parameter, setup.variables):
            value, gradient = regularize(item.type, setup.variables[name], setup.scene)
            result.add(item.type, item.weight * value)
            result.gradients[name] += item.weight * gradient
