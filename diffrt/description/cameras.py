"""Cameras of the scene file. Local frame: +X right, +Y up, looking along -Z."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from diffrt.description.base import Strict, by_type, default, required
from diffrt.description.transform_value import Transform
from diffrt.description.values import NON_NEGATIVE, POSITIVE, Interval, Name, integer, number
from diffrt.errors import Problem

MAX_SIZE = 32768


class Intrinsics(Strict):
    """Focal lengths and principal point in pixels, from the top-left corner of the top-left pixel."""

    fx: Annotated[float, number(POSITIVE)]
    fy: Annotated[float, number(POSITIVE)]
    cx: Annotated[float, number()]
    cy: Annotated[float, number()]


class Distortion(Strict):
    """Lens distortion as in OpenCV: radial k1, k2, k3, tangential p1, p2."""

    k1: Annotated[float, number()] = 0.0
    k2: Annotated[float, number()] = 0.0
    p1: Annotated[float, number()] = 0.0
    p2: Annotated[float, number()] = 0.0
    k3: Annotated[float, number()] = 0.0


class Camera(Strict):
    """What every camera takes."""

    group = "camera"
    name: Name | None = default(None, "unique; default camera, or camera0, camera1, ... in a list")
    to_world: Transform = default([], "from camera space to world space")
    width: Annotated[int, integer(1, MAX_SIZE)] = default(512, "pixels")
    height: Annotated[int, integer(1, MAX_SIZE)] = default(512, "pixels")
    near: Annotated[float, number(NON_NEGATIVE)] = default(0.0, "nothing nearer along the viewing axis is seen")
    far: Annotated[float, number(POSITIVE)] | None = default(None, "nothing farther is seen; default no limit")

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


class ProjectiveCamera(Camera):
    """What cameras with a focal length take."""

    fov: Annotated[float, number(Interval(0.0, 180.0, True, True))] | None = default(
        None, "degrees, across fov_axis; default 40 unless intrinsics are given"
    )
    fov_axis: Literal["x", "y", "smaller", "larger"] | None = default(None, "default x")
    intrinsics: Intrinsics | None = default(None, "instead of fov")
    distortion: Distortion | None = default(None, "lens distortion (OpenCV)")


class PerspectiveCamera(ProjectiveCamera):
    """A pinhole."""

    type: Literal["perspective"] = "perspective"


class ThinLensCamera(ProjectiveCamera):
    """A perspective camera with depth of field."""

    type: Literal["thin_lens"]
    aperture_radius: Annotated[float, number(NON_NEGATIVE)] = required("of the lens, in length units")
    focus_distance: Annotated[float, number(POSITIVE)] = required("of the plane in focus, along the viewing axis")


class OrthographicCamera(Camera):
    """Parallel rays."""

    type: Literal["orthographic"]
    scale: Annotated[float, number(POSITIVE)] = default(1.0, "half the width of the film, in length units")


CAMERA_MODELS: tuple[type[Camera], ...] = (PerspectiveCamera, ThinLensCamera, OrthographicCamera)
if TYPE_CHECKING:
    AnyCamera: TypeAlias = Camera
else:
    AnyCamera = by_type(CAMERA_MODELS, otherwise="perspective")
