"""Mitsuba's gradient by a parameter of a diffrt scene, brought to diffrt's form of that parameter."""

from collections.abc import Callable
from typing import Any

import drjit as dr
import mitsuba as mi
import numpy as np

from benchmarks.gradient_cases import GradientCase
from benchmarks.mitsuba_scene import to_mitsuba
from diffrt.description.values import TextureRef
from diffrt.scene.scene import Scene


def gradient_of(case: GradientCase, scene: Scene, weights: np.ndarray) -> Callable[[int, int], np.ndarray]:
    """A function (spp, seed) -> dLoss/dparameter, where `weights` (H, W, 3) is dLoss/dImage."""
    loaded = mi.load_dict(to_mitsuba(scene))
    settings = scene.settings
    options: dict[str, Any] = {"type": case.integrator, "max_depth": settings.max_depth, "rr_depth": settings.rr_depth}
    if case.integrator == "prb_projective":
        options["guiding"] = "none"  # the default's preparation takes minutes for each gradient
    integrator: Any = mi.load_dict(options)
    parameters = mi.traverse(loaded)
    names, pull = _theirs(case.parameter, scene, [str(key) for key, _ in parameters])
    upstream = mi.TensorXf(weights.astype(np.float32))

    def gradient(spp: int, seed: int) -> np.ndarray:
        # Leaves of their own: an environment replaces its image by a copy with more columns.
        leaves = [type(parameters[name])(dr.detach(parameters[name])) for name in names]
        for name, leaf in zip(names, leaves, strict=True):
            dr.enable_grad(leaf)
            parameters[name] = leaf
        parameters.update()
        integrator.render_backward(loaded, parameters, upstream, sensor=0, seed=seed, spp=spp)
        return pull([np.array(dr.grad(leaf), dtype=np.float64) for leaf in leaves])

    return gradient


def _theirs(
    parameter: str, scene: Scene, keys: list[str]
) -> tuple[list[str], Callable[[list[np.ndarray]], np.ndarray]]:
    """Names that Mitsuba has for a parameter, and the chain rule from derivatives by them.

    Every shape has a material and textures of its own there: the derivative by a shared one is their sum. Meshes have
    no texture coordinates or normals of their own, so that vertices are the same in both.
    """
    section, element = parameter.split(".")[:2]
    if section == "lights":
        at = list(scene.lights).index(element)
        return [f"light{at}.data"], lambda parts: _from_the_poles(parts[0])
    numbers = {shape.name: i for i, shape in enumerate(scene.shapes.values())}
    if section == "shapes":
        shape = scene.shapes[element]
        used = np.unique(shape.mesh.faces)

        def to_vertices(parts: list[np.ndarray]) -> np.ndarray:
            result = np.zeros((len(shape.mesh.vertices), 3))
            result[used] = parts[0].reshape(-1, 3)
            return result

        return [f"shape{numbers[element]}.vertex_positions"], to_vertices
    if section == "textures":
        users = {
            material.name
            for material in scene.materials.values()
            for value in material.fields.values()
            if isinstance(value, TextureRef) and value.name == element
        }
        ending = ".data"
    else:
        users, ending = {element}, ".alpha.value"
    starts = tuple(f"shape{numbers[shape.name]}." for shape in scene.shapes.values() if shape.material in users)
    names = [key for key in keys if key.startswith(starts) and key.endswith(ending)]
    if section == "textures":
        return names, lambda parts: np.sum(parts, axis=0)
    roughness = float(scene[parameter])  # alpha is its square
    return names, lambda parts: np.asarray(2.0 * roughness * np.sum(parts))


def _from_the_poles(derivative: np.ndarray) -> np.ndarray:
    """From derivatives by what `rows_to_the_poles` gave, with a column more at each side, to those by the image."""
    folded = derivative[:, 1:-1].copy()
    folded[:, -1] += derivative[:, 0]
    folded[:, 0] += derivative[:, -1]
    result: np.ndarray = folded[1::2].copy()
    between = 0.5 * folded[2:-1:2]
    result[:-1] += between
    result[1:] += between
    result[0] += folded[0]
    result[-1] += folded[-1]
    return result
