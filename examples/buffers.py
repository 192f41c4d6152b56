"""What the camera sees besides light: depth, normals, colours and shapes, from the same rays as the picture.

python examples/buffers.py [--width N] [--spp N] [--output FOLDER]
"""

import argparse
from pathlib import Path

import numpy as np

import diffrt
from diffrt.io.images import write_exr, write_image

SCENE = Path(__file__).resolve().parent.parent / "scenes" / "cameras.json"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--spp", type=int, default=64)
    parser.add_argument("--output", type=Path, default=Path("outputs"))
    args = parser.parse_args()

    scene = diffrt.load(SCENE)
    names = ["radiance", "depth", "normal", "albedo", "mask", "position", "shape_id"]
    buffers = diffrt.render_buffers(scene, names, spp=args.spp, camera="street", width=args.width)

    # One EXR file with a layer for each, and two of them as pictures.
    write_exr(args.output / "buffers.exr", buffers, {"software": "diffrt"})
    near = buffers["depth"] / np.maximum(buffers["depth"].max(), 1e-6)
    write_image(args.output / "depth.png", near)
    write_image(args.output / "normal.png", 0.5 + 0.5 * buffers["normal"])

    shapes = list(scene.shapes)
    numbers, pixels = np.unique(buffers["shape_id"], return_counts=True)
    for number, count in zip(numbers, pixels, strict=True):
        print(f"{count:6d} pixels of {'nothing' if number < 0 else shapes[number]}")


if __name__ == "__main__":
    main()
