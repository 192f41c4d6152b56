"""From a scene description to elements: reads the files, fills in defaults, resolves names. Finds every problem."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from diffrt.description import cameras as camera_models
from diffrt.description import lights as light_models
from diffrt.description import materials as material_models
from diffrt.description import primitives, transform
from diffrt.description import shapes as shape_models
from diffrt.description.base import type_name
from diffrt.description.materials import COLOUR_FIELDS, MATERIAL_FIELDS
from diffrt.description.mesh import Mesh, make_mesh
from diffrt.description.raw import free_name
from diffrt.description.schema import Texture as TextureModel
from diffrt.description.validate import Checked, validate
from diffrt.description.values import LARGEST, Array, TextureRef, Value
from diffrt.errors import InputError, Problem
from diffrt.log import warn
from diffrt.scene.consistency import texture_problems, transmitting, warn_of_missing_uvs
from diffrt.scene.elements import Camera, Light, Material, Settings, Shape, Source, Texture
from diffrt.scene.sources import make_source, mesh_arrays

DEFAULT_MATERIAL = "default"
DEFAULT_EMITTER = "default_emitter"
Encoding: TypeAlias = Literal["srgb", "linear"]


@dataclass
class Resolved:
    """The elements of a scene by name, in file order; several_cameras: they came as a list."""

    cameras: dict[str, Camera] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    materials: dict[str, Material] = field(default_factory=dict)
    textures: dict[str, Texture] = field(default_factory=dict)
    lights: dict[str, Light] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    several_cameras: bool = False


def resolve(data: Any, base_dir: Path) -> Resolved:
    """Check and load a scene description (see `diffrt.description.validate`).

    Raises:
        InputError: with every problem found.
    """
    checked = validate(data, base_dir)
    result = _Resolver(checked, base_dir).run()
    if checked.problems:
        raise InputError(list(dict.fromkeys(checked.problems)))
    return result


class _Resolver:
    def __init__(self, checked: Checked, base_dir: Path) -> None:
        self.checked = checked
        self.file = checked.scene
        self.base_dir = base_dir
        self.problems = checked.problems
        self.result = Resolved(several_cameras=self.file.cameras is not None)
        self.uses: dict[str, dict[str, str]] = {}  # texture -> colour or data -> first field that uses it so
        self.material_paths: dict[str, str] = {}
        self.default_sided: list[str] = []  # materials that do not say whether they are two-sided
        self.defaults: dict[str, str] = {}

    def run(self) -> Resolved:
        groups = (self.file.integrator, self.file.sampling, self.file.film)
        self.result.settings = Settings(**{key: value for group in groups for key, value in group})
        for name, model in self.file.materials.items():
            self._material(name, model, f"materials.{name}")
        self._shapes()
        self._textures()
        self._lights()
        self._cameras()
        result = self.result
        transmit = transmitting(result.materials)
        for name in self.default_sided:
            result.materials[name].two_sided = name not in transmit
        self.problems.extend(texture_problems(result.materials, result.textures, self.material_paths))
        warn_of_missing_uvs(result.shapes, result.materials)
        return result

    # Materials

    def _material(self, name: str, model: material_models.Material, path: str) -> str:
        kind = type_name(type(model))
        fields: dict[str, Value | None] = {}
        for key in MATERIAL_FIELDS[kind]:
            fields[key] = getattr(model, key)
            self._use(fields[key], "colour" if key in COLOUR_FIELDS else "data", f"{path}.{key}")
        self._use(model.opacity, "data", f"{path}.opacity")
        if model.normal_map is not None:
            self._use(TextureRef(model.normal_map), "data", f"{path}.normal_map")
        two_sided = True if model.two_sided is None else model.two_sided
        material = Material(name, kind, fields, two_sided, model.opacity, model.normal_map)
        self.result.materials[name] = material
        self.material_paths[name] = path
        if isinstance(model, material_models.Mix):
            material.first = self._named(model.first, f"{name}.first", f"{path}.first")
            material.second = self._named(model.second, f"{name}.second", f"{path}.second")
        if model.two_sided is None:
            self.default_sided.append(name)
        return name

    def _named(self, model: str | material_models.Material, name: str, path: str) -> str:
        if isinstance(model, str):
            return model
        taken = {*self.file.materials, *self.result.materials}
        return self._material(free_name(name, taken), model, path)

    # Shapes

    def _shapes(self) -> None:
        for place, model in self._placed("shapes", self.file.shapes):
            path, name = f"shapes[{place}]", self.checked.names["shapes"][place]
            if path in self.checked.conflicting:
                continue
            material = self._shape_material(model, name, path)
            self._use(model.emission, "colour", f"{path}.emission")
            try:
                mesh, source = self._mesh(model, path)
            except InputError as error:
                self.problems.extend(error.problems)
                continue
            center = world_center(mesh, model.to_world)
            if not np.isfinite(center).all():
                found = "places the shape beyond what 32 bits can hold"
                self.problems.append(Problem(f"{path}.to_world", found, f"coordinates of at most {LARGEST:g} in size"))
                continue
            given = mesh.normals is not None and isinstance(model, shape_models.MeshShape)
            curved = isinstance(model, (shape_models.Sphere, shape_models.Cylinder))
            smooth = model.shading == "smooth" or (model.shading == "auto" and (given or curved))
            self.result.shapes[name] = Shape(
                name=name,
                mesh=mesh,
                smooth=smooth,
                has_given_normals=smooth and given,
                to_world=model.to_world,
                center=center,
                material=material,
                emission=model.emission,
                two_sided_emission=model.two_sided_emission,
                source=source,
            )

    def _shape_material(self, model: shape_models.Shape, name: str, path: str) -> str:
        if model.material is not None:
            return self._named(model.material, name, f"{path}.material")
        emits = model.emission is not None
        wanted = DEFAULT_EMITTER if emits else DEFAULT_MATERIAL
        if wanted not in self.defaults:
            black_or_grey = material_models.Diffuse.model_validate({"type": "diffuse", "albedo": 0.0 if emits else 0.5})
            self.defaults[wanted] = self._named(black_or_grey, wanted, path)
        return self.defaults[wanted]

    def _mesh(self, model: shape_models.Shape, path: str) -> tuple[Mesh, Source]:
        if isinstance(model, shape_models.MeshShape):
            if model.file is None:
                arrays = {key: getattr(model, key) for key in shape_models.ARRAYS}
                return _sourced(make_mesh(**arrays, field=path), {})
            if f"{path}.file" in self.checked.missing:
                raise InputError([])
            from diffrt.io.meshes import read_mesh

            file = self.base_dir / model.file
            return _sourced(read_mesh(file, field=f"{path}.file"), {"type": "mesh"}, file)
        if isinstance(model, shape_models.Sphere):
            mesh = primitives.sphere(model.subdivisions)
            mesh.normals = mesh.normal_faces = None  # recomputed from the vertices, so that they follow when these move
            return _sourced(mesh, {"type": "sphere", "subdivisions": model.subdivisions})
        if isinstance(model, shape_models.Cylinder):
            mesh = primitives.cylinder(model.segments)
            mesh.normals = mesh.normal_faces = None
            return _sourced(mesh, {"type": "cylinder", "segments": model.segments})
        if isinstance(model, shape_models.Disk):
            return _sourced(primitives.disk(model.segments), {"type": "disk", "segments": model.segments})
        kind = type_name(type(model))
        return _sourced({"rectangle": primitives.rectangle, "cube": primitives.cube}[kind](), {"type": kind})

    # Textures

    def _textures(self) -> None:
        for name, model in self.file.textures.items():
            if f"textures.{name}" in self.checked.conflicting:
                continue
            try:
                self.result.textures[name] = self._texture(name, model, f"textures.{name}")
            except InputError as error:
                self.problems.extend(error.problems)

    def _texture(self, name: str, model: TextureModel, path: str) -> Texture:
        file = None if model.file is None else self.base_dir / model.file
        pixels, stored = self._pixels(model.data, file, f"{path}.file")
        encoding = model.encoding or self._encoding(name, stored, path)
        data = decode(pixels, encoding)
        description = {"encoding": encoding}
        return Texture(name, data, model.wrap, model.filter, file, encoding, make_source(description, (data,), file))

    def _pixels(self, data: Array | None, file: Path | None, path: str) -> tuple[Array, str]:
        """Pixels (H,W,C) float32, not decoded, and the encoding that their format suggests."""
        if file is not None:
            if path in self.checked.missing:
                raise InputError([])
            from diffrt.io.images import read_image

            image = read_image(file, field=path, finite=True)
            return np.ascontiguousarray(image.data, dtype=np.float32), image.encoding
        assert data is not None
        if data.dtype.kind == "u" and data.dtype.itemsize <= 2:
            return (data / np.float32(np.iinfo(data.dtype).max)).astype(np.float32), "srgb"
        return np.asarray(data, dtype=np.float32), "linear"

    def _encoding(self, name: str, stored: str, path: str) -> Encoding:
        """srgb for 8 and 16 bit images used as a colour, linear for all else; a use as both has to be settled."""
        uses = self.uses.get(name, {})
        if stored == "srgb" and len(uses) == 2:
            found = f"missing, though {name!r} is a colour ({uses['colour']}) and data ({uses['data']})"
            raise InputError(Problem(f"{path}.encoding", found, "srgb, linear", "or two textures of the same file"))
        return "srgb" if stored == "srgb" and "data" not in uses else "linear"

    def _use(self, value: Value | None, kind: str, path: str) -> None:
        if isinstance(value, TextureRef):
            self.uses.setdefault(value.name, {}).setdefault(kind, path)

    # Lights

    def _lights(self) -> None:
        for place, model in self._placed("lights", self.file.lights):
            path, name = f"lights[{place}]", self.checked.names["lights"][place]
            if path in self.checked.conflicting:
                continue
            try:
                self.result.lights[name] = self._light(name, model, path)
            except InputError as error:
                self.problems.extend(error.problems)

    def _light(self, name: str, model: light_models.Light, path: str) -> Light:
        if isinstance(model, light_models.PointLight):
            return Light(name, "point", {"position": model.position, "intensity": model.intensity})
        if isinstance(model, light_models.SpotLight):
            start = 0.75 * model.cutoff if model.falloff_start is None else model.falloff_start
            fields = {
                "position": model.position,
                "direction": transform.unit(model.direction),
                "intensity": model.intensity,
                "cutoff": np.array(model.cutoff),
                "falloff_start": np.array(start),
            }
            return Light(name, "spot", fields)
        if isinstance(model, light_models.DirectionalLight):
            fields = {"direction": transform.unit(model.direction), "irradiance": model.irradiance}
            return Light(name, "directional", fields)
        assert isinstance(model, light_models.EnvironmentLight)
        turn = transform.rotation_part(model.to_world)
        if turn is None:
            allowed = "a rotation, optionally with translation and uniform scale"
            raise InputError(Problem(f"{path}.to_world", "not a rotation", allowed))
        if model.radiance is not None:
            fields = {"radiance": model.radiance, "scale": np.array(model.scale)}
            return Light(name, "environment", fields, None, turn)
        file = None if model.file is None else self.base_dir / model.file
        pixels, stored = self._pixels(model.data, file, f"{path}.file" if file else f"{path}.data")
        image = decode(pixels, stored)
        image = np.repeat(image[:, :, :1], 3, axis=2) if image.shape[2] < 3 else np.ascontiguousarray(image[:, :, :3])
        if image.min() < 0.0:
            warn(f"{path}: negative radiance in the environment image is set to zero")
            image = np.maximum(image, 0.0)
        source = make_source({}, (image,), file)
        return Light(name, "environment", {"scale": np.array(model.scale)}, image, turn, source=source)

    # Cameras

    def _cameras(self) -> None:
        if self.file.camera is not None:
            name = self.file.camera.name or "camera"
            self.result.cameras[name] = make_camera(self.file.camera, name)
        for place, model in self._placed("cameras", self.file.cameras or []):
            name = self.checked.names["cameras"][place]
            self.result.cameras[name] = make_camera(model, name)

    def _placed(self, section: str, models: list[Any]) -> list[tuple[int, Any]]:
        return list(zip(self.checked.positions.get(section, []), models, strict=True))


def make_camera(model: camera_models.Camera, name: str) -> Camera:
    """The camera that a description describes."""
    common: dict[str, Any] = {
        "name": name,
        "to_world": model.to_world,
        "width": model.width,
        "height": model.height,
        "near": model.near,
        "far": float("inf") if model.far is None else model.far,
    }
    if isinstance(model, camera_models.OrthographicCamera):
        return Camera(**common, type="orthographic", scale=model.scale)
    assert isinstance(model, camera_models.ProjectiveCamera)
    if model.intrinsics is not None:
        given = model.intrinsics
        common["intrinsics"] = np.array([given.fx, given.fy, given.cx, given.cy])
    else:
        common["fov"] = np.array(40.0 if model.fov is None else model.fov)
        common["fov_axis"] = model.fov_axis or "x"
    if model.distortion is not None:
        lens = model.distortion
        common["distortion"] = np.array([lens.k1, lens.k2, lens.p1, lens.p2, lens.k3])
    if isinstance(model, camera_models.ThinLensCamera):
        common |= {"aperture_radius": model.aperture_radius, "focus_distance": model.focus_distance}
        return Camera(**common, type="thin_lens")
    return Camera(**common, type="perspective")


def world_center(mesh: Mesh, to_world: Array) -> Array:
    """Centre (3,) of the bounding box, in world space, of the vertices that triangles use; NaN if that is too large."""
    used = np.zeros(len(mesh.vertices), dtype=bool)
    used[mesh.faces] = True
    with np.errstate(over="ignore", invalid="ignore"):
        points = transform.transform_points(to_world, mesh.vertices[used])
        low, high = points.min(axis=0), points.max(axis=0)
        center: Array = 0.5 * (low + high)
    return center if max(np.abs(low).max(), np.abs(high).max()) <= LARGEST else np.full(3, np.nan)


def _sourced(mesh: Mesh, description: dict[str, Any], file: Path | None = None) -> tuple[Mesh, Source]:
    return mesh, make_source(description, mesh_arrays(mesh), file)


def decode(pixels: Array, encoding: str) -> Array:
    """Pixels (H,W,C) float32 in linear values; alpha (the last of 2 or 4 channels) is linear already."""
    if encoding == "linear":
        return pixels
    from diffrt.io.color import srgb_to_linear

    result = pixels.copy()
    colours = pixels.shape[2] - (pixels.shape[2] in (2, 4))
    result[:, :, :colours] = srgb_to_linear(pixels[:, :, :colours])
    return result
