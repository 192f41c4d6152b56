"""Parts of small scenes, as dicts."""

from typing import Any

import numpy as np

from diffrt.scene.scene import Scene

Part = dict[str, Any]


def camera(origin: Any = (0, 0, 4), target: Any = (0, 0, 0), up: Any = (0, 1, 0), size: Any = 48, **more: Any) -> Part:
    """A camera that looks at a point, square unless `size` is (width, height)."""
    width, height = (size, size) if np.ndim(size) == 0 else size
    frame = {"look_at": {"origin": list(origin), "target": list(target), "up": list(up)}}
    return {"to_world": frame, "width": int(width), "height": int(height), **more}


def facing(axis: str) -> list[Part]:
    """Turns the +Z side of a rectangle towards an axis: "+x", "-x", "+y", ..."""
    turn = {"+x": ([0, 1, 0], 90), "-x": ([0, 1, 0], -90), "+y": ([1, 0, 0], -90), "-y": ([1, 0, 0], 90)}
    if axis == "+z":
        return []
    around, degrees = turn.get(axis, ([0, 1, 0], 180))
    return [{"rotate": {"axis": around, "degrees": degrees}}]


def quad(name: str, normal: str = "+z", at: Any = (0, 0, 0), scale: Any = 1.0, **more: Any) -> Part:
    """A rectangle with its normal along an axis; `scale` is half its size, before it is turned."""
    return {
        "name": name,
        "type": "rectangle",
        "to_world": [{"scale": scale}, *facing(normal), {"translate": list(at)}],
        **more,
    }


def body(name: str, kind: str, at: Any = (0, 0, 0), scale: Any = 1.0, turned: float = 0.0, **more: Any) -> Part:
    """A sphere, cube or the like, turned about Y."""
    steps = [{"scale": scale}, {"rotate": {"axis": [0, 1, 0], "degrees": turned}}, {"translate": list(at)}]
    return {"name": name, "type": kind, "to_world": steps, **more}


def scene(
    view: Part, shapes: list[Part], materials: Part | None = None, *, lights: Any = (), textures: Part | None = None,
    max_depth: int = 5, rr_depth: int = 1000, sampler: str = "independent", film: str = "box",
) -> Scene:  # fmt: skip
    """A scene without roulette and with independent samples, unless said otherwise."""
    return Scene.from_dict(
        {
            "camera": view,
            "integrator": {"max_depth": max_depth, "rr_depth": rr_depth},
            "sampling": {"sampler": sampler},
            "film": {"filter": film},
            "textures": textures or {},
            "materials": materials or {},
            "shapes": shapes,
            "lights": list(lights),
        }
    )


def cornell_box(view: Part | None = None, **more: Any) -> Scene:
    """A box open to the front with two blocks and a lamp."""
    materials = {
        "white": {"type": "diffuse", "albedo": [0.73, 0.72, 0.7]},
        "red": {"type": "diffuse", "albedo": [0.6, 0.07, 0.06]},
        "green": {"type": "diffuse", "albedo": [0.13, 0.45, 0.1]},
    }
    shapes = [
        quad("floor", "+y", (0, -1, 0), material="white"),
        quad("ceiling", "-y", (0, 1, 0), material="white"),
        quad("back", "+z", (0, 0, -1), material="white"),
        quad("left", "+x", (-1, 0, 0), material="red"),
        quad("right", "-x", (1, 0, 0), material="green"),
        body("tall", "cube", (-0.35, -0.4, -0.35), [0.28, 0.6, 0.28], 18, material="white"),
        body("short", "cube", (0.35, -0.7, 0.3), 0.3, -17, material="white"),
        quad("lamp", "-y", (0, 0.995, 0), 0.25, emission=[17, 12, 6]),
    ]
    return scene(view or camera((0, 0, 4.5), fov=38), shapes, materials, **more)


def sky(height: int = 8, seed: int = 3) -> np.ndarray:
    """An environment image (H, 2H, 3) with a bright spot and a black row."""
    random = np.random.default_rng(seed)
    image = random.uniform(0.1, 1.0, (height, 2 * height, 3)).astype(np.float32)
    image[height // 4, height // 2] = [30, 25, 20]
    image[-2] = 0.0
    return image


def checker(height: int = 6, width: int = 8, seed: int = 5) -> np.ndarray:
    """A texture (H, W, 3) of random colours."""
    return np.random.default_rng(seed).uniform(0.05, 0.95, (height, width, 3)).astype(np.float32)
