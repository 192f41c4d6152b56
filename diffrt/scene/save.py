"""Scene to scene file: JSON, with the meshes and images that came from arrays or were changed beside it."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from diffrt.description.materials import bounds_of
from diffrt.description.values import Array, TextureRef, Value
from diffrt.errors import InputError, Problem
from diffrt.log import warn
from diffrt.scene.elements import Camera, Light, Material, Settings, Shape, Source, Texture
from diffrt.scene.handles import LIGHT_FIELDS
from diffrt.scene.sources import is_unchanged, mesh_arrays

if TYPE_CHECKING:
    from diffrt.scene.scene import Scene

_LINE = 110


def save_scene(scene: "Scene", path: Path) -> None:
    """Write `path` and, in the folder `<stem>_files` beside it, what is not in files already. See `Scene.save`."""
    if path.suffix.lower() != ".json":
        raise InputError(Problem("path", f"{path.name!r} does not end in .json", "a name that ends in .json"))
    from diffrt.io.files import write_bytes

    writer = _Writer(path)
    content = writer.describe(scene)
    try:
        for write in writer.pending:
            write()
        write_bytes(path, (format_json(content) + "\n").encode())
    except OSError as error:
        found = f"{path} cannot be written: {error.strerror or error}"
        raise InputError(Problem("path", found, "a folder that can be written to")) from None


class _Writer:
    """Collects what has to be written; nothing is before everything is described."""

    def __init__(self, path: Path) -> None:
        self.base = path.parent
        self.folder = f"{path.stem}_files"
        self.pending: list[Callable[[], None]] = []
        self.taken: set[str] = set()

    def describe(self, scene: "Scene") -> dict[str, Any]:
        """The scene as JSON holds it."""
        self._keep_sources(scene)
        cameras = [camera_description(camera) for camera in scene.cameras.values()]
        result: dict[str, Any] = {}
        if scene.several_cameras:
            result["cameras"] = cameras
        elif cameras:
            result["camera"] = cameras[0]
        result |= _settings(scene.settings)
        result["textures"] = {texture.name: self._texture(texture) for texture in scene.textures.values()}
        result["materials"] = {material.name: _material(material) for material in scene.materials.values()}
        result["shapes"] = [self._shape(shape) for shape in scene.shapes.values()]
        result["lights"] = [self._light(light) for light in scene.lights.values()]
        return {key: value for key, value in result.items() if value}

    def _keep_sources(self, scene: "Scene") -> None:
        """No new file may replace one that an unchanged element refers to."""
        for shape in scene.shapes.values():
            self._keep(shape.source, mesh_arrays(shape.mesh))
        for texture in scene.textures.values():
            self._keep(texture.source, (texture.data,))
        for light in scene.lights.values():
            self._keep(light.source, (light.image,))

    def _keep(self, source: Source | None, arrays: tuple[Array | None, ...]) -> None:
        if source is not None and source.file is not None and is_unchanged(source, arrays):
            folder = (self.base / self.folder).resolve()
            if source.file.resolve().parent == folder:
                self.taken.add(source.file.name.lower())

    def _reference(self, file: Path) -> str | None:
        """The path of an existing file as seen from the scene file; none from one drive to another."""
        try:
            return Path(os.path.relpath(file.resolve(), self.base.resolve())).as_posix()
        except ValueError:
            return None

    def _new_file(self, name: str, extension: str) -> tuple[str, Path]:
        stem = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("._") or "unnamed"
        candidate, number = f"{stem}{extension}", 0
        while candidate.lower() in self.taken:
            number += 1
            candidate = f"{stem}_{number}{extension}"
        self.taken.add(candidate.lower())
        return f"{self.folder}/{candidate}", self.base / self.folder / candidate

    def _image(self, name: str, data: Array) -> str:
        from diffrt.io.images import write_image

        extension = ".npy" if data.shape[2] == 2 else ".exr"
        reference, file = self._new_file(name, extension)
        self.pending.append(lambda: write_image(file, data, bits=32))
        return reference

    def _existing(self, source: Source | None, arrays: tuple[Array | None, ...]) -> str | None:
        if source is None or source.file is None or not is_unchanged(source, arrays):
            return None
        return self._reference(source.file)

    def _texture(self, texture: Texture) -> dict[str, Any]:
        reference, encoding = self._existing(texture.source, (texture.data,)), texture.encoding
        if reference is None:
            reference, encoding = self._image(texture.name, texture.data), "linear"
        return {"file": reference, "encoding": encoding, "wrap": texture.wrap, "filter": texture.filter}

    def _shape(self, shape: Shape) -> dict[str, Any]:
        result: dict[str, Any] = {"name": shape.name, **self._mesh(shape)}
        result |= _placed(shape.world_matrix())
        result["material"] = shape.material
        result["shading"] = "smooth" if shape.smooth else "flat"
        if shape.emission is not None:
            result["emission"] = _within(shape.emission, (0.0, np.inf), f"shapes.{shape.name}.emission")
            result["two_sided_emission"] = shape.two_sided_emission
        return result

    def _mesh(self, shape: Shape) -> dict[str, Any]:
        from diffrt.io.meshes import best_extension, write_mesh

        mesh, source = shape.mesh, shape.source
        arrays = mesh_arrays(mesh)
        if source is not None and source.file is None and is_unchanged(source, arrays):
            return dict(source.description)
        reference = self._existing(source, arrays)
        if reference is None:
            reference, file = self._new_file(shape.name, best_extension(mesh))
            self.pending.append(lambda: write_mesh(file, mesh))
        return {"type": "mesh", "file": reference}

    def _light(self, light: Light) -> dict[str, Any]:
        result: dict[str, Any] = {"name": light.name, "type": light.type}
        if light.image is not None:
            reference = self._existing(light.source, (light.image,))
            result["file"] = self._image(light.name, light.image) if reference is None else reference
        for key, value in light.fields.items():
            low, high = LIGHT_FIELDS[key].bounds
            if key == "falloff_start":
                high = float(light.fields["cutoff"])
            result[key] = _within(value, (low, high), f"lights.{light.name}.{key}")
        return result | _placed(light.world_matrix())


def camera_description(camera: Camera) -> dict[str, Any]:
    """A camera as a scene file has it, its motions folded into to_world."""
    result: dict[str, Any] = {"name": camera.name, "type": camera.type, **_placed(camera.world_matrix())}
    result |= {"width": camera.width, "height": camera.height}
    if camera.fov is not None:
        result |= {"fov": float(camera.fov), "fov_axis": camera.fov_axis}
    if camera.intrinsics is not None:
        result["intrinsics"] = dict(zip(("fx", "fy", "cx", "cy"), camera.intrinsics.tolist(), strict=True))
    if camera.type == "orthographic":
        result["scale"] = camera.scale
    elif camera.distortion.any():
        result["distortion"] = dict(zip(("k1", "k2", "p1", "p2", "k3"), camera.distortion.tolist(), strict=True))
    if camera.type == "thin_lens":
        result |= {"aperture_radius": camera.aperture_radius, "focus_distance": camera.focus_distance}
    if camera.near > 0.0:
        result["near"] = camera.near
    if np.isfinite(camera.far):
        result["far"] = camera.far
    return result


def _placed(matrix: Array) -> dict[str, Any]:
    return {} if np.array_equal(matrix, np.eye(4)) else {"to_world": matrix.tolist()}


def _value(value: Value) -> Any:
    return {"texture": value.name} if isinstance(value, TextureRef) else value.tolist()


def _within(value: Value, bounds: tuple[float, float], name: str) -> Any:
    """The value as JSON; clipped, with a warning, to the bounds outside which it would not load."""
    if isinstance(value, np.ndarray):
        clipped = np.clip(value, *bounds)
        if not np.array_equal(clipped, value):
            warn(f"{name} is saved as {clipped.tolist()}: {value.tolist()} lies outside {list(bounds)}")
        value = clipped
    return _value(value)


def _material(material: Material) -> dict[str, Any]:
    def bounded(key: str, value: Value) -> Any:
        return _within(value, bounds_of(material.type, key), f"materials.{material.name}.{key}")

    result: dict[str, Any] = {"type": material.type}
    if material.type == "mix":
        result |= {"first": material.first, "second": material.second}
    result |= {key: bounded(key, value) for key, value in material.fields.items() if value is not None}
    result["two_sided"] = material.two_sided
    if isinstance(material.opacity, TextureRef) or float(material.opacity) != 1.0:
        result["opacity"] = bounded("opacity", material.opacity)
    if material.normal_map is not None:
        result["normal_map"] = material.normal_map
    return result


def _settings(settings: Settings) -> dict[str, Any]:
    return {
        "integrator": {"max_depth": settings.max_depth, "rr_depth": settings.rr_depth},
        "sampling": {"sampler": settings.sampler, "spp": settings.spp, "seed": settings.seed},
        "film": {"filter": settings.filter},
    }


def format_json(value: Any, indent: int = 0) -> str:
    """JSON in which whatever fits on a line stands on one."""
    line = json.dumps(value, allow_nan=False)
    if len(line) + indent <= _LINE or not isinstance(value, (dict, list)) or not value:
        return line
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {format_json(item, indent + 2)}" for key, item in value.items()]
        brackets = "{}"
    else:
        items = [format_json(item, indent + 2) for item in value]
        brackets = "[]"
    return f"{brackets[0]}\n{inner}" + f",\n{inner}".join(items) + f"\n{' ' * indent}{brackets[1]}"
