"""What is left out of derivatives is what does not change: nothing of the derivatives is missing."""

from typing import Any

import numpy as np
import pytest

import diffrt
from diffrt.description.primitives import sphere
from diffrt.device.geometry import gather
from diffrt.gradient.chain import target
from diffrt.gradient.changes import bounds_of_changes, changing_shapes, even_shares, motion, turning_shapes
from diffrt.gradient.edge_pass import EdgePass
from diffrt.gradient.interior_pass import Chunk, InteriorPass
from diffrt.render.record import DROPPED
from tests.gradient import scenes
from tests.gradient.harness import loss_weights

NAMES = (
    "shapes.ball.translation", "shapes.mirror.rotation", "shapes.lamp.translation", "shapes.lamp.emission",
    "materials.metal.roughness", "textures.image",
)  # fmt: skip


def hall() -> dict[str, Any]:
    """A mirror, a fine ball of metal and a box above a floor that is lit by a lamp."""
    mesh = sphere(1)
    scene = scenes.lit(depth=5)
    scene["materials"]["silver"] = {"type": "conductor", "reflectance": 0.9}
    scene["shapes"] += [
        {"name": "ball", "type": "mesh", "vertices": 0.2 * mesh.vertices, "faces": mesh.faces, "shading": "smooth",
         "material": "metal", "to_world": [{"translate": [0.2, 0.3, 0]}]},
        {"name": "box", "type": "cube", "to_world": [{"scale": 0.15}, {"translate": [-0.3, 0.2, 0.1]}]},
        {"name": "mirror", "type": "rectangle", "material": "silver",
         "to_world": [{"scale": 0.4}, {"translate": [0, 0.3, -0.5]}]},
    ]  # fmt: skip
    return scene


def test_which_shapes_change() -> None:
    scene = diffrt.Scene.from_dict(hall())

    def changing(*names: str) -> list[str] | None:
        result = changing_shapes(scene, [target(scene, scene.camera(), name) for name in names])
        return None if result is None else [name for name, so in zip(scene.shapes, result, strict=True) if so]

    def moving(*names: str) -> list[str]:
        result = motion(scene, [target(scene, scene.camera(), name) for name in names]).shapes
        return [name for name, so in zip(scene.shapes, result, strict=True) if so]

    assert changing("shapes.ball.vertices", "shapes.box.rotation") == ["ball", "box"]
    assert changing("shapes.lamp.emission", "materials.metal.roughness") == ["lamp"]
    assert changing("textures.image") == []
    assert changing("shapes.ball.vertices", "camera.fov") is None
    assert moving("shapes.ball.vertices", "textures.image", "shapes.lamp.emission") == ["ball"]
    assert moving("materials.metal.roughness") == []
    assert moving("shapes.ball.vertices", "camera.fov") == list(scene.shapes)


def test_directions_are_even_where_normals_turn() -> None:
    """Nearly all of them at a shape among others that stay; few where nothing turns, more if the camera moves."""
    scene = diffrt.Scene.from_dict(hall())
    g = gather(list(scene.shapes.values()))

    def shares(*names: str) -> dict[str, float]:
        targets = [target(scene, scene.camera(), name) for name in names]
        result = even_shares(scene, g, targets)
        turning = turning_shapes(scene, targets)
        assert np.all((result > 0.5) == turning) and np.all((result > 0.0) & (result <= 1.0))
        return dict(zip(scene.shapes, result.tolist(), strict=True))

    ball = shares("shapes.ball.vertices")
    assert ball["ball"] > 0.98 and ball["floor"] == ball["box"] == 0.1
    both = shares("shapes.ball.vertices", "camera.fov")
    assert both["ball"] == ball["ball"] and both["floor"] == 0.25
    every = shares(*(f"shapes.{name}.rotation" for name in scene.shapes))
    assert np.allclose(list(every.values()), 0.75)
    assert set(shares("materials.metal.roughness", "shapes.lamp.emission").values()) == {0.1}


def test_bounds_of_what_changes() -> None:
    """Of shapes that change and of those whose material is asked for, be it within a mix."""
    described = hall()
    described["materials"]["glazed"] = {"type": "mix", "first": "silver", "second": "metal", "weight": 0.5}
    described["shapes"][-2]["material"] = "glazed"
    scene = diffrt.Scene.from_dict(described)
    g = gather(list(scene.shapes.values()))
    number = {name: i for i, name in enumerate(scene.shapes)}

    def bounds(materials: set[str], *shapes: str) -> np.ndarray:
        chosen = np.array([name in shapes for name in scene.shapes])
        return bounds_of_changes(scene, g, chosen, materials)

    def points(*shapes: str) -> np.ndarray:
        triangles = np.isin(g.triangle_shape, [number[name] for name in shapes])
        corners = g.positions[g.triangles[triangles]].reshape(-1, 3)
        return np.stack([corners.min(axis=0), corners.max(axis=0)])

    for found, wanted in (
        (bounds(set(), "ball"), points("ball")),
        (bounds({"metal"}), points("ball", "box")),
        (bounds({"silver"}, "lamp"), points("mirror", "box", "lamp")),
    ):
        assert np.all(found[0] < wanted[0]) and np.all(found[1] > wanted[1])
        assert np.allclose(found, wanted, atol=1e-3)
    assert np.all(bounds(set()) > 1e17)


@pytest.mark.usefixtures("taichi")
def test_vertices_that_are_left_out_have_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same random numbers give the same derivatives whether the record keeps all vertices or those that change."""
    scene = diffrt.Scene.from_dict(hall())
    weights = loss_weights(12, 16)
    kept: dict[bool, int] = {True: 0, False: 0}
    prepare, backward = InteriorPass.__init__, InteriorPass.backward

    def counting(self: InteriorPass, chunk: Chunk) -> None:
        kinds = chunk.record.kind.to_numpy()[chunk.first : chunk.end]
        kept[self.everything] += int(np.count_nonzero(kinds != DROPPED))
        backward(self, chunk)

    def keeping(self: InteriorPass, *arguments: Any) -> None:
        prepare(self, *arguments)
        self.everything = True

    def gradients() -> list[np.ndarray]:
        return [
            diffrt.render_backward(scene, weights, [name], spp=64, seed=3, terms=["interior"])[name] for name in NAMES
        ]

    monkeypatch.setattr(InteriorPass, "backward", counting)
    few = gradients()
    monkeypatch.setattr(InteriorPass, "__init__", keeping)
    for name, one, other in zip(NAMES, few, gradients(), strict=True):
        assert np.abs(other).max() > 0.0
        assert np.allclose(one, other, rtol=1e-4, atol=1e-4 * np.abs(other).max()), name
    assert kept[False] < 0.5 * kept[True]


@pytest.mark.usefixtures("taichi")
def test_samples_of_lamps_follow_what_moves_near_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none does, the derivative by where they lie is spared."""
    described = hall()
    described["shapes"].append(
        {"name": "shade", "type": "rectangle",
         "to_world": [{"rotate": {"axis": [1, 0, 0], "degrees": -80}}, {"scale": 0.2}, {"translate": [0.3, 1.3, -1]}]}
    )  # fmt: skip
    scene = diffrt.Scene.from_dict(described)
    weights = loss_weights(12, 16)
    follow: dict[str, bool] = {}
    prepare, backward = InteriorPass.__init__, InteriorPass.backward

    def noting(self: InteriorPass, chunk: Chunk) -> None:
        if not self.everything:
            follow[name] = chunk.record.lights_move[None] != 0
        backward(self, chunk)

    def keeping(self: InteriorPass, *arguments: Any) -> None:
        prepare(self, *arguments)
        self.everything = True

    monkeypatch.setattr(InteriorPass, "backward", noting)
    for name in ("shapes.shade.translation", "shapes.ball.translation", "shapes.lamp.translation"):
        found = []
        for init in (prepare, keeping):
            monkeypatch.setattr(InteriorPass, "__init__", init)
            found.append(diffrt.render_backward(scene, weights, [name], spp=64, seed=3, terms=["interior"])[name])
        assert np.abs(found[1]).max() > 0.0
        assert np.allclose(*found, rtol=1e-4, atol=1e-4 * np.abs(found[1]).max()), name
    assert list(follow.values()) == [True, False, True]


@pytest.mark.usefixtures("taichi")
def test_every_vertex_that_counts_is_on_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths on which nothing changes leave their rows to the next one, and none behind, also at the end of a page."""
    scene = diffrt.Scene.from_dict(hall())
    backward = InteriorPass.backward
    pages = 0

    def checking(self: InteriorPass, chunk: Chunk) -> None:
        nonlocal pages
        record = chunk.record
        kind, following = record.kind.to_numpy(), record.next.to_numpy()
        on_path = np.zeros(len(kind), dtype=bool)
        rows = following[: chunk.first]
        while (rows := rows[rows >= 0]).size:
            on_path[rows] = True
            rows = following[rows]
        counts = kind[: chunk.end] != DROPPED
        counts[: chunk.first] = False  # cameras
        assert not np.any(counts & ~on_path[: chunk.end])
        pages += record.used[None]
        backward(self, chunk)

    monkeypatch.setattr(InteriorPass, "backward", checking)
    for name in ("shapes.ball.translation", "materials.metal.roughness"):
        diffrt.render_backward(scene, loss_weights(12, 16), [name], spp=256, seed=3, terms=["interior"])
    assert pages > 100


@pytest.mark.usefixtures("taichi")
def test_samples_on_edges_by_what_the_shading_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Edges of shapes whose shading turns away get a quarter of what others get; the others have lost nothing."""
    described, drawn = hall(), {}
    flat = {**described["shapes"][-3], "name": "flat", "shading": "flat", "to_world": [{"translate": [-0.3, 0.7, 0]}]}
    described["shapes"].append(flat)
    scene = diffrt.Scene.from_dict(described)
    monkeypatch.setattr(EdgePass, "backward", lambda self, weights: drawn.update({type(self).__name__: self.samples}))

    def samples(*names: str) -> dict[str, int]:
        drawn.clear()
        diffrt.render_backward(scene, loss_weights(12, 16), names, spp=16, terms=["primary"], width=16, height=12)
        return dict(drawn)

    every = 16 * 12 * 16
    ball = samples("shapes.ball.vertices")
    assert ball == {"PrimaryEdges": every // 4, "ShadingSilhouettes": every, "SmoothEdges": every // 8}
    assert samples("shapes.flat.vertices")["PrimaryEdges"] == every
    both = samples("shapes.flat.vertices", "shapes.ball.vertices")["PrimaryEdges"]
    assert 0.3 * every < both < 0.9 * every
