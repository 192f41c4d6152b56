"""A fox's head on a wall, from thirteen photographs of a phone (not in the repository: DIFFRT_ASSETS says where).

    python examples/photos/fox.py          makes outputs/photos/fox.json, and a scene to start from
    diffrt fit outputs/photos/fox.json     recovers shape, textures, light, and each photograph's exposure
    python examples/photos/fox.py --check  says how well the photographs that were kept out are explained

The start: the wall is the plane on which the photographs agree best; what stands out from it, by plane sweep, becomes
a sphere pushed out to it, smoothed; all is of one grey, the mean of the photographs, under an even sky. Photographs
that are kept out play no part in it.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from stereo import Floats, Photograph, Plane, heights, main_plane, middle_piece

from diffrt.description import primitives
from diffrt.fit.large_steps import LargeSteps
from diffrt.fit.photo import read_photo
from diffrt.fit.resize import shrink
from diffrt.io.cameras import PosedImage, read_transforms
from diffrt.scene.scene import Scene

ASSETS = Path(os.environ.get("DIFFRT_ASSETS", Path(__file__).resolve().parents[2] / ".." / "shared" / "assets"))
HOLDOUT_EVERY = 4
SHRINK = 6
"""Photographs are fitted at this fraction of their width and height, 180 x 320 pixels."""
LIGHT = 1.5
"""Radiance of the sky at first: white paper, which the photographs show saturated, is then no whiter than white."""


def read_photographs(posed: Sequence[PosedImage], factor: int) -> list[Photograph]:
    """Photographs, smaller by a factor."""
    result = []
    for item in posed:
        color = read_photo(str(item.file), Path("."), item.name).color.astype(np.float64)
        result.append(Photograph(item, shrink(color, color.shape[0] // factor, color.shape[1] // factor)))
    return result


def pushed_sphere(inside: NDArray[np.bool_], height: Floats, points: Floats, bottom: float) -> Floats:
    """Vertices (V, 3) of `primitives.sphere(5)`, pushed out to the end of a body that stands on a plane, smoothed.

    Args:
        inside: (H, W), where the body stands. height: (H, W), how high it is there; it reaches down to `bottom`.
        points: (H, W, 2), where that is in the plane, a grid with even steps across and up.
    """
    sphere = primitives.sphere(5)
    weight = np.where(inside, height - bottom, 0.0)
    across, up = points[0, :, 0], points[:, 0, 1]
    center = np.array(
        [
            (weight * points[..., 0]).sum() / weight.sum(),
            (weight * points[..., 1]).sum() / weight.sum(),
            bottom + 0.5 * (weight**2).sum() / weight.sum(),
        ]
    )
    lengths = np.linspace(0.0, 2.0 * np.abs(points).max(), 400)
    places = center + lengths[:, None, None] * sphere.vertices
    at = [
        (places[..., 1] - up[0]) / (up[1] - up[0]),
        (places[..., 0] - across[0]) / (across[1] - across[0]),
    ]
    top = map_coordinates(np.where(inside, height, -np.inf), at, order=0, cval=-np.inf)
    within = (places[..., 2] < top) & (places[..., 2] > bottom)
    reach = (lengths[:, None] * within).max(axis=0)
    smooth = LargeSteps(sphere.faces, len(reach), 6.0)
    return center + smooth.decode(reach[:, None]) * sphere.vertices


def start_scene(photographs: Sequence[Photograph], plane: Plane, body: Floats) -> Scene:
    """A grey body before a grey wall. Both textures are open: every texel may become another colour."""
    albedo = np.mean([item.color for item in photographs], axis=(0, 1, 2)) / LIGHT
    wide = 1.1 * plane.distance
    steps = np.linspace(-1.0, 1.0, 49)
    wall = np.stack([*np.meshgrid(steps, steps), np.zeros((49, 49))], axis=-1).reshape(-1, 3)
    corner = (np.arange(48)[:, None] * 49 + np.arange(48)).reshape(-1, 1)
    faces = (corner + np.array([[0, 1, 50, 0, 50, 49]])).reshape(-1, 3)
    sphere = primitives.sphere(5)
    material = {"type": "diffuse"}
    return Scene.from_dict(
        {
            "integrator": {"max_depth": 2},
            "textures": {
                "wallpaper": {"data": np.tile(albedo, (512, 512, 1)), "encoding": "linear", "wrap": "clamp"},
                "fur": {"data": np.tile(albedo, (256, 512, 1)), "encoding": "linear"},
            },
            "materials": {
                "wall": material | {"albedo": {"texture": "wallpaper"}},
                "fox": material | {"albedo": {"texture": "fur"}},
            },
            "shapes": [
                {
                    "name": "wall",
                    "type": "mesh",
                    "vertices": plane.to_world(wall * wide),
                    "faces": faces,
                    "uvs": 0.5 * (wall[:, :2] + 1.0),
                    "material": "wall",
                    "shading": "smooth",
                },
                {
                    "name": "fox",
                    "type": "mesh",
                    "vertices": plane.to_world(body),
                    "faces": sphere.faces,
                    "uvs": sphere.uvs,
                    "uv_faces": sphere.uv_faces,
                    "material": "fox",
                    "shading": "smooth",
                },
            ],
            "lights": [{"name": "sky", "type": "environment", "data": np.full((8, 16, 3), LIGHT)}],
        }
    )


def problem(fitted: int) -> dict[str, Any]:
    """The problem file."""
    cosine = {"type": "cosine", "final": 0.05}
    shape = {"precondition": {"type": "large_steps", "lambda": 19}, "schedule": cosine}
    return {
        "scene": "fox_start.json",
        "views_from": {"transforms": "fox_transforms.json", "holdout_every": HOLDOUT_EVERY},
        "parameters": {
            "shapes.fox.vertices": {"learning_rate": 0.02, **shape},
            "shapes.wall.vertices": {"learning_rate": 0.005, **shape},
            "textures.*": {"learning_rate": 0.03, "schedule": cosine, "bounds": [0.01, 0.95]},
            "lights.sky.image": {"learning_rate": 0.03, "schedule": cosine},
            # A brighter light and a longer exposure look alike: the first photograph's exposure stays as it is.
            "camera_response.exposure": {
                "learning_rate": 0.02,
                "schedule": cosine,
                "per_view": True,
                "free": [number > 0 for number in range(fitted)],
            },
        },
        "loss": {"type": "l1", "space": "srgb", "pyramid_levels": 3},
        "regularizers": [
            {"type": "smoothness", "parameter": "textures.*", "weight": 0.2},
            {"type": "smoothness", "parameter": "lights.sky.image", "weight": 0.02},
        ],
        "stages": [
            {"iterations": 120, "resolution": 0.5},
            {"iterations": 80, "resolution": 1.0},
        ],
        "spp": 4,
        "spp_gradient": 4,
        "views_per_iteration": 5,
    }


def smaller(transforms: Path, factor: int) -> dict[str, Any]:
    """A transforms.json whose pictures are smaller by a factor, with full paths of the photographs: the size that the
    file states is that of a fit's pictures."""
    data: dict[str, Any] = json.loads(transforms.read_text(encoding="utf-8"))
    for key in ("fl_x", "fl_y", "cx", "cy", "w", "h"):
        data[key] /= factor
    for frame in data["frames"]:
        frame["file_path"] = str((transforms.parent / frame["file_path"]).resolve())
    return data


def make(transforms: Path, folder: Path) -> None:
    """Write the start and the problem."""
    posed = read_transforms(transforms)
    fitted = [item for number, item in enumerate(posed, start=1) if number % HOLDOUT_EVERY]
    plane = main_plane(read_photographs(fitted, 8))
    photographs = read_photographs(fitted, 4)
    grid = np.meshgrid(np.linspace(-0.45, 0.35, 120), np.linspace(-0.55, 0.5, 160))
    points = np.stack(grid, axis=-1) * plane.distance
    height = heights(photographs, plane, points, np.linspace(-0.02, 0.55, 48) * plane.distance)
    inside = middle_piece(height > 0.025 * plane.distance)
    body = pushed_sphere(inside, height, points, -0.02 * plane.distance)
    folder.mkdir(parents=True, exist_ok=True)
    start_scene(photographs, plane, body).save(folder / "fox_start.json")
    for name, data in (("fox_transforms", smaller(transforms, SHRINK)), ("fox", problem(len(fitted)))):
        (folder / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def check(output: Path) -> None:
    """Print the scores of the photographs that were kept out."""
    views = json.loads((output / "views.json").read_text(encoding="utf-8"))
    for kind, chosen in (("kept out", True), ("fitted", False)):
        for score in ("psnr", "ssim"):
            before, after = (
                [view[when][score] for view in views if view["holdout"] == chosen] for when in ("before", "after")
            )
            each = ", ".join(f"{a:.2f} -> {b:.2f}" for a, b in zip(before, after, strict=True))
            print(f"{kind}: mean {score} {np.mean(before):.3f} -> {np.mean(after):.3f} ({each})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, default=ASSETS / "photos" / "fox", help="folder of transforms.json")
    parser.add_argument("--output", type=Path, default=Path("outputs") / "photos")
    parser.add_argument("--check", type=Path, nargs="?", const=Path("outputs") / "fox", metavar="OUTPUT")
    arguments = parser.parse_args()
    needed = arguments.check / "views.json" if arguments.check else arguments.photographs / "transforms.json"
    if not needed.is_file():
        wanted = "the output folder of the fit" if arguments.check else "set DIFFRT_ASSETS, or give --photographs"
        parser.error(f"{needed} does not exist: {wanted}")
    if arguments.check:
        check(arguments.check)
    else:
        make(arguments.photographs / "transforms.json", arguments.output)
        print(f"diffrt fit {arguments.output / 'fox.json'}")


if __name__ == "__main__":
    main()
