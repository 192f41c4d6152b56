"""(f): building and refitting the tree. Run as a program it measures one size in a process of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from benchmarks.peers import SCENES
from benchmarks.report import Row, Section, Spread
from benchmarks.surfaces import wavy_torus

TARGETS = {100_000: 0.5, 1_000_000: 6.0}
REFIT_OF, REFIT_TARGET = 100_000, 0.030


def build_and_refit(triangles: int, runs: int) -> dict[str, list[float]]:
    """Seconds of each build (the first compiles), refit, and of moving the vertices of a loaded scene."""
    import taichi as ti

    import diffrt
    from diffrt.device import bvh_build
    from diffrt.device.upload import upload
    from diffrt.scene.scene import Scene

    diffrt.init("cpu")
    vertices, faces = wavy_torus(triangles)
    scene = Scene.from_dict({"shapes": [{"name": "torus", "type": "mesh", "vertices": vertices, "faces": faces}],
                             "camera": {"to_world": {"look_at": {"origin": [0, 2, 4], "target": [0, 0, 0]}}},
                             "lights": [{"name": "sky", "type": "environment", "radiance": [1, 1, 1]}]})  # fmt: skip
    corners = vertices.astype(np.float32)
    camera = scene.camera()

    def timed(work: Callable[[], object]) -> float:
        started = time.perf_counter()
        work()
        ti.sync()
        return time.perf_counter() - started

    build = [timed(lambda: bvh_build.build(corners, faces)) for _ in range(runs + 1)]
    device = upload(scene, camera)
    refit = [timed(lambda: bvh_build.refit(device.fields, device.bvh)) for _ in range(runs + 1)]
    moved = []
    for k in range(runs + 1):
        scene["shapes.torus.vertices"] = vertices * (1.0 + 0.01 * k)
        moved.append(timed(lambda: upload(scene, camera)))
    return {"build": build, "refit": refit, "moved": moved}


def measure(runs: int, quick: bool) -> Section:
    """Both sizes, each in a fresh process."""
    section = Section(
        "(f) The tree",
        text="A rippled torus. The first build of a process loads or compiles the builder's kernels too; `moved` is "
        "all that happens when the vertices of a loaded scene were set: normals, upload, refit.",
        header=("triangles", "build, s", "first build of the process, s", "refit, ms", "moved, ms"),
    )
    sizes = {2_000: 0.5} if quick else TARGETS
    refit_of = 2_000 if quick else REFIT_OF
    for triangles, target in sizes.items():
        command = [sys.executable, "-m", "benchmarks.bvh", str(triangles), str(runs)]
        done = subprocess.run(command, cwd=SCENES.parent, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip()[-500:])
        seconds = json.loads(done.stdout.strip().splitlines()[-1])
        build, refit, moved = (Spread.of(seconds[name][1:]) for name in ("build", "refit", "moved"))
        section.rows.append(
            Row("f", f"tree of {triangles:,} triangles: seconds", str(build), f"<= {target}", build.median <= target)
        )
        if triangles == refit_of:
            row = Row("f", f"refit of {triangles:,} triangles: milliseconds", str(_milli(refit)),
                      f"<= {1e3 * REFIT_TARGET:.0f}", refit.median <= REFIT_TARGET)  # fmt: skip
            section.rows.append(row)
        section.lines.append(
            (f"{triangles:,}", str(build), f"{seconds['build'][0]:.2f}", str(_milli(refit)), str(_milli(moved)))
        )
    return section


def _milli(spread: Spread) -> Spread:
    return Spread(1e3 * spread.median, 1e3 * spread.low, 1e3 * spread.high)


if __name__ == "__main__":
    print(json.dumps(build_and_refit(int(sys.argv[1]), int(sys.argv[2]))))
