"""Runs the stages of the interior, chunk by chunk: backward, and forward at two values of the parameters."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import taichi as ti
from taichi.math import vec3

from diffrt import _taichi
from diffrt.description.values import TextureRef
from diffrt.device.arrays import device_array
from diffrt.device.features import MATERIAL_TYPES, Features
from diffrt.device.packing import write
from diffrt.device.upload import DeviceScene
from diffrt.device.work import handed_out
from diffrt.errors import InputError, Problem
from diffrt.gradient import interior
from diffrt.gradient.changes import bounds_of_changes, changing_shapes, even_shares, shines, turning_shapes
from diffrt.gradient.finite import drop_rows
from diffrt.gradient.held_fields import CAMERA_FIELDS
from diffrt.gradient.interior_decisions import decisions
from diffrt.gradient.listed_rows import list_levels
from diffrt.gradient.lookups import LookupSums
from diffrt.gradient.request import Request
from diffrt.gradient.target import Target
from diffrt.gradient.turning import EvenLight
from diffrt.render.decisions import KEEP_OPACITY, KEEP_VALUES, KEEP_WEIGHT
from diffrt.render.options import prepare
from diffrt.render.record import TOWARDS_LIGHT, TOWARDS_NEXT, PathRecord, acquire
from diffrt.render.record_paths import forget, record_paths
from diffrt.render.rendering import MOST_SEGMENTS
from diffrt.scene.scene import Scene

_LAMPS = frozenset(("delta_intensity", "delta_angles", "environment_scale", "environment_to_local"))
"""Fields that emission depends on besides LOOKED_UP."""
_FIRST_LENGTH = 8
"""Rows of a path that a first chunk makes room for."""


@dataclass
class Chunk:
    """Rows [first, end) of a record hold the vertices of its first `first` paths; the cameras lie before."""

    record: PathRecord
    first: int
    end: int


class InteriorPass:
    """The stages that derivatives by some parameters need.

    Args:
        device: with gradients.
        targets: the parameters.
    """

    def __init__(self, device: DeviceScene, request: Request, targets: Sequence[Target]) -> None:
        self.device = device
        self.request = request
        self.max_depth = MOST_SEGMENTS if request.max_depth == -1 else request.max_depth
        wanted = {field for item in targets for field in item.fields}
        self.moving = any(item.moves or item.bends for item in targets)
        distorted = device.features.distorted or "camera_distortion" in wanted
        still = wanted.isdisjoint(CAMERA_FIELDS)
        self.features = replace(device.features, distorted=distorted, facets=0, shallow=False, still_camera=still)
        opacities = {name for item in targets for name in item.opacities}
        masked = device.features.masked or bool(opacities)
        self.plain = replace(  # for tracing
            device.features, distorted=distorted, gradients=False, masked=masked, wide_lobes=self.moving
        )
        weights = {name for item in targets for name in item.weights}
        self.shifting = self.moving and _textured_decisions(request.scene)
        self.decides = bool(opacities or weights) or self.shifting
        self.asked = 0  # slots of materials
        for item in targets:
            self.asked |= item.slots & ((1 << self.features.slots) - 1)
        self.slots = self.asked
        if self.moving:  # a texture moves over the surface
            self.slots |= self.features.textured_slots & ((1 << self.features.slots) - 1)
        of_images = any("texels" in item.fields and shines(request.scene, item.name) for item in targets)
        self.shines = of_images or not wanted.isdisjoint(("shape_emission", "environment_radiance"))
        self.lights_move = not wanted.isdisjoint(("delta_position", "delta_direction"))
        self.held = _LAMPS - wanted
        self.emits = self.moving or self.shines or self.held != _LAMPS
        self.models = [name for name in MATERIAL_TYPES if self.features.has(name) and name not in ("mix", "null")]
        values = {name for item in targets for name in item.materials}
        bits = [
            KEEP_VALUES * (name in values) | KEEP_OPACITY * (name in opacities) | KEEP_WEIGHT * (name in weights)
            for name in request.scene.materials
        ]
        self.keep = device_array(np.array(bits or [0]), ti.i32)
        self.sums = LookupSums(device.fields)
        changing = None if self.decides else changing_shapes(request.scene, targets)
        self.everything = changing is None
        self.bounds = np.zeros((2, 3))
        if changing is not None:
            self.bounds = bounds_of_changes(request.scene, device.geometry, changing, values)
        emitting = [shape.emission is not None for shape in request.scene.shapes.values()]
        self.lamps = changing is not None and bool(np.any(changing & np.array(emitting, dtype=bool)))
        if changing is None:
            changing = np.zeros(len(request.scene.shapes), dtype=bool)
        self.changing = np.array([*changing, False], dtype=np.int32)
        turning = turning_shapes(request.scene, targets)
        self.even = np.zeros(len(turning))
        if self.moving:
            self.even = even_shares(request.scene, device.geometry, targets)
        self.even_light = EvenLight(device, turning, self.max_depth) if turning.any() else None
        self.dropped = 0

    def chunks(self, weights: np.ndarray, spp: int) -> Iterator[Chunk]:
        """Record all samples of the film.

        Args:
            weights: (pixels, 3) float32, adjoints; zero: not needed.
        """
        request, settings = self.request, self.request.scene.settings
        record = acquire(request.rows, self.moving, self.decides)
        options = prepare(self.device, settings, spp, request.step)
        pixels = request.view.width * request.view.height
        adjoint = device_array(weights, vec3)
        changing, bounds = device_array(self.changing, ti.i32), device_array(self.bounds, vec3)
        even = device_array(self.even, ti.f32)

        def fill(done: int, paths: int) -> None:
            record_paths(
                self.device.fields, self.plain, options, record, adjoint, self.keep, changing, even, bounds,
                int(self.everything), int(self.everything or self.lamps), int(self.emits), 1.0 / spp,
                *handed_out(paths), pixels, done % pixels, done // pixels, paths, request.path_seed,
                self.max_depth, min(settings.rr_depth, self.max_depth + 1),
            )  # fmt: skip

        yield from self._filled(record, pixels * spp, record.rows // min(self.max_depth + 2, _FIRST_LENGTH), fill)

    def _filled(self, record: PathRecord, total: int, most: int, fill: Callable[[int, int], None]) -> Iterator[Chunk]:
        """Chunks of as many paths as fit.

        Args:
            total: how many paths there are.
            most: of the first chunk.
            fill: records paths, given the number of the first and how many.

        Raises:
            InputError: a single path does not fit.
        """
        done = 0
        while done < total:
            paths = min(most, total - done)
            forget(record, paths)
            fill(done, paths)
            end = record.cameras(paths) + record.used[None] * record.page
            taken = end
            if record.decisions is not None:
                taken = max(taken, paths + record.decisions.used[None])
            fitting = int(0.95 * paths * record.rows / taken)
            if taken > record.rows:
                if paths == 1:
                    found = f"{record.rows}, too few for a path that takes {taken}"
                    raise InputError(Problem("rows", found, "more"))
                most = max(1, fitting)
                continue
            yield Chunk(record, paths, end)
            self.dropped += record.dropped[None]
            done += paths
            most = max(1, min(2 * most, fitting))

    def backward(self, chunk: Chunk) -> None:
        """Add the chunk's derivatives to the `.grad` of the scene's fields."""
        record, first, end = chunk.record, chunk.first, chunk.end
        fields, features = self.device.fields, self.features
        with _taichi.all_passes():
            if self.moving:  # else the adjoints are in the record already
                for k in (TOWARDS_NEXT, TOWARDS_LIGHT):
                    interior.contributions.grad(record, k, first, end)
            self._decisions_backward(record)
            if self.slots or self.moving:
                for model in self.models:
                    for k in (TOWARDS_NEXT, TOWARDS_LIGHT):
                        interior.scatterings.grad(fields, *self._model(record, model), k, first, end)
            if self.moving:
                interior.local_directions.grad(record, first, end)
                if self.even_light is not None:
                    self.even_light.subtract(record, first, end)
            drop_rows(record, self.slots, self.emits, first, end)
            self._lookups_backward(chunk, self.shines)
            if self.emits and (self.moving or self.held != _LAMPS):
                interior.emissions.grad(fields, features, record, self.held, first, end)
            if self.moving:
                if self.lights_move or self.everything or record.lights_move[None] != 0:
                    interior.light_points.grad(fields, features, record, first, end)
                self._places_backward(chunk)

    def forward(self, chunk: Chunk, arrays: dict[str, np.ndarray]) -> np.ndarray:
        """(paths, 3): the sum of `contributions` of each path, with these arrays in the scene's fields."""
        record, first, end = chunk.record, chunk.first, chunk.end
        fields, features = self.device.fields, self.features
        write(fields, [(getattr(fields, name), array) for name, array in arrays.items()])
        if self.moving:
            if not features.still_camera:
                interior.cameras(fields, features, record, first)
            for begin, stop in list_levels(record, first, end):
                interior.vertices(fields, features, record, begin, stop)
            interior.light_points(fields, features, record, first, end)
            interior.local_directions(record, first, end)
        if self.emits:
            interior.emissions(fields, features, record, self.held, first, end)
        if self.slots:
            interior.material_values(fields, features, record, self.slots, first, end)
        if self.slots or self.moving:
            for model in self.models:
                for k in (TOWARDS_NEXT, TOWARDS_LIGHT):
                    interior.scatterings(fields, *self._model(record, model), k, first, end)
        record.value.fill(0.0)
        for k in (TOWARDS_NEXT, TOWARDS_LIGHT):
            interior.contributions(record, k, first, end)
        if record.decisions is not None:
            decisions(fields, features, record, self.shifting, record.decisions.used[None])
        values: np.ndarray = record.value.to_numpy()[:first]
        return values

    def _lookups_backward(self, chunk: Chunk, shines: bool) -> None:
        """Add the derivatives by what was looked up, and by where: in this order, for Taichi's own derivative of a
        stage takes away the adjoints that it has used.

        Args:
            shines: emission is asked for.
        """
        record, first, end = chunk.record, chunk.first, chunk.end
        fields, features = self.device.fields, self.features
        if self.asked or shines:
            self.sums.add(fields, features, record, self.keep, self.asked, shines, first, end)
        if self.moving and self.slots & features.textured_slots:
            with _taichi.all_passes():
                interior.material_values.grad(fields, features, record, self.slots, first, end)

    def _places_backward(self, chunk: Chunk) -> None:
        record, fields, features = chunk.record, self.device.fields, self.features
        for begin, end in reversed(list_levels(record, chunk.first, chunk.end)):
            interior.vertices.grad(fields, features, record, begin, end)
        if not features.still_camera:
            interior.cameras.grad(fields, features, record, chunk.first)

    def _decisions_backward(self, record: PathRecord) -> None:
        if record.decisions is not None:
            decisions.grad(self.device.fields, self.features, record, self.shifting, record.decisions.used[None])

    def _model(self, record: PathRecord, model: str) -> tuple[Features, PathRecord, str, int]:
        kind = MATERIAL_TYPES.index(model)
        alone = Features(bsdfs=1 << kind, one_sided=self.features.one_sided, gradients=True)
        return alone, record, model, kind


def _textured_decisions(scene: Scene) -> bool:
    """Whether some opacity or weight of a mix varies over a surface."""
    return any(
        isinstance(material.opacity, TextureRef)
        or (material.type == "mix" and isinstance(material.fields["weight"], TextureRef))
        for material in scene.materials.values()
    )
