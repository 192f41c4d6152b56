"""From a scene to images: the calls that a program makes. Taichi is imported when the first of them works."""

from collections.abc import Sequence

import numpy as np

from diffrt import _taichi, log
from diffrt.errors import Problem
from diffrt.render.arguments import Arguments, view_of
from diffrt.render.rendering import BUFFERS, Progress, Rendering
from diffrt.scene.elements import Camera
from diffrt.scene.scene import Scene


def render(
    scene: Scene,
    spp: int | None = None,
    seed: int | None = None,
    *,
    step: int | None = None,
    camera: str | Camera | None = None,
    max_depth: int | None = None,
    width: int | None = None,
    height: int | None = None,
) -> np.ndarray:
    """Render a picture.

    Args:
        scene: what to render. Its settings stand in for arguments that are None.
        spp: samples per pixel, at least 1.
        seed: equal seeds give equal pictures (on the CPU bit by bit, whatever the number of threads).
        step: of a loop, from 0 on, or None for a picture alone. Steps of one seed have other random numbers each, as
            seeds do, but with the lattice sampler such that the mean of many steps has less noise than that of as many
            seeds.
        camera: name of one of the scene's cameras, or a camera; the first one by default.
        max_depth: path segments at most: 1 = emitters seen directly, 2 = direct light, -1 = until roulette ends it.
        width, height: size of the film in pixels; one alone keeps the aspect ratio.

    Returns:
        (H, W, 3) float32, linear radiance in W/(m2 sr), row 0 at the top. Never NaN or infinite; a DiffrtWarning says
        how many samples were dropped for that.

    Raises:
        InputError: an argument is out of range, or the camera unknown.
    """
    result = trace(
        scene, spp=spp, seed=seed, step=step, camera=camera, max_depth=max_depth, width=width, height=height
    )
    return result.images["radiance"]


def render_buffers(
    scene: Scene,
    names: Sequence[str],
    spp: int | None = None,
    seed: int | None = None,
    *,
    camera: str | Camera | None = None,
    max_depth: int | None = None,
    width: int | None = None,
    height: int | None = None,
) -> dict[str, np.ndarray]:
    """Render several images of what the camera sees, all from the same rays.

    Args:
        names: any of
            radiance (H, W, 3): as from `render`;
            variance (H, W, 3): variance of the radiance's mean, estimated from the samples (an upper bound for the
            Sobol sampler), 0 for one sample;
            depth (H, W): distance from the camera along the ray, in length units;
            normal (H, W, 3): world-space shading normal, with the normal map;
            albedo (H, W, 3): colour of the surface in [0, 1];
            mask (H, W): share of the pixel that is covered, in [0, 1];
            position (H, W, 3): world space; uv (H, W, 2): texture coordinates;
            shape_id (H, W) int32: number of the shape, in the scene's order, through the pixel's centre, -1 for none.
            All but shape_id are means over samples, a sample that meets nothing counting as zero.
        others: as for `render`.

    Returns:
        Arrays by name, float32 unless said otherwise.

    Raises:
        InputError: unknown buffer, or as for `render`.
    """
    images = trace(
        scene, names, spp=spp, seed=seed, camera=camera, max_depth=max_depth, width=width, height=height
    ).images
    return {name: images[name] for name in names}


def trace(
    scene: Scene,
    buffers: Sequence[str] = ("radiance",),
    *,
    spp: int | None = None,
    seed: int | None = None,
    step: int | None = None,
    camera: str | Camera | None = None,
    max_depth: int | None = None,
    width: int | None = None,
    height: int | None = None,
    time_budget: float | None = None,
    progress: Progress | None = None,
    keep_on_interrupt: bool = False,
    before_gradients: bool = False,
) -> Rendering:
    """Render with everything that a program around it may want; `render` and `render_buffers` are its short forms.

    Args:
        time_budget: stop after this many seconds of tracing with what is there.
        progress: called after each launch of a kernel.
        keep_on_interrupt: end on Ctrl-C with the samples so far instead of raising KeyboardInterrupt.
        before_gradients: gradients of this scene are next, and share what is brought to the device. The picture is the
            same.

    Raises:
        InputError: as for `render`.
    """
    settings = scene.settings
    spp = settings.spp if spp is None else spp
    seed = settings.seed if seed is None else seed
    max_depth = settings.max_depth if max_depth is None else max_depth
    arguments = Arguments()
    arguments.names("names", buffers, BUFFERS, "buffer")
    arguments.picture(spp, seed, step, max_depth, width, height)
    if time_budget is not None and not time_budget > 0:
        arguments.problems.append(Problem("time_budget", f"found {time_budget!r}", "seconds above 0"))
    arguments.done()
    view = view_of(scene, camera, width, height)

    with _taichi.lock:
        _taichi.init()
        with _taichi.quick_imports():
            from diffrt.render import launch

        result = launch.run(
            scene,
            view,
            buffers,
            spp=int(spp),
            seed=int(seed),
            step=step,
            max_depth=int(max_depth),
            time_budget=time_budget,
            progress=progress,
            keep_on_interrupt=keep_on_interrupt,
            before_gradients=before_gradients,
        )
    if result.dropped:
        log.warn(f"{result.dropped} samples were not finite and count as black")
    return result
