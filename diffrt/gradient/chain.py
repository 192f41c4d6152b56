"""From the fields of a scene to its parameters: which fields a parameter reaches, and the chain rule back from them.

The other direction needs no code of its own: a parameter is changed in a copy of the scene, whose arrays are made anew.
"""

from dataclasses import replace

import numpy as np

from diffrt.description.materials import MATERIAL_FIELDS
from diffrt.description.values import TextureRef
from diffrt.device.features import DELTA_LIGHTS, MATERIAL_SLOTS, OPACITY_SLOT
from diffrt.errors import InputError, Problem
from diffrt.gradient.chain_placement import of_camera, of_shape, rotation_derivatives
from diffrt.gradient.target import Floats, Target
from diffrt.scene.elements import Camera, Light
from diffrt.scene.parameters import find
from diffrt.scene.scene import Scene

_HARD = "the cone ends abruptly, and its edge on what it lights moves; the gradient lacks that"
_LEAST_FALLOFF = 1e-3
"""Degrees between the two angles of a spot below which its cone has an edge."""


def target(scene: Scene, view: Camera, name: str) -> Target:
    """What a parameter reaches.

    Args:
        view: the camera in use, one of the scene's but for its size.

    Raises:
        InputError: there is no such parameter, or no derivative by it.
    """
    parameter = find(scene, name).parameter
    if not parameter.differentiable:
        raise InputError(Problem(name, f"no gradient exists for it ({parameter.description})"))
    return replace(_reached(scene, view, name), terms=parameter.terms)


def _reached(scene: Scene, view: Camera, name: str) -> Target:
    section, _, rest = name.partition(".")
    element, _, field = rest.rpartition(".")
    if section == "materials":
        return _of_material(scene, name, element, field)
    if section == "textures":
        return _of_texture(scene, name, rest)
    if section == "lights":
        return _of_light(scene, name, scene.lights[element], field)
    if field == "emission":
        at = list(scene.shapes).index(element)
        return Target(name, ("shape_emission",), lambda grads: grads["shape_emission"][at])
    if section == "shapes":
        return of_shape(scene, name, element, field)
    return of_camera(scene, view, name, element, field)


def _of_material(scene: Scene, name: str, element: str, field: str) -> Target:
    material = scene.materials[element]
    slot = OPACITY_SLOT if field == "opacity" else MATERIAL_FIELDS[material.type].index(field)
    at = list(scene.materials).index(element) * MATERIAL_SLOTS + slot
    shape = scene[name].shape

    def pull(grads: dict[str, Floats]) -> Floats:
        row = grads["material_values"][at]
        return row if shape else np.asarray(row.sum())

    if field == "opacity":
        return Target(name, ("material_values",), pull, opacities=(element,))
    if material.type == "mix":
        return Target(name, ("material_values",), pull, weights=(element,))
    bends = material.type == "dielectric" and field in ("ior", "exterior_ior")
    lacks = _at_zero(material.type, field) if float(scene[name].min()) == 0.0 else ""
    return Target(name, ("material_values",), pull, (element,), 1 << slot, bends, lacks=lacks)


def _at_zero(material_type: str, field: str) -> str:
    """What the gradient by a field of a material lacks where the field is zero."""
    if field == "roughness" and material_type in ("conductor", "dielectric", "plastic"):
        return "where it is zero the surface is perfectly smooth, and its derivative taken to be zero"
    if field == "transmission":
        return "where it is zero nothing goes through, and the gradient lacks what would"
    return ""


def _of_texture(scene: Scene, name: str, element: str) -> Target:
    offset = 0
    for other in scene.textures.values():
        if other.name == element:
            break
        offset += other.data.shape[0] * other.data.shape[1]
    texture = scene.textures[element]
    height, width, channels = texture.data.shape
    slots, bends = 0, False
    materials: list[str] = []
    opacities: list[str] = []
    weights: list[str] = []
    used: list[tuple[str, str]] = []
    for material in scene.materials.values():
        users = [k for k, v in material.fields.items() if isinstance(v, TextureRef) and v.name == element]
        if isinstance(material.opacity, TextureRef) and material.opacity.name == element:
            opacities.append(material.name)
        if material.normal_map == element:
            bends = True
        if material.type == "mix":
            weights += [material.name] * bool(users)
            continue
        if users:
            materials.append(material.name)
        bends |= material.type == "dielectric" and bool(users)
        for key in users:
            used.append((material.name, key))
            slots |= 1 << MATERIAL_FIELDS[material.type].index(key)

    def pull(grads: dict[str, Floats]) -> Floats:
        texels = grads["texels"][offset : offset + height * width].reshape(height, width, 3)
        result = np.zeros((height, width, channels))  # alpha is not used, so its derivative is zero
        if channels < 3:
            result[..., 0] = texels.sum(axis=2)
        else:
            result[..., :3] = texels
        return result

    zero = float(texture.data.min()) == 0.0
    lacks = {_at_zero(scene.materials[user].type, key) for user, key in used if zero} - {""}
    return Target(
        name, ("texels",), pull, tuple(materials), slots, bends, tuple(opacities), tuple(weights),
        "; ".join(sorted(lacks)),
    )  # fmt: skip


def ends_abruptly(light: Light) -> bool:
    """Whether a light is a spot whose cone has a sharp edge."""
    return light.type == "spot" and bool(light.fields["cutoff"] - light.fields["falloff_start"] < _LEAST_FALLOFF)


def _of_light(scene: Scene, name: str, light: Light, field: str) -> Target:
    if light.type == "environment":
        return _of_environment(scene, name, light, field)
    at = [item.name for item in scene.lights.values() if item.type in DELTA_LIGHTS].index(light.name)
    key = {"irradiance": "delta_intensity", "cutoff": "delta_angles", "falloff_start": "delta_angles"}
    source = key.get(field, f"delta_{field}")

    def pull(grads: dict[str, Floats]) -> Floats:
        row: Floats = grads[source][at]
        if field == "direction":  # it is kept at unit length
            unit = light.fields["direction"]
            row = row - unit * (unit @ row)
        if source == "delta_angles":
            row = np.asarray(np.deg2rad(row[("cutoff", "falloff_start").index(field)]))
        return row

    lacks = _HARD if ends_abruptly(light) and source != "delta_intensity" else ""
    return Target(name, (source,), pull, lacks=lacks)


def _of_environment(scene: Scene, name: str, light: Light, field: str) -> Target:
    if field == "rotation":

        def turned(grads: dict[str, Floats]) -> Floats:
            # The field is A^T R^T, where A is the rotation of to_world.
            adjoint = light.to_world[:3, :3] @ grads["environment_to_local"].reshape(3, 3)
            turns: Floats = np.einsum("kji,ij->k", rotation_derivatives(light.rotation), adjoint)
            return turns

        return Target(name, ("environment_to_local",), turned)
    if field in ("radiance", "scale"):
        source = f"environment_{field}"
        shape = light.fields[field].shape
        return Target(name, (source,), lambda grads: grads[source].reshape(shape))
    if field == "image":
        assert light.image is not None
        offset = sum(texture.data.shape[0] * texture.data.shape[1] for texture in scene.textures.values())
        shape = light.image.shape
        count = shape[0] * shape[1]
        return Target(name, ("texels",), lambda grads: grads["texels"][offset : offset + count].reshape(shape))
    raise AssertionError(field)
