"""Primitives: outward and closed, exact where they should be, with sensible texture coordinates."""

import numpy as np
import pytest

from diffrt.description import primitives
from diffrt.description.mesh import make_mesh, smooth_normals

ALL = {
    "rectangle": primitives.rectangle(),
    "cube": primitives.cube(),
    "disk": primitives.disk(7),
    "cylinder": primitives.cylinder(9),
    "sphere": primitives.sphere(2),
}


def corners(mesh):
    return mesh.vertices[mesh.faces]


def area_vectors(mesh):
    a, b, c = np.moveaxis(corners(mesh), 1, 0)
    return 0.5 * np.cross(b - a, c - a)


def area(mesh):
    return np.linalg.norm(area_vectors(mesh), axis=1).sum()


def volume(mesh):
    return np.einsum("ij,ij->i", corners(mesh)[:, 0], area_vectors(mesh)).sum() / 3.0


def borders(mesh):
    """Directed edges that no neighbour runs in the other direction."""
    edges = {tuple(edge) for face in mesh.faces for edge in (face[[0, 1]], face[[1, 2]], face[[2, 0]])}
    assert len(edges) == 3 * len(mesh.faces), "two triangles run along an edge in the same direction"
    return [edge for edge in edges if edge[::-1] not in edges]


@pytest.mark.parametrize("name", ALL)
def test_well_formed(name):
    mesh = ALL[name]
    again = make_mesh(mesh.vertices, mesh.faces, mesh.normals, mesh.normal_faces, mesh.uvs, mesh.uv_faces)
    assert np.array_equal(again.vertices, mesh.vertices) and np.array_equal(again.faces, mesh.faces)
    assert mesh.vertices.dtype == np.float64 and mesh.faces.dtype == np.int32 and mesh.uv_faces.dtype == np.int32
    assert mesh.uvs.min() >= 0.0 and mesh.uvs.max() <= 2.0
    assert set(mesh.faces.ravel()) == set(range(len(mesh.vertices)))


@pytest.mark.parametrize("name", ALL)
def test_uvs_are_not_mirrored(name):
    a, b, c = np.moveaxis(ALL[name].uvs[ALL[name].uv_faces], 1, 0)
    first, second = b - a, c - a
    assert (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0] > 0).all()


def test_rectangle():
    mesh = ALL["rectangle"]
    assert area(mesh) == pytest.approx(4) and len(borders(mesh)) == 4
    assert area_vectors(mesh).sum(axis=0) == pytest.approx([0, 0, 4])


def test_cube():
    mesh = ALL["cube"]
    assert len(mesh.vertices) == 8 and len(mesh.faces) == 12 and borders(mesh) == []
    assert volume(mesh) == pytest.approx(8) and area(mesh) == pytest.approx(24)


def test_disk():
    mesh = primitives.disk(256)
    assert area_vectors(mesh).sum(axis=0) == pytest.approx([0, 0, np.pi], rel=1e-3)
    assert len(borders(mesh)) == 256


def test_cylinder():
    mesh = primitives.cylinder(256)
    assert area(mesh) == pytest.approx(2 * np.pi, rel=1e-4)
    assert len(borders(mesh)) == 512 and set(mesh.vertices[:, 2]) == {0.0, 1.0}
    normals = mesh.normals[mesh.normal_faces]
    assert normals[..., :2] == pytest.approx(corners(mesh)[..., :2]) and not normals[..., 2].any()
    assert (np.einsum("ij,ij->i", area_vectors(mesh), normals[:, 0]) > 0).all()


def test_cylinder_normals_follow_from_its_vertices():
    mesh = primitives.cylinder(12)
    assert smooth_normals(mesh.vertices, mesh.faces) == pytest.approx(np.vstack([mesh.normals] * 2))


@pytest.mark.parametrize("subdivisions", range(5))
def test_sphere(subdivisions):
    mesh = primitives.sphere(subdivisions)
    assert len(mesh.faces) == 20 * 4**subdivisions and borders(mesh) == []
    assert len(mesh.vertices) == len(mesh.faces) // 2 + 2
    assert np.linalg.norm(mesh.vertices, axis=1) == pytest.approx(1)
    assert np.array_equal(mesh.normals[mesh.normal_faces], corners(mesh))
    assert (np.einsum("ij,ij->i", area_vectors(mesh), corners(mesh).mean(axis=1)) > 0).all()


def test_sphere_is_round():
    mesh = primitives.sphere()
    assert volume(mesh) == pytest.approx(4 / 3 * np.pi, rel=3e-3)
    computed = smooth_normals(mesh.vertices, mesh.faces)
    assert np.degrees(np.arccos(np.clip((computed * mesh.normals).sum(axis=1), -1, 1))).max() < 0.2


def test_sphere_uvs_are_longitude_and_latitude():
    mesh = primitives.sphere(3)
    points, uvs = corners(mesh).reshape(-1, 3), mesh.uvs[mesh.uv_faces].reshape(-1, 2)
    off_pole = np.hypot(points[:, 0], points[:, 1]) > 1e-6
    longitude = 2 * np.pi * uvs[:, 0]
    radius = np.hypot(points[:, 0], points[:, 1])
    expected = np.stack([radius * np.cos(longitude), radius * np.sin(longitude)], axis=1)
    assert expected[off_pole] == pytest.approx(points[off_pole, :2], abs=1e-9)
    assert np.sin(np.pi * (uvs[:, 1] - 0.5)) == pytest.approx(points[:, 2], abs=1e-9)
    spread = np.ptp(mesh.uvs[mesh.uv_faces][..., 0], axis=1)
    assert spread.max() < 0.5, "a triangle reaches across the seam"
