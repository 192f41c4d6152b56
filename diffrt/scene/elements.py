"""What a loaded scene is made of: plain dataclasses, every file read, every default filled in, every name resolved."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from diffrt.description import transform
from diffrt.description.mesh import Mesh
from diffrt.description.values import Array, TextureRef, Value

__all__ = ["Camera", "Light", "Material", "Settings", "Shape", "Source", "Texture", "TextureRef", "Value"]


def _zeros() -> Array:
    return np.zeros(3)


def _ones() -> Array:
    return np.ones(3)


@dataclass(frozen=True)
class Source:
    """Where an element's arrays came from, so that saving can refer to it while they are the same objects.

    description: keys of the scene file that make the element again ({"type": "sphere", "subdivisions": 4});
    file: its file, if it has one, with the size and modification time it was read at;
    arrays: the arrays as loaded (read-only), compared by identity.
    """

    description: dict[str, Any]
    arrays: tuple[Array | None, ...]
    file: Path | None = None
    stamp: tuple[int, int] | None = None


@dataclass
class Shape:
    """A triangle mesh in object space, placed by `world_matrix()`.

    smooth: interpolated normals, the given ones if `has_given_normals`, else angle-weighted ones of the vertices.
    translation (length units), rotation (axis-angle, radians), scale: motions on top of `to_world` (4,4), in world
    axes, about `center`, the centre of the world bounding box as loaded.
    emission: radiance (3,) in W/(m2 sr) on the side of the geometric normal, a texture, or None.
    """

    name: str
    mesh: Mesh
    smooth: bool
    has_given_normals: bool
    to_world: Array
    center: Array
    material: str
    emission: Value | None = None
    two_sided_emission: bool = False
    translation: Array = field(default_factory=_zeros)
    rotation: Array = field(default_factory=_zeros)
    scale: Array = field(default_factory=_ones)
    source: Source | None = None

    def world_matrix(self) -> Array:
        """Object to world (4,4) float64: T R S about the centre, after `to_world`."""
        return _motion(self.translation, self.rotation, self.scale, self.center) @ self.to_world

    def world_vertices(self) -> Array:
        """The vertices (V,3) in world space."""
        return transform.transform_points(self.world_matrix(), self.mesh.vertices)


@dataclass
class Material:
    """A surface model. `fields` holds exactly MATERIAL_FIELDS[type], in that order; conductor eta and k may be None.

    two_sided: the back looks like the front (else black, or, where light passes, the inside).
    normal_map: name of a texture or None. opacity: shape () or a texture. first, second: materials of a mix.
    """

    name: str
    type: str
    fields: dict[str, Value | None]
    two_sided: bool
    opacity: Value
    normal_map: str | None = None
    first: str | None = None
    second: str | None = None


@dataclass
class Texture:
    """An image in linear values: data (H,W,C) float32, C in 1..4 (2 and 4: alpha last), row 0 at the top.

    encoding: how the file stores it ("srgb" was decoded on loading).
    """

    name: str
    data: Array
    wrap: Literal["repeat", "clamp", "mirror"] = "repeat"
    filter: Literal["bilinear", "nearest"] = "bilinear"
    file: Path | None = None
    encoding: Literal["srgb", "linear"] = "linear"
    source: Source | None = None


@dataclass
class Light:
    """A light that is no shape. `fields` by type, each float64 of shape (3,) or ():

    point: position, intensity (W/sr); spot: position, direction, intensity, cutoff, falloff_start (degrees);
    directional: direction (the way light travels), irradiance (W/m2);
    environment: radiance (3,) unless `image` is given, scale (). `image` (H,W,3) float32 linear, `to_world` a rotation,
    `rotation` (axis-angle, radians) a motion on top of it.
    Directions have unit length.
    """

    name: str
    type: Literal["point", "spot", "directional", "environment"]
    fields: dict[str, Array]
    image: Array | None = None
    to_world: Array = field(default_factory=transform.identity)
    rotation: Array = field(default_factory=_zeros)
    source: Source | None = None

    def world_matrix(self) -> Array:
        """From the image's space to world space (4,4) float64: R after `to_world`."""
        return _motion(np.zeros(3), self.rotation, np.ones(3), np.zeros(3)) @ self.to_world


@dataclass
class Camera:
    """A camera; its frame has +X right, +Y up and looks along -Z.

    intrinsics (4,): fx, fy, cx, cy in pixels from the top-left corner of the top-left pixel, None when the camera is
    given by `fov` (shape (), degrees, across `fov_axis`) or is orthographic; `focal()` works for all perspective ones.
    distortion (5,): k1, k2, p1, p2, k3 (OpenCV). scale: half-width of an orthographic film, length units.
    near 0 and far infinity do not clip. translation, rotation: motions about the camera's own position.
    """

    name: str
    type: Literal["perspective", "thin_lens", "orthographic"]
    to_world: Array
    width: int
    height: int
    intrinsics: Array | None = None
    fov: Array | None = None
    fov_axis: Literal["x", "y", "smaller", "larger"] | None = None
    distortion: Array = field(default_factory=lambda: np.zeros(5))
    aperture_radius: float = 0.0
    focus_distance: float = 1.0
    scale: float = 1.0
    near: float = 0.0
    far: float = float("inf")
    translation: Array = field(default_factory=_zeros)
    rotation: Array = field(default_factory=_zeros)

    def world_matrix(self) -> Array:
        """Camera to world (4,4) float64: T R about the camera's position, after `to_world`."""
        return _motion(self.translation, self.rotation, np.ones(3), self.to_world[:3, 3]) @ self.to_world

    def focal(self) -> tuple[float, float, float, float]:
        """fx, fy, cx, cy in pixels, from the intrinsics or the field of view.

        Raises:
            ValueError: the camera is orthographic and has no focal length.
        """
        if self.intrinsics is not None:
            fx, fy, cx, cy = (float(value) for value in self.intrinsics)
            return fx, fy, cx, cy
        if self.fov is None:
            raise ValueError(f"camera {self.name!r} is {self.type}: it has no focal length")
        extent = {
            "x": self.width,
            "y": self.height,
            "smaller": min(self.width, self.height),
            "larger": max(self.width, self.height),
        }[self.fov_axis or "x"]
        focal = 0.5 * extent / float(np.tan(0.5 * np.deg2rad(float(self.fov))))
        return focal, focal, 0.5 * self.width, 0.5 * self.height

    def resized(self, width: int | None = None, height: int | None = None) -> "Camera":
        """The same camera with another film size; intrinsics scale with it. One size alone keeps the aspect ratio."""
        if width is None and height is None:
            return replace(self)
        if width is None:
            assert height is not None
            width = max(1, round(self.width * height / self.height))
        if height is None:
            height = max(1, round(self.height * width / self.width))
        intrinsics = self.intrinsics
        if intrinsics is not None:
            x, y = width / self.width, height / self.height
            intrinsics = intrinsics * np.array([x, y, x, y])
        return replace(self, width=width, height=height, intrinsics=intrinsics)


@dataclass
class Settings:
    """How to render unless a call says otherwise. max_depth counts path segments, -1 = no limit; so does rr_depth."""

    max_depth: int = 6
    rr_depth: int = 5
    sampler: Literal["lattice", "sobol", "independent"] = "lattice"
    spp: int = 64
    seed: int = 0
    filter: Literal["box", "tent", "gaussian"] = "box"


def _motion(translation: Array, rotation: Array, scale: Array, center: Array) -> Array:
    if not np.any(translation) and not np.any(rotation) and np.all(scale == 1.0):  # as most often
        return np.eye(4)
    linear = transform.axis_angle_to_matrix(rotation) * np.asarray(scale, dtype=np.float64)
    return transform.translate(translation) @ transform.about(center, linear)
