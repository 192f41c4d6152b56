"""Cameras of the scene file. Local frame: +X right, +Y up, looking along -Z."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from diffrt.description.base import Strict, by_type
from diffrt.description.values import NON_NEGATIVE, POSITIVE, Interval, Name, Transform, integer, number
from diffrt.errors import Problem

MAX_SIZE = 32768


class Intrinsics(Strict):
    """Focal lengths and principal point in pixels, from the top-left corner of the top-left pixel."""

    fx: number(POSITIVE)
    fy: number(POSITIVE)
    cx: number()
    cy: number()


class Distortion(Strict):
    """Lens distortion as in OpenCV: radial k1, k2, k3, tangential p1, p2."""

    k1: number() = 0.0
    k2: number() = 0.0
    p1: number() = 0.0
    p2: number() = 0.0
    k3: number() = 0.0


class Camera(Strict):
    """What every camera takes."""

    group = "camera"
    name: Name | None = Field(default=None, description="unique; default camera, or camera0, camera1, ... in a list")
    to_world: Transform = Field(default=[], description="from camera space to world space")
    width: integer(1, MAX_SIZE) = Field(default=512, description="pixels")
    height: integer(1, MAX_SIZE) = Field(default=512, description="pixels")
    near: number(NON_NEGATIVE) = Field(default=0.0, description="nothing nearer along the viewing axis is seen")
    far: number(POSITIVE) | None = Field(default=None, description="nothing farther is seen; default no limit")

    @classmethod
    def conflicts(cls, raw: dict[str, Any]) -> Iterator[Problem]:
        """near lies before far; not both fov and intrinsics."""
        near, far = raw.get("near", 0.0), raw.get("far")
        if isinstance(near, (int, float)) and isinstance(far, (int, float)) and near >= far > 0:
            yield Problem(".near", f"{near} is not below far {far}", f"less than far, {far}")
        if raw.get("intrinsics") is not None:
            for key in ("fov", "fov_axis"):
                if raw.get(key) is not None:
                    yield Problem(f".{key}", "given together with intrinsics", "either fov or intrinsics")
        width, height = raw.get("width", 512), raw.get("height", 512)
        if isinstance(width, int) and isinstance(height, int) and min(width, height) > 0 and width * height > 2**28:
            yield Problem(".width", f"{width} x {height} pixels", f"at most {2**28} pixels in all")


class PerspectiveCamera(Camera):
    """A pinhole."""

    type: Literal["perspective"] = "perspective"
    fov: number(Interval(0.0, 180.0, True, True)) | None = Field(
        default=None, description="degrees, across fov_axis; default 40 unless intrinsics are given"
    )
    fov_axis: Literal["x", "y", "smaller", "larger"] | None = Field(default=None, description="default x")
    intrinsics: Intrinsics | None = Field(default=None, description="instead of fov")
    distortion: Distortion | None = Field(default=None, description="lens distortion (OpenCV)")


class ThinLensCamera(PerspectiveCamera):
    """A perspective camera with depth of field."""

    type: Literal["thin_lens"]
    aperture_radius: number(NON_NEGATIVE) = Field(description="of the lens, in length units")
    focus_distance: number(POSITIVE) = Field(description="of the plane in focus, along the viewing axis")


class OrthographicCamera(Camera):
    """Parallel rays."""

    type: Literal["orthographic"]
    scale: number(POSITIVE) = Field(default=1.0, description="half the width of the film, in length units")


CAMERA_MODELS: tuple[type[Camera], ...] = (PerspectiveCamera, ThinLensCamera, OrthographicCamera)
AnyCamera = by_type(CAMERA_MODELS, default="perspective")
