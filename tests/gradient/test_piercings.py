"""Lines of piercing against every edge tested against every triangle, in double precision."""

from typing import Any

import numpy as np
import pytest

import diffrt
from diffrt.description.mesh import edges as mesh_edges
from tests.gradient.scenes import turned


def scene_of(*shapes: dict[str, Any]) -> diffrt.Scene:
    named = [{"name": f"shape{k}", **shape} for k, shape in enumerate(shapes)]
    return diffrt.Scene.from_dict({"camera": {"width": 8, "height": 8}, "shapes": named})


def found_in(scene: diffrt.Scene) -> Any:
    from diffrt.device.upload import upload
    from diffrt.gradient.edges import scene_edges
    from diffrt.gradient.piercings import piercings

    device = upload(scene, scene.camera())
    return device.geometry, piercings(device, scene_edges(device.geometry, False))


def hits_of_all(points: np.ndarray, triangles: np.ndarray) -> dict[tuple[int, int], list[np.ndarray]]:
    """Where edges of one triangle meet the other, by pairs of triangles."""
    vertices, faces = mesh_edges(triangles)
    result: dict[tuple[int, int], list[np.ndarray]] = {}
    for (a, b), beside in zip(vertices, faces, strict=True):
        start, way = points[a], points[b] - points[a]
        for k, corners in enumerate(triangles):
            p0, e1, e2 = (
                points[corners[0]],
                points[corners[1]] - points[corners[0]],
                points[corners[2]] - points[corners[0]],
            )
            matrix = np.stack([e1, e2, -way], axis=1)
            if abs(np.linalg.det(matrix)) < 1e-12:
                continue
            u, v, t = np.linalg.solve(matrix, start - p0)
            if min(u, v, 1.0 - u - v) > 0.0 and 0.0 < t < 1.0:
                for face in beside:
                    if face >= 0 and not set(triangles[face]) & set(corners):
                        pair = (min(int(face), k), max(int(face), k))
                        result.setdefault(pair, []).append(start + t * way)
    return result


@pytest.mark.usefixtures("taichi")
def test_lines_end_where_edges_meet_triangles() -> None:
    scene = scene_of(
        {"type": "cube", "to_world": [turned([1, 2, 0.3], 40)]},
        {"type": "sphere", "subdivisions": 1, "to_world": [{"scale": 0.7}, {"translate": [0.9, 0.5, 0.2]}]},
        {"type": "rectangle", "to_world": [{"scale": 3}, turned([1, 0.2, 0], 70)]},
    )
    g, found = found_in(scene)
    expected = hits_of_all(g.positions.astype(np.float64), g.triangles)
    assert {tuple(pair) for pair in found.triangles.tolist()} == set(expected)
    assert len(expected) > 60
    for pair, ends in zip(found.triangles.tolist(), found.ends, strict=True):
        assert len(expected[tuple(pair)]) == 2
        order = np.argsort(np.array(expected[tuple(pair)]) @ (ends[1] - ends[0]))
        np.testing.assert_allclose(ends, np.array(expected[tuple(pair)])[order], atol=1e-6)


@pytest.mark.usefixtures("taichi")
@pytest.mark.parametrize("height", [1.0, 1.0 + 1e-7, 1.5])
def test_contact_and_neighbours_do_not_pierce(height: float) -> None:
    on_floor = {"type": "cube", "to_world": [{"translate": [0, height, 0]}]}
    floor = {"type": "rectangle", "to_world": [turned([1, 0, 0], -90), {"scale": 3}]}
    assert len(found_in(scene_of(on_floor, floor))[1].triangles) == 0


@pytest.mark.usefixtures("taichi")
def test_flat_mirrors_are_found_by_plane() -> None:
    from diffrt.device.geometry import gather
    from diffrt.gradient.mirrors import flat_mirrors

    mirror = {"material": {"type": "conductor", "roughness": 0}}
    rough = {"material": {"type": "conductor", "roughness": 0.3}}
    scene = scene_of(
        {"type": "cube", **mirror},
        {"type": "rectangle", **mirror, "to_world": [{"translate": [3, 0, 1]}]},  # in the plane of the cube's front
        {"type": "rectangle", **rough, "to_world": [{"translate": [0, 0, 5]}]},
        {"type": "sphere", "subdivisions": 2, "shading": "smooth", **mirror},
    )
    mirrors, curved = flat_mirrors(scene, gather(list(scene.shapes.values())))
    assert sorted(len(one.triangles) for one in mirrors) == [2, 2, 2, 2, 2, 4]
    assert curved == ["shape3"]
    front = next(one for one in mirrors if len(one.triangles) == 4)
    np.testing.assert_allclose(front.image(np.array([0.2, 0.3, 5.0])), [0.2, 0.3, -3.0], atol=1e-6)
