"""What tests of scenes share."""

import numpy as np
import pytest
from equal_scenes import TRIANGLE

from diffrt.scene.scene import Scene


@pytest.fixture
def rich_scene() -> Scene:
    rng = np.random.default_rng(0)
    return Scene.from_dict(
        {
            "cameras": [
                {"name": "front", "to_world": {"look_at": {"origin": [0, 1, 4], "target": [0, 0, 0]}}, "fov": 33.3},
                {"type": "thin_lens", "intrinsics": {"fx": 400, "fy": 410, "cx": 1, "cy": 2}, "aperture_radius": 0.1,
                 "focus_distance": 3, "distortion": {"k1": 0.01, "p2": -0.02}, "near": 0.25, "far": 80},
                {"type": "orthographic", "scale": 2.5, "width": 20, "height": 10},
            ],
            "integrator": {"max_depth": 3, "rr_depth": 9},
            "sampling": {"sampler": "independent", "spp": 5, "seed": 3},
            "film": {"filter": "tent"},
            "textures": {
                "rgb": {"data": rng.random((3, 4, 3)), "wrap": "clamp"},
                "grey": {"data": rng.random((2, 2)), "filter": "nearest"},
                "with alpha": {"data": rng.random((2, 2, 2))},
                "rgba": {"data": rng.random((2, 5, 4))},
            },
            "materials": {
                "wall": {"type": "diffuse", "albedo": {"texture": "rgb"}, "normal_map": "rgb", "two_sided": False},
                "metal": {"type": "conductor", "roughness": {"texture": "grey"}, "eta": [0.1, 1, 3], "k": 2},
                "blend": {"type": "mix", "first": "wall", "second": {"type": "dielectric", "roughness": 0.1}},
                "leaf": {"type": "principled", "opacity": {"texture": "rgba"}, "transmission": 0.5},
            },
            "shapes": [
                {"type": "cube", "material": "blend", "to_world": [{"scale": [1, 2, 3]}, {"translate": [4, 5, 6]}]},
                {"name": "ball", "type": "sphere", "subdivisions": 2, "material": {"type": "plastic"}},
                {"name": "lamp", "type": "disk", "segments": 6, "emission": [1, 2, 3], "two_sided_emission": True},
                {"name": "tri", **TRIANGLE, "normals": [[0, 0, 1], [0, 1, 1], [1, 0, 1]]},
                {"name": "quad", "type": "mesh", "vertices": [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]],
                 "faces": [[0, 1, 2], [0, 2, 3]], "uvs": [[0, 0], [1, 0], [1, 1]], "uv_faces": [[0, 1, 2], [2, 1, 0]],
                 "shading": "smooth", "emission": {"texture": "rgb"}, "material": "leaf"},
                {"name": "pipe", "type": "cylinder", "shading": "flat", "material": "metal"},
            ],
            "lights": [
                {"name": "sky", "type": "environment", "data": rng.random((4, 8, 3)), "scale": 0.5,
                 "to_world": {"rotate": {"axis": [0, 1, 0], "degrees": 30}}},
                {"type": "spot", "direction": [1, -2, 0], "intensity": 4},
                {"type": "point", "position": [1, 1, 1]},
                {"type": "directional", "direction": [1, 2, 3]},
            ],
        }
    )  # fmt: skip
