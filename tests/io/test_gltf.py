"""glTF: real files, files beside, and files that are broken."""

import base64
import json
import struct
import zlib

import numpy as np
import pytest
import trimesh
from asset_files import ASSETS, needs_assets
from gltf_builder import Builder, refusal, world

from diffrt.errors import InputError
from diffrt.io.gltf import import_gltf, read_gltf_mesh

# Real files


@needs_assets
@pytest.mark.parametrize("name", ["Duck.glb", "CesiumMilkTruck.glb"])
def test_real_files_agree_with_trimesh(name):
    other = trimesh.load(ASSETS / "gltf" / name).to_geometry()
    mesh = read_gltf_mesh(ASSETS / "gltf" / name)
    assert len(mesh.faces) == len(other.faces)
    np.testing.assert_allclose([mesh.vertices.min(0), mesh.vertices.max(0)], other.bounds, atol=1e-4)
    scene = import_gltf(ASSETS / "gltf" / name)
    points = np.concatenate([world(shape) for shape in scene["shapes"]])
    np.testing.assert_allclose([points.min(0), points.max(0)], other.bounds, atol=1e-4)
    assert sum(len(shape["faces"]) for shape in scene["shapes"]) == len(other.faces)
    names = [shape["name"] for shape in scene["shapes"]]
    assert len(set(names)) == len(names) and not any("." in each for each in names)


@needs_assets
def test_duck_is_textured_in_linear_light():
    scene = import_gltf(ASSETS / "gltf" / "Duck.glb")
    (material,) = scene["materials"].values()
    texture = scene["textures"][material["base_color"]["texture"]]
    assert texture["data"].shape == (512, 512, 3) and texture["data"].dtype == np.float32
    assert texture["encoding"] == "linear"
    yellow = np.median(texture["data"].reshape(-1, 3), axis=0)
    assert yellow[0] > 2 * yellow[2]  # the duck is yellow
    shape = scene["shapes"][0]
    assert shape["uvs"].shape[1] == 2 and len(shape["uv_faces"]) == len(shape["faces"])
    assert scene["cameras"][0]["fov"] == pytest.approx(np.rad2deg(0.6605925559997559))


# Files beside, and files that are broken


def test_buffers_and_images_beside_and_in_uris(tmp_path):
    builder = Builder()
    builder.triangle()
    data = builder.json
    (tmp_path / "sub dir").mkdir()
    (tmp_path / "sub dir" / "a.bin").write_bytes(builder.binary)
    for uri in ("sub%20dir/a.bin", "data:application/octet-stream;base64," + base64.b64encode(builder.binary).decode()):
        data["buffers"] = [{"byteLength": len(builder.binary), "uri": uri}]
        (tmp_path / "a.gltf").write_text(json.dumps(data))
        assert len(import_gltf(tmp_path / "a.gltf")["shapes"]) == 1


@pytest.mark.parametrize(
    "uri",
    ["/etc/passwd", "../secret.bin", "sub/../../secret.bin", "%2e%2e/secret.bin", "file:///etc/passwd", "C:\\a.bin"],
)
def test_buffers_never_leave_the_folder(tmp_path, uri):
    (tmp_path / "secret.bin").write_bytes(b"\0" * 1000)
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    builder = Builder()
    builder.triangle()
    builder.json["buffers"] = [{"byteLength": len(builder.binary), "uri": uri}]
    (folder / "a.gltf").write_text(json.dumps(builder.json))
    with pytest.raises(InputError, match=r"buffers\[0\]\.uri.*(absolute|leaves|not the name)"):
        import_gltf(folder / "a.gltf")


def change(*path, to):
    def apply(data):
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = to

    return apply


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (change("nodes", 0, "children", to=[0]), "cycle"),
        (change("nodes", to=[{"mesh": 0, "children": [1]}, {"children": [0]}]), "cycle"),
        (change("nodes", 0, "mesh", to=7), "nodes[0].mesh: index 7"),
        (change("nodes", 0, "mesh", to="duck"), "nodes[0].mesh"),
        (change("nodes", to={"a": 1}), "not a list"),
        (change("nodes", 0, "rotation", to=[0, 0, 0, 0]), "length zero"),
        (change("nodes", 0, "scale", to=[1, 2]), "3 numbers"),
        (change("nodes", 0, "translation", to=[1, 2, float("nan")]), "finite"),
        (change("nodes", 0, "scale", to=[1e200, 1e300, 10**400]), "finite"),
        (change("accessors", 1, "count", to=4), "cut short"),
        (change("accessors", 1, "count", to=10**15), "cut short"),
        (change("accessors", 1, "count", to=0), "empty"),
        (change("accessors", 1, "count", to=-1), "at least 0"),
        (change("accessors", 1, "type", to="VEC2"), "VEC3"),
        (change("accessors", 1, "componentType", to=5555), "5120"),
        (change("accessors", 1, to={"componentType": 5126, "type": "VEC3", "count": 10**12}), "without data"),
        (change("bufferViews", 1, "byteLength", to=10**9), "cut short"),
        (change("bufferViews", 1, "buffer", to=3), "index 3"),
        (change("meshes", 0, "primitives", 0, "attributes", to={}), "POSITION"),
        (change("meshes", 0, "primitives", 0, "material", to=0), "material"),
        (change("asset", "version", to="1.0"), "2.0"),
        (change("asset", to=[]), "object"),
        (change("extensionsRequired", to=["KHR_draco_mesh_compression"]), "KHR_draco_mesh_compression"),
        (change("meshes", to=[{"primitives": []}]), "empty"),
    ],
)
@pytest.mark.filterwarnings("ignore::diffrt.log.DiffrtWarning")
def test_broken_structure_is_refused(tmp_path, damage, words):
    builder = Builder()
    builder.triangle()
    damage(builder.json)
    assert words in refusal(builder, tmp_path)


def test_deep_hierarchies_do_not_exhaust_the_stack(tmp_path):
    builder = Builder()
    builder.triangle()
    builder.json["nodes"] = [{"children": [index + 1], "translation": [1, 0, 0]} for index in range(5000)] + [
        {"mesh": 0}
    ]
    (shape,) = builder.load(tmp_path)["shapes"]
    assert shape["to_world"][0, 3] == 5000


def test_every_truncation_is_refused_in_words(tmp_path):
    builder = Builder()
    builder.triangle()
    whole = builder.glb(tmp_path / "made.glb").read_bytes()
    for length in range(0, len(whole), 11):
        (tmp_path / "cut.glb").write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"cut\.glb"):
            import_gltf(tmp_path / "cut.glb")


def test_nan_positions_bad_json_and_bad_images(tmp_path):
    builder = Builder()
    primitive = builder.triangle()
    primitive["attributes"]["POSITION"] = builder.array([[0, 0, 0], [1, 0, np.nan], [0, 1, 0]])
    assert "finite" in refusal(builder, tmp_path)
    for text in ("{", "[" * 100000, "[]", "null", '{"asset": {"version": "2.0"}, "nodes": [1]}'):
        (tmp_path / "a.gltf").write_text(text)
        with pytest.raises(InputError, match=r"a\.gltf"):
            import_gltf(tmp_path / "a.gltf")
    builder = Builder()
    image = builder.image(np.zeros((4, 4, 3)))
    builder.material(pbrMetallicRoughness={"baseColorTexture": image})
    place = builder.binary.index(b"IDAT")
    builder.binary = builder.binary[:place] + b"\xff" * 8 + builder.binary[place + 8 :]
    assert "images[0]" in refusal(builder, tmp_path)


def test_images_too_large_are_refused_before_they_are_decoded(tmp_path):
    builder = Builder()
    image = builder.image(np.zeros((4, 4, 3)))
    builder.material(pbrMetallicRoughness={"baseColorTexture": image})
    place = builder.binary.index(b"IHDR") + 4
    header = b"IHDR" + struct.pack(">II", 12000, 12000) + builder.binary[place + 8 : place + 13]
    checked = header + struct.pack(">I", zlib.crc32(header))
    builder.binary = builder.binary[: place - 4] + checked + builder.binary[place + 17 :]
    assert "12000 x 12000" in refusal(builder, tmp_path)
