"""Primitives of glTF 2.0 as meshes."""

import numpy as np
from numpy.typing import NDArray

from diffrt.description.mesh import Mesh, make_mesh
from diffrt.errors import InputError, Problem
from diffrt.io.gltf_file import GltfFile
from diffrt.io.gltf_materials import UvMapping
from diffrt.io.json_values import JsonValue
from diffrt.log import warn

_TRIANGLES, _STRIP, _FAN = 4, 5, 6


def read_primitive(file: GltfFile, primitive: JsonValue, mapping: UvMapping) -> Mesh | None:
    """The triangles of a primitive, uvs with v upwards; None with a warning if it holds points or lines.

    Raises:
        InputError: naming the primitive, when an accessor does not fit or `make_mesh` refuses the arrays.
    """
    mode = primitive.integer("mode", _TRIANGLES)
    if mode not in (_TRIANGLES, _STRIP, _FAN):
        warn(f"{primitive.path}: points and lines are left out (mode {mode})")
        return None
    if "targets" in primitive:
        warn(f"{primitive.at('targets')}: morph targets are left out: the mesh stands in its rest shape")
    attributes = primitive.child("attributes")
    if "POSITION" not in attributes:
        attributes.fail("POSITION", "missing", "the positions of the vertices")
    positions = file.accessor(attributes, "POSITION", ("VEC3",)).astype(np.float64)
    normals = file.accessor(attributes, "NORMAL", ("VEC3",)).astype(np.float64) if "NORMAL" in attributes else None
    if "COLOR_0" in attributes:
        _refuse_colors(file, attributes)
    if "indices" in primitive:
        indices = file.accessor(primitive, "indices", ("SCALAR",))[:, 0]
        if indices.dtype.kind != "u":
            primitive.fail("indices", "not unsigned integers", "indices of vertices")
    else:
        indices = np.arange(len(positions))
    return make_mesh(
        positions,
        _triangles(indices.astype(np.int64), mode, primitive),
        normals,
        uvs=_uvs(file, attributes, mapping),
        field=primitive.path,
    )


def _triangles(indices: NDArray[np.int64], mode: int, primitive: JsonValue) -> NDArray[np.int64]:
    if mode == _TRIANGLES:
        if len(indices) % 3:
            raise InputError(Problem(primitive.path, f"{len(indices)} indices", "three for each triangle"))
        return indices.reshape(-1, 3)
    if len(indices) < 3:
        raise InputError(Problem(primitive.path, f"{len(indices)} indices", "at least three"))
    step = np.arange(len(indices) - 2)
    if mode == _FAN:
        return np.stack([indices[step + 1], indices[step + 2], np.full(len(step), indices[0])], axis=1)
    odd = step % 2
    return np.stack([indices[step], indices[step + 1 + odd], indices[step + 2 - odd]], axis=1)


def _uvs(file: GltfFile, attributes: JsonValue, mapping: UvMapping) -> NDArray[np.float64] | None:
    key = f"TEXCOORD_{mapping.texcoord}"
    if key not in attributes:
        return None
    given = file.accessor(attributes, key, ("VEC2",)).astype(np.float64)
    uvs: NDArray[np.float64] = given @ mapping.matrix[:2, :2].T + mapping.matrix[:2, 2]
    uvs[:, 1] = 1.0 - uvs[:, 1]
    return uvs


def _refuse_colors(file: GltfFile, attributes: JsonValue) -> None:
    colors = file.accessor(attributes, "COLOR_0", ("VEC3", "VEC4"))
    if not (colors == 1).all():
        warn(f"{attributes.at('COLOR_0')}: vertex colours are left out")
