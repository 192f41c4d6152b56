"""Scenes, and a parameter of each, whose gradients are compared: (h) to (n)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.peers import NO_ROULETTE, SCENES
from diffrt.description.json_file import read_json
from diffrt.description.primitives import sphere
from diffrt.scene.scene import Scene

ALONG = np.array([1.0, 0.7, 0.3]) / np.linalg.norm([1.0, 0.7, 0.3])
CUBE = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])
CUBE_FACES = np.array(
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4],
     [1, 5, 7], [1, 7, 3]]
)  # fmt: skip


@dataclass(frozen=True)
class GradientCase:
    """A parameter of a scene, and how it is measured.

    Attributes:
        parameter: diffrt's name of it.
        integrator: Mitsuba's.
        spp, their_spp: of a gradient by diffrt and by Mitsuba.
        step: half-width of the difference quotient, a share of `direction`.
        target: at most this ratio of work-normalised variances, diffrt / Mitsuba.
        width: of the film, in pixels.
    """

    point: str
    title: str
    build: Callable[[], dict[str, Any]]
    parameter: str
    integrator: str
    spp: int
    their_spp: int
    step: float
    target: float
    width: int = 256

    @property
    def moves(self) -> bool:
        """Whether it is about edges, too."""
        return self.integrator == "prb_projective"

    def scene(self, width: int | None = None) -> Scene:
        """The scene on a film `width` pixels wide, without roulette."""
        scene = Scene.from_dict(self.build(), base_dir=SCENES)
        scene.settings = replace(scene.settings, rr_depth=NO_ROULETTE)
        scene.cameras = {name: camera.resized(width or self.width) for name, camera in scene.cameras.items()}
        return scene

    def direction(self, scene: Scene) -> np.ndarray:
        """In which the parameter moves for the difference quotient: all vertices alike, all else in proportion."""
        value = scene[self.parameter]
        return np.broadcast_to(ALONG, value.shape) if self.parameter.endswith("vertices") else value


def loss_gradient(height: int, width: int) -> np.ndarray:
    """(H, W, 3): dLoss/dImage of a smooth loss of no symmetry."""
    y, x = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    base = 1.0 + 0.5 * np.sin(5.0 * x + 1.0) * np.cos(4.0 * y) + 0.3 * x - 0.2 * y
    weights: np.ndarray = base[:, :, None] * np.array([1.0, 0.7, 0.4]) / (height * width)
    return weights


def _box(size: float, degrees: float, place: tuple[float, float, float]) -> np.ndarray:
    a = np.deg2rad(degrees)
    turn = np.array([[np.cos(a), 0.0, np.sin(a)], [0.0, 1.0, 0.0], [-np.sin(a), 0.0, np.cos(a)]])
    return size * CUBE @ turn.T + place


def _mesh(name: str, vertices: np.ndarray, faces: np.ndarray, material: str, shading: str = "flat") -> dict[str, Any]:
    shape = {"name": name, "type": "mesh", "vertices": vertices, "faces": faces}
    return {**shape, "material": material, "shading": shading}


def _sky(height: int) -> np.ndarray:
    y, x = np.meshgrid((np.arange(height) + 0.5) / height, np.arange(2 * height) / height * np.pi, indexing="ij")
    bright = 0.3 + 4.0 * np.exp(-20.0 * (y - 0.3) ** 2) * np.exp(4.0 * (np.cos(x - 1.0) - 1.0))
    image: np.ndarray = (bright[:, :, None] * [1.0, 0.9, 0.8]).astype(np.float32)
    return image


def _cornell_box() -> dict[str, Any]:
    return dict(read_json(SCENES / "cornell_box.json"))


def _painted() -> dict[str, Any]:
    scene = _cornell_box()
    image = np.random.default_rng(0).uniform(0.3, 0.8, (64, 64, 3)).astype(np.float32)
    scene["textures"] = {"paint": {"data": image, "encoding": "linear"}}
    scene["materials"]["white"]["albedo"] = {"texture": "paint"}
    return scene


def _metal_box() -> dict[str, Any]:
    scene = _cornell_box()
    scene["materials"]["metal"] = {"type": "conductor", "reflectance": [0.9, 0.8, 0.7], "roughness": 0.5}
    next(shape for shape in scene["shapes"] if shape["name"] == "large_box")["material"] = "metal"
    return scene


def _ball(radius: float, place: tuple[float, float, float], material: str) -> dict[str, Any]:
    """Smooth-shaded: Mitsuba has no derivative where flat faces of one mesh meet."""
    mesh = sphere(3)
    return _mesh("ball", radius * mesh.vertices + place, mesh.faces, material, "smooth")


def _ball_in_a_box() -> dict[str, Any]:
    """It floats where the small box stands: what touches a floor pierces it."""
    scene = _cornell_box()
    shapes = [shape for shape in scene["shapes"] if shape["name"] != "small_box"]
    scene["shapes"] = [*shapes, _ball(0.3, (0.335, -0.6, 0.38), "white")]
    return scene


def _stage(floor: dict[str, Any], depth: int) -> dict[str, Any]:
    turned = {"rotate": {"axis": [1, 0, 0], "degrees": -90}}
    return {
        "camera": {"to_world": {"look_at": {"origin": [0, 2.2, 3], "target": [0, 0.2, 0]}}, "fov": 40,
                   "width": 256, "height": 256},
        "integrator": {"max_depth": depth},
        "materials": {"floor": floor, "grey": {"type": "diffuse", "albedo": 0.6}},
        "shapes": [{"name": "floor", "type": "rectangle", "material": "floor", "to_world": [turned, {"scale": 4}]}],
    }  # fmt: skip


def _lamp(scene: dict[str, Any]) -> dict[str, Any]:
    down = [{"scale": 0.5}, {"rotate": {"axis": [1, 0, 0], "degrees": 90}}, {"translate": [0.4, 2.5, -0.3]}]
    scene["shapes"].append({"name": "lamp", "type": "rectangle", "emission": [9, 8, 7], "to_world": down})
    return scene


def _sunlit() -> dict[str, Any]:
    scene = _stage({"type": "diffuse", "albedo": 0.5}, 4)
    scene["materials"]["metal"] = {"type": "conductor", "reflectance": [0.9, 0.8, 0.7], "roughness": 0.4}
    scene["shapes"].append(_mesh("box", _box(0.4, 25.0, (0.0, 0.5, 0.0)), CUBE_FACES, "metal"))
    scene["lights"] = [{"name": "sky", "type": "environment", "data": _sky(32)}]
    return scene


def _shadow() -> dict[str, Any]:
    """A box out of sight, above what the camera sees, whose shadow falls into the picture."""
    scene = _lamp(_stage({"type": "diffuse", "albedo": 0.5}, 2))
    scene["camera"]["to_world"]["look_at"] = {"origin": [0, 0.8, 1.6], "target": [0, 0, 0]}
    scene["shapes"].append(_mesh("box", _box(0.25, 25.0, (0.2, 1.4, -0.1)), CUBE_FACES, "grey"))
    return scene


def _bumpy_ball() -> dict[str, Any]:
    scene = _stage({"type": "diffuse", "albedo": 0.5}, 3)
    mesh = sphere(6)
    x, y, z = mesh.vertices.T
    vertices = mesh.vertices * (1.0 + 0.05 * np.sin(9.0 * x) * np.sin(8.0 * y + 1.0) * np.sin(7.0 * z))[:, None]
    scene["shapes"] = [_mesh("ball", 0.9 * vertices + [0.0, 0.3, 0.0], mesh.faces, "grey", "smooth")]
    scene["lights"] = [{"name": "sky", "type": "environment", "data": _sky(32)}]
    return scene


def _glossy() -> dict[str, Any]:
    scene = _lamp(_stage({"type": "conductor", "reflectance": [0.9, 0.8, 0.7], "roughness": 0.4}, 4))
    scene["shapes"].append(_ball(0.4, (0.0, 0.6, 0.0), "grey"))
    return scene


MATERIAL, GEOMETRY = ("prb", 16, 16), ("prb_projective", 16, 16)

CASES = (
    GradientCase("h", "Albedo texture of the Cornell box", _painted, "textures.paint", *MATERIAL, 0.02, 0.5),
    GradientCase("i", "Roughness in the Cornell box", _metal_box, "materials.metal.roughness", *MATERIAL, 0.05, 0.5),
    GradientCase("j", "Texels of an environment", _sunlit, "lights.sky.image", *MATERIAL, 0.02, 0.5),
    GradientCase("k", "Ball in the Cornell box", _ball_in_a_box, "shapes.ball.vertices", *GEOMETRY, 0.02, 0.1),
    GradientCase("l", "Shadow of an area light", _shadow, "shapes.box.vertices", *GEOMETRY, 0.02, 0.1),
    GradientCase("m", "80k triangles under an environment", _bumpy_ball, "shapes.ball.vertices", *GEOMETRY, 0.01, 0.1),
    GradientCase("n", "Ball over a glossy floor", _glossy, "shapes.ball.vertices", *GEOMETRY, 0.02, 0.1),
)  # fmt: skip
