"""glTF: geometry, hierarchy, materials, cameras, lights against hand-made files, trimesh and the specification."""

import base64
import io
import json
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from diffrt.errors import InputError
from diffrt.io.gltf import import_gltf, read_gltf_mesh
from diffrt.log import DiffrtWarning

ASSETS = Path(os.environ.get("DIFFRT_ASSETS") or Path(__file__).resolve().parents[3] / "shared" / "assets") / "gltf"
needs_assets = pytest.mark.skipif(not ASSETS.is_dir(), reason="no assets (set DIFFRT_ASSETS)")
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


# Real files


@needs_assets
@pytest.mark.parametrize("name", ["Duck.glb", "CesiumMilkTruck.glb"])
def test_real_files_agree_with_trimesh(name):
    other = trimesh.load(ASSETS / name).to_geometry()
    mesh = read_gltf_mesh(ASSETS / name)
    assert len(mesh.faces) == len(other.faces)
    np.testing.assert_allclose([mesh.vertices.min(0), mesh.vertices.max(0)], other.bounds, atol=1e-4)
    scene = import_gltf(ASSETS / name)
    points = np.concatenate([world(shape) for shape in scene["shapes"]])
    np.testing.assert_allclose([points.min(0), points.max(0)], other.bounds, atol=1e-4)
    assert sum(len(shape["faces"]) for shape in scene["shapes"]) == len(other.faces)
    names = [shape["name"] for shape in scene["shapes"]]
    assert len(set(names)) == len(names) and not any("." in each for each in names)


@needs_assets
def test_duck_is_textured_in_linear_light():
    scene = import_gltf(ASSETS / "Duck.glb")
    (material,) = scene["materials"].values()
    texture = scene["textures"][material["base_color"]["texture"]]
    assert texture["data"].shape == (512, 512, 3) and texture["data"].dtype == np.float32
    assert texture["encoding"] == "linear"
    yellow = np.median(texture["data"].reshape(-1, 3), axis=0)
    assert yellow[0] > 2 * yellow[2]  # the duck is yellow
    shape = scene["shapes"][0]
    assert shape["uvs"].shape[1] == 2 and len(shape["uv_faces"]) == len(shape["faces"])
    assert scene["cameras"][0]["fov"] == pytest.approx(np.rad2deg(0.6605925559997559))


# Geometry


def test_a_triangle_its_uvs_point_up_and_its_name_has_no_dots(tmp_path):
    builder = Builder()
    builder.triangle()
    scene = builder.load(tmp_path)
    (shape,) = scene["shapes"]
    assert shape["name"] == "my_triangle_1"
    np.testing.assert_array_equal(shape["uvs"][shape["uv_faces"][0]], [[0, 1], [1, 1], [0, 0]])
    assert scene["materials"][shape["material"]] == {
        "type": "principled",
        "base_color": [1.0, 1.0, 1.0],
        "metallic": 1.0,
        "roughness": 1.0,
    }


@pytest.mark.parametrize(
    ("mode", "indices", "faces"),
    [
        (4, [0, 1, 2, 2, 1, 3], [[0, 1, 2], [2, 1, 3]]),
        (5, [0, 1, 2, 3], [[0, 1, 2], [1, 3, 2]]),
        (6, [0, 1, 3, 2], [[1, 3, 0], [3, 2, 0]]),
    ],
)
def test_lists_strips_and_fans_keep_their_winding(tmp_path, mode, indices, faces):
    builder = Builder()
    primitive = builder.triangle(mode=mode)
    primitive["attributes"] = {"POSITION": builder.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])}
    primitive["indices"] = builder.array(indices, "u2")
    (shape,) = builder.load(tmp_path)["shapes"]
    np.testing.assert_array_equal(shape["faces"], faces)
    corners = shape["vertices"][shape["faces"]]
    assert (np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] > 0).all()


def test_strided_sparse_and_normalized_accessors(tmp_path):
    builder = Builder()
    primitive = builder.triangle()
    rows = np.zeros(3, dtype=[("p", "<f4", (3,)), ("uv", "<u1", (2,)), ("pad", "<u2")])
    rows["p"] = [[0, 0, 0], [1, 0, 0], [9, 9, 9]]
    rows["uv"] = [[0, 255], [255, 0], [51, 102]]
    view = builder.view(rows.tobytes())
    builder.json["bufferViews"][view]["byteStride"] = 16
    sparse = {
        "count": 1,
        "indices": {"bufferView": builder.view(struct.pack("<H", 2)), "componentType": 5123},
        "values": {"bufferView": builder.view(struct.pack("<3f", 0, 2, 0))},
    }
    positions = {"bufferView": view, "componentType": 5126, "count": 3, "type": "VEC3", "sparse": sparse}
    uvs = {"bufferView": view, "byteOffset": 12, "componentType": 5121, "count": 3, "type": "VEC2", "normalized": True}
    builder.json["accessors"] += [positions, uvs]
    count = len(builder.json["accessors"])
    primitive["attributes"] = {"POSITION": count - 2, "TEXCOORD_0": count - 1}
    (shape,) = builder.load(tmp_path)["shapes"]
    np.testing.assert_array_equal(shape["vertices"], [[0, 0, 0], [1, 0, 0], [0, 2, 0]])
    np.testing.assert_allclose(shape["uvs"], [[0, 0], [1, 1], [0.2, 0.6]])


def test_normalized_signed_integers_follow_the_specification(tmp_path):
    builder = Builder()
    primitive = builder.triangle()
    primitive["attributes"]["NORMAL"] = builder.array([[-128, 0, 0], [-127, 0, 0], [0, 0, 127]], "i1", normalized=True)
    (shape,) = builder.load(tmp_path)["shapes"]
    np.testing.assert_allclose(shape["normals"], [[-1, 0, 0], [-1, 0, 0], [0, 0, 1]])


def test_hierarchy_of_trs_and_matrix(tmp_path):
    builder = Builder()
    builder.triangle()
    half = np.sqrt(0.5)
    builder.json["nodes"] = [
        {"mesh": 0, "scale": [2, 3, 4]},
        {"children": [0], "rotation": [0, 0, half, half]},  # 90 degrees about z: x to y
        {"children": [1], "matrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 10, 20, 30, 1]},
    ]
    builder.json["scenes"] = [{"nodes": [2]}]
    (shape,) = builder.load(tmp_path)["shapes"]
    np.testing.assert_allclose(world(shape), [[10, 20, 30], [10, 22, 30], [7, 20, 30]], atol=1e-12)
    mesh = read_gltf_mesh(tmp_path / "made.glb")
    np.testing.assert_allclose(mesh.vertices, world(shape), atol=1e-12)


def test_a_mirroring_node_keeps_fronts_in_front(tmp_path):
    builder = Builder()
    builder.triangle()
    builder.json["nodes"][0]["scale"] = [-1, 1, 1]
    (shape,) = builder.load(tmp_path)["shapes"]
    np.testing.assert_allclose(normal(shape), [0, 0, 1])


def test_one_mesh_on_two_nodes_gives_two_shapes(tmp_path):
    builder = Builder()
    builder.triangle()
    builder.json["nodes"] = [{"mesh": 0, "name": "a"}, {"mesh": 0, "name": "a", "translation": [0, 0, 5]}]
    first, second = builder.load(tmp_path)["shapes"]
    assert (first["name"], second["name"]) == ("a", "a_2")
    assert second["to_world"][2, 3] == 5 and second["material"] == first["material"]
    assert len(read_gltf_mesh(tmp_path / "made.glb").faces) == 2


def test_uv_transform_of_the_specification(tmp_path):
    # Its example: the lower left quadrant of the image, rotated clockwise by 90 degrees.
    builder = Builder()
    image = builder.image(np.zeros((2, 2, 3)))
    how = {"offset": [0, 1], "rotation": 1.57079632679, "scale": [0.5, 0.5]}
    texture = {**image, "extensions": {"KHR_texture_transform": how}}
    (shape,) = builder.material(pbrMetallicRoughness={"baseColorTexture": texture}).load(tmp_path)["shapes"]
    np.testing.assert_allclose(shape["uvs"], [[0, 0], [0, 0.5], [0.5, 0]], atol=1e-9)


# Materials


def test_packed_textures_become_single_channels_times_factors(tmp_path):
    builder = Builder()
    color = builder.image([[[188, 0, 255, 128]]])
    packed = builder.image([[[9, 128, 64]]])
    pbr = {
        "baseColorTexture": color,
        "baseColorFactor": [0.5, 1, 0.25, 0.5],
        "metallicRoughnessTexture": packed,
        "roughnessFactor": 0.5,
    }
    scene = builder.material(pbrMetallicRoughness=pbr, alphaMode="BLEND").load(tmp_path)
    material = scene["materials"]["paint"]

    def texel(field):
        data = scene["textures"][material[field]["texture"]]["data"]
        assert data.dtype == np.float32 and data.shape[:2] == (1, 1)
        return data[0, 0]

    half_light = ((188 / 255 + 0.055) / 1.055) ** 2.4
    np.testing.assert_allclose(texel("base_color"), [0.5 * half_light, 0, 0.25], rtol=1e-5)
    np.testing.assert_allclose(texel("metallic"), [64 / 255], rtol=1e-6)
    np.testing.assert_allclose(texel("roughness"), [0.5 * 128 / 255], rtol=1e-6)
    np.testing.assert_allclose(texel("opacity"), [0.5 * 128 / 255], rtol=1e-6)


def test_mask_and_factor_only_opacity(tmp_path):
    builder = Builder()
    image = builder.image([[[255, 255, 255, 100], [255, 255, 255, 200]]])
    builder.material(pbrMetallicRoughness={"baseColorTexture": image}, alphaMode="MASK", alphaCutoff=0.6)
    scene = builder.load(tmp_path)
    data = scene["textures"][scene["materials"]["paint"]["opacity"]["texture"]]["data"]
    np.testing.assert_array_equal(data[0, :, 0], [0, 1])
    plain = Builder().material(pbrMetallicRoughness={"baseColorFactor": [1, 1, 1, 0.25]}, alphaMode="BLEND")
    assert plain.load(tmp_path)["materials"]["paint"]["opacity"] == 0.25
    opaque = Builder().material(pbrMetallicRoughness={"baseColorFactor": [1, 1, 1, 0.25]})
    assert "opacity" not in opaque.load(tmp_path)["materials"]["paint"]


def test_normal_map_with_scale(tmp_path):
    builder = Builder()
    image = builder.image([[[255, 128, 128]]])
    scene = builder.material(normalTexture={**image, "scale": 0.5}).load(tmp_path)
    data = scene["textures"][scene["materials"]["paint"]["normal_map"]]["data"][0, 0]
    vector = 2 * data - 1
    tilted = np.array([0.5, 0.5 / 255, 1 / 255])
    np.testing.assert_allclose(vector, tilted / np.linalg.norm(tilted), atol=1e-6)


def test_material_extensions(tmp_path):
    extensions = {
        "KHR_materials_ior": {"ior": 1.33},
        "KHR_materials_transmission": {"transmissionFactor": 0.9},
        "KHR_materials_specular": {"specularFactor": 0.3, "specularColorFactor": [2, 1, 0.5]},
        "KHR_materials_clearcoat": {"clearcoatFactor": 0.7, "clearcoatRoughnessFactor": 0.2},
        "KHR_materials_sheen": {"sheenColorFactor": [0.1, 0.2, 0.3], "sheenRoughnessFactor": 0.4},
        "KHR_materials_emissive_strength": {"emissiveStrength": 5},
    }
    scene = Builder().material(extensions=extensions, emissiveFactor=[1, 0.5, 0], doubleSided=True).load(tmp_path)
    assert scene["materials"]["paint"] == {
        "type": "principled",
        "base_color": [1.0, 1.0, 1.0],
        "metallic": 1.0,
        "roughness": 1.0,
        "ior": 1.33,
        "transmission": 0.9,
        "specular": 0.3,
        "specular_color": [2.0, 1.0, 0.5],
        "clearcoat": 0.7,
        "clearcoat_roughness": 0.2,
        "sheen_color": [0.1, 0.2, 0.3],
        "sheen_roughness": 0.4,
    }
    (shape,) = scene["shapes"]
    assert shape["emission"] == [5.0, 2.5, 0.0] and shape["two_sided_emission"] is True


def test_unlit_shines_by_itself_and_emissive_textures_carry_their_strength(tmp_path):
    unlit = {"KHR_materials_unlit": {}}
    scene = (
        Builder().material(extensions=unlit, pbrMetallicRoughness={"baseColorFactor": [0.5, 0.2, 0, 1]}).load(tmp_path)
    )
    assert scene["materials"]["paint"] == {"type": "diffuse", "albedo": 0.0}
    assert scene["shapes"][0]["emission"] == [0.5, 0.2, 0.0]
    builder = Builder()
    image = builder.image([[[255, 0, 255]]])
    strength = {"KHR_materials_emissive_strength": {"emissiveStrength": 4}}
    builder.material(emissiveTexture=image, emissiveFactor=[1, 1, 0.5], extensions=strength)
    scene = builder.load(tmp_path)
    texture = scene["textures"][scene["shapes"][0]["emission"]["texture"]]
    np.testing.assert_allclose(texture["data"][0, 0], [4, 0, 2])


def test_samplers(tmp_path):
    builder = Builder()
    image = builder.image(np.zeros((2, 2, 3)))
    builder.json["samplers"] = [{"wrapS": 33071, "wrapT": 33071, "magFilter": 9728}]
    builder.json["textures"][0]["sampler"] = 0
    scene = builder.material(pbrMetallicRoughness={"baseColorTexture": image}).load(tmp_path)
    (texture,) = scene["textures"].values()
    assert (texture["wrap"], texture["filter"]) == ("clamp", "nearest")


def test_what_is_left_out_is_named(tmp_path):
    builder = Builder().material(extensions={"KHR_materials_volume": {}})
    builder.json["meshes"][0]["primitives"].append({**builder.json["meshes"][0]["primitives"][0], "mode": 1})
    with pytest.warns(DiffrtWarning) as seen:
        builder.load(tmp_path)
    text = "\n".join(str(warning.message) for warning in seen)
    assert "KHR_materials_volume" in text and "primitives[1]" in text


# Cameras and lights


def test_cameras_and_punctual_lights(tmp_path):
    builder = Builder()
    builder.triangle()
    half = np.sqrt(0.5)
    builder.json["cameras"] = [
        {"type": "perspective", "perspective": {"yfov": 0.5, "aspectRatio": 2, "znear": 0.1, "zfar": 100}},
        {"type": "orthographic", "orthographic": {"xmag": 3, "ymag": 1.5, "znear": 0, "zfar": 10}},
    ]
    lights = [
        {"type": "point", "intensity": 10, "color": [1, 0.5, 0]},
        {"type": "spot", "intensity": 2, "spot": {"innerConeAngle": 0.1, "outerConeAngle": 0.3}},
        {"type": "directional", "intensity": 3},
    ]
    builder.json["extensions"] = {"KHR_lights_punctual": {"lights": lights}}
    place = {"translation": [1, 2, 3], "rotation": [-half, 0, 0, half], "scale": [5, 5, 5]}  # -z to -y
    builder.json["nodes"] += [{"camera": 0, **place}, {"camera": 1, "name": "flat view"}]
    builder.json["nodes"] += [{**place, "extensions": {"KHR_lights_punctual": {"light": index}}} for index in range(3)]
    scene = builder.load(tmp_path)
    first, second = scene["cameras"]
    assert first["fov"] == pytest.approx(np.rad2deg(0.5)) and first["fov_axis"] == "y"
    assert (first["width"], first["height"], first["near"], first["far"]) == (1024, 512, 0.1, 100)
    np.testing.assert_allclose(first["to_world"][:3, 2], [0, 1, 0], atol=1e-12)  # looks down: -Z is -y
    np.testing.assert_allclose(first["to_world"][:3, 3], [1, 2, 3])
    assert (second["type"], second["scale"], second["name"]) == ("orthographic", 3.0, "flat_view")
    point, spot, sun = scene["lights"]
    assert point["intensity"] == [10, 5, 0] and point["position"] == pytest.approx([1, 2, 3])
    assert spot["direction"] == pytest.approx([0, -1, 0], abs=1e-12)
    assert (spot["cutoff"], spot["falloff_start"]) == pytest.approx((np.rad2deg(0.3), np.rad2deg(0.1)))
    assert sun["irradiance"] == [3, 3, 3] and sun["direction"] == pytest.approx([0, -1, 0], abs=1e-12)


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
