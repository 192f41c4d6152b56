"""Everything of a scene has a name. Read a parameter, set it, render again: the second call uploads only the change.

python examples/change_a_parameter.py [--width N] [--spp N] [--output FOLDER]
"""

import argparse
from pathlib import Path

import diffrt
from diffrt.io.images import write_image

SCENE = Path(__file__).resolve().parent.parent / "scenes" / "cornell_box.json"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--spp", type=int, default=64)
    parser.add_argument("--output", type=Path, default=Path("outputs"))
    args = parser.parse_args()

    scene = diffrt.load(SCENE)
    print(scene.parameters)

    before = diffrt.render(scene, spp=args.spp, width=args.width)
    scene["materials.white.albedo"] = [0.3, 0.5, 0.8]
    scene["shapes.small_box.translation"] = [0.0, 0.6, 0.0]
    scene["shapes.small_box.rotation"] = [0.6, 0.0, 0.4]
    after = diffrt.render(scene, spp=args.spp, width=args.width)

    write_image(args.output / "before.png", before)
    write_image(args.output / "after.png", after)
    scene.save(args.output / "changed.json")
    print("mean radiance before", before.mean(axis=(0, 1)).round(4), "after", after.mean(axis=(0, 1)).round(4))


if __name__ == "__main__":
    main()
