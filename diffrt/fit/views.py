"""The views of a fit: a camera, what it saw at any size, and what of that counts."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffrt.description.names import listed, nearest, shown
from diffrt.errors import InputError, Problem
from diffrt.fit.buffer_targets import read_buffer
from diffrt.fit.photo import Photo, read_mask, read_photo
from diffrt.fit.problem import ProblemFile, ViewsFrom
from diffrt.fit.resize import shrink
from diffrt.io.cameras import PosedImage, read_transforms
from diffrt.io.colmap import read_colmap
from diffrt.scene.elements import Camera
from diffrt.scene.resolve import make_camera
from diffrt.scene.scene import Scene

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """What a view saw, at the size of a render.

    Attributes:
        color: (H, W, 3) linear. weight: (H, W), where it counts.
        clipped: (H, W, 3), where it is a lower bound, or None.
        mask: (H, W), the share of a pixel that is covered, if the view has a mask.
        buffers: by name (H, W) or (H, W, C), what the view knows of other buffers.
    """

    color: Floats
    weight: Floats
    clipped: NDArray[np.bool_] | None
    mask: Floats | None
    buffers: dict[str, Floats] = field(default_factory=dict)

    @property
    def height(self) -> int:
        return int(self.color.shape[0])

    @property
    def width(self) -> int:
        return int(self.color.shape[1])


@dataclass(eq=False)
class View:
    """A camera and what it saw.

    Attributes:
        name: unique. camera: its name among the cameras of the scene that is fitted.
        own: whether the camera is the view's own, not one of the scene's.
        width, height: the size of a render at resolution 1.
        holdout: only scored.
        target: as the problem gives it: a file, or None for an array.
    """

    name: str
    camera: str
    own: bool
    width: int
    height: int
    photo: Photo
    mask: NDArray[np.float32] | None
    holdout: bool = False
    target: str | None = None
    buffers: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    _targets: dict[tuple[int, int], Target] = field(default_factory=dict, repr=False)

    def size(self, resolution: float) -> tuple[int, int]:
        """Height and width of a render at a share of its size."""
        return max(1, round(self.height * resolution)), max(1, round(self.width * resolution))

    def at(self, resolution: float) -> Target:
        """What it saw, at a share of its size; kept for the next call."""
        height, width = self.size(resolution)
        if (height, width) not in self._targets:
            self._targets = {(height, width): self._shrunk(height, width)}
        return self._targets[height, width]

    def _shrunk(self, height: int, width: int) -> Target:
        clipped = self.photo.clipped
        if self.mask is not None and clipped is not None:
            clipped = clipped & (self.mask > 0.0)[..., None]
        below = None if clipped is None or not clipped.any() else shrink(clipped.astype(np.float64), height, width) > 0
        mask = None if self.mask is None else shrink(self.mask.astype(np.float64), height, width)
        weight = np.ones((height, width)) if mask is None else mask
        buffers = {name: self._mean(data, height, width) for name, data in self.buffers.items()}
        return Target(self._mean(self.photo.color, height, width), weight, below, mask, buffers)

    def _mean(self, data: NDArray[np.float32], height: int, width: int) -> Floats:
        """(H, W) or (H, W, C) made smaller: means under the mask."""
        if self.mask is None:
            return shrink(data.astype(np.float64), height, width)
        inside = self.mask.astype(np.float64)
        weight = np.maximum(shrink(inside, height, width), 1e-12)
        if data.ndim == 3:
            inside, weight = inside[..., None], weight[..., None]
        return shrink(data * inside, height, width) / weight


def read_views(problem: ProblemFile, scene: Scene, base_dir: Path) -> tuple[list[View], dict[str, Camera]]:
    """The views of a problem, and the cameras that they bring, by their names in the scene that is fitted.

    Raises:
        InputError: with every problem found.
    """
    problems: list[Problem] = []
    views: list[View] = []
    cameras: dict[str, Camera] = {}
    for described in _described(problem, base_dir, problems):
        try:
            if described.name in {view.name for view in views}:
                found = f"{shown(described.name)} is the name of another view, too"
                raise InputError(Problem(f"{described.path}.name", found, "a name no other view has"))
            view, camera = _view(described, scene, base_dir)
        except InputError as error:
            problems.extend(error.problems)
            continue
        views.append(view)
        if view.own:
            cameras[view.camera] = camera
    if problems:
        raise InputError(problems)
    if all(view.holdout for view in views):
        raise InputError(Problem("views", "all views are kept out of the fit", "at least one to fit"))
    return views, cameras


@dataclass(frozen=True)
class _Described:
    path: str
    name: str
    camera: Any
    target: Any
    mask: Any = None
    buffers: dict[str, Any] = field(default_factory=dict)
    holdout: bool = False
    target_field: str = ".target"


def _described(problem: ProblemFile, base_dir: Path, problems: list[Problem]) -> Iterator[_Described]:
    for index, model in enumerate(problem.views):
        path = f"views[{index}]"
        name = model.name or (Path(model.target).stem if isinstance(model.target, str) else f"view{index}")
        camera: Any = model.camera
        if camera is not None and not isinstance(camera, str):
            camera = make_camera(camera, name)
        buffers = {str(key): source for key, source in model.buffers.items()}
        yield _Described(path, name, camera, model.target, model.mask, buffers, model.holdout)
    if problem.views_from is None:
        return
    try:
        posed = _posed(problem.views_from, base_dir)
    except InputError as error:
        where = "views_from.transforms" if problem.views_from.transforms else "views_from.colmap"
        for item in error.problems:
            at = f"{where}: {item.field}" if item.field else where
            problems.append(Problem(at, item.found, item.allowed, item.hint))
        return
    every = problem.views_from.holdout_every
    for number, image in enumerate(posed, start=1):
        holdout = bool(every and number % every == 0)
        file = str(image.file.absolute())  # it is relative to the working directory, not to the problem
        yield _Described(f"views_from: {image.place}", image.name, image, file, holdout=holdout, target_field="")


def _posed(source: ViewsFrom, base_dir: Path) -> list[PosedImage]:
    if source.transforms is not None:
        return read_transforms(base_dir / source.transforms)
    assert source.colmap is not None and source.images is not None
    return read_colmap(base_dir / source.colmap, base_dir / source.images)


def _posed_camera(image: PosedImage, width: int, height: int) -> Camera:
    """The camera of a posed image, whose picture has this size."""
    size = image.size or (width, height)
    if image.intrinsics is not None:
        intrinsics = image.intrinsics
    else:
        assert image.angle is not None
        focal = 0.5 * size[0] / np.tan(0.5 * image.angle)
        intrinsics = np.array([focal, focal, 0.5 * size[0], 0.5 * size[1]])
    return Camera(image.name, "perspective", image.to_world, *size, intrinsics=intrinsics, distortion=image.distortion)


def _view(described: _Described, scene: Scene, base_dir: Path) -> tuple[View, Camera]:
    target_field = described.path + described.target_field
    photo = read_photo(described.target, base_dir, target_field)
    height, width = photo.color.shape[:2]
    camera, own = described.camera, True
    if isinstance(camera, PosedImage):
        camera = _posed_camera(camera, width, height)
    elif camera is None or isinstance(camera, str):
        own = False
        if camera is not None and camera not in scene.cameras:
            found = f"{shown(camera)} is no camera of the scene"
            raise InputError(
                Problem(f"{described.path}.camera", found, listed(scene.cameras), nearest(camera, scene.cameras))
            )
        if not scene.cameras:
            raise InputError(Problem(f"{described.path}.camera", "missing", "a camera: the scene has none"))
        camera = scene.camera(camera)
    own_name = f"views.{described.name}.camera"
    if own:
        camera = replace(camera, name=own_name)
    size = _render_size(camera, width, height, target_field)
    mask = _mask(described, photo, base_dir)
    target = described.target if isinstance(described.target, str) else None
    buffers = _buffers(described, photo, base_dir)
    return View(described.name, camera.name, own, *size, photo, mask, described.holdout, target, buffers), camera


def _render_size(camera: Camera, width: int, height: int, field_name: str) -> tuple[int, int]:
    """The smaller of the film and the target, which must be of one shape."""
    fits = abs(camera.height * width / camera.width - height) <= 0.5
    fits = fits or abs(camera.width * height / camera.height - width) <= 0.5
    if not fits:
        found = f"{width} x {height} pixels, the camera's film is {camera.width} x {camera.height}"
        raise InputError(Problem(field_name, found, "pictures of the film's shape"))
    return (width, height) if width <= camera.width else (camera.width, camera.height)


def _buffers(described: _Described, photo: Photo, base_dir: Path) -> dict[str, NDArray[np.float32]]:
    result, problems = {}, []
    for name, source in described.buffers.items():
        path = f"{described.path}.buffers.{name}"
        try:
            result[name] = read_buffer(name, source, base_dir, path)
            _check_size(result[name], photo, path)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return result


def _check_size(array: NDArray[Any], photo: Photo, path: str) -> None:
    """Refuse what is not of the target's size."""
    (h, w), (height, width) = array.shape[:2], photo.color.shape[:2]
    if (h, w) != (height, width):
        raise InputError(Problem(path, f"{w} x {h} pixels, the target {width} x {height}", "images of its size"))


def _mask(described: _Described, photo: Photo, base_dir: Path) -> NDArray[np.float32] | None:
    """The mask given, times the alpha of the target."""
    path = f"{described.path}.mask" if described.mask is not None else described.path + described.target_field
    mask = photo.alpha
    if described.mask is not None:
        given = read_mask(described.mask, base_dir, path)
        _check_size(given, photo, path)
        mask = given if mask is None else given * mask
    if mask is None:
        return None
    if not mask.any():
        raise InputError(Problem(path, "the mask is empty: nothing of the target counts", "a mask above 0 somewhere"))
    return mask.astype(np.float32)
