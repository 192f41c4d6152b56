"""Atlases keep their pieces apart; what is baked looks as before, at seams too; thin sheets keep their two sides."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

import diffrt
from diffrt.description import primitives
from diffrt.description.mesh import Mesh, edges, make_mesh
from diffrt.fit import atlas
from diffrt.fit.atlas import unwrap
from diffrt.fit.bake import bake, lookups, nearest
from diffrt.scene.elements import Texture
from diffrt.scene.scene import Scene

Array = np.ndarray


def ball(subdivisions: int) -> Mesh:
    """The sphere with its own texture coordinates."""
    mesh = primitives.sphere(subdivisions)
    return make_mesh(mesh.vertices, mesh.faces, uvs=mesh.uvs, uv_faces=mesh.uv_faces)


def bean(subdivisions: int = 3) -> Mesh:
    """A dented sphere; other triangles than those of `ball`, and no texture coordinates."""
    mesh = primitives.sphere(subdivisions)
    turned = mesh.vertices @ np.array([[0.8, 0.6, 0.0], [-0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    return make_mesh(turned * (1.0 + 0.3 * np.sin(3.0 * turned[:, :1])), mesh.faces)


def unwrapped(mesh: Mesh, texels: int, apart: bool = False) -> Mesh:
    pytest.importorskip("xatlas")
    [(uvs, uv_faces)] = unwrap([(mesh.vertices, mesh.faces)], texels, apart)
    return replace(mesh, uvs=uvs, uv_faces=uv_faces)


def charts_of(mesh: Mesh) -> Array:
    """(F,) numbers of the charts that triangles belong to."""
    assert mesh.uvs is not None and mesh.uv_faces is not None
    i, j = edges(mesh.uv_faces)[0].T
    linked = csr_array((np.ones(len(i)), (i, j)), shape=(len(mesh.uvs), len(mesh.uvs)))
    return connected_components(linked, directed=False)[1][mesh.uv_faces[:, 0]]


def points_in(mesh: Mesh, count: int) -> tuple[Array, Array]:
    """Triangles and barycentric coordinates; as many in each triangle, corners among them."""
    random = np.random.default_rng(4)
    shares = np.vstack([np.eye(3), random.dirichlet(np.full(3, 0.5), count)])
    return np.repeat(np.arange(len(mesh.faces)), len(shares)), np.tile(shares, (len(mesh.faces), 1))


def at(values: Array, indices: Array, face: Array, shares: Array) -> Array:
    return np.einsum("nk,nkd->nd", shares, values[indices[face]])


def shown(texture: Texture, mesh: Mesh, face: Array, shares: Array) -> Array:
    assert mesh.uvs is not None and mesh.uv_faces is not None
    uvs = at(mesh.uvs, mesh.uv_faces, face, shares)
    return lookups(texture, uvs) @ texture.data.reshape(-1, texture.data.shape[2])


def blank(height: int, width: int) -> Texture:
    return Texture("blank", np.zeros((height, width, 1)))


@pytest.mark.parametrize("kind", ["bilinear", "nearest"])
@pytest.mark.parametrize("wrap", ["repeat", "clamp", "mirror"])
def test_lookups_are_those_of_pictures(taichi: str, wrap: str, kind: str) -> None:
    """Against the buffers of texture coordinates and albedo, which come from the same rays."""
    data = np.random.default_rng(1).uniform(0, 1, (5, 7, 3)).astype(np.float32)
    sheet = primitives.rectangle()
    scene = Scene.from_dict(
        {
            "camera": {
                "type": "orthographic", "scale": 1.1, "width": 40, "height": 40, "to_world": {"translate": [0, 0, 2]},
            },
            "textures": {"paint": {"data": data, "wrap": wrap, "filter": kind}},
            "materials": {"paper": {"type": "diffuse", "albedo": {"texture": "paint"}}},
            "shapes": [
                {
                    "name": "sheet", "type": "mesh", "vertices": sheet.vertices, "faces": sheet.faces,
                    "uvs": 5.0 * sheet.uvs - 2.2, "material": "paper",
                }
            ],
            "lights": [{"type": "environment", "radiance": 1}],
        }
    )  # fmt: skip
    buffers = diffrt.render_buffers(scene, ["albedo", "uv", "mask"], spp=1)
    seen = buffers["mask"].ravel() == 1.0
    assert seen.sum() > 1000
    found = lookups(scene.textures["paint"], buffers["uv"].reshape(1600, -1)[seen, :2].astype(float))
    error = np.abs(found @ data.reshape(-1, 3) - buffers["albedo"].reshape(-1, 3)[seen])
    # Coordinates of single precision, up to 3 units or 20 texels away: right to 1e-5, but next to a border of nearest.
    assert np.mean(error.max(axis=1) > 1e-4) < (0.002 if kind == "nearest" else 1e-9)


@pytest.mark.parametrize(("texels", "height", "width"), [(16, 16, 16), (32, 32, 32), (32, 45, 32), (32, 64, 96)])
def test_no_texel_shows_in_two_charts(texels: int, height: int, width: int) -> None:
    mesh = unwrapped(bean(), texels, apart=texels < height < 2 * texels)
    assert mesh.uvs is not None and mesh.uv_faces is not None
    assert mesh.uvs.min() >= 0.0 and mesh.uvs.max() <= 1.0
    face, shares = points_in(mesh, 60)
    chart = charts_of(mesh)
    assert chart.max() > 0
    looked = lookups(blank(height, width), at(mesh.uvs, mesh.uv_faces, face, shares)).tocoo()
    used = np.abs(looked.data) > 1e-5  # of single precision: a share that is nothing but rounding
    lowest, highest = np.full(height * width, 10**6), np.full(height * width, -1)
    np.minimum.at(lowest, looked.col[used], chart[face[looked.row[used]]])
    np.maximum.at(highest, looked.col[used], chart[face[looked.row[used]]])
    touched = highest >= 0
    assert np.array_equal(lowest[touched], highest[touched])
    assert touched.mean() > 0.4


def test_an_atlas_has_even_density_and_is_the_same_each_time() -> None:
    pytest.importorskip("xatlas")
    mesh = bean()
    small = make_mesh(0.3 * mesh.vertices, mesh.faces)
    one, two = (unwrap([(mesh.vertices, mesh.faces), (small.vertices, small.faces)], 128, False) for _ in range(2))
    densities = []
    for part, again, (uvs, uv_faces) in zip((mesh, small), two, one, strict=True):
        assert np.array_equal(uvs, again[0]) and np.array_equal(uv_faces, again[1])
        assert uv_faces.shape == part.faces.shape
        flat, solid = uvs[uv_faces], part.vertices[part.faces]
        u, v = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
        area = np.linalg.norm(np.cross(solid[:, 1] - solid[:, 0], solid[:, 2] - solid[:, 0]), axis=1)
        densities.append(np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]) / area)
    both = np.concatenate(densities)
    assert np.quantile(both, 0.98) < 3.0 * np.quantile(both, 0.02)
    assert np.median(densities[0]) == pytest.approx(np.median(densities[1]), rel=0.15)


def test_triangles_without_area_hold_nothing_up() -> None:
    """A needle that xatlas leaves out; far from the origin, and small, which single precision would not forgive."""
    pytest.importorskip("xatlas")
    mesh = bean(1)
    first, second = mesh.vertices[mesh.faces[0, :2]]
    needle = 0.5 * (first + second) + 1e-9
    vertices = 1e-4 * np.vstack([mesh.vertices, needle]) + 1.0
    faces = np.vstack([mesh.faces, [mesh.faces[0, 0], mesh.faces[0, 1], len(mesh.vertices)]]).astype(np.int32)
    [(uvs, uv_faces)] = unwrap([(vertices, faces)], 64, False)
    corners = uvs[uv_faces]
    assert corners.min() > 0.0 and corners.max() < 1.0
    assert (corners[-1] == corners[-1, 0]).all()
    assert (np.ptp(corners[:-1], axis=1).max(axis=1) > 0.01).all()


def test_too_few_texels_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(atlas, "warn", said.append)
    monkeypatch.setattr(atlas, "_TRIALS", 3)
    mesh = unwrapped(bean(1), 4)
    assert mesh.uvs is not None and 0.0 <= mesh.uvs.min() and mesh.uvs.max() <= 1.0
    assert len(said) == 1 and "4 texels" in said[0]


def smooth(points: Array) -> Array:
    """A colour (N, 1) that varies slowly, with second derivatives of at most 3."""
    return 0.5 + 0.4 * np.sin(points @ np.array([[1.5], [1.2], [1.0]]))


def spread_on_ball(height: int, width: int) -> Texture:
    """That colour on the sphere's own texture coordinates."""
    j, i = np.mgrid[0:height, 0:width]
    longitude, latitude = (i + 0.5) / width * 2.0 * np.pi, (0.5 - (j + 0.5) / height) * np.pi
    away = np.cos(latitude)
    points = np.stack([np.cos(longitude) * away, np.sin(longitude) * away, np.sin(latitude)], axis=-1)
    return Texture("paint", smooth(points.reshape(-1, 3)).reshape(height, width, 1))


@pytest.mark.parametrize(("height", "width"), [(64, 64), (64, 150), (256, 256)])
def test_a_baked_texture_shows_the_same(height: int, width: int) -> None:
    """Everywhere, and on both sides of every seam, to second order in the size of a texel."""
    old = ball(4)
    vertices = bean(4).vertices
    new = unwrapped(make_mesh(vertices / np.linalg.norm(vertices, axis=1, keepdims=True), old.faces), 64)
    before = spread_on_ball(height, width)
    matrix = bake([old], [new], before)
    assert matrix.sum(axis=1) == pytest.approx(np.ones(height * width))
    assert matrix.data.min() >= 0.0
    after = replace(before, data=(matrix @ before.data.reshape(-1, 1)).reshape(before.data.shape))
    face, shares = points_in(new, 10)
    points = at(new.vertices, new.faces, face, shares)
    # Not at the poles: there the old texture itself repeats into its other end.
    away = np.abs(points[:, 2]) < 0.9
    error = (shown(after, new, face, shares) - smooth(points))[away]
    # Of bilinear lookups: an eighth of the second derivative (3) times the squared distance of texels, for each of two
    # directions and textures. Half of the square is charts; a stretched one has texels twice as far apart.
    side = 2.0 * np.sqrt(4.0 * np.pi / (0.5 * min(height, width) ** 2))
    bound = 3.0 / 8.0 * 4.0 * side**2
    assert np.abs(error).max() < bound
    assert np.sqrt(np.mean(error**2)) < bound / 8.0
    # Across seams: the same points of edges, from their two triangles.
    ends, sides = edges(new.faces)
    assert new.uvs is not None and new.uv_faces is not None
    seen = []
    for side_of in sides.T:
        corner = np.argmax(new.faces[side_of][:, None, :] == ends[:, :, None], axis=2)
        middle = np.zeros((len(ends), 3))
        for k in (0, 1):
            middle[np.arange(len(ends)), corner[:, k]] = 0.5
        seen.append((at(new.uvs, new.uv_faces, side_of, middle), shown(after, new, side_of, middle)))
    seam = (np.abs(seen[0][0] - seen[1][0]) > 1e-6).any(axis=1)
    seam &= np.abs(new.vertices[ends, 2]).max(axis=1) < 0.85
    assert seam.sum() > 100
    jumps = np.abs(seen[0][1] - seen[1][1])[seam]
    assert jumps.max() < bound
    assert np.sqrt(np.mean(jumps**2)) < bound / 8.0


def test_nearest_filters_are_baked_without_mixing() -> None:
    old, new = ball(3), unwrapped(bean(), 32)
    data = np.random.default_rng(2).integers(0, 2, (32, 32, 1)).astype(float)
    matrix = bake([old], [new], Texture("checks", data, filter="nearest"))
    assert set(np.unique(matrix @ data.reshape(-1, 1))) == {0.0, 1.0}


def test_a_thin_sheet_keeps_its_sides() -> None:
    """Points of the upper side that sank below the middle still belong to the upper side."""
    pytest.importorskip("gpytoolbox")
    box = primitives.cube()
    sheet = make_mesh(box.vertices * [1.0, 1.0, 0.01], box.faces)
    random = np.random.default_rng(5)
    points = np.column_stack([random.uniform(-0.9, 0.9, (200, 2)), random.uniform(-0.02, 0.02, 200)])
    tilted = np.array([0.5, 0.1, np.sqrt(1.0 - 0.26)])
    for up in (1.0, -1.0):
        face, shares = nearest(points, np.tile(up * tilted, (200, 1)), sheet)
        found = at(sheet.vertices, sheet.faces, face, shares)
        assert found[:, 2] == pytest.approx(0.01 * up)
        assert found[:, :2] == pytest.approx(points[:, :2])
