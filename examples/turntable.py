"""Many cameras, one scene: a turn around an object. The scene is uploaded and its tree built once.

python examples/turntable.py [--views N] [--width N] [--spp N] [--output FOLDER]
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

import diffrt
from diffrt.description import transform
from diffrt.io.images import write_image

SCENE = Path(__file__).resolve().parent.parent / "scenes" / "environment_object.json"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--views", type=int, default=12)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--spp", type=int, default=32)
    parser.add_argument("--output", type=Path, default=Path("outputs"))
    args = parser.parse_args()

    scene = diffrt.load(SCENE)
    camera = scene.camera()
    for view in range(args.views):
        angle = 2.0 * np.pi * view / args.views
        origin = np.array([4.5 * np.sin(angle), 1.6, 4.5 * np.cos(angle)])
        here = replace(camera, to_world=transform.look_at(origin, [0.0, 0.8, 0.0]))
        image = diffrt.render(scene, spp=args.spp, camera=here, width=args.width)
        write_image(args.output / f"turntable_{view:02d}.png", image)
    print(f"{args.views} views of {SCENE.stem}")


if __name__ == "__main__":
    main()
