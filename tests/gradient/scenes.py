"""Small scenes for tests of gradients: a floor that fills the film, things above it, one kind of light at a time."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from diffrt.description.primitives import sphere

LOOK = {"look_at": {"origin": [0, 2, 1.5], "target": [0, 0, 0]}}
CAMERA = {"to_world": LOOK, "fov": 30, "width": 16, "height": 12}
LENS = {**CAMERA, "type": "thin_lens", "aperture_radius": 0.1, "focus_distance": 2.0}
NEAR = {"to_world": {"look_at": {"origin": [0, 1, 0.75], "target": [0, 0, 0]}}, "fov": 50, "width": 16, "height": 12}
BENT = {**NEAR, "distortion": {"k1": -0.2, "p1": 0.03, "k2": 0.1}}
PARALLEL = {"type": "orthographic", "scale": 0.6, "to_world": LOOK, "width": 16, "height": 12}
SHIFTED = {"intrinsics": {"fx": 20, "fy": 25, "cx": 7, "cy": 5}, "to_world": LOOK, "width": 16, "height": 12}
TEXTURE = np.random.default_rng(1).uniform(0.2, 0.8, (8, 8, 3)).astype(np.float32)
BUMPS = np.concatenate([0.4 + 0.2 * TEXTURE[:, :, :2], np.full((8, 8, 1), 0.9)], 2).astype(np.float32)
CONSTANT = [{"name": "sky", "type": "environment", "radiance": [0.2, 0.3, 0.4]}]
EVEN = {"data": np.full((1, 1, 3), 0.8, dtype=np.float32)}
"""One colour as a texture. Scenes that use the same features share their kernels, which take long to compile."""
WHITE = {"type": "diffuse", "albedo": {"texture": "even"}}
ROUGH = {"type": "conductor", "reflectance": {"texture": "even"}, "roughness": 0.4}
ALBEDO_ONE = {"type": "diffuse", "albedo": [1, 1, 1]}
POINT = [{"name": "bulb", "type": "point", "position": [0.3, 1.2, -0.5], "intensity": [3, 2, 1]}]
SUN = {"name": "sun", "type": "directional", "direction": [-1, -1, -0.5], "irradiance": [3, 2, 1]}
SPOT = [
    {"name": "bulb", "type": "spot", "position": [0.3, 1.2, -0.5], "direction": [-0.3, -1, 0.4], "cutoff": 70,
     "falloff_start": 10, "intensity": [3, 2, 1]}
]  # fmt: skip


def turned(axis: list[float], degrees: float) -> dict[str, Any]:
    return {"rotate": {"axis": axis, "degrees": degrees}}


def floor(material: Any = "textured", size: float = 3.0) -> dict[str, Any]:
    return {"name": "floor", "type": "rectangle", "material": material,
            "to_world": [turned([1, 0, 0], -90), {"scale": size}]}  # fmt: skip


def lamp() -> dict[str, Any]:
    return {"name": "lamp", "type": "rectangle", "emission": [5, 4, 3], "material": "textured",
            "to_world": [{"scale": 0.4}, turned([1, 0, 0], 70), {"translate": [0.3, 1.5, -1.2]}]}  # fmt: skip


def lit(
    material: Any = "textured", lights: Any = None, shapes: Any = (), depth: int = 3, **more: Any
) -> dict[str, Any]:
    """A floor under a lamp, or under `lights`."""
    every = [floor(material), *([] if lights else [lamp()]), *shapes]
    return {
        "camera": CAMERA,
        "integrator": {"max_depth": depth},
        "textures": {"image": {"data": TEXTURE}},
        "materials": {"textured": {"type": "diffuse", "albedo": {"texture": "image"}},
                      "metal": {"type": "conductor", "reflectance": [0.9, 0.8, 0.7], "roughness": 0.4}},
        "shapes": every,
        "lights": lights or [],
        **more,
    }  # fmt: skip


def bumpy() -> dict[str, Any]:
    """A smooth-shaded height field of metal under a lamp and a constant sky."""
    grid = np.linspace(-2.5, 2.5, 13)
    x, z = np.meshgrid(grid, grid, indexing="ij")
    vertices = np.stack([x, 0.06 * np.sin(3 * x) * np.cos(2 * z), z], -1).reshape(-1, 3)
    corner = (np.arange(12)[:, None] * 13 + np.arange(12)).reshape(-1, 1)
    faces = np.concatenate([corner + [0, 1, 14], corner + [0, 14, 13]])
    scene = lit(lights=CONSTANT)
    scene["shapes"] = [lamp(), {"name": "floor", "type": "mesh", "vertices": vertices, "faces": faces,
                                "material": "metal", "shading": "smooth"}]  # fmt: skip
    return scene


def draped() -> dict[str, Any]:
    """The same with normals that are given and are not those of the surface."""
    scene = bumpy()
    normals = np.random.default_rng(2).normal(size=(169, 3)) * 0.15 + [0, 1, 0]
    scene["shapes"][1]["normals"] = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    return scene


def embossed() -> dict[str, Any]:
    """A floor of metal under a normal map."""
    scene = lit({"type": "conductor", "reflectance": [0.9, 0.8, 0.7], "roughness": 0.4, "normal_map": "bumps"})
    scene["textures"]["bumps"] = {"data": BUMPS}
    return scene


def textured(material: Any, low: float, high: float) -> dict[str, Any]:
    """A floor of a material that uses the texture "number", of one channel between two numbers."""
    scene = lit(material)
    scene["textures"]["number"] = {"data": low + (high - low) * TEXTURE[:, :, :1]}
    return scene


def screen() -> dict[str, Any]:
    """A floor of metal under a lamp with a picture."""
    scene = lit("metal")
    scene["shapes"][1]["emission"] = {"texture": "picture"}
    scene["textures"]["picture"] = {"data": np.linspace(0.5, 4, 8)[None, :, None] * TEXTURE[:, ::-1], "wrap": "clamp"}
    return scene


def mirror(**fields: Any) -> dict[str, Any]:
    """A textured wall in a mirror on the floor; what lights it is out of sight."""
    scene = lit({"type": "conductor", "reflectance": [0.9, 0.8, 0.7], "roughness": 0, **fields})
    scene["textures"]["bumps"] = {"data": [0.5, 0.5, 1.0] + 0.1 * (BUMPS - [0.5, 0.5, 0.9])}
    place = [{"scale": 40}, {"translate": [0, 0, -3]}]
    scene["shapes"].append({"name": "wall", "type": "rectangle", "material": "textured", "to_world": place})
    scene["shapes"][1]["to_world"] = [{"scale": 0.4}, turned([1, 0, 0], 180), {"translate": [0.3, 1.5, 4]}]
    return scene


def glass(**fields: Any) -> dict[str, Any]:
    """A textured floor and a bulb, both below a tilted pane that fills the film."""
    scene = lit(lights=[{**POINT[0], "position": [0.3, 0.3, -0.5]}])
    scene["materials"]["glass"] = {"type": "dielectric", "ior": 1.5, "roughness": 0, **fields}
    scene["textures"]["number"] = {"data": 1.3 + 0.3 * TEXTURE[:, :, :1]}
    place = [{"scale": 6}, turned([1, 0, 0], -80), {"translate": [0, 0.7, 0]}]
    scene["shapes"].append({"name": "pane", "type": "rectangle", "material": "glass", "to_world": place})
    return scene


def shining(shape: str = "cube", **more: Any) -> dict[str, Any]:
    """Something that shines, seen by itself before a constant sky."""
    box = {"name": "box", "type": shape, "emission": [1, 2, 3], "two_sided_emission": True, "material": ROUGH,
           "to_world": [{"scale": [0.2, 0.15, 0.2]}, turned([1, 2, 0.3], 40)]}  # fmt: skip
    return {"camera": CAMERA, "integrator": {"max_depth": 1}, "textures": {"even": EVEN}, "shapes": [box],
            "lights": CONSTANT, **more}  # fmt: skip


def facets(**fields: Any) -> dict[str, Any]:
    """A flat-shaded ball under the sun: its creases move over the film and change its brightness."""
    ball = {"name": "box", "type": "sphere", "subdivisions": 1, "shading": "flat",
            "material": {**WHITE, **fields},
            "to_world": [{"scale": [0.2, 0.15, 0.2]}, turned([1, 2, 0.3], 40)]}  # fmt: skip
    return {"camera": CAMERA, "integrator": {"max_depth": 2}, "textures": {"even": EVEN}, "shapes": [ball],
            "lights": [SUN]}  # fmt: skip


def shaded(kind: str = "area", receiver: str = "textured", depth: int = 2, quad: Any = "white") -> dict[str, Any]:
    """A tilted quad that throws a shadow on the floor, both in sight."""
    scene = lit(receiver, depth=depth)
    at, down = [0.3, 2.0, -0.3], [-0.1, -1, 0.2]
    scene["shapes"][1]["to_world"] = [{"scale": 0.4}, turned([1, 0, 0], 95), {"translate": at}]
    lights = {
        "point": {"type": "point", "position": at, "intensity": [3, 2, 1]},
        "spot": {"type": "spot", "position": at, "direction": down, "cutoff": 70, "falloff_start": 10,
                 "intensity": [3, 2, 1]},
        "sun": {"type": "directional", "direction": [-0.2, -1, 0.2], "irradiance": [3, 2, 1]},
        "sky": {"type": "environment", "radiance": [1, 0.8, 0.6]},
        "image": {"type": "environment", "data": sky()},
        "two-tone": {"type": "environment", "data": two_tone()},
    }  # fmt: skip
    if kind != "area":
        scene["shapes"].pop(1)
        scene["lights"] = [{"name": "light", **lights[kind]}]
    scene["materials"]["white"] = {"type": "diffuse", "albedo": [0.7, 0.6, 0.5]}
    turns = [turned([1, 0.2, 0], -70), turned([0, 1, 0], 25)]
    place = [{"scale": [0.35, 0.25, 1]}, *turns, {"translate": [0.05, 0.9, 0.1]}]
    scene["shapes"].append({"name": "quad", "type": "rectangle", "material": quad, "to_world": place})
    scene["camera"] = {**CAMERA, "fov": 50, "to_world": {"look_at": {"origin": [0, 0.6, 1.5], "target": [0, 0, 0]}}}
    return scene


def under_a_ball() -> dict[str, Any]:
    """The same shadow, of a lamp of many triangles."""
    scene = shaded()
    mesh = sphere(1)
    scene["shapes"][1] = {"name": "lamp", "type": "mesh", "vertices": 0.3 * mesh.vertices, "faces": mesh.faces,
                          "emission": [5, 4, 3], "to_world": {"translate": [0.3, 2.0, -0.3]}}  # fmt: skip
    return scene


def through_a_lens(**camera: Any) -> dict[str, Any]:
    """A shadow that another kind of camera sees."""
    scene = shaded("point")
    scene["camera"] = {**scene["camera"], **camera}
    if camera.get("type") == "orthographic":
        del scene["camera"]["fov"]
    return scene


def fine_ball() -> dict[str, Any]:
    """A smooth ball of 20,480 triangles in place of the quad: few of its edges are silhouettes."""
    scene = shaded()
    place = [{"scale": 0.25}, {"translate": [0.05, 0.9, 0.1]}]
    scene["shapes"][-1] |= {"type": "sphere", "subdivisions": 5, "shading": "smooth", "to_world": place}
    return scene


def bounced(receiver: str = "textured") -> dict[str, Any]:
    """The quad's shadow on the floor where all light comes from the ceiling, at which a lamp shines."""
    scene = shaded(receiver=receiver, depth=3)
    scene["shapes"][1]["to_world"] = [{"scale": 0.25}, turned([1, 0, 0], -90), {"translate": [1.2, 1.4, -0.9]}]
    place = [{"scale": 0.8}, turned([1, 0, 0], 90), {"translate": [0.3, 2.0, -0.3]}]
    scene["shapes"].append({"name": "ceiling", "type": "rectangle", "material": "white", "to_world": place})
    return scene


def sky() -> np.ndarray:
    noise = np.random.default_rng(3).normal(size=(16, 32, 3))
    return np.exp(9.0 * gaussian_filter(noise, (2, 3, 0), mode="wrap")).astype(np.float32)


def two_tone() -> np.ndarray:
    """A sky whose dimmer half light samples avoid, and which makes shadows all the same."""
    image = np.ones((16, 32, 3), dtype=np.float32)
    image[:, :16] = 0.4
    return image


def painted(**fields: Any) -> dict[str, Any]:
    """A floor of a principled material with all its layers, but without textures."""
    layers = {"base_color": [0.5, 0.4, 0.3], "metallic": 0.3, "roughness": 0.5, "clearcoat": 0.3,
              "clearcoat_roughness": 0.4, "sheen_color": [0.25, 0.2, 0.1], "sheen_roughness": 0.5,
              "transmission": 0.1, "specular": 0.8, "specular_color": [0.9, 0.8, 0.7]}  # fmt: skip
    return lit({"type": "principled", **layers, **fields})


def plastic() -> dict[str, Any]:
    return lit({"type": "plastic", "albedo": [0.5, 0.4, 0.3], "ior": 1.5, "roughness": 0.4})


def frosted() -> dict[str, Any]:
    """A pane of rough glass between the camera and a floor, under a constant sky."""
    scene = glass()
    scene["materials"]["glass"]["roughness"] = 0.4
    scene["lights"] = CONSTANT
    return scene


def with_camera(scene: Callable[[], dict[str, Any]], camera: dict[str, Any]) -> dict[str, Any]:
    return {**scene(), "camera": camera}


def ball(subdivisions: int = 2, shading: str = "smooth") -> dict[str, Any]:
    """A ball above the floor in the sun, under a black sky: as `pebble`, whose sun is dark."""
    black = {"name": "sky", "type": "environment", "data": np.zeros((16, 32, 3), dtype=np.float32)}
    scene = lit(lights=[SUN, black], depth=2)
    place = [{"scale": 0.35}, turned([1, 2, 0.3], 40), {"translate": [0, 0.4, 0]}]
    scene["shapes"].append({"name": "ball", "type": "sphere", "subdivisions": subdivisions, "shading": shading,
                            "material": {"type": "diffuse", "albedo": 0.7}, "to_world": place})  # fmt: skip
    return scene


def pebble(light: str) -> dict[str, Any]:
    """A smooth-shaded ball of few triangles under an image sky or a lamp, without a floor."""
    lights = [{**SUN, "irradiance": 0.0}, {"name": "sky", "type": "environment", "data": sky()}]
    scene = lit(lights=lights, depth=2) if light == "sky" else lit(depth=2)
    scene["textures"]["even"] = EVEN
    scene["shapes"] = [shape for shape in scene["shapes"] if shape["name"] != "floor"]
    scene["shapes"].append({"name": "ball", "type": "sphere", "subdivisions": 1, "shading": "smooth",
                            "material": WHITE, "to_world": [{"scale": 0.6}]})  # fmt: skip
    return scene


def crumpled() -> dict[str, Any]:
    """A smooth-shaded ball with dents, which shadow it."""
    scene = pebble("sky")
    mesh = sphere(4)
    x, y, z = mesh.vertices.T
    radius = 0.6 + 0.06 * np.sin(9.0 * x + 1.0) * np.sin(11.0 * y) * np.sin(10.0 * z + 2.0)
    scene["shapes"] = [{"name": "ball", "type": "mesh", "vertices": mesh.vertices * radius[:, None],
                        "faces": mesh.faces, "shading": "smooth", "material": WHITE}]  # fmt: skip
    scene["integrator"]["max_depth"] = 3
    return scene


def beneath(
    shading: str, level: int = 1, faces: Any = None, material: Any = "white", lights: Any = None, wall: bool = False
) -> dict[str, Any]:
    """Floor that gets no light but from a ball out of sight, and with `wall` from that wall, which does so, too.

    Args:
        level: subdivisions of an icosahedron; 0: the ball of primitives that has texture coordinates.
        faces: some of the ball's; all by default.
    """
    scene = lit("white", lights, depth=4 if wall else 3)
    scene["camera"] = {"to_world": {"look_at": {"origin": [0, 0.45, 2.2], "target": [0, 0, 1.1]}}, "fov": 34,
                       "width": 16, "height": 12}  # fmt: skip
    scene["textures"]["even"], scene["materials"]["white"] = EVEN, WHITE
    ball = {"name": "ball", "type": "sphere", "subdivisions": 1, "to_world": [{"scale": 0.5}]}
    if level:
        mesh = sphere(level)
        ball = {"name": "ball", "type": "mesh", "vertices": 0.5 * mesh.vertices,
                "faces": mesh.faces if faces is None else faces}  # fmt: skip
    place = [*ball.pop("to_world", []), {"translate": [0, 0.8, 0]}]
    scene["shapes"] = [scene["shapes"][0], {**ball, "shading": shading, "material": material, "to_world": place}]
    if not lights:
        shining = [{"scale": 0.3}, turned([1, 0, 0], -30), turned([0, 1, 0], 180), {"translate": [0.3, 1.0, 0.8]}]
        scene["shapes"].append({"name": "lamp", "type": "rectangle", "emission": [30, 28, 26], "to_world": shining})
    if wall:
        aside = [{"scale": 1.5}, turned([0, 1, 0], -90), {"translate": [1.2, 1.0, 0.6]}]
        scene["shapes"].append({"name": "wall", "type": "rectangle", "material": material, "to_world": aside})
    return scene


def turning_normals() -> dict[str, Any]:
    """A sheet whose given normals turn away from the camera half-way across."""
    sun = {"name": "sun", "type": "directional", "direction": [-1, -1, 0.1], "irradiance": [3, 2, 1]}
    normals = [[-0.3, 1, 0.2], [1, -0.35, 0.1], [1, -0.2, -0.3], [-0.1, 1, 0]]
    sheet = {"name": "sheet", "type": "mesh", "vertices": [[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1]],
             "faces": [[0, 2, 1], [0, 3, 2]], "normals": normals, "shading": "smooth", "material": WHITE}  # fmt: skip
    return {"camera": CAMERA, "integrator": {"max_depth": 2}, "textures": {"even": EVEN}, "shapes": [sheet],
            "lights": [sun]}  # fmt: skip


def veil(material: Any, lights: Any = "above", depth: int = 4) -> dict[str, Any]:
    """A tilted pane of a material that lets light pass, between the camera with its lights and a floor; no edge of it
    is seen, nor of its shadow."""
    scene = lit(lights=[{**POINT[0], "position": [0.3, 2.5, -0.5], "intensity": [9, 6, 3]}], depth=depth)
    if lights != "above":
        scene["lights"] = lights
    scene["textures"]["holes"] = {"data": TEXTURE[::-1, :, :1]}
    scene["materials"]["white"] = {"type": "diffuse", "albedo": [0.7, 0.6, 0.5]}
    scene["materials"]["veil"] = material
    place = [{"scale": 6}, turned([1, 0, 0], -80), {"translate": [0, 0.7, 0]}]
    scene["shapes"].append({"name": "pane", "type": "rectangle", "material": "veil", "to_world": place})
    return scene


def nested(**fields: Any) -> dict[str, Any]:
    """A mix of a mix of its own, all of whose numbers let light pass."""
    inner = {"type": "mix", "first": "white", "second": {"type": "null"}, "weight": 0.3, "opacity": 0.9}
    return {"type": "mix", "first": inner, "second": {"type": "diffuse", "albedo": 0.2, "opacity": 0.6},
            "weight": 0.4, "opacity": 0.8, **fields}  # fmt: skip


def partly_there() -> dict[str, Any]:
    """A lamp that is partly there, seen by the floor and by the camera."""
    scene = lit()
    scene["materials"]["half"] = {"type": "diffuse", "albedo": 0.5, "opacity": 0.6}
    scene["shapes"][1] |= {"material": "half", "to_world": [{"scale": 0.2}, turned([1, 0, 0], 70),
                                                            {"translate": [0.1, 0.4, -0.4]}]}  # fmt: skip
    return scene


def reflected(material: Any = None, **more: Any) -> dict[str, Any]:
    """A shining cube over a mirror that is smaller than the film."""
    scene = shining(**more)
    wide = {"to_world": {"look_at": {"origin": [0.2, 0.8, 1.8], "target": [0, 0, 0]}}}
    if scene["camera"].get("type") != "orthographic":
        wide["fov"] = 40
    scene["camera"] = {**scene["camera"], **wide}
    scene["integrator"]["max_depth"] = 2
    scene["shapes"][0]["to_world"] += [{"translate": [0, 0.35, 0]}]
    mirror = {"type": "conductor", "reflectance": [0.9, 0.8, 0.7], "roughness": 0}
    ground = floor(material or mirror)
    ground["to_world"] = [{"scale": [0.9, 0.6, 1]}, turned([1, 0, 0], -86), turned([0, 1, 0], 15)]
    scene["shapes"].append(ground)
    return scene
