"""(s): the first gradient of a process, with nothing compiled before and with the kernels on disk."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.peers import SCENES
from benchmarks.report import Row, Section, Spread
from benchmarks.shell import environment_of

SCENE = SCENES / "cornell_box.json"
WIDTH, SPP = 64, 4
PARAMETERS = {"an albedo": "materials.red.albedo", "the vertices of a box": "shapes.large_box.vertices"}
COLD_TARGET, WARM_TARGET = 20.0, 5.0


def once(parameter: str) -> float:
    """Seconds of a gradient, the first that this process asks for."""
    import diffrt

    scene = diffrt.Scene.load(SCENE)
    weights = np.ones((WIDTH, WIDTH, 3), np.float32)
    diffrt.init("cpu")
    started = time.perf_counter()
    diffrt.render_backward(scene, weights, [parameter], spp=SPP, width=WIDTH, height=WIDTH)
    return time.perf_counter() - started


def measure(runs: int, quick: bool) -> Section:
    """Processes one after the other, each pair of them with a cache folder of its own."""
    section = Section(
        "(s) The first gradient of a process",
        text=f"`render_backward` of the Cornell box, {WIDTH}x{WIDTH}, {SPP} spp: from the call to the arrays, with the "
        "scene loaded and Taichi started. Nearly all of it is reading and compiling kernels; by vertices they are "
        "those of every kind of edge, too. Compiled before: a second process, with the cache that the first one left.",
        header=("by", "nothing compiled before, s", "compiled before, s"),
    )
    for name, parameter in list(PARAMETERS.items())[: 1 if quick else None]:
        cold, warm = [], []
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as folder:
                cold.append(_process(parameter, folder))
                if not any(Path(folder).rglob("*")):
                    raise RuntimeError("Taichi did not use the empty cache folder")
                warm.append(_process(parameter, folder))
        spreads = Spread.of(cold), Spread.of(warm)
        cases = zip(("nothing compiled before", "compiled before"), spreads, (COLD_TARGET, WARM_TARGET), strict=True)
        for when, spread, target in cases:
            what = f"first gradient of a process by {name} of the Cornell box, {when}: seconds"
            section.rows.append(Row("s", what, str(spread), f"<= {target:.0f}", spread.median <= target))
        section.lines.append((name, *map(str, spreads)))
    return section


def _process(parameter: str, cache: str) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.first_gradient", parameter], capture_output=True, text=True, check=False,
        env=environment_of({"TI_OFFLINE_CACHE_FILE_PATH": cache}), cwd=SCENES.parent,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"the first gradient failed: {done.stderr.strip()[-500:]}")
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    print(once(sys.argv[1]))
