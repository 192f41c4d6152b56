"""The two programs, each in a long-lived process of its own, told to load a scene and to render it.

Separate processes keep either's threads, memory and just-in-time compilers out of the other's figures.
"""

import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np

from benchmarks.machine import LLVM_HINT, LLVM_VARIABLE, find_llvm
from diffrt.scene.scene import Scene

SCENES = Path(__file__).resolve().parents[1] / "scenes"
NO_ROULETTE = 10_000
"""An rr_depth that no path reaches."""


@dataclass(frozen=True)
class Job:
    """A scene file and what to change in it: film size, depth, roulette, shapes to leave out. None: as in the file.

    Emitters are flat whatever the file says: a smooth one shines where the shading normal faces the viewer in Mitsuba,
    and where the triangle does here, which are different pictures of small coarse spheres.
    """

    file: str
    width: int | None = None
    max_depth: int | None = None
    rr_depth: int | None = None
    without: tuple[str, ...] = ()

    def load(self) -> Scene:
        """The scene, changed."""
        scene = Scene.load(SCENES / self.file)
        for name in self.without:
            del scene.shapes[name]
        for name, shape in scene.shapes.items():
            if shape.emission is not None:
                scene.shapes[name] = replace(shape, smooth=False)
        settings = scene.settings
        scene.settings = replace(
            settings,
            max_depth=settings.max_depth if self.max_depth is None else self.max_depth,
            rr_depth=settings.rr_depth if self.rr_depth is None else self.rr_depth,
        )
        if self.width is not None:
            scene.cameras = {name: camera.resized(self.width) for name, camera in scene.cameras.items()}
        return scene


@dataclass(frozen=True)
class Timed:
    """A picture (H, W, 3), if asked for, or a gradient; wall time and the processor time of all threads, in seconds."""

    wall: float
    cpu: float
    image: np.ndarray | None


class Renderer(Protocol):
    """What both programs can do."""

    def load(self, job: Job) -> tuple[int, int]: ...
    def render(self, spp: int, seed: int, sampler: str, keep: bool) -> Timed: ...
    def untranslatable(self, job: Job) -> tuple[str, ...]: ...
    def load_gradient(self, point: str, width: int) -> None: ...
    def gradient(self, spp: int, seed: int) -> Timed: ...


class DiffrtRenderer:
    """diffrt's Python interface on the CPU. The sampler "default" is the scene's."""

    def __init__(self) -> None:
        import diffrt

        diffrt.init("cpu")
        self._trace = diffrt.render
        self._scene: Scene | None = None

    def load(self, job: Job) -> tuple[int, int]:
        self._scene = job.load()
        camera = self._scene.camera()
        return camera.width, camera.height

    def render(self, spp: int, seed: int, sampler: str, keep: bool) -> Timed:
        assert self._scene is not None and sampler == "default"
        scene = self._scene
        return _timed(lambda: self._trace(scene, spp=spp, seed=seed), keep)

    def untranslatable(self, job: Job) -> tuple[str, ...]:
        return ()

    def load_gradient(self, point: str, width: int) -> None:
        import diffrt

        self._case, self._scene, self._weights = _gradient_case(point, width)
        measured = diffrt.gradient_variance(self._scene, self._weights, [self._case.parameter], self._case.spp)
        self._split = measured.split if len(measured.terms) > 1 else {}

    def gradient(self, spp: int, seed: int) -> Timed:
        import diffrt

        scene, name, weights = self._scene, self._case.parameter, self._weights
        assert scene is not None
        return _timed(lambda: diffrt.render_backward(scene, weights, [name], spp, seed, **self._split)[name], True)

    def difference(self, spp: int, seed: int) -> float:
        """Of the loss, from pictures that share their random numbers."""
        assert self._scene is not None
        moved, name, step = self._scene.copy(), self._case.parameter, self._case.step
        along = self._case.direction(self._scene)
        sides = []
        for sign in (1.0, -1.0):
            moved[name] = self._scene[name] + sign * step * along
            sides.append(float(np.sum(self._weights * self._trace(moved, spp=spp, seed=seed))))
        return (sides[0] - sides[1]) / (2.0 * step)


class MitsubaRenderer:
    """Mitsuba 3, variant llvm_ad_rgb: the translated scene once, a sensor for each sampler."""

    def __init__(self) -> None:
        self._mi = mitsuba()
        self._scene: Any = None
        self._sensors: dict[str, Any] = {}
        self._source: Scene | None = None

    def load(self, job: Job) -> tuple[int, int]:
        from benchmarks.mitsuba_scene import to_mitsuba

        self._source = job.load()
        self._scene = self._mi.load_dict(to_mitsuba(self._source))
        self._sensors = {}
        camera = self._source.camera()
        return camera.width, camera.height

    def _sensor(self, sampler: str) -> Any:
        from benchmarks.mitsuba_scene import sensor_dict

        if sampler not in self._sensors:
            assert self._source is not None
            name = "independent" if sampler == "default" else sampler
            described = sensor_dict(self._source.camera(), self._source.settings.filter, name, 64)
            self._sensors[sampler] = self._mi.load_dict(described)
        return self._sensors[sampler]

    def render(self, spp: int, seed: int, sampler: str, keep: bool) -> Timed:
        sensor = self._sensor(sampler)
        render = self._mi.render
        return _timed(lambda: np.array(render(self._scene, sensor=sensor, spp=spp, seed=seed)), keep)

    def untranslatable(self, job: Job) -> tuple[str, ...]:
        """The shapes whose material only diffrt has."""
        from benchmarks.mitsuba_scene import UntranslatableError, material_dict

        scene = job.load()
        names = []
        for shape in scene.shapes.values():
            try:
                material_dict(scene, scene.materials[shape.material])
            except UntranslatableError:
                names.append(shape.name)
        return tuple(names)

    def load_gradient(self, point: str, width: int) -> None:
        from benchmarks.mitsuba_gradient import gradient_of

        self._gradient = gradient_of(*_gradient_case(point, width))

    def gradient(self, spp: int, seed: int) -> Timed:
        return _timed(lambda: self._gradient(spp, seed), True)


def _gradient_case(point: str, width: int) -> tuple[Any, Scene, np.ndarray]:
    from benchmarks.gradient_cases import CASES, loss_gradient

    case = next(case for case in CASES if case.point == point)
    return case, case.scene(width), loss_gradient(width, width)


def mitsuba() -> Any:
    """Mitsuba with the variant llvm_ad_rgb set.

    Raises:
        RuntimeError: LLVM's library is not there; the message says what to install.
    """
    llvm = find_llvm()
    if llvm is None:
        raise RuntimeError(LLVM_HINT)
    os.environ[LLVM_VARIABLE] = llvm
    import mitsuba as mi

    mi.set_variant("llvm_ad_rgb")
    mi.set_log_level(mi.LogLevel.Error)
    return mi


def _timed(work: Callable[[], np.ndarray], keep: bool) -> Timed:
    wall, cpu = time.perf_counter(), time.process_time()
    image = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Timed(wall, cpu, image if keep else None)


RENDERERS: dict[str, Callable[[], Renderer]] = {"diffrt": DiffrtRenderer, "Mitsuba": MitsubaRenderer}


def _serve(connection: Connection, name: str) -> None:
    """Answer calls until the other end closes. What fails there is raised there."""
    renderer: Renderer | None = None
    while True:
        try:
            method, args = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            renderer = renderer or RENDERERS[name]()
            connection.send((True, getattr(renderer, method)(*args)))
        except Exception as error:
            connection.send((False, f"{name}: {type(error).__name__}: {error}"))


class Peer:
    """One of the programs in a process of its own. Use as a context manager."""

    def __init__(self, name: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.name = name
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, name), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.terminate()

    def _call(self, method: str, *args: object) -> Any:
        try:
            self._connection.send((method, args))
            fine, result = self._connection.recv()
        except (EOFError, ConnectionError):
            raise RuntimeError(f"{self.name}: its process ended") from None
        if not fine:
            raise RuntimeError(result)
        return result

    def load(self, job: Job) -> tuple[int, int]:
        """Load a scene; (width, height) of its film."""
        size: tuple[int, int] = self._call("load", job)
        return size

    def render(self, spp: int, seed: int, sampler: str = "default", keep: bool = False) -> Timed:
        """Render the loaded scene. keep: send the picture along."""
        timed: Timed = self._call("render", spp, seed, sampler, keep)
        return timed

    def untranslatable(self, job: Job) -> tuple[str, ...]:
        """Shapes of the scene that this program has no material for."""
        names: tuple[str, ...] = self._call("untranslatable", job)
        return names

    def load_gradient(self, point: str, width: int) -> None:
        """Load the scene of one of the cases of `gradient_cases`."""
        self._call("load_gradient", point, width)

    def gradient(self, spp: int, seed: int) -> Timed:
        """The gradient by its parameter, in place of a picture."""
        timed: Timed = self._call("gradient", spp, seed)
        return timed

    def difference(self, spp: int, seed: int) -> float:
        """The difference quotient along its direction; diffrt alone has it."""
        slope: float = self._call("difference", spp, seed)
        return slope
