"""Render a scene file and save the picture twice: exact as EXR, for looking at as PNG.

python examples/render_a_scene.py [--scene FILE] [--width N] [--spp N] [--output FOLDER]
"""

import argparse
from pathlib import Path

import diffrt
from diffrt.io.images import write_image

SCENE = Path(__file__).resolve().parent.parent / "scenes" / "cornell_box.json"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scene", type=Path, default=SCENE)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--spp", type=int, default=64)
    parser.add_argument("--output", type=Path, default=Path("outputs"))
    args = parser.parse_args()

    scene = diffrt.load(args.scene)
    image = diffrt.render(scene, spp=args.spp, width=args.width)
    for ending in (".exr", ".png"):
        write_image(args.output / f"{args.scene.stem}{ending}", image)
    print(f"{image.shape[1]}x{image.shape[0]} pixels, mean radiance {image.mean(axis=(0, 1)).round(4)}")


if __name__ == "__main__":
    main()
