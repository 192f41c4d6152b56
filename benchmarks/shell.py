"""(e): from the shell to the finished picture, by both programs' own command lines."""

import importlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import LLVM_HINT, LLVM_VARIABLE, find_llvm
from benchmarks.peers import SCENES, mitsuba
from benchmarks.report import Row, Section, Spread

ROOT = SCENES.parent
SCENE = SCENES / "cornell_box.json"
TARGET = 1.1
FIRST_TARGET = 25.0


@dataclass(frozen=True)
class Spent:
    """Wall and processor seconds of a process."""

    wall: float
    cpu: float


def diffrt_command() -> list[str]:
    """The installed script, or the same thing from the checkout."""
    script = Path(sys.executable).with_name("diffrt")
    return [str(script)] if script.exists() else [sys.executable, str(ROOT / "cli.py")]


def mitsuba_command() -> list[str]:
    """Mitsuba's own script, which is installed beside Python."""
    script = Path(sys.executable).with_name("mitsuba")
    return [str(script)] if script.exists() else ["mitsuba"]


def environment_of(extra: dict[str, str]) -> dict[str, str]:
    """This process's environment and more, for one that keeps its byte code, as an installed program does."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | extra


def run(command: list[str], extra: dict[str, str] | None = None) -> Spent:
    """Run a process to its end.

    Raises:
        RuntimeError: it failed.
    """
    environment = environment_of(extra or {})
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()[-500:]}")
    return Spent(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def export() -> None:
    """Write Cornell box for Mitsuba's command line: python -m benchmarks.shell XML WIDTH SPP."""
    mitsuba()
    from benchmarks.mitsuba_scene import material_dict, sensor_dict, to_mitsuba, value_dict
    from diffrt.scene.scene import Scene

    target, width, spp = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    scene = Scene.load(SCENE)
    described: dict[str, Any] = to_mitsuba(scene)
    described["sensor"] = sensor_dict(scene.camera().resized(width), "box", "independent", spp)
    for i, shape in enumerate(scene.shapes.values()):
        file = target.with_name(f"shape{i}.ply")
        described[f"shape{i}"].write_ply(str(file))
        described[f"shape{i}"] = {
            "type": "ply",
            "filename": str(file),
            "bsdf": material_dict(scene, scene.materials[shape.material]),
        }
        if shape.emission is not None:
            described[f"shape{i}"]["emitter"] = {"type": "area", "radiance": value_dict(scene, shape.emission)}
    parser = importlib.import_module("mitsuba.parser")
    parser.write_file(parser.parse_dict(parser.ParserConfig("llvm_ad_rgb"), described), str(target))


def measure(runs: int, quick: bool) -> Section:
    """Whole processes in turn; then diffrt's with nothing compiled before."""
    llvm = find_llvm()
    if llvm is None:
        raise RuntimeError(LLVM_HINT)
    width, spp = (64, 4) if quick else (512, 64)
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        xml = at / "cornell_box.xml"
        environment = {LLVM_VARIABLE: llvm, "DIFFRT_ARCH": "cpu"}
        run([sys.executable, "-m", "benchmarks.shell", str(xml), str(width), str(spp)], {"PYTHONPATH": str(ROOT)})
        ours = [*diffrt_command(), "render", str(SCENE), "-o", str(at / "diffrt.exr")]
        ours += ["--spp", str(spp), "--width", str(width)]
        theirs = [*mitsuba_command(), "-m", "llvm_ad_rgb", "-o", str(at / "mitsuba.exr"), str(xml)]
        spent: list[tuple[Spent, Spent]] = []
        for _ in range(runs + 1):  # the first fills the caches of both
            spent.append((run(ours, environment), run(theirs, environment)))
        first: list[Spent] = []
        for k in range(1 if quick else min(3, runs)):
            empty = at / f"cache{k}"
            empty.mkdir()
            first.append(run(ours, environment | {"TI_OFFLINE_CACHE_FILE_PATH": str(empty)}))
            if not any(empty.rglob("*")):
                raise RuntimeError("Taichi did not use the empty cache folder: the first run was no first run")
    spent = spent[1:]
    wall, cpu = Spread.of([a.wall / b.wall for a, b in spent]), Spread.of([a.cpu / b.cpu for a, b in spent])
    earliest = Spread.of([one.wall for one in first])
    size = f"Cornell box, {width}x{width}, {spp} spp"
    what = f"{size}, from the shell to the finished EXR, second run: seconds, diffrt / Mitsuba"
    section = Section(
        "(e) From the shell to the finished picture",
        [
            Row("e", what, str(wall), f"<= {TARGET}", wall.median <= TARGET),
            Row("e", "the same by processor time", str(cpu), "", None),
            Row("e", "the first run ever, nothing compiled before: seconds", str(earliest), f"<= {FIRST_TARGET:.0f}",
                earliest.median <= FIRST_TARGET),
        ],
        "`diffrt render scenes/cornell_box.json -o cornell_box.exr` and `mitsuba -m llvm_ad_rgb -o cornell_box.exr "
        "cornell_box.xml` as whole processes, with the roulette of the scene file. The first run has an empty folder "
        "for Taichi's cache of compiled kernels.",
        ("", "seconds", "processor seconds"),
    )  # fmt: skip
    table = {"diffrt": [a for a, _ in spent], "Mitsuba": [b for _, b in spent], "diffrt, first run ever": first}
    for name, times in table.items():
        section.lines.append((name, str(Spread.of([t.wall for t in times])), str(Spread.of([t.cpu for t in times]))))
    return section


if __name__ == "__main__":
    export()
