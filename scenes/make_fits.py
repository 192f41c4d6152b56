"""Make the problems of scenes/fits/: for each a scene to start from, targets rendered from the truth, the problem file.

    python scenes/make_fits.py                           all of them
    python scenes/make_fits.py wall_colours              or some
    python scenes/make_fits.py --check wall_colours      how close outputs/wall_colours came to the truth

What each is about, and how close it must come, stands in fit_examples/. The results are in the repository: run this
only after a change to what makes them.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from fit_examples import EXAMPLES, Example

from diffrt.io.exr import write_exr
from diffrt.io.images import write_image
from diffrt.render.render import render_buffers
from diffrt.scene.save import format_json
from diffrt.scene.scene import Scene

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "fits"
TARGET_SAMPLES = 1024
TARGET_SEED = 4711


def problem_text(example: Example) -> str:
    """The problem file."""
    return (
        format_json({"$schema": "../problem.schema.json", "scene": f"{example.name}_start.json", **example.problem})
        + "\n"
    )


def start_text(example: Example) -> str:
    """The scene file that the fit starts from."""
    return format_json({"$schema": "../scene.schema.json", **example.start}) + "\n"


def make_targets(example: Example) -> None:
    """Render every target of the problem from the truth: EXR in 16 bits, PNG in 8, with the mask as alpha if asked."""
    truth = Scene.from_dict(example.truth, FOLDER)
    for view in example.problem["views"]:
        path = FOLDER / view["target"]
        buffers = render_buffers(truth, ["radiance", "mask"], spp=TARGET_SAMPLES, seed=TARGET_SEED, camera=view["name"])
        image = buffers["radiance"]
        if path.suffix == ".exr":
            write_exr(path, {"radiance": image}, {}, half=True)
        else:
            masked = np.dstack([image, buffers["mask"].clip(0.0, 1.0)])
            write_image(path, masked if example.masks else image)


def make(example: Example) -> None:
    """Write everything of one example."""
    (FOLDER / example.name).mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{example.name}.json").write_text(problem_text(example), encoding="utf-8")
    (FOLDER / f"{example.name}_start.json").write_text(start_text(example), encoding="utf-8")
    make_targets(example)


def check(example: Example, output: Path) -> bool:
    """Print how close a run came; whether that is close enough."""
    scene = Scene.load(output / "fitted.json")
    views = {item["name"]: item for item in json.loads((output / "views.json").read_text(encoding="utf-8"))}
    good = True
    for what, (found, limit) in example.closeness(scene, views).items():
        good &= found <= limit
        print(f"{example.name}: {what} {found:.4g}, must be at most {limit:g}{'' if found <= limit else ': TOO FAR'}")
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(EXAMPLES))
    parser.add_argument("--check", action="store_true", help="compare outputs/NAME with the truth instead")
    arguments = parser.parse_args()
    chosen = [EXAMPLES[name] for name in arguments.names or EXAMPLES]
    if arguments.check:
        for example in chosen:
            if not (Path("outputs") / example.name / "views.json").is_file():
                parser.error(
                    f"outputs/{example.name} has no result: run diffrt fit scenes/fits/{example.name}.json first"
                )
        sys.exit(0 if all([check(example, Path("outputs") / example.name) for example in chosen]) else 1)
    for example in chosen:
        make(example)
        print(f"{example.name}: done")


if __name__ == "__main__":
    main()
