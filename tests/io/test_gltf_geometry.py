"""glTF: meshes, accessors, node transforms."""

import struct

import numpy as np
import pytest
from gltf_builder import Builder, normal, world

from diffrt.io.gltf import read_gltf_mesh


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
