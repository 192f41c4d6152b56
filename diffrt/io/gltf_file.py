"""The container of glTF 2.0: JSON or GLB, its buffers, and its accessors as arrays. Nothing in it is trusted."""

import base64
import binascii
import json
import struct
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from diffrt.errors import InputError, Problem
from diffrt.io.files import inside, read_bytes
from diffrt.io.json_values import JsonValue

_COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_MAX_ZEROS = 1 << 24  # entries of an accessor without data of its own: the file size does not bound them
SUPPORTED_EXTENSIONS = {
    *("KHR_mesh_quantization", "KHR_texture_transform", "KHR_lights_punctual", "KHR_materials_unlit"),
    *("KHR_materials_transmission", "KHR_materials_ior", "KHR_materials_specular", "KHR_materials_clearcoat"),
    *("KHR_materials_sheen", "KHR_materials_emissive_strength"),
}


class GltfFile:
    """A glTF file in memory: `root`, its tables by name, and its binary data.

    Args:
        path: .gltf or .glb; the content decides.
        field: what the messages call the file.

    Raises:
        InputError: not glTF 2.0, cut short, broken JSON, or it requires an extension that diffrt does not know.
    """

    def __init__(self, path: Path, field: str = "file") -> None:
        self.path = path
        self.name = f"{field} ({path.name})"
        self._buffers: dict[int, bytes] = {}
        self._binary: bytes | None = None
        text = self._unpack(read_bytes(path, field=field))
        try:
            content: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(Problem(self.name, f"not glTF: its JSON is broken ({error})")) from None
        self.root = JsonValue(content, f"{self.name}: ")
        asset = self.root.child("asset")
        version = asset.text("version")
        if not version.startswith("2."):
            asset.fail("version", f"{version!r}" if version else "missing", "2.0")
        unknown = [name for name in self.root.items("extensionsRequired") if str(name) not in SUPPORTED_EXTENSIONS]
        if unknown:
            found = f"the file needs {', '.join(map(str, unknown[:5]))}, which diffrt does not read"
            self.root.fail("extensionsRequired", found, ", ".join(sorted(SUPPORTED_EXTENSIONS)))
        self._tables: dict[str, list[JsonValue]] = {}

    def table(self, key: str) -> list[JsonValue]:
        """A top-level list, e.g. `table("meshes")`."""
        if key not in self._tables:
            self._tables[key] = self.root.children(key)
        return self._tables[key]

    def _unpack(self, data: bytes) -> bytes:
        """The JSON text; keeps the binary chunk of a GLB file."""
        if not data.startswith(b"glTF"):
            return data
        if len(data) < 20:
            raise InputError(Problem(self.name, "the file is cut short: a GLB header has 20 bytes"))
        version, length = struct.unpack_from("<2I", data, 4)
        if version != 2:
            raise InputError(Problem(self.name, f"GLB version {version}", "2"))
        if length > len(data):
            raise InputError(Problem(self.name, f"the file is cut short: {len(data)} of {length} bytes are there"))
        text: bytes | None = None
        offset = 12
        while offset + 8 <= length:
            size, kind = struct.unpack_from("<I4s", data, offset)
            offset += 8
            if offset + size > length:
                raise InputError(Problem(self.name, f"the file is cut short: a chunk of {size} bytes does not fit"))
            if kind == b"JSON" and text is None:
                text = data[offset : offset + size]
            elif kind == b"BIN\0" and self._binary is None:
                self._binary = data[offset : offset + size]
            offset += size
        if text is None:
            raise InputError(Problem(self.name, "not glTF: no JSON chunk"))
        return text

    def fetch(self, uri: str, place: str) -> bytes:
        """The bytes behind a `data:` URI or a file name relative to this file that does not leave its folder."""
        if uri.startswith("data:"):
            head, comma, body = uri.partition(",")
            if not comma or not head.endswith(";base64"):
                raise InputError(Problem(place, "a data: URI that is not base64", "data:...;base64,..."))
            try:
                return base64.b64decode(unquote(body), validate=True)
            except (binascii.Error, ValueError):
                raise InputError(Problem(place, "a data: URI whose base64 is broken")) from None
        return read_bytes(inside(self.path.parent, unquote(uri), field=place), field=place)

    def _buffer(self, index: int) -> bytes:
        if index not in self._buffers:
            entry = self.table("buffers")[index]
            if "uri" in entry:
                content = self.fetch(entry.text("uri"), entry.at("uri"))
            elif index == 0 and self._binary is not None:
                content = self._binary
            else:
                entry.fail("uri", "missing, and the file has no binary chunk for it")
            size = entry.integer("byteLength")
            if size > len(content):
                entry.fail("byteLength", f"{size} bytes announced, {len(content)} there: cut short")
            self._buffers[index] = content[:size]
        return self._buffers[index]

    def view(self, index_of: JsonValue, key: str = "bufferView") -> tuple[memoryview, int]:
        """The bytes of the buffer view named under `key`, and its stride (0: tightly packed)."""
        entry = index_of.pick(key, self.table("bufferViews"))
        entry.pick("buffer", self.table("buffers"))
        content = self._buffer(entry.integer("buffer"))
        start, size = entry.integer("byteOffset", 0), entry.integer("byteLength")
        if start + size > len(content):
            entry.fail("byteLength", f"bytes {start} to {start + size} of a buffer of {len(content)}: cut short")
        return memoryview(content)[start : start + size], entry.integer("byteStride", 0)

    def accessor(self, index_of: JsonValue, key: str, kinds: tuple[str, ...]) -> NDArray[Any]:
        """The accessor named under `key` as (count, width): floats where it is float or normalized, else integers.

        Args:
            index_of: the object that holds the index.
            key: its key.
            kinds: allowed types, e.g. ("VEC3",).
        """
        entry = index_of.pick(key, self.table("accessors"))
        kind = entry.text("type")
        if kind not in kinds or kind not in _WIDTHS:
            entry.fail("type", repr(kind), " or ".join(kinds))
        component = self._component(entry)
        shape = (entry.integer("count"), _WIDTHS[kind])
        if shape[0] == 0:
            entry.fail("count", "0: the accessor is empty", "at least 1")
        if "bufferView" in entry:
            values = self._read(entry, component, shape, entry.integer("byteOffset", 0))
        elif shape[0] > _MAX_ZEROS:
            entry.fail("count", f"{shape[0]} entries without data", f"at most {_MAX_ZEROS}")
        else:
            values = np.zeros(shape, dtype=component)
        if "sparse" in entry:
            values = self._with_sparse(entry.child("sparse"), values, component)
        if entry.boolean("normalized") and component.kind in "iu":
            return np.maximum(values.astype(np.float64) / np.iinfo(component).max, -1.0)
        return values

    def _component(self, entry: JsonValue) -> np.dtype[Any]:
        component = entry.integer("componentType")
        if component not in _COMPONENTS:
            entry.fail("componentType", str(component), ", ".join(map(str, _COMPONENTS)))
        return np.dtype(_COMPONENTS[component])

    def _read(self, entry: JsonValue, dtype: np.dtype[Any], shape: tuple[int, int], offset: int) -> NDArray[Any]:
        content, stride = self.view(entry)
        item = dtype.itemsize * shape[1]
        stride = stride or item
        needed = offset + stride * (shape[0] - 1) + item
        if needed > len(content):
            found = f"{shape[0]} entries need {needed} bytes of a buffer view of {len(content)}: cut short"
            raise InputError(Problem(entry.path, found))
        return np.ndarray(shape, dtype, content, offset, (stride, dtype.itemsize))

    def _with_sparse(self, sparse: JsonValue, values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        count = sparse.integer("count")
        places, replacements = sparse.child("indices"), sparse.child("values")
        if count == 0:
            return values
        at = self._read(places, self._component(places), (count, 1), places.integer("byteOffset", 0))[:, 0]
        if at.dtype.kind != "u" or int(at.max()) >= len(values):
            places.fail("bufferView", "an index out of range", f"0 to {len(values) - 1}")
        values = values.copy()
        values[at] = self._read(replacements, dtype, (count, values.shape[1]), replacements.integer("byteOffset", 0))
        return values
