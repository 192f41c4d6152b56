"""Make everything under scenes/ that is computed, and the previews in docs/images/.

    python scenes/make_scenes.py                   meshes, images, and the scene file of many lights
    python scenes/make_scenes.py --previews        ... and a picture of every scene
    python scenes/make_scenes.py --previews thin_lens cameras      ... or of some

The results are in the repository: run this only after a change to what makes them.
"""

import argparse
import colorsys
import io
import json
import math
from pathlib import Path
from typing import Any

from make_images import make_images
from make_meshes import make_meshes

HERE = Path(__file__).resolve().parent
PREVIEWS = HERE.parent / "docs" / "images"
PREVIEW_WIDTH = 256
PREVIEW_SAMPLES = {"glass_caustic": 1024, "environment_object": 512, "stained_glass": 512, "shadow_puppets": 512}
"""Samples per pixel of the previews that need more than the others."""
USUAL_SAMPLES = 256


def many_lights(spheres: int = 320) -> dict[str, Any]:
    """A sunflower of small glowing spheres around a mirror ball, and twelve point lights above them."""
    golden = math.pi * (3 - math.sqrt(5))
    shapes: list[dict[str, Any]] = [
        {
            "name": "floor",
            "type": "rectangle",
            "material": "floor",
            "to_world": [{"scale": 20}, {"rotate": {"axis": [1, 0, 0], "degrees": -90}}],
        },
        {"name": "ball", "type": "sphere", "material": "ball", "to_world": {"translate": [0, 1, 0]}},
    ]
    for i in range(spheres):
        radius = 0.27 * math.sqrt(i + 16)
        angle = i * golden
        place = [round(radius * math.cos(angle), 3), 0.12, round(radius * math.sin(angle), 3)]
        colour = colorsys.hsv_to_rgb(angle / (2 * math.pi) % 1.0, 0.75, 1.0)
        size = round(0.035 + 0.012 * radius, 4)
        shapes.append(
            {
                "name": f"glow{i}",
                "type": "sphere",
                "subdivisions": 1,
                "emission": [round(5.0 * c**2.2, 3) for c in colour],
                "to_world": [{"scale": size}, {"translate": place}],
            }
        )
    lights = []
    for i in range(12):
        angle = 2 * math.pi * i / 12
        colour = colorsys.hsv_to_rgb(i / 12, 0.5, 1.0)
        place = [round(5.2 * math.cos(angle), 3), 1.2, round(5.2 * math.sin(angle), 3)]
        lights.append(
            {"name": f"bulb{i}", "type": "point", "position": place, "intensity": [round(0.25 * c, 3) for c in colour]}
        )
    return {
        "$schema": "scene.schema.json",
        "camera": {
            "to_world": {"look_at": {"origin": [0, 4.2, 8.6], "target": [0, 0.1, 0.3]}},
            "fov": 50,
            "width": 512,
            "height": 384,
        },
        "integrator": {"max_depth": 5},
        "sampling": {"spp": 128},
        "materials": {
            "floor": {"type": "plastic", "albedo": 0.5, "roughness": 0.3},
            "ball": {"type": "conductor", "reflectance": 0.9},
        },
        "shapes": shapes,
        "lights": [*lights, {"name": "night", "type": "environment", "radiance": [0.012, 0.016, 0.04]}],
    }


def scene_text(scene: dict[str, Any]) -> str:
    """JSON with one line for each material, shape and light."""

    def block(value: Any) -> str:
        rows = [f"    {json.dumps(item)}" for item in value]
        return "[\n" + ",\n".join(rows) + "\n  ]"

    parts = [
        f"  {json.dumps(key)}: {block(value) if isinstance(value, list) else json.dumps(value)}"
        for key, value in scene.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def make_preview(name: str) -> None:
    """Render docs/images/NAME.png, PREVIEW_WIDTH pixels wide."""
    import numpy as np
    from PIL import Image

    import diffrt
    from diffrt.io.color import linear_to_srgb

    scene = diffrt.load(HERE / f"{name}.json")
    image = diffrt.render(scene, spp=PREVIEW_SAMPLES.get(name, USUAL_SAMPLES), width=PREVIEW_WIDTH)
    pixels = np.round(np.clip(linear_to_srgb(image), 0, 1) * 255).astype(np.uint8)
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, format="PNG", optimize=True)
    (PREVIEWS / f"{name}.png").write_bytes(encoded.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--previews", nargs="*", metavar="SCENE", help="also render these scenes, or all")
    previews = parser.parse_args().previews
    make_meshes(HERE / "meshes")
    make_images(HERE / "textures")
    (HERE / "many_lights.json").write_text(scene_text(many_lights()), encoding="utf-8")
    if previews is not None:
        PREVIEWS.mkdir(parents=True, exist_ok=True)
        files = (path for path in HERE.glob("*.json") if not path.name.endswith(".schema.json"))
        for name in previews or sorted(path.stem for path in files):
            make_preview(name)
            print(f"{name}: done")


if __name__ == "__main__":
    main()
