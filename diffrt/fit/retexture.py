"""What remeshing means for textures: which can follow, new texture coordinates for the shapes, new texels for them."""

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from diffrt.description import transform
from diffrt.description.mesh import Mesh
from diffrt.description.values import Array
from diffrt.errors import MissingExtraError, Problem
from diffrt.fit.atlas import unwrap
from diffrt.fit.bake import bake
from diffrt.fit.prepare import FitSetup
from diffrt.fit.variables import Variable
from diffrt.log import warn
from diffrt.scene.consistency import normal_map_names, texture_names
from diffrt.scene.scene import Scene

_LEAST, _ANY = 16, 64
"""Texels a side: of a texture that can hold an atlas; of an atlas that no texture limits."""
_COARSER = 2.0
"""So many times fewer texels on a length of the surface are worth a warning."""


def texture_problems(place: str, names: list[str], scene: Scene, variables: Mapping[str, Variable]) -> list[Problem]:
    """What stands against new texture coordinates for some shapes together.

    Args:
        place: of the messages. names: of the shapes; all that are remeshed before a stage.

    Raises:
        MissingExtraError: one of them has a texture, and xatlas is not installed.
    """
    return [*_shape_problems(place, names, scene, variables), *_shared_problems(place, names, scene, variables)]


def _shape_problems(place: str, names: list[str], scene: Scene, variables: Mapping[str, Variable]) -> Iterator[Problem]:
    for name in names:
        shape = scene.shapes[name]
        if any(f"shapes.{name}.uvs" in item.targets for item in variables.values()):
            yield Problem(place, f"texture coordinates of {name!r} are fitted, and would be new ones", "shapes without")
        if not texture_names(shape, scene.materials):
            continue
        if importlib.util.find_spec("xatlas") is None:
            raise MissingExtraError(f"remeshing {name!r}, which has a texture,", "xatlas", "mesh")
        if shape.mesh.uvs is None:
            yield Problem(place, f"{name!r} has a texture and no texture coordinates", "shapes with both or neither")
        for texture in sorted(normal_map_names(shape, scene.materials)):
            found = f"{name!r} has the normal map {texture!r}, whose directions follow the texture coordinates"
            yield Problem(place, found, "shapes without")


def _shared_problems(
    place: str, names: list[str], scene: Scene, variables: Mapping[str, Variable]
) -> Iterator[Problem]:
    for texture, users in _users(scene).items():
        own = [name for name in users if name in names]
        if not own or _is_constant(scene, texture):
            continue
        others = [name for name in users if name not in names]
        height, width = scene.textures[texture].data.shape[:2]
        if others:
            found = f"{own[0]!r} shares texture {texture!r} with {others[0]!r}, which is not remeshed with it"
            yield Problem(place, found, "textures of shapes that are remeshed together")
        if min(height, width) < _LEAST:
            found = f"texture {texture!r} of {own[0]!r} has {width} x {height} texels"
            yield Problem(place, found, f"at least {_LEAST} x {_LEAST}, to hold the pieces of a surface side by side")
        variable = _variable_of(texture, variables)
        if variable is None:
            continue
        if len(variable.targets) > 1 or variable.fit.function is not None:
            found = f"texture {texture!r} of {own[0]!r} is tied to others, or set by a function"
            yield Problem(place, found, "textures fitted by themselves, or not at all")
        elif any(varies_by_entry(item) for item in (variable.free, variable.low, variable.high)):
            found = f"texture {texture!r} of {own[0]!r} has texels with bounds or a freedom of their own"
            yield Problem(place, found, "the same for all texels")


def varies_by_entry(array: Array) -> bool:
    """Whether an array that broadcasts over vertices (V, 3) or texels (H, W, C) differs from one to the next."""
    return array.ndim > 1 and max(array.shape[:-1]) > 1


@dataclass(frozen=True)
class Retexture:
    """What becomes of shapes that are remeshed together.

    Attributes:
        meshes: by shape, with texture coordinates if the shape shows textures.
        bakes: by texture, the map from its old texels to its new ones, as `bake` gives it.
    """

    meshes: dict[str, Mesh]
    bakes: dict[str, csr_array]


def retexture(scene: Scene, meshes: Mapping[str, Mesh]) -> Retexture:
    """Texture coordinates for new meshes of shapes, and their textures baked anew; the scene stays as it is.

    Args:
        scene: as it was, with the old meshes. meshes: new ones by shape, without texture coordinates.
    """
    result = Retexture(dict(meshes), {})
    for shapes, textures in _groups(scene, list(meshes)):
        sizes = {scene.textures[name].data.shape[:2] for name in textures}
        texels = min((min(size) for size in sizes), default=_ANY)
        apart = any(texels < side < 2 * texels for size in sizes for side in size)
        placed = [
            (transform.transform_points(scene.shapes[name].world_matrix(), meshes[name].vertices), meshes[name].faces)
            for name in shapes
        ]
        for name, (uvs, uv_faces) in zip(shapes, unwrap(placed, texels, apart), strict=True):
            result.meshes[name] = replace(meshes[name], uvs=uvs, uv_faces=uv_faces)
        old, new = [scene.shapes[name].mesh for name in shapes], [result.meshes[name] for name in shapes]
        coarser = float(np.sqrt(sum(map(_area_of_uvs, old)) / max(sum(map(_area_of_uvs, new)), 1e-300)))
        if textures and coarser > _COARSER:
            warn(
                f"{', '.join(shapes)}: textures ({', '.join(textures)}) are {coarser:.1f} times coarser after "
                "remeshing: until now they were repeated, or used more than once, on the surface"
            )
        result.bakes.update({name: bake(old, new, scene.textures[name]) for name in textures})
    return result


def apply_bakes(setup: FitSetup, bakes: Mapping[str, csr_array]) -> None:
    """Bring new texels into the scene; fitted textures take their start and their optimizer's moments along."""
    for name, matrix in bakes.items():
        target = f"textures.{name}"
        variable = _variable_of(name, setup.variables)

        def change(texels: Array, matrix: csr_array = matrix) -> Array:
            return np.asarray(matrix @ texels.reshape(matrix.shape[1], -1)).reshape(texels.shape)

        if variable is None:
            setup.scene[target] = change(setup.scene[target].astype(np.float64))
        else:
            variable.carry(change)
            variable.apply(setup.scene)


def baked_textures(setup: FitSetup) -> list[str]:
    """Textures that are not fitted and yet are not those of the start."""
    return [
        name
        for name, texture in setup.scene.textures.items()
        if texture.data is not setup.original.textures[name].data and _variable_of(name, setup.variables) is None
    ]


def _users(scene: Scene) -> dict[str, list[str]]:
    """For each texture the shapes that show it."""
    result: dict[str, list[str]] = {}
    for name, shape in scene.shapes.items():
        for texture in sorted(texture_names(shape, scene.materials)):
            result.setdefault(texture, []).append(name)
    return result


def _groups(scene: Scene, names: list[str]) -> list[tuple[list[str], list[str]]]:
    """Shapes that share textures directly or by way of others, with all their textures but those of a single texel."""
    result: list[tuple[list[str], list[str]]] = []
    for name in names:
        textures = texture_names(scene.shapes[name], scene.materials)
        if not textures:
            continue
        wanted = sorted(item for item in textures if not _is_constant(scene, item))
        shapes = [name]
        for group in [group for group in result if set(group[1]) & set(wanted)]:
            result.remove(group)
            shapes, wanted = group[0] + shapes, group[1] + [item for item in wanted if item not in group[1]]
        result.append((shapes, wanted))
    return result


def _is_constant(scene: Scene, texture: str) -> bool:
    return scene.textures[texture].data.shape[:2] == (1, 1)


def _variable_of(texture: str, variables: Mapping[str, Variable]) -> Variable | None:
    return next((item for item in variables.values() if f"textures.{texture}" in item.targets), None)


def _area_of_uvs(mesh: Mesh) -> float:
    """Of all triangles in the texture, summed; 1 is the unit square."""
    assert mesh.uvs is not None and mesh.uv_faces is not None
    a, b, c = np.moveaxis(mesh.uvs[mesh.uv_faces], 1, 0)
    u, v = b - a, c - a
    return float(0.5 * np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]).sum())
