"""OBJ meshes: positions, uvs and normals with their own indices, polygons, materials by name; reading and writing."""

from array import array
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diffrt.description.mesh import Mesh, make_mesh
from diffrt.errors import InputError, Problem
from diffrt.io.files import read_bytes, write_bytes
from diffrt.io.formats import mesh_reader, mesh_writer
from diffrt.io.polygons import fan
from diffrt.log import warn

_IGNORED = {b"g", b"o", b"s", b"vp", b"mg", b"bevel", b"c_interp", b"d_interp", b"lod", b"shadow_obj", b"trace_obj"}


@dataclass
class ObjData:
    """What an OBJ file says, cut into triangles, not welded yet. -1 marks an absent uv or normal.

    Attributes:
        positions (V, 3), uvs (T, 2), normals (N, 3): float64.
        faces, uv_faces, normal_faces: (F, 3) int64.
        materials: names in the order of first use; "" stands for faces before any `usemtl`.
        face_materials: (F,) index into `materials`.
        libraries: file names of its `mtllib` lines.
    """

    positions: NDArray[np.float64]
    uvs: NDArray[np.float64]
    normals: NDArray[np.float64]
    faces: NDArray[np.int64]
    uv_faces: NDArray[np.int64]
    normal_faces: NDArray[np.int64]
    materials: list[str]
    face_materials: NDArray[np.int64]
    libraries: list[str]

    def mesh(self, name: str, chosen: NDArray[np.bool_] | None = None) -> Mesh:
        """The mesh of all faces, or of the chosen ones with only what they use. uvs and normals are completed."""
        faces, uv_faces, normal_faces = self.faces, self.uv_faces, self.normal_faces
        positions, uvs, normals = self.positions, self.uvs, self.normals
        if chosen is not None:
            positions, faces = _compact(positions, faces[chosen])
            uvs, uv_faces = _compact(uvs, uv_faces[chosen])
            normals, normal_faces = _compact(normals, normal_faces[chosen])
        has_uvs = bool((uv_faces >= 0).any())
        if (uv_faces < 0).any():  # corners without uv lie at (0, 0)
            uvs, uv_faces = np.append(uvs, np.zeros((1, 2)), axis=0), np.where(uv_faces < 0, len(uvs), uv_faces)
        flat = (normal_faces < 0).any(axis=1)
        if flat.any() and not flat.all() and _within(faces[flat], len(positions)):
            corners = positions[faces[flat]]
            added = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
            own = len(normals) + np.arange(len(added))
            normal_faces = normal_faces.copy()
            normal_faces[flat] = own[:, None]
            normals = np.append(normals, added, axis=0)
        has_normals = not flat.all()
        return make_mesh(
            positions,
            faces,
            normals if has_normals else None,
            normal_faces if has_normals else None,
            uvs if has_uvs else None,
            uv_faces if has_uvs else None,
            field=name,
        )


def _within(indices: NDArray[np.int64], count: int) -> bool:
    return bool(((indices >= 0) & (indices < count)).all())


def _compact(values: NDArray[np.float64], indices: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The used rows in their order, and indices into them; -1 stays, and indices out of range leave all as it is."""
    used = np.unique(indices)
    used = used[used >= 0]
    if len(used) and used[-1] >= len(values):
        return values, indices
    place = np.full(len(values) + 1, -1, dtype=np.int64)
    place[used] = np.arange(len(used))
    return values[used], place[indices]


@mesh_reader(".obj")
def read_obj(path: Path, *, field: str = "file") -> Mesh:
    """Read all groups of an OBJ file as one mesh; its materials are left to `diffrt.io.obj_scene`.

    Polygons are cut into fans. Where only some corners have uvs or normals, the others get uv (0, 0) and flat normals.

    Raises:
        InputError: a line that is not OBJ, naming its number, or a mesh that `make_mesh` refuses.
    """
    return parse_obj(read_bytes(path, field=field), f"{field} ({path.name})").mesh(f"{field} ({path.name})")


@dataclass
class _Polygons:
    counts: "array[int]" = field(default_factory=lambda: array("q"))
    corners: "array[int]" = field(default_factory=lambda: array("q"))  # three per corner: position, uv, normal
    material: "array[int]" = field(default_factory=lambda: array("q"))


def parse_obj(data: bytes, name: str) -> ObjData:
    """Read the lines of an OBJ file.

    Args:
        data: the whole file.
        name: what the messages call it.
    """
    positions, uvs, normals = array("d"), array("d"), array("d")
    polygons = _Polygons()
    materials: dict[str, int] = {}
    material = -1
    libraries: list[str] = []
    skipped: set[str] = set()
    line = b""
    number = 0
    try:
        joined = data.replace(b"\\\r\n", b" ").replace(b"\\\n", b" ")
        for number, line in enumerate(joined.splitlines(), start=1):  # noqa: B007 - the message below names the line
            words = line.split()
            if not words:
                continue
            key = words[0]
            if key == b"v":
                positions.extend(map(float, _three(words)))
            elif key == b"f":
                if material < 0:
                    material = materials.setdefault("", len(materials))
                _polygon(words, len(positions) // 3, len(uvs) // 2, len(normals) // 3, polygons)
                polygons.material.append(material)
            elif key == b"vt":
                uvs.append(float(words[1]))
                uvs.append(float(words[2]) if len(words) > 2 else 0.0)
            elif key == b"vn":
                normals.extend(map(float, _three(words)))
            elif key == b"usemtl":
                used = _rest(line, key)
                material = materials.setdefault(used, len(materials))
            elif key == b"mtllib":
                libraries.append(_rest(line, key))
            elif key not in _IGNORED and not key.startswith(b"#"):
                skipped.add(key[:20].decode("utf-8", "replace"))
    except (ValueError, IndexError, OverflowError):
        shown = line[:80].decode("utf-8", "replace").strip()
        raise InputError(Problem(name, f"line {number} is not OBJ: {shown!r}")) from None
    if skipped:
        warn(f"{name}: only polygons are read; lines of other kinds are left out ({', '.join(sorted(skipped)[:8])})")
    if not polygons.counts:
        raise InputError(Problem(name, "the mesh is empty: it has no faces ('f' lines)"))
    corners, polygon = fan(np.array(polygons.counts))
    triple = np.array(polygons.corners, dtype=np.int64).reshape(-1, 3)[corners]
    return ObjData(
        positions=np.array(positions).reshape(-1, 3),
        uvs=np.array(uvs).reshape(-1, 2),
        normals=np.array(normals).reshape(-1, 3),
        faces=triple[:, :, 0],
        uv_faces=triple[:, :, 1],
        normal_faces=triple[:, :, 2],
        materials=list(materials),
        face_materials=np.array(polygons.material, dtype=np.int64)[polygon],
        libraries=libraries,
    )


def _three(words: list[bytes]) -> list[bytes]:
    if len(words) < 4:
        raise ValueError
    return words[1:4]  # a weight or a colour may follow


def _rest(line: bytes, key: bytes) -> str:
    return line.strip()[len(key) :].strip().decode("utf-8", "replace")


def _polygon(words: list[bytes], positions: int, uvs: int, normals: int, polygons: _Polygons) -> None:
    """Append the corners of an `f` line: indices from 1, or from -1 backwards over what was read so far."""
    if len(words) < 4:
        raise ValueError
    polygons.counts.append(len(words) - 1)
    corners = polygons.corners
    for word in words[1:]:
        parts = word.split(b"/")
        position = int(parts[0])
        uv = int(parts[1]) if len(parts) > 1 and parts[1] else 0
        normal = int(parts[2]) if len(parts) > 2 and parts[2] else 0
        if position == 0 or position < -positions or uv < -uvs or normal < -normals:
            raise ValueError
        corners.append(position - 1 if position > 0 else positions + position)
        corners.append(uv - 1 if uv >= 0 else uvs + uv)
        corners.append(normal - 1 if normal >= 0 else normals + normal)


@mesh_writer(".obj")
def write_obj(path: Path, mesh: Mesh) -> None:
    """Write positions, uvs and normals with their own indices, in their order: it reads back to the same mesh."""
    lines = [f"v {x!r} {y!r} {z!r}" for x, y, z in mesh.vertices.tolist()]
    names = ["{0}"] if mesh.uvs is None and mesh.normals is None else ["{0}", "{1}"]
    if mesh.uvs is not None:
        lines += [f"vt {u!r} {v!r}" for u, v in mesh.uvs.tolist()]
    if mesh.normals is not None:
        lines += [f"vn {x!r} {y!r} {z!r}" for x, y, z in mesh.normals.tolist()]
        names.append("{2}")
    corner = "/".join(names)
    absent = [[""] * 3] * len(mesh.faces)
    uv_faces = absent if mesh.uv_faces is None else (mesh.uv_faces + 1).tolist()
    normal_faces = absent if mesh.normal_faces is None else (mesh.normal_faces + 1).tolist()
    for face, uv, normal in zip((mesh.faces + 1).tolist(), uv_faces, normal_faces, strict=True):
        lines.append("f " + " ".join(map(corner.format, face, uv, normal)))
    write_bytes(path, ("\n".join(lines) + "\n").encode())
