"""The random numbers of a path: which dimension of the sampler serves what.

All are pure functions of (pixel, sample, dimension), so a path can be traced again from its number alone.
"""

import taichi as ti
from taichi.math import vec2, vec4

from diffrt.core.sampler import (
    LATTICE,
    block_key,
    joint_2d,
    joint_4d,
    lattice_4d,
    lattice_key,
    pixel_seed,
    uniform_1d,
    uniform_2d,
    uniform_4d,
)

FILM_DIMENSION = 0
LENS_DIMENSION = 1
FIRST_BOUNCE_DIMENSION = 2
BOUNCE_DIMENSIONS = 3
"""Dimensions that a vertex uses: light and direction (four numbers), lobe, and (opacity, roulette)."""
_SCATTER, _LOBE, _CHANCE = range(BOUNCE_DIMENSIONS)


@ti.func
def pixel_key(scene: ti.template(), options: ti.template(), pixel: ti.i32, seed: ti.i32):
    """What tells the numbers of this pixel from those of others: of a lattice two numbers, else one."""
    if ti.static(options.sampler == LATTICE):
        width = scene.film_size[None][0]
        return lattice_key(pixel % width, pixel // width, seed, scene.lattice_step[None])
    else:
        return pixel_seed(pixel, seed)


@ti.func
def path_key(scene: ti.template(), options: ti.template(), key: ti.template(), sample: ti.i32):
    """What tells the numbers of this path from those of others, together with its sample number.

    Args:
        key: its pixel's.
    """
    if ti.static(options.sampler == LATTICE):
        return block_key(key, sample // scene.lattice_period[None])
    else:
        return key


@ti.func
def film_numbers(scene: ti.template(), options: ti.template(), key: ti.template(), sample: ti.i32) -> vec2:
    """Where in the pixel's filter."""
    u = vec2(0.0)
    if ti.static(options.sampler == LATTICE):
        u = lattice_4d(scene.lattice_steps, scene.lattice_links, key, sample, FILM_DIMENSION).xy
    else:
        u = joint_2d(options.sampler, key, sample, FILM_DIMENSION)
    return u


@ti.func
def lens_numbers(scene: ti.template(), options: ti.template(), key: ti.template(), sample: ti.i32) -> vec2:
    """The point of the lens."""
    return _pair(scene, options, key, sample, LENS_DIMENSION)


@ti.func
def scattering_numbers(
    scene: ti.template(), options: ti.template(), key: ti.template(), sample: ti.i32, dimension: ti.i32
) -> vec4:
    """For the light sample and for the next direction, which are never factors of one term."""
    u = vec4(0.0)
    if ti.static(options.sampler == LATTICE):
        u = lattice_4d(scene.lattice_steps, scene.lattice_links, key, sample, dimension + _SCATTER)
    elif dimension == FIRST_BOUNCE_DIMENSION:
        u = joint_4d(options.sampler, key, sample, dimension + _SCATTER)
    else:
        u = uniform_4d(options.sampler, key, sample, dimension + _SCATTER)
    return u


@ti.func
def lobe_number(
    scene: ti.template(), options: ti.template(), key: ti.template(), sample: ti.i32, dimension: ti.i32
) -> ti.f32:
    """Which part of a mix, and which lobe of a BSDF."""
    u = 0.0
    if ti.static(options.sampler == LATTICE):
        u = lattice_4d(scene.lattice_steps, scene.lattice_links, key, sample, dimension + _LOBE).x
    else:
        u = uniform_1d(options.sampler, key, sample, dimension + _LOBE)
    return u


@ti.func
def chance_numbers(
    scene: ti.template(), options: ti.template(), key: ti.template(), sample: ti.i32, dimension: ti.i32
) -> vec2:
    """Whether opacity lets the path pass, and whether roulette lets it go on."""
    return _pair(scene, options, key, sample, dimension + _CHANCE)


@ti.func
def _pair(scene: ti.template(), options: ti.template(), key: ti.template(), sample: ti.i32, dimension: ti.i32) -> vec2:
    u = vec2(0.0)
    if ti.static(options.sampler == LATTICE):
        u = lattice_4d(scene.lattice_steps, scene.lattice_links, key, sample, dimension).xy
    else:
        u = uniform_2d(options.sampler, key, sample, dimension)
    return u
