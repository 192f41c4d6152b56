"""A scene out of NumPy arrays: a mesh, a texture and an environment that were never in a file.

python examples/scene_from_arrays.py [--width N] [--spp N] [--output FOLDER]
"""

import argparse
from pathlib import Path

import numpy as np

import diffrt
from diffrt.io.images import write_image


def waves(cells: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A height field over [-1,1]^2: vertices (V,3), faces (F,3), texture coordinates (V,2)."""
    line = np.linspace(-1.0, 1.0, cells + 1)
    x, z = np.meshgrid(line, line)
    y = 0.12 * np.cos(9.0 * np.hypot(x, z)) * np.exp(-2.0 * np.hypot(x, z))
    corner = np.arange(cells) + (cells + 1) * np.arange(cells)[:, None]
    a, b = corner.reshape(-1), corner.reshape(-1) + cells + 1
    faces = np.concatenate([np.column_stack([a, b, b + 1]), np.column_stack([a, b + 1, a + 1])])
    return np.stack([x, y, z], axis=-1).reshape(-1, 3), faces, np.stack([x, z], axis=-1).reshape(-1, 2)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--spp", type=int, default=64)
    parser.add_argument("--output", type=Path, default=Path("outputs"))
    args = parser.parse_args()

    vertices, faces, uvs = waves(96)
    checker = np.kron([[0.75, 0.1], [0.1, 0.75]], np.ones((8, 8)))[..., None] * [0.9, 1.0, 1.1]
    height = np.linspace(1.0, -1.0, 32)[:, None, None]
    sky = np.maximum(height, 0.05) * np.array([0.7, 0.9, 1.2]) * np.ones((32, 64, 1))
    sky[8:10, 40:42] = 120.0

    scene = diffrt.Scene.from_dict(
        {
            "camera": {
                "to_world": {"look_at": {"origin": [0, 1.6, 2.6], "target": [0, -0.05, 0]}},
                "fov": 42,
                "width": 512,
                "height": 384,
            },
            "textures": {"checker": {"data": checker, "filter": "nearest"}},
            "materials": {
                "water": {
                    "type": "principled",
                    "base_color": {"texture": "checker"},
                    "metallic": 0.0,
                    "roughness": 0.15,
                }
            },
            "shapes": [
                {
                    "name": "waves",
                    "type": "mesh",
                    "vertices": vertices,
                    "faces": faces,
                    "uvs": uvs,
                    "shading": "smooth",
                    "material": "water",
                }
            ],
            "lights": [{"name": "sky", "type": "environment", "data": sky}],
        }
    )
    image = diffrt.render(scene, spp=args.spp, width=args.width)
    write_image(args.output / "waves.png", image)
    print(f"{len(faces)} triangles, mean radiance {image.mean(axis=(0, 1)).round(4)}")


if __name__ == "__main__":
    main()
