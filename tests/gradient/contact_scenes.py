"""Scenes in which shapes touch or pierce each other."""

from typing import Any

import numpy as np

from tests.gradient.scenes import CAMERA, EVEN, ROUGH, WHITE, lit, shining, turned


def _quad(name: str, *corners: tuple[float, float, float], **fields: Any) -> dict[str, Any]:
    return {"name": name, "type": "mesh", "vertices": np.array(corners), "faces": np.array([[0, 1, 2], [0, 2, 3]]),
            "shading": "flat", "material": WHITE, **fields}  # fmt: skip


def standing(gap: float = 0.0, side: bool = False, emission: Any = None) -> dict[str, Any]:
    """A wall that stands on a lit floor, or over it; maybe with a second wall beside it. The wall may be the lamp."""
    shine = {"emission": emission} if emission else {}
    shapes = [
        _quad("floor", (-2, 0, -2), (-2, 0, 3), (2, 0, 3), (2, 0, -2)),
        _quad("wall", (-1.5, gap, -1), (1.5, gap, -1), (1.5, 2.5, -1), (-1.5, 2.5, -1), **shine),
    ]
    if side:
        shapes.append(_quad("side", (-2, 0, -2), (-2, 4, -2), (-2, 4, 3), (-2, 0, 3)))
    sun = {"name": "sun", "type": "directional", "direction": [0, -1, -0.3], "irradiance": [3, 2, 1]}
    # From here no edge of the wall is seen right before the border of the side wall: the picture would have a kink.
    look = {"look_at": {"origin": [0.8, 1.2, 3], "target": [0, 0.3, -1]}}
    return {
        "camera": {**CAMERA, "to_world": look, "fov": 60},
        "integrator": {"max_depth": 2 if emission else 3},
        "textures": {"even": EVEN},
        "shapes": shapes,
        "lights": [] if emission else [sun],
    }


def corner() -> dict[str, Any]:
    """A floor and a wall of one mesh."""
    scene = standing()
    vertices = np.array([[-2, 0, -1], [2, 0, -1], [2, 0, 3], [-2, 0, 3], [-2, 3, -1], [2, 3, -1]], dtype=float)
    faces = np.array([[0, 2, 1], [0, 3, 2], [0, 1, 5], [0, 5, 4]])
    scene["shapes"] = [{"name": "corner", "type": "mesh", "vertices": vertices, "faces": faces, "shading": "flat",
                        "material": WHITE}]  # fmt: skip
    return scene


def crossed(**more: Any) -> dict[str, Any]:
    """A shining cube that a shining plate cuts through."""
    scene = shining(**more)
    place = [{"scale": 0.25}, turned([1, 0.3, 0], -70), {"translate": [0.05, 0.02, 0]}]
    scene["shapes"].append({"name": "plate", "type": "rectangle", "emission": [2, 1, 0.5], "two_sided_emission": True,
                            "material": ROUGH, "to_world": place})  # fmt: skip
    return scene


def sunk(depth: int = 2) -> dict[str, Any]:
    """A cube that stands in the floor, not on it, under a lamp."""
    scene = lit(depth=depth)
    scene["materials"]["white"] = {"type": "diffuse", "albedo": [0.7, 0.6, 0.5]}
    place = [{"scale": [0.2, 0.25, 0.15]}, turned([0.2, 1, 0.1], 25), {"translate": [0.05, 0.1, 0.1]}]
    scene["shapes"].append({"name": "box", "type": "cube", "material": "white", "to_world": place})
    return scene


def skirting(indirect: bool = False) -> dict[str, Any]:
    """A wall that gets its light from a plate that a dark quad cuts through: the line bounds what the wall sees of it.

    The plate shines, or scatters the light of a bulb that the wall does not see.
    """
    upright = [{"scale": [2, 1, 1]}, {"translate": [0, 1.05, -1]}]
    cut = [{"scale": [0.25, 0.25, 1]}, turned([1, 0.3, 0.2], 15), {"translate": [0.05, 0.12, -0.35]}]
    flat = [{"scale": [0.5, 0.5, 1]}, turned([1, 0, 0], -90), {"translate": [0, 0, -0.45]}]
    plate = {"material": "white"} if indirect else {"emission": [5, 4, 3]}
    shapes = [
        {"name": "wall", "type": "rectangle", "material": "textured", "to_world": upright},
        {"name": "quad", "type": "rectangle", "material": "black", "to_world": cut},
        {"name": "plate", "type": "rectangle", "to_world": flat, **plate},
    ]
    scene = lit(depth=3 if indirect else 2)
    scene["materials"] |= {name: {"type": "diffuse", "albedo": value} for name, value in (("white", 0.8), ("black", 0))}
    scene["shapes"] = shapes
    scene["camera"] = {**CAMERA, "to_world": {"look_at": {"origin": [0, 1.0, 0.7], "target": [0, 0.8, -1]}}}
    if indirect:
        hood = [{"scale": 0.3}, {"translate": [0, 0.9, -0.5]}]
        shapes.append({"name": "hood", "type": "rectangle", "material": "black", "to_world": hood})
        scene["lights"] = [{"type": "point", "name": "bulb", "position": [0.1, 0.8, -0.3], "intensity": [3, 2, 1]}]
    return scene
