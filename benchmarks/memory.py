"""(g): peak memory. Run as a program it does one thing in a process of its own and prints the peak in MiB."""

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.peers import SCENES
from benchmarks.report import Row, Section
from benchmarks.surfaces import wavy_torus

MILLION_TARGET = 1536.0
GROWTH_TARGET = 1.02
SAMPLES = (16, 256)


def peak() -> float:
    """The most memory that this process has held, in MiB, without what its parent held before it started."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 1024.0
    from diffrt.progress import peak_memory

    return peak_memory()


def task(name: str, *args: str) -> None:
    """ "empty": start diffrt; "render" SCENE WIDTH SPP; "mitsuba" SCENE WIDTH SPP."""
    if name == "empty":
        import diffrt

        diffrt.init("cpu")
        return
    scene, width, spp = args[0], int(args[1]), int(args[2])
    if name == "render":
        import diffrt

        diffrt.init("cpu")
        diffrt.render(diffrt.Scene.load(scene), spp=spp, width=width)
    else:
        from benchmarks.mitsuba_scene import to_mitsuba
        from benchmarks.peers import mitsuba
        from diffrt.scene.scene import Scene

        mi = mitsuba()
        loaded = Scene.load(scene)
        loaded.cameras = {key: camera.resized(width) for key, camera in loaded.cameras.items()}
        _ = mi.render(mi.load_dict(to_mitsuba(loaded)), spp=spp).array.numpy()


def of(name: str, *args: str | Path | int) -> float:
    """The peak memory of a task in a fresh process, in MiB."""
    command = [sys.executable, "-m", "benchmarks.memory", name, *map(str, args)]
    done = subprocess.run(command, cwd=SCENES.parent, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip()[-500:])
    return float(done.stdout.strip().splitlines()[-1])


def measure(quick: bool) -> Section:
    """Few samples against many, and a million triangles."""
    width, triangles = (64, 2_000) if quick else (512, 1_000_000)
    section = Section(
        "(g) Peak memory",
        text="Resident memory at its highest, of whole processes that load a scene and render it once. `diffrt.init` "
        "alone is what Python, NumPy and Taichi take before there is a scene.",
        header=("", "MiB"),
    )
    box = SCENES / "cornell_box.json"
    few, many = (of("render", box, width, spp) for spp in SAMPLES)
    started = of("empty")
    with tempfile.TemporaryDirectory() as folder:
        scene = _surface_scene(Path(folder), triangles)
        surface = of("render", scene, width, 16)
        theirs = of("mitsuba", scene, width, 16)
    their_few, their_many = (of("mitsuba", box, width, spp) for spp in SAMPLES)
    growth = f"Cornell box, {width}x{width}: peak memory at {SAMPLES[1]} spp / at {SAMPLES[0]} spp"
    whole = f"{triangles:,} triangles loaded from PLY and rendered, {width}x{width}, 16 spp: MiB"
    section.rows = [
        Row("g", growth, f"{many / few:.2f}", f"<= {GROWTH_TARGET}", many / few <= GROWTH_TARGET),
        Row("g", whole, f"{surface:.0f}", f"<= {MILLION_TARGET:.0f}", surface <= MILLION_TARGET),
    ]
    section.lines = [
        ("`diffrt.init` alone", f"{started:.0f}"),
        (f"Cornell box, diffrt, {SAMPLES[0]} spp", f"{few:.0f}"),
        (f"Cornell box, diffrt, {SAMPLES[1]} spp", f"{many:.0f}"),
        (f"Cornell box, Mitsuba, {SAMPLES[0]} spp (with the translation of the scene)", f"{their_few:.0f}"),
        (f"Cornell box, Mitsuba, {SAMPLES[1]} spp", f"{their_many:.0f}"),
        (f"{triangles:,} triangles, diffrt", f"{surface:.0f}"),
        (f"{triangles:,} triangles, Mitsuba (with the translation of the scene)", f"{theirs:.0f}"),
    ]
    return section


def _surface_scene(folder: Path, triangles: int) -> Path:
    """A scene file of the rippled torus under a constant sky, the mesh in PLY, written by a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", "write", str(folder), str(triangles)]
    subprocess.run(command, cwd=SCENES.parent, check=True)
    return folder / "torus.json"


def write(folder: Path, triangles: int) -> None:
    """Write the scene of `_surface_scene`."""
    import json

    from diffrt.description.mesh import make_mesh
    from diffrt.io.meshes import write_mesh

    write_mesh(folder / "torus.ply", make_mesh(*wavy_torus(triangles)))
    scene = {
        "camera": {"to_world": {"look_at": {"origin": [0, 2, 4], "target": [0, 0, 0]}}, "width": 512, "height": 512},
        "integrator": {"max_depth": 4},
        "shapes": [{"name": "torus", "type": "mesh", "file": "torus.ply", "shading": "smooth"}],
        "lights": [{"name": "sky", "type": "environment", "radiance": [1, 1, 1]}],
    }
    (folder / "torus.json").write_text(json.dumps(scene), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        task(*sys.argv[1:])
        print(peak())
