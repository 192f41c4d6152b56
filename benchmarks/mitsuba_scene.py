"""A loaded diffrt scene as a Mitsuba 3 scene: the same triangles, materials, lights and camera, for side by side runs.

The caller sets Mitsuba's variant (an RGB one) first. Where the two programs mean different things by a word:

- cameras look along +Z with +X to the left in Mitsuba, so frames are turned half around their Y axis;
- environment images have their centre along -Z here, +Z there, and their rows end at the poles there: images are
  turned half around Y and resampled to 2 H + 1 rows, which holds the same interpolant exactly;
- texture coordinate v = 0 is the top row there;
- the diffuse base of a rough plastic loses light to the inside of its coat there: the same albedo is darker;
- passing a null or masked surface counts as a path segment there, and stops its light samples;
- a path that only passed masked surfaces and meets nothing is black there, what it gathered on them included, unless
  there is an environment;
- a chosen emitter is one of all, with equal probability, there: equal pictures, unequal noise.

Principled materials are glTF's here and Disney's there. They are translated where they describe the same surface, a
rough metal; others raise UntranslatableError, and so does what Mitsuba cannot say (distortion, non-square pixels).
"""

from typing import Any, Literal

import mitsuba as mi
import numpy as np

from diffrt.description.mesh import smooth_normals
from diffrt.description.values import TextureRef, Value
from diffrt.scene.elements import Camera, Light, Material, Shape, Texture
from diffrt.scene.scene import Scene

HALF_TURN = np.diag([-1.0, 1.0, -1.0, 1.0])
"""Half around Y: from a Mitsuba camera or environment frame to diffrt's."""


class UntranslatableError(ValueError):
    """The scene uses something that Mitsuba does not have or means differently."""


def to_mitsuba(
    scene: Scene,
    camera: str | Camera | None = None,
    *,
    sampler: Literal["independent", "stratified", "multijitter", "orthogonal", "ldsampler"] = "independent",
    spp: int | None = None,
    max_depth: int | None = None,
    rr_depth: int | None = None,
) -> dict[str, Any]:
    """The dictionary that `mitsuba.load_dict` takes. What is None comes from the scene's settings.

    Raises:
        UntranslatableError: see the module.
    """
    settings = scene.settings
    depth = settings.max_depth if max_depth is None else max_depth
    roulette = settings.rr_depth if rr_depth is None else rr_depth
    result: dict[str, Any] = {
        "type": "scene",
        # Roulette starts after so many segments in both; a large number means never.
        "integrator": {"type": "path", "max_depth": depth, "rr_depth": max(1, roulette)},
        "sensor": sensor_dict(scene.camera(camera), settings.filter, sampler, settings.spp if spp is None else spp),
    }
    for i, shape in enumerate(scene.shapes.values()):
        result[f"shape{i}"] = make_mesh(scene, shape)
    for i, light in enumerate(scene.lights.values()):
        result[f"light{i}"] = light_dict(light)
    return result


def sensor_dict(camera: Camera, film_filter: str, sampler: str, spp: int) -> dict[str, Any]:
    """A camera with its film and sampler."""
    matrix = camera.world_matrix() @ HALF_TURN
    film_filters: dict[str, dict[str, Any]] = {
        "box": {"type": "box"},
        "tent": {"type": "tent", "radius": 1.0},
        "gaussian": {"type": "gaussian", "stddev": 0.5},
    }
    result: dict[str, Any] = {
        "near_clip": max(camera.near, 1e-4),
        "far_clip": min(camera.far, 1e6),
        "film": {
            "type": "hdrfilm",
            "width": camera.width,
            "height": camera.height,
            "pixel_format": "rgb",
            "component_format": "float32",
            "rfilter": film_filters[film_filter],
            "sample_border": film_filter != "box",
        },
        "sampler": {"type": sampler, "sample_count": spp},
    }
    if camera.type == "orthographic":
        matrix = matrix @ np.diag([camera.scale, camera.scale, 1.0, 1.0])
        return {"type": "orthographic", "to_world": mi.ScalarTransform4f(matrix), **result}
    if np.any(camera.distortion != 0.0):
        raise UntranslatableError(f"camera {camera.name}: Mitsuba has no lens distortion")
    fx, fy, cx, cy = camera.focal()
    if abs(fx - fy) > 1e-6 * fx:
        raise UntranslatableError(f"camera {camera.name}: Mitsuba has square pixels only")
    result |= {
        "to_world": mi.ScalarTransform4f(matrix),
        "fov_axis": "x",
        "fov": float(np.rad2deg(2.0 * np.arctan(0.5 * camera.width / fx))),
    }
    shift = {
        "principal_point_offset_x": 0.5 - cx / camera.width,
        "principal_point_offset_y": 0.5 - cy / camera.height,
    }
    if camera.type == "thin_lens":
        if max(map(abs, shift.values())) > 1e-6:
            raise UntranslatableError(
                f"camera {camera.name}: Mitsuba's thin lens has its principal point in the centre"
            )
        result |= {"aperture_radius": camera.aperture_radius, "focus_distance": camera.focus_distance}
        return {"type": "thinlens", **result}
    return {"type": "perspective", **result, **shift}


def make_mesh(scene: Scene, shape: Shape) -> Any:
    """A Mitsuba mesh of the shape's triangles in world space, with its material and emission."""
    properties = mi.Properties()
    properties["material"] = mi.load_dict(material_dict(scene, scene.materials[shape.material]))
    if shape.emission is not None:
        if shape.two_sided_emission:
            raise UntranslatableError(f"shape {shape.name}: Mitsuba emits on one side only")
        radiance = value_dict(scene, shape.emission)
        properties["emission"] = mi.load_dict({"type": "area", "radiance": radiance})
    properties["face_normals"] = not shape.smooth
    positions, normals, uvs, faces = _split_corners(shape)
    mesh = mi.Mesh(
        shape.name,
        len(positions),
        len(faces),
        props=properties,
        has_vertex_normals=normals is not None,
        has_vertex_texcoords=uvs is not None,
    )
    parameters = mi.traverse(mesh)
    parameters["vertex_positions"] = positions.astype(np.float32).ravel()
    parameters["faces"] = faces.astype(np.uint32).ravel()
    if normals is not None:
        parameters["vertex_normals"] = normals.astype(np.float32).ravel()
    if uvs is not None:
        parameters["vertex_texcoords"] = np.column_stack([uvs[:, 0], 1.0 - uvs[:, 1]]).astype(np.float32).ravel()
    parameters.update()
    return mesh


def _split_corners(shape: Shape) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None, np.ndarray]:
    """World positions, normals, uvs with one common index: corners that differ in any of the three are split."""
    mesh, matrix = shape.mesh, shape.world_matrix()
    turned = [0, 2, 1] if np.linalg.det(matrix[:3, :3]) < 0.0 else [0, 1, 2]
    positions, faces = shape.world_vertices(), mesh.faces[:, turned]
    normals = normal_faces = uvs = uv_faces = None
    if shape.smooth and shape.has_given_normals and mesh.normals is not None and mesh.normal_faces is not None:
        normals = mesh.normals @ np.linalg.inv(matrix[:3, :3])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        normal_faces = mesh.normal_faces[:, turned]
    elif shape.smooth:
        normals, normal_faces = smooth_normals(positions, faces), faces
    if mesh.uvs is not None and mesh.uv_faces is not None:
        uvs, uv_faces = mesh.uvs, mesh.uv_faces[:, turned]
    keys = [faces.ravel()]
    keys += [index.ravel() for index in (normal_faces, uv_faces) if index is not None]
    _, first, inverse = np.unique(np.column_stack(keys), axis=0, return_index=True, return_inverse=True)

    def corner_values(values: np.ndarray | None, index: np.ndarray | None) -> np.ndarray | None:
        return None if values is None or index is None else values[index.ravel()[first]]

    split = positions[faces.ravel()[first]]
    return split, corner_values(normals, normal_faces), corner_values(uvs, uv_faces), inverse.reshape(-1, 3)


def value_dict(scene: Scene, value: Value) -> Any:
    """A number, a colour or a texture, as a Mitsuba texture."""
    if isinstance(value, TextureRef):
        return texture_dict(scene.textures[value.name])
    array = np.asarray(value, dtype=float)
    if array.ndim == 0:
        return float(array)
    return {"type": "rgb", "value": [float(channel) for channel in array]}


def texture_dict(texture: Texture) -> dict[str, Any]:
    """A texture, its values taken as they are."""
    channels = texture.data.shape[2]
    data = texture.data[..., :1] if channels < 3 else texture.data[..., :3]
    return {
        "type": "bitmap",
        "bitmap": mi.Bitmap(np.array(data, dtype=np.float32, order="C")),
        "raw": True,
        "filter_type": texture.filter,
        "wrap_mode": texture.wrap,
    }


def _number(material: Material, field: str) -> float:
    value = material.fields[field]
    if value is None or isinstance(value, TextureRef):
        raise UntranslatableError(f"material {material.name}: {field} must be a number")
    return float(value)


def _alpha(material: Material, field: str = "roughness") -> float:
    return _number(material, field) ** 2


def material_dict(scene: Scene, material: Material) -> dict[str, Any]:
    """A material; the GGX alpha is roughness squared."""
    result = _surface_dict(scene, material)
    if material.normal_map is not None:
        inner, sided = (result["bsdf"], True) if result["type"] == "twosided" else (result, False)
        texture = texture_dict(scene.textures[material.normal_map])
        # Neither of Mitsuba's corrections of bent normals is part of diffrt's model.
        plain = {"flip_invalid_normals": False, "use_shadowing_function": False}
        result = {"type": "normalmap", "normalmap": texture, "bsdf": inner, **plain}
        result = {"type": "twosided", "bsdf": result} if sided else result
    opacity = material.opacity
    if isinstance(opacity, TextureRef) or float(opacity) < 1.0:
        result = {"type": "mask", "opacity": value_dict(scene, opacity), "bsdf": result}
    return result


def _surface_dict(scene: Scene, material: Material) -> dict[str, Any]:
    fields = {name: value_dict(scene, value) for name, value in material.fields.items() if value is not None}
    if material.type == "diffuse":
        result = {"type": "diffuse", "reflectance": fields["albedo"]}
    elif material.type == "conductor":
        index = {"eta": fields["eta"], "k": fields["k"]} if "eta" in fields else {"material": "none"}
        result = {"type": "conductor", "specular_reflectance": fields["reflectance"], **index}
        if _number(material, "roughness") > 0.0:
            result |= {"type": "roughconductor", "distribution": "ggx", "alpha": _alpha(material)}
    elif material.type == "dielectric":
        inside, outside = _number(material, "ior"), _number(material, "exterior_ior")
        result = {"type": "dielectric", "int_ior": inside, "ext_ior": outside}
        if _number(material, "roughness") > 0.0:
            result |= {"type": "roughdielectric", "distribution": "ggx", "alpha": _alpha(material)}
        return result
    elif material.type == "plastic":
        result = {"type": "plastic", "diffuse_reflectance": fields["albedo"], "int_ior": _number(material, "ior")}
        result |= {"ext_ior": 1.0, "nonlinear": False}
        if _number(material, "roughness") > 0.0:
            result |= {"type": "roughplastic", "distribution": "ggx", "alpha": _alpha(material)}
    elif material.type == "principled":
        result = _metal_dict(material, fields)
    elif material.type == "mix":
        first, second = (
            material_dict(scene, scene.materials[name or ""]) for name in (material.first, material.second)
        )
        return {"type": "blendbsdf", "weight": fields["weight"], "first": first, "second": second}
    elif material.type == "null":
        return {"type": "null"}
    else:
        raise UntranslatableError(f"material {material.name}: no {material.type} in Mitsuba")
    return {"type": "twosided", "bsdf": result} if material.two_sided else result


def _metal_dict(material: Material, fields: dict[str, Any]) -> dict[str, Any]:
    plain = {"metallic": 1.0, "transmission": 0.0, "clearcoat": 0.0}
    if any(_number(material, name) != wanted for name, wanted in plain.items()) or _number(material, "roughness") <= 0:
        raise UntranslatableError(f"material {material.name}: only rough metals mean the same in both models")
    return {
        "type": "principled",
        "base_color": fields["base_color"],
        "metallic": 1.0,
        "roughness": _number(material, "roughness"),
    }


def light_dict(light: Light) -> dict[str, Any]:
    """A light that is no shape."""
    colours = {
        name: {"type": "rgb", "value": list(map(float, v))} for name, v in light.fields.items() if np.ndim(v) == 1
    }
    if light.type == "point":
        return {
            "type": "point",
            "position": list(map(float, light.fields["position"])),
            "intensity": colours["intensity"],
        }
    if light.type == "spot":
        position, direction = light.fields["position"], light.fields["direction"]
        up = [0.0, 0.0, 1.0] if abs(direction[2]) < 0.9 else [1.0, 0.0, 0.0]
        frame = mi.ScalarTransform4f().look_at(origin=list(position), target=list(position + direction), up=up)
        cutoff, start = float(light.fields["cutoff"]), float(light.fields["falloff_start"])
        result = {"type": "spot", "to_world": frame, "intensity": colours["intensity"]}
        return {**result, "cutoff_angle": cutoff, "beam_width": start}
    if light.type == "directional":
        direction = [float(x) for x in light.fields["direction"]]
        return {"type": "directional", "direction": direction, "irradiance": colours["irradiance"]}
    scale = float(light.fields["scale"])
    if light.image is None:
        return {
            "type": "constant",
            "radiance": {"type": "rgb", "value": [float(x) * scale for x in light.fields["radiance"]]},
        }
    rotation = np.eye(4)
    rotation[:3, :3] = light.to_world[:3, :3] / np.cbrt(np.linalg.det(light.to_world[:3, :3]))
    return {
        "type": "envmap",
        "bitmap": mi.Bitmap(rows_to_the_poles(light.image)),
        "scale": scale,
        "to_world": mi.ScalarTransform4f(rotation @ HALF_TURN),
    }


def rows_to_the_poles(image: np.ndarray) -> np.ndarray:
    """An image (H, W, 3) with rows at (j + 0.5) / H at 2 H + 1 rows j / (2 H): the same linear interpolant."""
    height = len(image)
    between = 0.5 * (image[:-1] + image[1:])
    result = np.empty((2 * height + 1, *image.shape[1:]), dtype=np.float32)
    result[1::2] = image
    result[2:-1:2] = between
    result[0], result[-1] = image[0], image[-1]
    return result
