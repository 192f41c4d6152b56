"""A loaded scene: elements by name, arrays by parameter name, revisions for whoever keeps a copy on a device."""

import itertools
from pathlib import Path
from typing import Any

from diffrt.description.problems import listed, nearest
from diffrt.errors import InputError, Problem
from diffrt.scene.elements import Camera, Light, Material, Settings, Shape, Texture
from diffrt.scene.resolve import Resolved, resolve

_uids = itertools.count(1)


class Scene:
    """A scene, loaded and checked.

    Attributes:
        cameras, shapes, materials, textures, lights: elements by name, in file order.
        settings: how to render unless a call says otherwise.
        several_cameras: parameters are `cameras.NAME.FIELD`, not `camera.FIELD`.
        topology_revision, geometry_revision, appearance_revision, camera_revision: grow when something of that kind
            changes (triangles; positions, normals, uvs, placement; materials, textures, lights; cameras).
        uid: an integer no other scene of this process has.
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
            description: as in docs/scene_format.md.
            base_dir: the folder where relative paths start.

        Raises:
            InputError: with every problem found.
        """
        return cls(resolve(description, Path(base_dir)))

    @classmethod
    def load(cls, path: str | Path) -> "Scene":
        """A scene from a file.

        Raises:
            InputError: with every problem found.
        """
        import json

        path = Path(path)
        return cls.from_dict(json.loads(path.read_text(encoding="utf-8")), path.parent)

    def touch(self, *kinds: str) -> None:
        """Say that elements were changed by hand: "topology", "geometry", "appearance", "camera"; none = all."""
        for kind in kinds or ("topology", "geometry", "appearance", "camera"):
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
            found = f"{camera!r} is no camera of this scene"
            raise InputError(Problem("camera", found, listed(self.cameras), nearest(camera, self.cameras)))
        return self.cameras[camera]
