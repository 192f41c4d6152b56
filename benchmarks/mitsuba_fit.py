"""The loop of `diffrt fit` in Mitsuba 3: its renderer, its Adam, its large steps, on the same problem file.

What it takes from diffrt: targets, cameras, the order of views, learning rates and their schedules. It knows l1 and l2
of pictures on a pyramid and l2 of masks. Mitsuba has no derivative of a mask by vertices: it renders one more picture,
of the bodies glowing in the dark, primary edges only.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import drjit as dr
import mitsuba as mi
import numpy as np
from scipy.spatial import cKDTree

from benchmarks.mitsuba_scene import make_mesh, sensor_dict, to_mitsuba
from diffrt.description.values import TextureRef
from diffrt.fit.evaluate import GRADIENT, PICTURE, seed_of
from diffrt.fit.optimizers import rate_factor
from diffrt.fit.prepare import FitSetup
from diffrt.fit.resize import shrink
from diffrt.fit.variables import Variable
from diffrt.fit.view_order import ViewOrder
from diffrt.fit.views import Target, View
from diffrt.scene.elements import Shape
from diffrt.scene.scene import Scene


class MitsubaFit:
    """A fit of colours, textures, emission, lights and vertices.

    Args:
        setup: of diffrt; its scene is left as it is.
        sampler: a plugin of Mitsuba.
        spp_gradient: samples per pixel of gradients; those of pictures are the problem's.
    """

    def __init__(self, setup: FitSetup, sampler: str, spp_gradient: int) -> None:
        self.setup = setup
        self.samples = {"spp": setup.problem.spp, "spp_grad": spp_gradient}
        scene = _without_unused_uvs(setup.scene)
        moves = any(variable.steps is not None for variable in setup.variables.values())
        self.integrator = _integrator(setup.scene, "prb_projective" if moves else "prb")
        self.scene = mi.load_dict(to_mitsuba(scene, setup.views[0].camera))
        self.parameters = mi.traverse(self.scene)
        self.silhouettes: Silhouettes | None = None
        if setup.problem.loss.buffers:
            self.silhouettes = Silhouettes(scene, setup.views[0].camera)
        self.optimizers: dict[str, Any] = {}
        self.pushes: list[Callable[[], None]] = []
        self.pulls: dict[str, Callable[[], np.ndarray]] = {}
        for variable in setup.variables.values():
            if variable.steps is not None:
                self._add_vertices(scene, variable)
            else:
                self._add_values(scene, variable)
        self.order = ViewOrder(setup)
        self.views = {view.name: _View(setup, view, sampler) for view in setup.fitted_views}

    def step(self, iteration: int) -> None:
        """One iteration."""
        views = self.order.at(iteration)
        for push in self.pushes:
            push()
        self.parameters.update()
        if self.silhouettes is not None:
            self.silhouettes.parameters.update()
        loss = mi.Float(0.0)
        for view in views:
            loss += self._loss(self.views[view.name], iteration) / len(views)
        dr.backward(loss)
        for name, optimizer in self.optimizers.items():
            variable = self.setup.variables[name]
            factor = rate_factor(variable.fit.schedule, iteration, self.setup.iterations)
            optimizer.set_learning_rate({name: variable.fit.learning_rate * factor})
            optimizer.step()
            if variable.steps is None:
                optimizer[name] = dr.clip(dr.detach(optimizer[name]), float(variable.low), float(variable.high))
        dr.eval([optimizer[name] for name, optimizer in self.optimizers.items()])
        dr.sync_thread()

    def result(self) -> Scene:
        """diffrt's scene with what was found."""
        result = self.setup.result_scene()
        for name, pull in self.pulls.items():
            result[name] = pull()
        return result

    def _loss(self, view: "_View", iteration: int) -> Any:
        problem = self.setup.problem
        seeds = {
            "seed": seed_of(problem.seed, PICTURE, iteration, view.number),
            "seed_grad": seed_of(problem.seed, GRADIENT, iteration, view.number),
        }
        chance = {**self.samples, **seeds}
        image = mi.render(self.scene, self.parameters, sensor=view.sensor, integrator=self.integrator, **chance)
        loss = view.image_loss(image, problem.loss.type)
        if self.silhouettes is not None:
            mask = mi.render(
                self.silhouettes.scene, self.silhouettes.parameters, sensor=view.sensor,
                integrator=self.silhouettes.integrator, **chance,
            )  # fmt: skip
            loss += problem.loss.buffers["mask"] * dr.mean(dr.square(mask[:, :, 0] - view.mask), axis=None)
        return loss.array

    def _add_values(self, scene: Scene, variable: Variable) -> None:
        """A colour or an image: one variable for all that have it."""
        names = _their_names(scene, variable.name, [str(key) for key, _ in self.parameters])
        kind = type(self.parameters[names[0]])
        optimizer = mi.ad.Adam(lr=variable.fit.learning_rate)
        optimizer[variable.name] = kind(dr.detach(self.parameters[names[0]]))
        self.optimizers[variable.name] = optimizer

        def push() -> None:
            for name in names:
                self.parameters[name] = optimizer[variable.name]

        self.pushes.append(push)
        self.pulls[variable.name] = lambda: np.array(optimizer[variable.name]).reshape(variable.value.shape)

    def _add_vertices(self, scene: Scene, variable: Variable) -> None:
        """Vertices by large steps, in the coordinates of their shape."""
        shape = scene.shapes[variable.name.split(".")[1]]
        prefix = f"shape{list(scene.shapes).index(shape.name)}."
        matrix = shape.world_matrix()
        placement, name = mi.Transform4f(matrix), prefix + "vertex_positions"
        theirs = np.array(self.parameters[name]).reshape(-1, 3)
        local = (theirs - matrix[:3, 3]) @ np.linalg.inv(matrix[:3, :3]).T
        where = cKDTree(theirs).query(shape.world_vertices())[1]
        assert variable.fit.precondition is not None
        steps = mi.ad.LargeSteps(
            mi.Float(local.ravel()), self.parameters[prefix + "faces"], variable.fit.precondition.lambda_
        )
        optimizer = mi.ad.Adam(lr=variable.fit.learning_rate, uniform=True)
        optimizer[variable.name] = steps.to_differential(mi.Float(local.ravel()))
        self.optimizers[variable.name] = optimizer

        def push() -> None:
            vertices = dr.unravel(mi.Point3f, steps.from_differential(optimizer[variable.name]))
            placed = dr.ravel(placement @ vertices)
            self.parameters[name] = placed
            if self.silhouettes is not None:
                self.silhouettes.parameters[name] = placed

        def pull() -> np.ndarray:
            found = np.array(steps.from_differential(dr.detach(optimizer[variable.name]))).reshape(-1, 3)
            result: np.ndarray = found[where]
            return result

        self.pushes.append(push)
        self.pulls[variable.name] = pull


class Silhouettes:
    """The bodies of a scene, glowing in the dark: its pictures are masks."""

    def __init__(self, scene: Scene, camera: str) -> None:
        described: dict[str, Any] = {"type": "scene", "sensor": to_mitsuba(scene, camera)["sensor"]}
        glowing = np.ones(3)
        for i, shape in enumerate(scene.shapes.values()):
            described[f"shape{i}"] = make_mesh(scene, replace(shape, emission=glowing, smooth=False))
        self.scene = mi.load_dict(described)
        self.parameters = mi.traverse(self.scene)
        self.integrator = mi.load_dict({"type": "prb_projective", "max_depth": 1, "sppi": 0, "guiding": "none"})


class _View:
    """A view's sensor, and its target at every level of the pyramid, as Mitsuba's arrays."""

    def __init__(self, setup: FitSetup, view: View, sampler: str) -> None:
        target = view.at(1.0)
        camera = setup.scene.cameras[view.camera].resized(target.width, target.height)
        described = sensor_dict(camera, setup.scene.settings.filter, sampler, setup.problem.spp)
        self.sensor: Any = mi.load_dict(described)
        self.number = setup.views.index(view)
        self.mask = None if target.mask is None else _tensor(target.mask)
        self.inside = _tensor(target.weight[..., None])
        self.levels = [_level(target, level) for level in range(setup.problem.loss.pyramid_levels)]

    def image_loss(self, image: Any, kind: str) -> Any:
        """As diffrt's `image_loss`, without clipped pixels."""
        masked, total = image * self.inside, 0.0
        for factor, small_target, weight, scale in self.levels:
            small = masked
            if factor > 1:
                height, width, _ = image.shape
                blocks = dr.reshape(masked, (height // factor, factor, width // factor, factor, 3))
                small = dr.mean(dr.mean(blocks, axis=3), axis=1)
            difference = small * scale - small_target
            distance = dr.abs(difference) if kind == "l1" else dr.square(difference)
            total += dr.sum(weight * distance, axis=None)
        return total / len(self.levels)


def _level(target: Target, level: int) -> tuple[int, Any, Any, Any]:
    """Of a level of the pyramid: pixels to a side, target, weights, one over the share of a pixel that counts."""
    height, width = target.height >> level, target.width >> level
    share = shrink(target.weight, height, width)[..., None]
    scale = np.where(share > 0.0, 1.0 / np.where(share > 0.0, share, 1.0), 0.0)
    small = shrink(target.color * target.weight[..., None], height, width) * scale
    return 1 << level, _tensor(small), _tensor(share / (3.0 * share.sum())), _tensor(scale)


def _tensor(values: np.ndarray) -> Any:
    return mi.TensorXf(np.ascontiguousarray(values, dtype=np.float32))


def _integrator(scene: Scene, kind: str) -> Any:
    settings = scene.settings
    options: dict[str, Any] = {"type": kind, "max_depth": settings.max_depth, "rr_depth": settings.rr_depth}
    if kind == "prb_projective":
        options["guiding"] = "none"  # the default's preparation takes minutes for each gradient
    return mi.load_dict(options)


def _without_unused_uvs(scene: Scene) -> Scene:
    """A copy whose meshes have texture coordinates only where a texture needs them: no seams elsewhere."""
    result = scene.copy()
    for name, shape in scene.shapes.items():
        fields = [*scene.materials[shape.material].fields.values(), shape.emission]
        if not any(isinstance(value, TextureRef) for value in fields):
            result.shapes[name] = _seamless(shape)
    return result


def _seamless(shape: Shape) -> Shape:
    return replace(shape, mesh=replace(shape.mesh, uvs=None, uv_faces=None))


def _their_names(scene: Scene, parameter: str, keys: list[str]) -> list[str]:
    """Mitsuba's names for a colour or an image of diffrt's."""
    section, element, *rest = parameter.split(".")
    if section == "lights":
        return [f"light{list(scene.lights).index(element)}.{rest[0]}.value"]
    if section == "shapes":
        return [f"shape{list(scene.shapes).index(element)}.emitter.radiance.value"]
    materials = [
        material.name
        for material in scene.materials.values()
        if (section == "materials" and material.name == element)
        or any(isinstance(value, TextureRef) and value.name == element for value in material.fields.values())
    ]
    starts = tuple(f"shape{i}.bsdf" for i, shape in enumerate(scene.shapes.values()) if shape.material in materials)
    ending = "reflectance.data" if section == "textures" else "reflectance.value"
    return [key for key in keys if key.startswith(starts) and key.endswith(ending)]
