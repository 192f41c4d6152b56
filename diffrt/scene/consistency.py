"""What only shows once all of a scene is loaded: which materials transmit, and textures that do not suit their use."""

from collections.abc import Iterator, Mapping

import numpy as np

from diffrt.description.materials import bounds_of
from diffrt.description.values import TextureRef, Value
from diffrt.errors import Problem
from diffrt.log import warn
from diffrt.scene.elements import Material, Shape, Texture


def transmitting(materials: Mapping[str, Material]) -> set[str]:
    """Names of the materials that light passes through, mixes of such included."""
    result = {name for name, material in materials.items() if _transmits(material)}
    mixes = {name: material for name, material in materials.items() if material.type == "mix"}
    while True:
        more = {name for name, mix in mixes.items() if name not in result and {mix.first, mix.second} & result}
        if not more:
            return result
        result |= more


def _transmits(material: Material) -> bool:
    amount = material.fields.get("transmission")
    if isinstance(amount, TextureRef):
        return True
    return material.type in ("dielectric", "null") or (amount is not None and float(amount) > 0.0)


def texture_problems(
    materials: Mapping[str, Material], textures: Mapping[str, Texture], paths: Mapping[str, str]
) -> Iterator[Problem]:
    """Normal maps without three channels. `paths`: where in the scene file each material stands.

    Warns of textures whose numbers lie outside what a field may hold.
    """
    for name, material in materials.items():
        texture = textures.get(material.normal_map or "")
        if texture is not None and texture.data.shape[2] < 3:
            found = f"texture {texture.name!r} has {texture.data.shape[2]} channels"
            yield Problem(f"{paths[name]}.normal_map", found, "a texture of at least 3 channels")
        for key, value in (*material.fields.items(), ("opacity", material.opacity)):
            if isinstance(value, TextureRef) and value.name in textures:
                data = textures[value.name].data
                low, high = bounds_of(material.type, key)
                least, most = float(data.min()), float(data.max())
                if least < low or most > high:
                    allowed = f"{low:g} to {high:g}" if np.isfinite(high) else f"at least {low:g}"
                    warn(f"{paths[name]}.{key}: texture {value.name!r} holds {least:g} to {most:g}, outside {allowed}")


def warn_of_missing_uvs(shapes: Mapping[str, Shape], materials: Mapping[str, Material]) -> None:
    """Warn of shapes that use a texture and have no texture coordinates."""
    for shape in shapes.values():
        names = sorted(texture_names(shape, materials)) if shape.mesh.uvs is None else []
        if names:
            warn(f"shape {shape.name!r} has no texture coordinates for its texture {', '.join(names)}")


def texture_names(shape: Shape, materials: Mapping[str, Material]) -> set[str]:
    """All textures that a shape shows: of its material, of what that mixes, and of its emission."""
    values: list[Value | None] = [shape.emission]
    for material in materials_of(shape, materials):
        values += [*material.fields.values(), material.opacity]
    names = {value.name for value in values if isinstance(value, TextureRef)}
    return names | normal_map_names(shape, materials)


def normal_map_names(shape: Shape, materials: Mapping[str, Material]) -> set[str]:
    """Those of them that turn its normals."""
    return {material.normal_map for material in materials_of(shape, materials) if material.normal_map}


def materials_of(shape: Shape, materials: Mapping[str, Material]) -> Iterator[Material]:
    """The material of a shape and, if it is a mix, those within, each once."""
    stack: list[str | None] = [shape.material]
    seen = set()
    while stack:
        material = materials.get(stack.pop() or "")
        if material is not None and material.name not in seen:
            seen.add(material.name)
            yield material
            stack += [material.first, material.second]
