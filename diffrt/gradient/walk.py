"""How much of the light that leaves a point arrives at the film: after a walk whose length is drawn at random."""

import numpy as np
import taichi as ti
from taichi.math import vec2, vec3

from diffrt.core.sampler import INDEPENDENT, uniform_1d
from diffrt.core.vector import max_component
from diffrt.device.surface import surface_at
from diffrt.gradient.importance import Walk, connect, scattered, walk_on
from diffrt.gradient.way_points import keep_nearness, keep_point

MOST_STEPS = 24


def halving(most: int) -> np.ndarray:
    """(MOST_STEPS + 1,): probabilities of 0 to `most` steps, each half that of the one before, but for the last one."""
    lengths = 0.5 ** np.arange(1.0, MOST_STEPS + 2.0)
    lengths[most] *= 2.0
    lengths[most + 1 :] = 0.0
    return lengths


@ti.func
def arriving_at_film(
    scene: ti.template(), features: ti.template(), options: ti.template(), way: ti.template(), i: ti.i32,
    weights: ti.template(), lengths: ti.template(), start: Walk, room: ti.i32, lens: vec2, key: ti.u32,
    number: ti.i32,
):  # fmt: skip
    """Film area (pixels) times radiance there, per area that faces the light and radiance that arrives at the start of
    a walk; where on the film; and the number of steps. The points of the walk are kept as those of sample i.

    Args:
        lengths: probabilities of 0, 1, ... steps.
        room: steps at most, or MOST_STEPS.
    """
    steps, chance = _steps(lengths, uniform_1d(INDEPENDENT, key, number, 3), ti.min(room, MOST_STEPS))
    seen = _walk(scene, features, way, i, start, steps, key, number)
    surface = surface_at(scene, features, seen.triangle, seen.u, seen.v)
    lobe = uniform_1d(INDEPENDENT, key, number, 4)
    link = connect(scene, features, options, weights, surface, lens)
    arriving = vec3(0.0)
    if link.share > 0.0 and max_component(seen.weight) > 0.0:
        arriving = seen.weight * scattered(scene, features, surface, seen.triangle, lobe, link.wo, seen.wi)
        arriving *= link.share / chance
    return arriving, link.film, steps


@ti.func
def _walk(
    scene: ti.template(), features: ti.template(), way: ti.template(), i: ti.i32, start: Walk, steps: ti.i32,
    key: ti.u32, number: ti.i32,
) -> Walk:  # fmt: skip
    """Walk on for a number of steps, or until nothing is left; the points are kept as those of sample i."""
    here = start
    keep_point(scene, features, way, steps, i, start.triangle, start.u, start.v)
    for step in range(steps):
        if max_component(here.weight) > 0.0:
            here = walk_on(scene, features, here, key, number, step)
            at = steps - step
            keep_point(scene, features, way, at - 1, i, here.triangle, here.u, here.v)
            keep_nearness(scene, way, at, i)
    return here


@ti.func
def _steps(lengths: ti.template(), u: ti.f32, most: ti.i32):
    """How many steps a walk takes, 0 to `most`, and the probability."""
    steps, rest = 0, u
    while steps < most and rest >= lengths[steps]:
        rest -= lengths[steps]
        steps += 1
    return steps, lengths[steps]
