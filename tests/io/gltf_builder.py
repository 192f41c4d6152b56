"""glTF files made piece by piece, for the tests of their import."""

import io
import json
import struct

import numpy as np
import pytest
from PIL import Image

from diffrt.errors import InputError
from diffrt.io.gltf import import_gltf

COMPONENTS = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
WIDTHS = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}


class Builder:
    """A small glTF file whose arrays are packed into one buffer."""

    def __init__(self):
        self.binary = b""
        self.json = {"asset": {"version": "2.0"}, "accessors": [], "bufferViews": [], "buffers": []}

    def view(self, content):
        self.binary += b"\0" * (-len(self.binary) % 4)
        self.json["bufferViews"].append({"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(content)})
        self.binary += content
        return len(self.json["bufferViews"]) - 1

    def array(self, values, dtype="f4", **more):
        values = np.asarray(values, dtype=f"<{dtype}")
        values = values[:, None] if values.ndim == 1 else values
        entry = {"bufferView": self.view(values.tobytes()), "componentType": COMPONENTS[dtype]}
        self.json["accessors"].append({**entry, "count": len(values), "type": WIDTHS[values.shape[1]], **more})
        return len(self.json["accessors"]) - 1

    def image(self, pixels):
        stream = io.BytesIO()
        Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(stream, "PNG")
        self.json.setdefault("images", []).append({"bufferView": self.view(stream.getvalue()), "mimeType": "image/png"})
        self.json.setdefault("textures", []).append({"source": len(self.json["images"]) - 1})
        return {"index": len(self.json["textures"]) - 1}

    def triangle(self, **primitive):
        """One triangle in the XY plane as mesh 0 on node 0; returns the primitive."""
        uvs = self.array([[0, 0], [1, 0], [0, 1]])
        attributes = {"POSITION": self.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]]), "TEXCOORD_0": uvs}
        self.json["meshes"] = [{"primitives": [{"attributes": attributes, **primitive}]}]
        self.json["nodes"] = [{"mesh": 0, "name": "my.triangle [1]"}]
        return self.json["meshes"][0]["primitives"][0]

    def material(self, **material):
        self.triangle(material=0)
        self.json["materials"] = [{"name": "paint", **material}]
        return self

    def glb(self, path):
        self.json["buffers"] = [{"byteLength": len(self.binary)}]
        text = json.dumps(self.json).encode()
        text += b" " * (-len(text) % 4)
        binary = self.binary + b"\0" * (-len(self.binary) % 4)
        size = 12 + 8 + len(text) + 8 + len(binary)
        head = struct.pack("<4sII", b"glTF", 2, size) + struct.pack("<I4s", len(text), b"JSON")
        path.write_bytes(head + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary)
        return path

    def load(self, folder):
        return import_gltf(self.glb(folder / "made.glb"))


def world(shape):
    matrix = shape["to_world"]
    return shape["vertices"] @ matrix[:3, :3].T + matrix[:3, 3]


def normal(shape):
    a, b, c = world(shape)[shape["faces"][0]]
    cross = np.cross(b - a, c - a)
    return cross / np.linalg.norm(cross)


def refusal(builder, folder):
    with pytest.raises(InputError) as caught:
        builder.load(folder)
    assert "made.glb" in str(caught.value)
    return str(caught.value)
