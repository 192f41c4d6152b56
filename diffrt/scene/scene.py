"""A loaded scene: elements by name, arrays by parameter name, revisions for whoever keeps a copy on a device."""

import copy
import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from diffrt.description.json_file import read_json
from diffrt.description.mesh import Mesh
from diffrt.description.names import listed, nearest, shown
from diffrt.description.values import Array
from diffrt.errors import InputError, Problem
from diffrt.scene.defaults import framing_camera, surrounding_light
from diffrt.scene.elements import Camera, Light, Material, Settings, Shape, Texture
from diffrt.scene.parameters import Parameters, find, handles, set_value
from diffrt.scene.resolve import Resolved, resolve

_uids = itertools.count(1)
_KINDS = ("topology", "geometry", "appearance", "camera")


Element = TypeVar("Element")


def _copies(group: dict[str, Element]) -> dict[str, Element]:
    return {name: copy.copy(item) for name, item in group.items()}


class Scene:
    """A scene, loaded and checked.

    `scene["materials.white.albedo"]` is a copy of an array; assigning to it sets it. `scene.parameters` lists all.

    Attributes:
        cameras, shapes, materials, textures, lights: elements by name, in file order.
        settings: how to render unless a call says otherwise.
        several_cameras: parameters are `cameras.NAME.FIELD`, not `camera.FIELD`.
        topology_revision, geometry_revision, appearance_revision, camera_revision: grow when something of that kind
            changes (triangles; positions, normals, uvs, placement; materials, textures, lights; cameras).
        uid: an integer that no other scene of this process has.
    """

    def __init__(self, elements: Resolved) -> None:
        self.cameras: dict[str, Camera] = elements.cameras
        self.shapes: dict[str, Shape] = elements.shapes
        self.materials: dict[str, Material] = elements.materials
        self.textures: dict[str, Texture] = elements.textures
        self.lights: dict[str, Light] = elements.lights
        self.settings: Settings = elements.settings
        self.several_cameras = elements.several_cameras
        self.uid = next(_uids)
        self.topology_revision = self.geometry_revision = self.appearance_revision = self.camera_revision = 0

    @classmethod
    def from_dict(cls, description: dict[str, Any], base_dir: str | Path = ".") -> "Scene":
        """A scene from what a scene file holds; NumPy arrays may stand wherever lists do.

        Args:
            description: as in docs/scene_format.md. Its arrays are copied.
            base_dir: the folder where relative paths start.

        Raises:
            InputError: with every problem found.
        """
        try:
            return cls(resolve(description, Path(base_dir)))
        except RecursionError:
            raise InputError(Problem("", "the scene is nested too deeply, or contains itself")) from None

    @classmethod
    def load(cls, path: str | Path) -> "Scene":
        """A scene from a file: a scene file (.json), a format that scenes are imported from (.glb, .gltf, .xml), or a
        mesh alone (.obj, .ply, .stl). What is not a scene file and has no camera gets one that frames the shapes; what
        has no light gets an environment of radiance 1.

        Raises:
            InputError: with every problem found.
        """
        path = Path(path)
        if path.suffix.lower() == ".json":
            return cls.from_dict(read_json(path), path.parent)
        from diffrt.io.formats import extensions, lookup

        known = [".json", *extensions("scene importer"), *extensions("mesh reader")]
        if path.suffix.lower() not in known:
            found = f"{path.name!r} is not a scene"
            raise InputError(Problem("", found, ", ".join(dict.fromkeys(known))))
        if not path.is_file():
            raise InputError(Problem("", f"{path} does not exist", "an existing file"))
        if path.suffix.lower() in extensions("scene importer"):
            scene = cls.from_dict(lookup("scene importer", path)(path), path.parent)
        else:
            scene = cls.from_dict({"shapes": [{"type": "mesh", "name": path.stem, "file": path.name}]}, path.parent)
        scene._complete()
        return scene

    def _complete(self) -> None:
        if not self.cameras:
            self.cameras["camera"] = framing_camera(self.shapes.values())
        if not self.lights and all(shape.emission is None for shape in self.shapes.values()):
            self.lights["environment"] = surrounding_light()

    def save(self, path: str | Path) -> None:
        """Write the scene as JSON; it loads back to the same scene.

        Meshes (PLY, or OBJ if normals or uvs have indices of their own) and images (linear EXR) that were changed, or
        came from arrays, go to the folder `<stem>_files` beside it; unchanged files are referred to, unchanged
        primitives stay primitives. Motions (translation, rotation, scale) are folded into to_world. Every file is
        written whole or not at all, the JSON last.

        Raises:
            InputError: the name does not end in .json, or the place cannot be written to.
        """
        from diffrt.scene.save import save_scene

        save_scene(self, Path(path))

    def copy(self) -> "Scene":
        """An independent scene of equal content. Unchanged arrays are shared; they are read-only."""
        materials, lights = _copies(self.materials), _copies(self.lights)
        for material in materials.values():
            material.fields = dict(material.fields)
        for light in lights.values():
            light.fields = dict(light.fields)
        cameras, shapes, textures = _copies(self.cameras), _copies(self.shapes), _copies(self.textures)
        settings = replace(self.settings)
        return Scene(Resolved(cameras, shapes, materials, textures, lights, settings, self.several_cameras))

    @property
    def parameters(self) -> Parameters:
        """Every array that can be read, set, and (most of them) differentiated, by name."""
        return Parameters({item.parameter.name: item.parameter for item in handles(self)})

    def __getitem__(self, name: str) -> Array:
        """A copy of a parameter's array.

        Raises:
            InputError: no such parameter.
        """
        return find(self, name).read()

    def __setitem__(self, name: str, value: Any) -> None:
        """Set a parameter; directions and normals are made unit length.

        Raises:
            InputError: no such parameter, another shape, not finite, or a value without meaning (a singular matrix).
        """
        handle = find(self, name)
        set_value(handle, value)
        self.touch(handle.revision)

    def set_mesh(self, name: str, mesh: Mesh) -> None:
        """Give a shape another mesh, of any number of triangles, as `make_mesh` returns it. Its placement stays.

        Raises:
            InputError: no shape of that name.
        """
        if name not in self.shapes:
            found = f"{shown(name)} is no shape of this scene"
            raise InputError(Problem("shapes", found, listed(self.shapes), nearest(name, self.shapes)))
        shape = self.shapes[name]
        shape.mesh = mesh
        shape.has_given_normals = shape.smooth and mesh.normals is not None
        self.touch("topology", "geometry")

    def touch(self, *kinds: str) -> None:
        """Say that elements were changed by hand: "topology", "geometry", "appearance", "camera"; none = all.

        Raises:
            InputError: another kind.
        """
        for kind in kinds or _KINDS:
            if kind not in _KINDS:
                raise InputError(Problem("kind", shown(kind), ", ".join(_KINDS), nearest(kind, _KINDS)))
            name = f"{kind}_revision"
            setattr(self, name, getattr(self, name) + 1)

    def camera(self, camera: str | Camera | None = None) -> Camera:
        """The camera of that name, the given one itself, or the scene's first.

        Raises:
            InputError: there is none, or none of that name.
        """
        if isinstance(camera, Camera):
            return camera
        if not self.cameras:
            raise InputError(Problem("camera", "the scene has no camera", "camera or cameras in the scene file"))
        if camera is None:
            return next(iter(self.cameras.values()))
        if camera not in self.cameras:
            found = f"{shown(camera)} is no camera of this scene"
            raise InputError(Problem("camera", found, listed(self.cameras), nearest(camera, self.cameras)))
        return self.cameras[camera]
