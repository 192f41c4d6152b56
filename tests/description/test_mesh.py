"""Meshes: welding, what is refused, smooth normals, edges."""

import warnings

import numpy as np
import pytest

from diffrt.description.mesh import edges, make_mesh, smooth_normals, weld
from diffrt.errors import InputError
from diffrt.log import DiffrtWarning

TETRAHEDRON = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=float)
TETRAHEDRON_FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def soup(vertices, faces):
    return vertices[faces].reshape(-1, 3), np.arange(faces.size).reshape(-1, 3)


def test_weld_keeps_the_place_of_the_first_occurrence():
    vertices = np.array([[5, 0, 0], [1, 2, 3], [5, 0, 0], [0, 0, 1], [1, 2, 3], [-0.0, 0, 1]], dtype=float)
    welded, faces = weld(vertices, np.array([[0, 1, 3], [2, 4, 5]]))
    np.testing.assert_array_equal(welded, [[5, 0, 0], [1, 2, 3], [0, 0, 1]])
    np.testing.assert_array_equal(faces, [[0, 1, 2], [0, 1, 2]])


def test_weld_agrees_with_unique_on_many_repeated_points():
    points = np.random.default_rng(0).integers(0, 6, (3000, 3)).astype(float)
    faces = np.arange(3000).reshape(-1, 3)
    welded, indices = weld(points, faces)
    assert len(welded) == len(np.unique(points, axis=0))
    np.testing.assert_array_equal(welded[indices], points[faces])


def test_weld_does_not_merge_neighbouring_floats():
    close = np.nextafter(1.0, 2.0)
    welded, _ = weld(np.array([[1.0, 0, 0], [close, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]]))
    assert len(welded) == 3


def test_attributes_per_vertex_keep_their_own_indices_when_positions_are_welded():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=float)
    uvs = np.linspace(0, 1, 12).reshape(6, 2)
    mesh = make_mesh(vertices, [[0, 1, 2], [3, 4, 5]], uvs=uvs, normals=np.tile([0.0, 0, 2], (6, 1)))
    assert len(mesh.vertices) == 4 and len(mesh.uvs) == 6
    np.testing.assert_array_equal(mesh.uv_faces, [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [1, 3, 2]])
    np.testing.assert_allclose(mesh.normals, np.tile([0.0, 0, 1], (6, 1)))


def test_triangles_without_area_are_dropped_with_one_warning():
    vertices = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [2, 0, 0], [1, 0, 0]]
    faces = [[0, 1, 3], [0, 1, 2], [1, 4, 2], [2, 2, 1]]  # on a line; good; twice one point; twice one index
    with pytest.warns(DiffrtWarning, match=r"shapes\[1\]: 3 of 4 triangles have zero area") as seen:
        mesh = make_mesh(vertices, faces, uvs=np.eye(5)[:, :2], field="shapes[1]")
    assert len(seen) == 1
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2]])
    np.testing.assert_array_equal(mesh.uv_faces, [[0, 1, 2]])


def test_small_and_large_meshes_keep_their_triangles():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for scale in (1e-12, 1e12):
            assert len(make_mesh(TETRAHEDRON * scale, TETRAHEDRON_FACES).faces) == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(vertices=[[0, 0, np.nan], [1, 0, 0], [0, 1, 0]], faces=[[0, 1, 2]]), ["s.vertices", "row 0", "finite"]),
        (dict(vertices=[[0, 0, 0], [1, 0, np.inf], [0, 1, 0]], faces=[[0, 1, 2]]), ["s.vertices", "row 1"]),
        (dict(vertices=TETRAHEDRON, faces=[[0, 1, 4]]), ["s.faces", "out of range", "0 to 3"]),
        (dict(vertices=TETRAHEDRON, faces=[[0, 1, -1]]), ["s.faces", "out of range"]),
        (dict(vertices=TETRAHEDRON, faces=[]), ["s.faces", "empty"]),
        (dict(vertices=TETRAHEDRON, faces=[[0.0, 1.0, 2.0]]), ["s.faces", "integers"]),
        (dict(vertices=TETRAHEDRON, faces=[[0, 1, 2, 3]]), ["s.faces", "(1, 4)"]),
        (dict(vertices=[[0, 0], [1, 0], [0, 1]], faces=[[0, 1, 2]]), ["s.vertices", "(3, 2)"]),
        (dict(vertices="bunny", faces=[[0, 1, 2]]), ["s.vertices", "numbers"]),
        (dict(vertices=[[0, 0, 0], [1, 0]], faces=[[0, 1, 2]]), ["s.vertices", "numbers"]),
        (dict(vertices=TETRAHEDRON, faces=TETRAHEDRON_FACES, uvs=np.zeros((3, 2))), ["s.uvs", "3 uvs for 4"]),
        (dict(vertices=TETRAHEDRON, faces=TETRAHEDRON_FACES, uv_faces=TETRAHEDRON_FACES), ["s.uv_faces", "without"]),
        (
            dict(vertices=TETRAHEDRON, faces=[[0, 1, 2]], normals=np.eye(3), normal_faces=[[0, 1, 3]]),
            ["s.normal_faces", "0 to 2"],
        ),
        (dict(vertices=np.zeros((3, 3)), faces=[[0, 1, 2]]), ["s.faces", "zero area"]),
    ],
)
def test_wrong_arrays_are_refused_by_name(arguments, words):
    with pytest.raises(InputError) as caught:
        make_mesh(**arguments, field="s")
    for word in words:
        assert word in str(caught.value)


def test_all_problems_are_reported_at_once():
    with pytest.raises(InputError) as caught:
        make_mesh([[0, 0, np.nan], [1, 0, 0], [0, 1, 0]], [[0, 1, 2.5]], uvs=[[0, 0, 0, 0]])
    assert {problem.field for problem in caught.value.problems} == {"shape.vertices", "shape.faces", "shape.uvs"}


def test_given_normals_of_zero_length_are_computed():
    normals = np.array([[0, 0, 1.0], [0, 0, 0], [0, 0, 1]])
    with pytest.warns(DiffrtWarning, match="1 given normals"):
        mesh = make_mesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]], normals=normals)
    np.testing.assert_allclose(mesh.normals, [[0, 0, 1]] * 3)


def test_smooth_normals_are_weighted_by_angle_not_by_how_faces_are_cut():
    # A cube corner: three quads cut into triangles unevenly. By angle every corner's normal is the diagonal.
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    faces = np.array([t for q in quads for t in ([q[0], q[1], q[2]], [q[0], q[2], q[3]])], dtype=np.int32)
    normals = smooth_normals(corners, faces)
    np.testing.assert_allclose(normals, (2 * corners - 1) / np.sqrt(3), atol=1e-12)


def test_smooth_normals_survive_flat_triangles_unused_vertices_and_opposite_faces():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [2, 0, 0], [9, 9, 9]], dtype=float)
    faces = np.array([[0, 1, 2], [2, 1, 0], [0, 1, 3]], dtype=np.int32)
    normals = smooth_normals(vertices, faces)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)
    np.testing.assert_allclose(np.abs(normals[:3, 2]), 1)


def test_edges_of_a_closed_mesh_have_two_faces_and_obey_euler():
    mesh = make_mesh(*soup(TETRAHEDRON, TETRAHEDRON_FACES))
    ends, sides = edges(mesh.faces)
    assert len(ends) == 6 and (sides >= 0).all() and (sides[:, 0] != sides[:, 1]).all()
    for (a, b), (left, right) in zip(ends, sides, strict=True):
        for face in (left, right):
            assert {a, b} <= set(mesh.faces[face])
        first = mesh.faces[left].tolist()
        assert first[(first.index(a) + 1) % 3] == b  # the first face walks it forwards


def test_edges_of_a_quad_mark_its_border():
    ends, sides = edges(np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32))
    inner = [tuple(sorted(end)) for end, side in zip(ends.tolist(), sides, strict=True) if side[1] >= 0]
    assert len(ends) == 5 and inner == [(0, 2)]


def test_edges_without_a_front_and_back_stand_once_as_borders():
    fan = np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4]], dtype=np.int32)  # three faces on edge 0-1
    twisted = np.array([[0, 1, 2], [0, 1, 3]], dtype=np.int32)  # both walk 0-1 the same way
    for faces in (fan, twisted):
        ends, sides = edges(faces)
        shared = (np.sort(ends, axis=1) == [0, 1]).all(axis=1)
        assert shared.sum() == 1 and sides[shared][0, 1] == -1
    assert edges(np.zeros((0, 3), dtype=np.int32))[0].shape == (0, 2)
