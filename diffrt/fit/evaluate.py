"""The loss of a scene and its gradient by every variable, over some views."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from diffrt.fit.losses import buffer_loss, image_loss
from diffrt.fit.prepare import FitSetup
from diffrt.fit.problem import Stage
from diffrt.fit.regularizers import regularize
from diffrt.fit.response import FIELDS, Response, respond
from diffrt.fit.variables import RESPONSE, Variable, matching
from diffrt.fit.views import View
from diffrt.gradient.backward import render_backward
from diffrt.render.render import trace

Floats = NDArray[np.float64]
PICTURE, GRADIENT, ORDER, SCORE = range(4)
"""What random numbers are for; each has seeds of its own."""


@dataclass
class Evaluation:
    """What one look at some views gave.

    Attributes:
        loss: the mean over the views, and the regularizers.
        terms: parts of the loss by name, weighted.
        views: loss by view.
        gradients: by variable, of its value's shape.
        samples: samples per pixel, summed over views, of pictures and of gradients.
    """

    loss: float = 0.0
    terms: dict[str, float] = field(default_factory=dict)
    views: dict[str, float] = field(default_factory=dict)
    gradients: dict[str, Floats] = field(default_factory=dict)
    samples: dict[str, int] = field(default_factory=lambda: {"picture": 0, "gradient": 0})

    def add(self, term: str, value: float) -> None:
        """Add to a part of the loss."""
        self.terms[term] = self.terms.get(term, 0.0) + value
        self.loss += value

    def not_finite(self) -> list[str]:
        """The variables whose gradient is not finite; all of them if the loss is not."""
        if not np.isfinite(self.loss):
            return list(self.gradients)
        return [name for name, gradient in self.gradients.items() if not np.isfinite(gradient).all()]


def seed_of(seed: int, purpose: int, *numbers: int) -> int:
    """A seed for one purpose at one place of the run."""
    return int(np.random.SeedSequence([seed, purpose, *numbers]).generate_state(1)[0] & 0x7FFFFFFF)


def apply_values(setup: FitSetup) -> None:
    """Bring the variables' values into the scene."""
    for variable in setup.variables.values():
        if variable.target is not None:
            setup.scene[variable.target] = variable.value
            if variable.name.endswith((".direction", ".normals")):  # the scene keeps these at unit length
                variable.value = variable.latent = setup.scene[variable.target]


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


def evaluate(setup: FitSetup, views: list[View], iteration: int, stage: Stage) -> Evaluation:
    """Render each view, compare it with its target, and bring the derivatives back to the variables.

    Args:
        iteration: chooses the random numbers.
    """
    result = Evaluation(gradients={name: np.zeros_like(item.value) for name, item in setup.variables.items()})
    for view in views:
        _add_view(setup, view, iteration, stage, 1.0 / len(views), result)
    add_regularizers(setup, result)
    return result


def _add_view(setup: FitSetup, view: View, iteration: int, stage: Stage, share: float, result: Evaluation) -> None:
    problem = setup.problem
    spp = stage.spp or problem.spp
    number = setup.views.index(view)
    target = view.at(stage.resolution)
    weights: dict[str, float] = (
        {str(name): weight for name, weight in problem.loss.buffers.items()} if target.mask is not None else {}
    )
    buffers = [name for name, weight in weights.items() if weight > 0.0]
    camera = setup.scene.cameras[view.camera].resized(target.width, target.height)
    images = trace(
        setup.scene, ["radiance", *buffers], spp=spp, seed=seed_of(problem.seed, PICTURE, iteration, number),
        camera=camera,
    ).images  # fmt: skip
    result.samples["picture"] += spp
    response = response_of(setup, view)
    recorded, pull = respond(images["radiance"].astype(np.float64), response)
    loss, d_recorded = image_loss(recorded, target.color, target.weight, target.clipped, problem.loss)
    d_radiance, _ = pull(d_recorded * share)
    result.add("radiance", loss * share)
    adjoints = {"radiance": d_radiance}
    for name in buffers:
        assert target.mask is not None
        weight = weights[name]
        part, d_buffer = buffer_loss(images[name].astype(np.float64), target.mask, problem.loss)
        adjoints[name] = weight * share * d_buffer
        result.add(name, weight * part * share)
        loss += weight * part
    result.views[view.name] = loss
    gradient_seed = seed_of(problem.seed, GRADIENT, iteration, number)
    fitted = [name for name in FIELDS if RESPONSE + name in setup.variables]
    if fitted:
        # Another picture: with this one, whose noise is in d_recorded too, the darkest response would seem the best.
        again = trace(setup.scene, spp=spp, seed=gradient_seed, camera=camera).images["radiance"]
        result.samples["picture"] += spp
        _, d_response = respond(again.astype(np.float64), response)[1](d_recorded * share)
        for name in fitted:
            variable = setup.variables[RESPONSE + name]
            row = setup.fitted_views.index(view) if variable.fit.per_view else ...
            result.gradients[variable.name][row] += d_response[name]

    acting = {item.target: item for item in setup.variables.values() if item.target and _acts(item, view)}
    if acting and all(np.isfinite(adjoint).all() for adjoint in adjoints.values()):
        gradients = render_backward(
            setup.scene, adjoints if buffers else d_radiance, list(acting), spp=spp,
            seed=gradient_seed, camera=camera,
        )  # fmt: skip
        result.samples["gradient"] += spp
        for target_name, gradient in gradients.items():
            result.gradients[acting[target_name].name] += gradient
    elif acting:
        result.loss = float("nan")


def _acts(variable: Variable, view: View) -> bool:
    """Whether a picture of the view depends on it: of all cameras only on its own."""
    assert variable.target is not None
    return not variable.target.startswith("cameras.") or variable.target.startswith(f"cameras.{view.camera}.")


def add_regularizers(setup: FitSetup, result: Evaluation) -> None:
    """Add the terms that do not look at pictures."""
    for item in setup.problem.regularizers:
        for name in matching(item.parameter, {name: None for name in setup.variables}):
            value, gradient = regularize(item.type, setup.variables[name], setup.scene)
            result.add(item.type, item.weight * value)
            result.gradients[name] += item.weight * gradient
