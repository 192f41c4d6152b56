"""Spot the cow under a real light probe, as a phone would photograph her; her true shape, skin and cameras are known.

    python examples/photos/spot.py          makes outputs/photos/spot.json, a scene to start from, and the pictures
    diffrt fit outputs/photos/spot.json     recovers shape, texture, the cameras' places, and every picture's exposure
    python examples/photos/spot.py --check  compares them with the truth

Mesh and probe come from DIFFRT_ASSETS. The pictures: lens distortion, noise, exposures half a stop up or down, clipped
at white, 8 bits of sRGB. What the fit is told: the probe, the lens, the first picture's camera and exposure, and of the
others' cameras where they are within a degree and two hundredths of her height. It starts from a smoothed, grey Spot.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from diffrt.description import transform
from diffrt.fit.large_steps import LargeSteps
from diffrt.fit.resize import shrink
from diffrt.io.cameras import read_transforms
from diffrt.io.color import linear_to_srgb
from diffrt.io.images import write_image
from diffrt.render.render import render, render_buffers
from diffrt.scene.scene import Scene

Floats = NDArray[np.float64]
ASSETS = Path(os.environ.get("DIFFRT_ASSETS", Path(__file__).resolve().parents[2] / ".." / "shared" / "assets"))
FOLDER = Path("outputs") / "photos"
VIEWS, SIZE = 12, 160
LENS = {"k1": -0.12, "k2": 0.04, "p1": 0.001, "p2": -0.0015, "k3": 0.0}
FOCAL = 1.25 * SIZE
TEXELS = 256
SMOOTHED = 8.0
"""lambda of the smoothing that makes the start."""


def scene(cameras: list[dict[str, Any]], skin: dict[str, Any], spot: dict[str, Any], max_depth: int) -> Scene:
    """Spot under the probe."""
    probe = str(ASSETS / "environments" / "venice_sunset_1k.hdr")
    return Scene.from_dict(
        {
            **({"cameras": cameras} if cameras else {}),
            "integrator": {"max_depth": max_depth},
            "textures": {"skin": skin},
            "materials": {"skin": {"type": "diffuse", "albedo": {"texture": "skin"}}},
            "shapes": [{"name": "spot", "type": "mesh", "material": "skin", "shading": "smooth", **spot}],
            "lights": [{"name": "probe", "type": "environment", "file": probe, "scale": 0.6}],
        }
    )


def true_scene() -> Scene:
    """Spot as she is, with the cameras that take the pictures."""
    lens = {
        "width": SIZE,
        "height": SIZE,
        "intrinsics": {"fx": FOCAL, "fy": FOCAL, "cx": 0.5 * SIZE, "cy": 0.5 * SIZE},
        "distortion": LENS,
    }
    cameras = [{"name": f"v{number:02d}", "to_world": place, **lens} for number, place in enumerate(places())]
    files = ASSETS / "meshes" / "spot"
    skin = {"file": str(files / "spot_texture.png")}
    return scene(cameras, skin, {"file": str(files / "spot_triangulated.obj")}, max_depth=4)


def places() -> list[Floats]:
    """Camera to world (4, 4), around Spot, by turns from above, from the side, and from below."""
    result = []
    for number in range(VIEWS):
        turn, height = 2.0 * np.pi * number / VIEWS, (0.5, 0.0, 0.9, -0.4)[number % 4]
        origin = 2.6 * np.array([np.cos(height) * np.sin(turn), np.sin(height), np.cos(height) * np.cos(turn)])
        result.append(transform.look_at(origin + [0.0, 0.1, 0.2], [0.0, 0.1, 0.2], [0.0, 1.0, 0.0]))
    return result


def exposures() -> Floats:
    """Of every picture, in stops; the first is 0."""
    stops = np.random.default_rng(3).uniform(-0.5, 0.5, VIEWS)
    stops[0] = 0.0
    return stops


def moved(place: Floats, rng: np.random.Generator) -> Floats:
    """A pose turned by a degree and moved by 0.03."""
    axis, shift = rng.normal(size=(2, 3))
    wrong = place.copy()
    wrong[:3, :3] = transform.axis_angle_to_matrix(np.deg2rad(1.0) * axis / np.linalg.norm(axis)) @ place[:3, :3]
    wrong[:3, 3] += 0.03 * shift / np.linalg.norm(shift)
    return wrong


def photograph(radiance: Floats, stops: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """What a phone makes of radiance (H, W, 3): exposed, with shot and read noise, clipped, 8 bits of sRGB."""
    exposed = 2.0**stops * radiance
    noisy = exposed + rng.normal(size=exposed.shape) * np.sqrt(4e-4 * np.minimum(exposed, 1.0) + 4e-6)
    return np.round(255.0 * linear_to_srgb(np.clip(noisy, 0.0, 1.0))).astype(np.uint8)


def transforms() -> dict[str, Any]:
    """transforms.json with the places as they are thought to be."""
    rng = np.random.default_rng(5)
    thought = [place if number == 0 else moved(place, rng) for number, place in enumerate(places())]
    return {
        "w": SIZE,
        "h": SIZE,
        "fl_x": FOCAL,
        "fl_y": FOCAL,
        "cx": 0.5 * SIZE,
        "cy": 0.5 * SIZE,
        **LENS,
        "frames": [
            {"file_path": f"spot/v{number:02d}.png", "transform_matrix": place.tolist()}
            for number, place in enumerate(thought)
        ],
    }


def start_scene(truth: Scene) -> Scene:
    """Spot without her details, grey."""
    mesh = truth.shapes["spot"].mesh
    smooth = LargeSteps(mesh.faces, len(mesh.vertices), SMOOTHED).decode(mesh.vertices)
    grey = np.full((TEXELS, TEXELS, 3), 0.5)
    spot = {"vertices": smooth, "faces": mesh.faces, "uvs": mesh.uvs, "uv_faces": mesh.uv_faces}
    return scene([], {"data": grey}, spot, max_depth=3)


def problem() -> dict[str, Any]:
    """The problem file."""
    cosine = {"type": "cosine", "final": 0.03}
    pose = {"rotation": 0.002, "translation": 0.004}
    known = {f"views.v00.camera.{name}": {"learning_rate": rate, "free": False} for name, rate in pose.items()}
    return {
        "scene": "spot_start.json",
        "views_from": {"transforms": "spot_transforms.json"},
        "parameters": {
            "shapes.spot.vertices": {
                "learning_rate": 0.03,
                "precondition": {"type": "large_steps", "lambda": 12},
                "schedule": cosine,
            },
            "textures.skin": {"learning_rate": 0.03, "schedule": cosine, "bounds": [0.0, 1.0]},
            **known,
            **{f"views.*.camera.{name}": {"learning_rate": rate, "schedule": cosine} for name, rate in pose.items()},
            "camera_response.exposure": {
                "learning_rate": 0.02,
                "schedule": cosine,
                "per_view": True,
                "free": [number > 0 for number in range(VIEWS)],
            },
        },
        "loss": {"type": "l1", "space": "srgb", "pyramid_levels": 3},
        "regularizers": [{"type": "smoothness", "parameter": "textures.skin", "weight": 0.05}],
        "stages": [{"iterations": 120, "resolution": 0.5}, {"iterations": 90, "resolution": 1.0}],
        "spp": 4,
        "spp_gradient": 4,
        "views_per_iteration": 4,
    }


def make(folder: Path, spp: int) -> None:
    """Write the pictures, the start and the problem."""
    truth = true_scene()
    (folder / "spot").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    for camera, stops in zip(truth.cameras, exposures(), strict=True):
        picture = photograph(render(truth, spp=spp, camera=camera).astype(np.float64), stops, rng)
        write_image(folder / "spot" / f"{camera}.png", picture)
    start_scene(truth).save(folder / "spot_start.json")
    for name, data in (("spot_transforms", transforms()), ("spot", problem())):
        (folder / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def fitted_onto(points: Floats, vertices: Floats, faces: NDArray[np.int32], rounds: int = 20) -> tuple[float, Floats]:
    """Scale and shift, x -> scale x + shift, that bring points (N, 3) closest to a surface.

    Each round takes for every point the plane of the surface that is nearest (Chen and Medioni 1992), without the tenth
    that is farthest.
    """
    surface = spread(vertices, faces)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    normals = np.repeat(normals / np.linalg.norm(normals, axis=1, keepdims=True), len(surface) // len(faces), axis=0)
    tree, scale, shift = cKDTree(surface), 1.0, np.zeros(3)
    for _ in range(rounds):
        apart, nearest = tree.query(scale * points + shift)
        near = apart <= np.quantile(apart, 0.9)
        normal, goal, point = normals[nearest[near]], surface[nearest[near]], points[near]
        equations = np.column_stack([(normal * point).sum(axis=1), normal])
        scale, *shift = np.linalg.lstsq(equations, (normal * goal).sum(axis=1))[0]
        shift = np.array(shift)
    return float(scale), shift


def spread(values: Floats, faces: NDArray[np.int32], parts: int = 4) -> Floats:
    """Values of vertices (V, K), such as their places, at points spread evenly over every triangle: (N, K)."""
    steps = np.arange(parts + 1) / parts
    b, c = (grid.ravel() for grid in np.meshgrid(steps, steps))
    b, c = b[b + c <= 1.0 + 1e-9], c[b + c <= 1.0 + 1e-9]
    weights = np.stack([1.0 - b - c, b, c], axis=1)
    return np.einsum("pk,fkx->fpx", weights, values[faces]).reshape(-1, values.shape[1])


def seen_texels(truth: Scene) -> NDArray[np.bool_]:
    """(TEXELS, TEXELS): where some pixel of some picture looks."""
    seen = np.zeros((TEXELS, TEXELS), dtype=bool)
    for camera in truth.cameras:
        buffers = render_buffers(truth, ["uv", "mask"], spp=1, camera=camera, width=4 * SIZE, height=4 * SIZE)
        u, v = (buffers["uv"][buffers["mask"] > 0.0] % 1.0).T
        seen[((1.0 - v) * TEXELS).astype(int).clip(0, TEXELS - 1), (u * TEXELS).astype(int)] = True
    return seen


def colors(texture: Floats, uvs: Floats) -> Floats:
    """What a texture (H, W, 3) shows at uvs (N, 2), as a screen shows it: bilinear."""
    height, width = texture.shape[:2]
    at = [(1.0 - uvs[:, 1] % 1.0) * height - 0.5, uvs[:, 0] % 1.0 * width - 0.5]
    shown = linear_to_srgb(texture.astype(np.float64))
    return np.stack([map_coordinates(shown[..., k], at, order=1, mode="nearest") for k in range(3)], axis=1)


def psnr(error: Floats) -> float:
    """In dB, for a peak of 1."""
    return float(-10.0 * np.log10(np.mean(error**2)))


def distances(
    truth: Scene, found: Scene, poses: list[Floats], stops: Floats, scale: float, shift: Floats
) -> dict[str, float]:
    """How far a scene, its cameras and their exposures are from the truth.

    Vertices may slide along the surface, and the texture with them: its colours are compared texel by texel, and at the
    nearest points of the two surfaces, too.

    Args:
        scale, shift: shape and cameras are compared after x -> scale x + shift.
    """
    mesh, goals = truth.shapes["spot"].mesh, truth["shapes.spot.vertices"]
    surface = spread(goals, mesh.faces)
    vertices = scale * found["shapes.spot.vertices"] + shift
    apart = cKDTree(surface).query(vertices)[0]
    turned, away = [], []
    for pose, true in zip(poses, places(), strict=True):
        cosine = 0.5 * (np.trace(true[:3, :3].T @ pose[:3, :3]) - 1.0)
        turned.append(np.rad2deg(np.arccos(np.clip(cosine, -1.0, 1.0))))
        away.append(np.linalg.norm(scale * pose[:3, 3] + shift - true[:3, 3]))
    skin = shrink(truth["textures.skin"].astype(np.float64), TEXELS, TEXELS)
    texels = seen_texels(truth)
    assert mesh.uvs is not None and mesh.uv_faces is not None
    uvs = spread(mesh.uvs, mesh.uv_faces)
    row, column = ((1.0 - uvs[:, 1] % 1.0) * TEXELS).astype(int), (uvs[:, 0] % 1.0 * TEXELS).astype(int)
    seen = texels[row.clip(0, TEXELS - 1), column.clip(0, TEXELS - 1)]
    nearest = cKDTree(spread(vertices, mesh.faces, 8)).query(surface[seen])[1]
    there = spread(mesh.uvs, mesh.uv_faces, 8)[nearest]
    by_texels = (linear_to_srgb(found["textures.skin"]) - linear_to_srgb(skin))[texels]
    by_places = colors(found["textures.skin"], there) - colors(skin, uvs[seen])
    return {
        "mean distance of a vertex from the true surface": float(apart.mean()),
        "largest distance of a vertex from the true surface": float(apart.max()),
        "mean distance of a vertex from its own true place": float(np.linalg.norm(vertices - goals, axis=1).mean()),
        "mean turn of a camera, degrees": float(np.mean(turned)),
        "mean distance of a camera": float(np.mean(away)),
        "mean error of an exposure, stops": float(np.abs(stops - exposures()).mean()),
        "PSNR of the texture, by texels, dB": psnr(by_texels),
        "PSNR of the texture, at the same places, dB": psnr(by_places),
    }


def check(folder: Path, output: Path) -> None:
    """Print how far start and result are from the truth.

    What the probe shows behind her fixes all directions. Size and place are held by the first camera alone, loosely:
    the result is compared after the scaling and the shift that bring its surface closest to the true one.
    """
    truth = true_scene()
    start, fitted = Scene.load(folder / "spot_start.json"), Scene.load(output / "fitted.json")
    views = json.loads((output / "views.json").read_text(encoding="utf-8"))
    found = [np.array(view["camera"]["to_world"]) for view in views]
    stops = np.array([view.get("camera_response", {"exposure": 0.0})["exposure"] for view in views])
    thought = [item.to_world for item in read_transforms(folder / "spot_transforms.json")]
    faces = truth.shapes["spot"].mesh.faces
    scale, shift = fitted_onto(fitted["shapes.spot.vertices"], truth["shapes.spot.vertices"], faces)
    before = distances(truth, start, thought, np.zeros(VIEWS), 1.0, np.zeros(3))
    after = distances(truth, fitted, found, stops, scale, shift)
    print(f"compared after scaling by {scale:.4f} and a shift by {np.linalg.norm(shift):.4f}")
    for what, value in before.items():
        print(f"{what}: {value:.4f} -> {after[what]:.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spp", type=int, default=256, help="of the pictures")
    parser.add_argument("--output", type=Path, default=FOLDER)
    parser.add_argument("--check", type=Path, nargs="?", const=Path("outputs") / "spot", metavar="OUTPUT")
    arguments = parser.parse_args()
    needed = ASSETS / "meshes" / "spot" / "spot_triangulated.obj"
    if not needed.is_file():
        parser.error(f"{needed} does not exist: set DIFFRT_ASSETS")
    if arguments.check and not (arguments.check / "views.json").is_file():
        parser.error(f"{arguments.check / 'views.json'} does not exist: the output folder of the fit")
    if arguments.check:
        check(arguments.output, arguments.check)
    else:
        make(arguments.output, arguments.spp)
        print(f"diffrt fit {arguments.output / 'spot.json'}")


if __name__ == "__main__":
    main()
