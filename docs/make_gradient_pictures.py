"""Make docs/images/gradient_scene.png and gradient_terms.png: what each term of a gradient adds, on one scene.

python docs/make_gradient_pictures.py
"""

from pathlib import Path

import numpy as np

import diffrt
from diffrt.io.images import write_image
from diffrt.io.signed_picture import signed_picture

IMAGES = Path(__file__).resolve().parent / "images"
PARAMETER, VELOCITY, STEP = "shapes.box.translation", np.array([1.0, 0.0, 0.0]), 0.01
SPP = {"interior": 256, "primary": 256, "shadow": 1024, "indirect": 4096}
SPP_OF_PICTURES = 2048
FULL_COLOUR = 0.4
"""Radiance per unit of motion; what silhouettes exceed."""


def scene() -> diffrt.Scene:
    """A box over a floor in front of a wall; a lamp that shines on the floor and another that shines on the wall."""
    turned = {"rotate": {"axis": [1, 0, 0], "degrees": -90}}
    down = {"rotate": {"axis": [1, 0, 0], "degrees": 90}}
    box = [{"scale": 0.28}, {"rotate": {"axis": [0, 1, 0], "degrees": 25}}, {"translate": [0, 0.45, 0.1]}]
    back = [{"scale": 0.3}, {"rotate": {"axis": [0, 1, 0], "degrees": 180}}, {"translate": [-0.9, 1.2, 1.2]}]
    return diffrt.Scene.from_dict(
        {
            "camera": {
                "to_world": {"look_at": {"origin": [0, 1.3, 3], "target": [0, 0.35, 0]}},
                "fov": 40,
                "width": 144,
                "height": 108,
            },
            "integrator": {"max_depth": 3},
            "materials": {
                "grey": {"type": "diffuse", "albedo": 0.6},
                "red": {"type": "diffuse", "albedo": [0.9, 0.3, 0.2]},
            },
            "shapes": [
                {"name": "floor", "type": "rectangle", "material": "grey", "to_world": [turned, {"scale": 4}]},
                {"name": "wall", "type": "rectangle", "material": "red",
                 "to_world": [{"scale": 4}, {"translate": [0, 0, -0.7]}]},
                {"name": "box", "type": "cube", "material": "grey", "to_world": box},
                {"name": "lamp", "type": "rectangle", "emission": [14, 14, 14],
                 "to_world": [{"scale": 0.12}, down, {"translate": [-0.7, 2, 0.3]}]},
                {"name": "second", "type": "rectangle", "emission": [8, 8, 8], "to_world": back},
            ],
        }
    )  # fmt: skip


def main() -> None:
    start = scene()
    write_image(IMAGES / "gradient_scene.png", diffrt.render(start, spp=1024))
    terms = {name: diffrt.render_forward(start, {PARAMETER: VELOCITY}, spp, terms=(name,)) for name, spp in SPP.items()}
    sides = []
    for sign in (1.0, -1.0):
        moved = start.copy()
        moved[PARAMETER] = start[PARAMETER] + sign * STEP * VELOCITY
        sides.append(diffrt.render(moved, spp=SPP_OF_PICTURES))
    difference = (sides[0] - sides[1]) / (2.0 * STEP)
    panels = {"sum": sum(terms.values()), "difference quotient": difference, **terms}
    write_image(IMAGES / "gradient_terms.png", signed_picture(panels, limit=FULL_COLOUR), encoding="srgb")


if __name__ == "__main__":
    main()
