"""Mesh files: what is read equals what was written or what trimesh sees; broken files are refused in words."""

import struct

import numpy as np
import pytest
import trimesh
from asset_files import ASSETS, needs_assets

from diffrt.description.mesh import Mesh, edges, make_mesh
from diffrt.errors import InputError
from diffrt.io.meshes import best_extension, read_mesh, write_mesh
from diffrt.log import DiffrtWarning

MESHES = ASSETS / "meshes"


def area(vertices, faces):
    corners = vertices[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return np.linalg.norm(cross, axis=1).sum() / 2


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(path):
    with pytest.raises(InputError) as caught:
        read_mesh(path, field="shapes[0].file")
    message = str(caught.value)
    assert "shapes[0].file" in message and path.name in message
    return message


def seamed():
    """A square of two triangles with uvs and normals of their own."""
    vertices = [[0.1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
    uvs = [[0, 0], [1, 0], [1, 1], [0.3, 0.7], [0.2, 0.1], [0, 1]]
    normals = [[0, 0, 1.0], [0, 0.6, 0.8]]
    normal_faces = [[0, 0, 0], [1, 1, 1]]
    return make_mesh(vertices, [[0, 1, 2], [0, 2, 3]], normals, normal_faces, uvs, [[0, 1, 2], [4, 3, 5]])


def assert_same(one: Mesh, other: Mesh):
    for name in ("vertices", "faces", "normals", "normal_faces", "uvs", "uv_faces"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None), name
        if a is not None:
            np.testing.assert_array_equal(a, b, err_msg=name)


# Real files


@needs_assets
@pytest.mark.parametrize("name", ["bunny.ply", "teapot.obj", "spot/spot_triangulated.obj"])
def test_real_meshes_agree_with_trimesh(name):
    mesh = read_mesh(MESHES / name)
    other = trimesh.load(MESHES / name, force="mesh", process=False)
    assert len(mesh.faces) == len(other.faces)
    assert area(mesh.vertices, mesh.faces) == pytest.approx(other.area, rel=1e-6)
    np.testing.assert_allclose(mesh.vertices[mesh.faces].min(axis=(0, 1)), other.bounds[0], atol=1e-6)


@needs_assets
def test_spot_is_closed_though_its_texture_has_seams():
    mesh = read_mesh(MESHES / "spot" / "spot_triangulated.obj")
    assert len(mesh.vertices) == len(np.unique(mesh.vertices, axis=0)) == 2930
    assert len(mesh.uvs) == 3225
    ends, sides = edges(mesh.faces)
    assert (sides >= 0).all()
    assert len(mesh.vertices) - len(ends) + len(mesh.faces) == 2  # Euler: a sphere
    assert best_extension(mesh) == ".obj"


@needs_assets
@pytest.mark.parametrize("extension", [".obj", ".ply"])
def test_spot_survives_writing(tmp_path, extension):
    mesh = read_mesh(MESHES / "spot" / "spot_triangulated.obj")
    path = tmp_path / f"spot{extension}"
    write_mesh(path, mesh)
    again = read_mesh(path)
    np.testing.assert_array_equal(again.vertices, mesh.vertices)
    np.testing.assert_array_equal(again.faces, mesh.faces)
    np.testing.assert_array_equal(again.uvs[again.uv_faces], mesh.uvs[mesh.uv_faces])
    if extension == ".obj":
        assert_same(again, mesh)


# Round trips


def test_obj_keeps_separate_indices(tmp_path):
    write_mesh(tmp_path / "a.obj", seamed())
    assert_same(read_mesh(tmp_path / "a.obj"), seamed())


def test_ply_with_seams_welds_to_the_same_vertices(tmp_path):
    mesh = seamed()
    mesh.vertices = np.append(mesh.vertices, [[7.0, 7, 7]], axis=0)  # used by no face: must stay, and stay last
    write_mesh(tmp_path / "a.ply", mesh)
    again = read_mesh(tmp_path / "a.ply")
    np.testing.assert_array_equal(again.vertices, mesh.vertices)
    np.testing.assert_array_equal(again.faces, mesh.faces)
    np.testing.assert_array_equal(again.uvs[again.uv_faces], mesh.uvs[mesh.uv_faces])
    np.testing.assert_array_equal(again.normals[again.normal_faces], mesh.normals[mesh.normal_faces])


@pytest.mark.parametrize("extension", [".ply", ".obj"])
def test_vertex_attributes_survive_exactly(tmp_path, extension):
    random = np.random.default_rng(1)
    normals = random.normal(size=(5, 3))
    faces = [[0, 1, 2], [2, 3, 4]]
    mesh = make_mesh(random.random((5, 3)), faces, normals, uvs=random.random((5, 2)).astype(np.float32))
    assert best_extension(mesh) == ".ply"
    write_mesh(tmp_path / f"a{extension}", mesh)
    assert_same(read_mesh(tmp_path / f"a{extension}"), mesh)


def test_written_ply_is_read_by_trimesh(tmp_path):
    mesh = seamed()
    write_mesh(tmp_path / "a.ply", mesh)
    assert trimesh.load(tmp_path / "a.ply", process=False).area == pytest.approx(area(mesh.vertices, mesh.faces))


@pytest.mark.parametrize("encoding", ["ascii", "binary"])
def test_ply_from_trimesh(tmp_path, encoding):
    sphere = trimesh.creation.icosphere(subdivisions=2)
    sphere.export(tmp_path / "s.ply", encoding=encoding, vertex_normal=True)
    mesh = read_mesh(tmp_path / "s.ply")
    assert len(mesh.faces) == 320 and len(mesh.vertices) == 162
    assert area(mesh.vertices, mesh.faces) == pytest.approx(sphere.area, rel=1e-5)
    np.testing.assert_allclose(mesh.normals, sphere.vertices, atol=0.02)


@pytest.mark.parametrize("file_type", ["stl", "stl_ascii"])
def test_stl_is_welded(tmp_path, file_type):
    box = trimesh.creation.box()
    (tmp_path / "b.stl").write_bytes(_export(box, file_type))
    mesh = read_mesh(tmp_path / "b.stl")
    assert mesh.vertices.shape == (8, 3) and mesh.faces.shape == (12, 3)
    assert (edges(mesh.faces)[1] >= 0).all()
    assert area(mesh.vertices, mesh.faces) == pytest.approx(6)


def _export(mesh, file_type):
    content = mesh.export(file_type=file_type)
    return content if isinstance(content, bytes) else content.encode()


# OBJ by hand


def test_obj_polygons_negative_indices_groups_and_continued_lines(tmp_path):
    text = """# a comment
mtllib some.mtl
o thing
v 0 0 0 1.0
v 1 0 0 0.5 0.5 0.5
v 1 1 0
v 0 1 0
vt 0.25
vt 1 0 0
vn 0 0 1
g first
usemtl red
f 1/1/1 2/2/1 3/2/1 \\
 4/1/1
v 0 0 1
v 1 0 1
v 1 1 1
g second
s off
f -3//-1 -2//-1 -1//-1
"""
    mesh = read_mesh(written(tmp_path, "a.obj", text))
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3], [4, 5, 6]])
    assert len(mesh.vertices) == 7
    np.testing.assert_array_equal(mesh.uvs[mesh.uv_faces][0], [[0.25, 0], [1, 0], [1, 0]])
    np.testing.assert_array_equal(mesh.uvs[mesh.uv_faces][2], np.zeros((3, 2)))  # had none
    np.testing.assert_array_equal(mesh.normals[mesh.normal_faces], np.tile([0.0, 0, 1], (3, 3, 1)))


def test_obj_faces_without_normals_among_others_become_flat(tmp_path):
    text = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nvn 0 0.6 0.8\nf 1//1 2//1 3//1\nf 1 2 4\n"
    mesh = read_mesh(written(tmp_path, "a.obj", text))
    np.testing.assert_allclose(mesh.normals[mesh.normal_faces[1]], np.tile([0.0, -1, 0], (3, 1)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\n", "no faces"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 4\n", "out of range"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 -4\n", "line 4"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 0 1 2\n", "line 4"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2\n", "line 4"),
        ("v 0 0 0\nv 1 0 0\nv 0 1\nf 1 2 3\n", "line 3"),
        ("v 0 0 zero\nf 1 1 1\n", "line 1"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 nan\nf 1 2 3\n", "finite"),
        ("v 0 0 0\nv 1 0 0\nv 0 1e400 0\nf 1 2 3\n", "finite"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1/1 2/1 3/1\n", "uv"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 99999999999999999999999 2 3\n", "line 4"),
        (b"\x00\x01\xff\xfe" * 50, "no faces"),
    ],
)
@pytest.mark.filterwarnings("ignore::diffrt.log.DiffrtWarning")
def test_broken_obj_is_refused(tmp_path, text, words):
    assert words in refusal(written(tmp_path, "broken.obj", text))


# PLY by hand


def ply(
    body, vertex="property float x\nproperty float y\nproperty float z", vertices=4, faces=1, kind="ascii", extra=""
):
    head = f"ply\nformat {kind} 1.0\ncomment by hand\nelement vertex {vertices}\n{vertex}\n{extra}"
    head += f"element face {faces}\nproperty list uchar int vertex_indices\nend_header\n"
    return head.encode() + (body if isinstance(body, bytes) else body.encode())


SQUARE = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)]
SQUARE_TEXT = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n"


@pytest.mark.parametrize("kind", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_ply_polygons_of_different_lengths(tmp_path, kind):
    polygons = [(0, 1, 2, 3), (0, 1, 2), (3, 2, 1, 0)]
    if kind == "ascii":
        body = SQUARE_TEXT + "".join(f"{len(p)} {' '.join(map(str, p))}\n" for p in polygons)
    else:
        order = "<" if "little" in kind else ">"
        body = b"".join(struct.pack(f"{order}3f", *p) for p in SQUARE)
        body += b"".join(struct.pack(f"{order}B{len(p)}i", len(p), *p) for p in polygons)
    mesh = read_mesh(written(tmp_path, "a.ply", ply(body, faces=3, kind=kind)))
    np.testing.assert_array_equal(mesh.vertices, SQUARE)
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3], [0, 1, 2], [3, 2, 1], [3, 1, 0]])


@pytest.mark.parametrize("names", ["u v", "s t", "texture_u texture_v"])
def test_ply_uv_names_and_unknown_elements(tmp_path, names):
    first, second = names.split()
    vertex = f"property double x\nproperty float {second}\nproperty float y\nproperty uchar red\n"
    vertex += f"property float {first}\nproperty float z"
    rows = "".join(f"{x} {2 * y} {y} 255 {3 * x} {z}\n" for x, y, z in SQUARE)
    extra = "element strange 2\nproperty list uchar float things\nproperty int more\n"
    data = ply(rows + "2 0.5 0.5 1\n0 2\n4 0 1 2 3\n", vertex=vertex, extra=extra)
    mesh = read_mesh(written(tmp_path, "a.ply", data))
    assert len(mesh.faces) == 2
    np.testing.assert_array_equal(mesh.uvs, [(3 * x, 2 * y) for x, y, _ in SQUARE])


def test_ply_uvs_per_face_corner(tmp_path):
    data = ply(SQUARE_TEXT + "3 0 1 2 6 0 0 1 0 1 1\n3 0 2 3 6 .5 0 1 1 0 1\n", faces=2)
    data = data.replace(b"vertex_indices\n", b"vertex_indices\nproperty list uchar float texcoord\n")
    mesh = read_mesh(written(tmp_path, "a.ply", data))
    assert len(mesh.vertices) == 4 and len(mesh.uvs) == 6
    np.testing.assert_array_equal(mesh.uvs[mesh.uv_faces[1]], [[0.5, 0], [1, 1], [0, 1]])


BINARY = b"".join(struct.pack("<3f", *p) for p in SQUARE) + struct.pack("<B4i", 4, 0, 1, 2, 3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a PLY"),
        (b"ply\nformat ascii 1.0\nelement vertex 4\n", "end_header"),
        (ply(SQUARE_TEXT + "4 0 1 2 3\n", kind="binary_middle_endian"), "binary_little_endian"),
        (ply(SQUARE_TEXT + "4 0 1 2 3\n").replace(b"float x", b"quaternion x"), "header line"),
        (ply(SQUARE_TEXT + "4 0 1 2 3\n").replace(b"float x", b"float q"), "x, y, z"),
        (ply(SQUARE_TEXT + "4 0 1 2 3\n").replace(b"float y", b"float x"), "same name"),
        (ply(SQUARE_TEXT + "4 0 1 2 3\n", vertices=-4), "header line"),
        (ply(SQUARE_TEXT + "4 0 1 2 4\n"), "out of range"),
        (ply(SQUARE_TEXT + "4 0 1 2 1.5\n"), "whole number"),
        (ply(SQUARE_TEXT + "4 0 1 2 nan\n"), "whole number"),
        (ply(SQUARE_TEXT + "-4 0 1 2 3\n"), "length"),
        (ply(SQUARE_TEXT + "4 0 1 2\n"), "cut short"),
        (ply("0 0 0\n1 0 0\n1 1 nan\n0 1 0\n4 0 1 2 3\n"), "finite"),
        (ply("0 0 0\n1 0 0\n1 1 what\n0 1 0\n4 0 1 2 3\n"), "not a number"),
        (ply(SQUARE_TEXT, faces=0), "empty"),
        (ply(SQUARE_TEXT + "2 0 1\n"), "empty"),
        (ply(SQUARE_TEXT + "4 0 1 2 3\n", vertices=10**15), "cut short"),
        (ply(BINARY, kind="binary_little_endian", faces=10**12), "cut short"),
        (ply(BINARY[:-3], kind="binary_little_endian"), "cut short"),
        (ply(BINARY[:30], kind="binary_little_endian"), "cut short"),
        (ply(BINARY[:48] + b"\xff" + BINARY[49:], kind="binary_little_endian"), "length 255"),
    ],
)
@pytest.mark.filterwarnings("ignore::diffrt.log.DiffrtWarning")
def test_broken_ply_is_refused(tmp_path, data, words):
    assert words in refusal(written(tmp_path, "broken.ply", data))


def test_every_truncation_of_a_ply_is_refused_in_words(tmp_path):
    whole = ply(BINARY, kind="binary_little_endian")
    for length in range(0, len(whole), 7):
        refusal(written(tmp_path, "cut.ply", whole[:length]))


# STL by hand

TRIANGLE_TEXT = "solid a\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\n"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "header"),
        (b"\0" * 80 + struct.pack("<I", 1000) + b"\0" * 50, "1000 triangles announced, 1 there"),
        (b"\0" * 80 + struct.pack("<I", 0), "empty"),
        (TRIANGLE_TEXT[:60], "cut short"),
        (TRIANGLE_TEXT.replace("1 0 0\n", "1 zero 0\n"), "not a number"),
        (TRIANGLE_TEXT.replace("vertex 1 0 0", "vertex nan 0 0"), "finite"),
        ("solid nothing\nendsolid\n" + " " * 100, "empty"),
    ],
)
def test_broken_stl_is_refused(tmp_path, data, words):
    assert words in refusal(written(tmp_path, "broken.stl", data))


def test_binary_stl_that_begins_with_solid(tmp_path):
    data = b"solid".ljust(80, b" ") + struct.pack("<I", 1) + struct.pack("<12fH", 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0)
    assert read_mesh(written(tmp_path, "a.stl", data)).faces.shape == (1, 3)


# All formats


def test_missing_file_and_unknown_format(tmp_path):
    assert "no such file" in refusal(tmp_path / "absent.ply")
    with pytest.raises(InputError, match=r"\.ply"):
        read_mesh(written(tmp_path, "a.fbx", "x"))
    with pytest.raises(InputError, match=r"\.obj"):
        write_mesh(tmp_path / "a.stl", seamed())
    (tmp_path / "folder.obj").mkdir()
    refusal(tmp_path / "folder.obj")


def test_zero_area_triangles_of_a_file_are_named(tmp_path):
    path = written(tmp_path, "a.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 2 0 0\nf 1 2 3\nf 1 2 4\n")
    with pytest.warns(DiffrtWarning, match=r"a\.obj.*1 of 2 triangles"):
        assert len(read_mesh(path).faces) == 1


def test_writing_leaves_no_temporary_file(tmp_path):
    write_mesh(tmp_path / "a.ply", seamed())
    write_mesh(tmp_path / "a.ply", seamed())
    assert [path.name for path in tmp_path.iterdir()] == ["a.ply"]
