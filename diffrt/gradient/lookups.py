"""Adjoints of what vertices have looked up, added to where it came from: fields of materials, emission, and texels.

Lookups are linear in these, and the derivative is the transpose. Taichi's own adds each number with a lock, twelve of
them for a texture, and all threads to the few numbers of a material. Here every thread has sums of its own.
"""

from dataclasses import dataclass
from typing import Any

import taichi as ti
from taichi.math import vec3

from diffrt._taichi import current_arch
from diffrt.device.arrays import zeros
from diffrt.device.features import LIGHT_ENVIRONMENT, LIGHT_TRIANGLES, MATERIAL_SLOTS, Features
from diffrt.device.scene_fields import SceneFields
from diffrt.device.work import TURNS, is_worker, threads
from diffrt.render.decisions import KEEP_VALUES
from diffrt.render.record import ESCAPE, SURFACE, PathRecord
from diffrt.shading.light import environment
from diffrt.shading.texture import lookup_texels

LOOKED_UP = frozenset(("environment_radiance", "material_values", "shape_emission", "texels"))
"""Fields whose derivatives are these."""
_MOST_TEXELS = 2**18
"""Sums of all threads together. Beyond, texels are added to in place, with locks: threads seldom meet there."""

_numbers = ti.types.ndarray(dtype=vec3, ndim=1)
_flags = ti.types.ndarray(dtype=ti.i32, ndim=1)


@dataclass(frozen=True)
class Layout:
    """Where the sums of one share begin: materials at 0, then shapes, the environment and texels.

    Attributes:
        apart: no two threads write to the same share.
        texels_apart: there are sums for texels, too.
        end: how many sums a share has.
    """

    apart: bool
    texels_apart: bool
    shapes: int
    environment: int
    texels: int
    end: int


class LookupSums:
    """Sums of adjoints, a share of them for each thread."""

    def __init__(self, scene: SceneFields) -> None:
        apart = current_arch() == "cpu"
        self.shares = threads() if apart else 1
        shapes = scene.material_values.shape[0]
        environment = shapes + scene.shape_emission.shape[0]
        texels = scene.texels.shape[0]
        texels_apart = apart and self.shares * texels <= _MOST_TEXELS
        end = environment + 1 + texels * texels_apart
        self.layout = Layout(apart, texels_apart, shapes, environment, environment + 1, end)
        self.values: Any = zeros(self.shares * end, vec3)

    def add(
        self, scene: SceneFields, features: Features, record: PathRecord, keep: Any, slots: int, emits: bool,
        first: int, end: int,
    ) -> None:  # fmt: skip
        """Add what the adjoints of rows make of it to the `.grad` of LOOKED_UP.

        Args:
            keep: as for `record_paths`.
            slots: bit k is set for those fields of materials that are asked for.
            emits: emission is.
        """
        scatter(scene, features, record, keep, self.values, self.layout, self.shares, slots, emits, first, end)
        gather(scene, self.values, self.layout, self.shares)


@ti.func
def _add(values: ti.template(), layout: ti.template(), share: ti.i32, index: ti.i32, adjoint: vec3):
    at = share * ti.static(layout.end) + index
    if ti.static(layout.apart):
        values[at] = values[at] + adjoint
    else:
        values[at] += adjoint


@ti.func
def _add_texels(
    scene: ti.template(), values: ti.template(), layout: ti.template(), share: ti.i32,
    texels: ti.math.ivec4, weights: ti.math.vec4, adjoint: vec3,
):  # fmt: skip
    for k in ti.static(range(4)):
        if ti.static(layout.texels_apart):
            _add(values, layout, share, ti.static(layout.texels) + texels[k], adjoint * weights[k])
        else:
            scene.texels.grad[texels[k]] += adjoint * weights[k]


@ti.func
def _add_emitted(
    scene: ti.template(), features: ti.template(), values: ti.template(), layout: ti.template(), share: ti.i32,
    triangle: ti.i32, uv: ti.math.vec2, adjoint: vec3,
):  # fmt: skip
    shape = scene.triangle_shape[triangle]
    texture = -1
    if ti.static(features.textures):
        texture = scene.shape_emission_texture[shape]
        if texture >= 0:
            texels, weights = lookup_texels(scene, texture, uv)
            _add_texels(scene, values, layout, share, texels, weights, adjoint)
    if texture < 0:
        _add(values, layout, share, ti.static(layout.shapes) + shape, adjoint)


@ti.func
def _add_environment(
    scene: ti.template(), features: ti.template(), values: ti.template(), layout: ti.template(), share: ti.i32,
    direction: vec3, adjoint: vec3,
):  # fmt: skip
    scaled = adjoint * scene.environment_scale[None]
    if ti.static(features.environment_image):
        texels, weights = environment.texels_towards(scene, direction)
        _add_texels(scene, values, layout, share, texels, weights, scaled)
    else:
        _add(values, layout, share, ti.static(layout.environment), scaled)


@ti.func
def _scatter_row(
    scene: ti.template(), features: ti.template(), record: ti.template(), keep: ti.template(), values: ti.template(),
    layout: ti.template(), slots: ti.template(), emits: ti.template(), share: ti.i32, row: ti.i32,
):  # fmt: skip
    kind = record.kind[row]
    if kind == SURFACE:
        material = record.material[row]
        if keep[material] & KEEP_VALUES != 0:
            for slot in ti.static([k for k in range(features.slots) if slots >> k & 1]):
                adjoint = record.values[slot].grad[row]
                index = material * MATERIAL_SLOTS + slot
                texture = -1
                if ti.static(features.textured_slots >> slot & 1):
                    texture = scene.material_textures[index]
                    if texture >= 0:
                        texels, weights = lookup_texels(scene, texture, record.uv[row])
                        _add_texels(scene, values, layout, share, texels, weights, adjoint)
                if texture < 0:
                    _add(values, layout, share, index, adjoint)
    if ti.static(emits):
        if ti.static(features.environment):
            if kind == ESCAPE:
                _add_environment(
                    scene, features, values, layout, share, record.direction[row], record.emission.grad[row]
                )
        if kind == SURFACE:
            light = record.light[row]
            if ti.static(features.area_lights):
                if record.emission_factor[row] > 0.0:
                    _add_emitted(
                        scene, features, values, layout, share, record.triangle[row], record.uv[row],
                        record.emission.grad[row],
                    )  # fmt: skip
                if light == LIGHT_TRIANGLES:
                    _add_emitted(
                        scene, features, values, layout, share, record.light_index[row], record.light_uv[row],
                        record.light_radiance.grad[row],
                    )  # fmt: skip
            if ti.static(features.environment):
                if light == LIGHT_ENVIRONMENT:
                    _add_environment(
                        scene, features, values, layout, share, record.light_position[row],
                        record.light_radiance.grad[row],
                    )  # fmt: skip


@ti.kernel
def scatter(
    scene: ti.template(), features: ti.template(), record: ti.template(), keep: _flags, values: _numbers,
    layout: ti.template(), shares: ti.i32, slots: ti.template(), emits: ti.template(), first: ti.i32, end: ti.i32,
):  # fmt: skip
    """Add the adjoints of rows to the sums."""
    if ti.static(layout.apart):
        for i in range(shares * TURNS):
            if is_worker(i):
                share = i // TURNS
                count = (end - first + shares - 1) // shares
                start = first + share * count
                for row in range(start, ti.min(start + count, end)):
                    _scatter_row(scene, features, record, keep, values, layout, slots, emits, share, row)
    else:
        for row in range(first, end):
            _scatter_row(scene, features, record, keep, values, layout, slots, emits, 0, row)


@ti.func
def _taken(values: ti.template(), layout: ti.template(), shares: ti.i32, index: ti.i32) -> vec3:
    """The sum of all shares, which are zero from then on."""
    total = vec3(0.0)
    for share in range(shares):
        at = share * ti.static(layout.end) + index
        total += values[at]
        values[at] = vec3(0.0)
    return total


@ti.kernel
def gather(scene: ti.template(), values: _numbers, layout: ti.template(), shares: ti.i32):
    """Add the sums to the fields' `.grad`, and begin anew."""
    for i in range(ti.static(layout.shapes)):
        scene.material_values.grad[i] += _taken(values, layout, shares, i)
    for i in range(ti.static(layout.environment - layout.shapes)):
        scene.shape_emission.grad[i] += _taken(values, layout, shares, ti.static(layout.shapes) + i)
    for _ in range(1):
        scene.environment_radiance.grad[None] += _taken(values, layout, shares, ti.static(layout.environment))
    for i in range(ti.static(layout.end - layout.texels)):
        scene.texels.grad[i] += _taken(values, layout, shares, ti.static(layout.texels) + i)
