"""The command line: parse, call the library, print. Taichi is imported by the commands that render, and only there."""

import atexit
import gc
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from diffrt import _taichi, log
from diffrt.errors import DiffrtError, InputError, Problem
from diffrt.fit.command import fit_command
from diffrt.progress import peak_memory, progress_bar
from diffrt.render.rendering import BUFFERS, MOST_SAMPLES
from diffrt.scene.scene import Scene

app = typer.Typer(
    help="diffrt: a differentiable Monte Carlo path tracer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
INTERRUPTED = 130

SceneFile = Annotated[
    Path,
    typer.Argument(metavar="SCENE", help="A scene (.json, .glb, .gltf, Mitsuba .xml) or a mesh (.obj, .ply, .stl)."),
]

Seed = Annotated[int | None, typer.Option(help="Equal seeds give equal results.")]
Arch = Annotated[str, typer.Option(help="auto, cuda, metal, vulkan or cpu.")]
Width = Annotated[int | None, typer.Option(help="Film width in pixels.")]
Height = Annotated[int | None, typer.Option(help="Film height; one size alone keeps the aspect ratio.")]
MaxDepth = Annotated[int | None, typer.Option(help="Path segments at most; -1: until roulette ends the path.")]
CameraName = Annotated[str | None, typer.Option("--camera", help="Name of the camera.")]


@app.callback()
def _diffrt() -> None:
    log.show_warnings_plainly()


@app.command()
def render(
    scene: SceneFile,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Picture to write: .exr, .png, .hdr or .npy.  [default: outputs/SCENE.exr and .png]"
        ),
    ] = None,
    spp: Annotated[int | None, typer.Option(help="Samples per pixel.")] = None,
    seed: Seed = None,
    arch: Arch = "auto",
    width: Width = None,
    height: Height = None,
    max_depth: MaxDepth = None,
    camera: CameraName = None,
    buffers: Annotated[
        str | None, typer.Option(help="Also write these as EXR layers: " + ", ".join(BUFFERS[1:]) + ".")
    ] = None,
    bits: Annotated[int | None, typer.Option(help="Bits a channel: EXR 32 or 16, PNG 8 or 16.")] = None,
    denoise: Annotated[
        bool, typer.Option("--denoise", help="Denoise with Open Image Denoise (extra: denoise).")
    ] = False,
    time_budget: Annotated[float | None, typer.Option(help="Stop after so many seconds of tracing.")] = None,
) -> None:
    """Render a scene to a picture."""
    from diffrt.io.images import write_exr, write_image

    names = [name.strip() for name in (buffers or "").split(",") if name.strip()]
    files = _outputs(scene, output, names, bits)
    loaded = Scene.load(scene)
    if denoise:
        from diffrt.io.denoise import denoise as clean

        _require_denoiser()
    if time_budget is not None and spp is None:
        spp = MOST_SAMPLES
    from diffrt.render.render import trace

    backend = _taichi.init(arch)
    wanted = ["radiance", *names, *(["albedo", "normal"] if denoise else [])]
    with progress_bar("starting, compiling on first use") as report:
        result = trace(
            loaded,
            list(dict.fromkeys(wanted)),
            spp=spp,
            seed=seed,
            camera=camera,
            max_depth=max_depth,
            width=width,
            height=height,
            time_budget=time_budget,
            progress=lambda share, samples: report(share, f"rendering, {samples} spp"),
            keep_on_interrupt=True,
        )
    images = result.images
    if denoise and result.finished | (time_budget is not None):
        images["radiance"] = clean(images["radiance"], images["albedo"], images["normal"])
    settings = loaded.settings
    metadata = {
        "software": "diffrt",
        "samples": str(result.samples),
        "seed": str(settings.seed if seed is None else seed),
        "max_depth": str(settings.max_depth if max_depth is None else max_depth),
        "scene": _scene_text(scene),
    }
    for file in files:
        if file.suffix.lower() == ".exr":
            layers = {name: images[name] for name in ["radiance", *names] if name in images}
            write_exr(file, layers, metadata, half=bits == 16)
        else:
            write_image(file, images["radiance"], metadata=metadata, bits=bits if file == output else None)
    h, w = images["radiance"].shape[:2]
    shown = ", ".join(str(file) for file in files)
    state = "" if result.finished else " (ended early)"
    memory = f", peak memory {peak_memory():.0f} MiB" if peak_memory() else ""
    typer.echo(f"{shown}: {w}x{h}, {result.samples} spp in {result.seconds:.1f} s on {backend}{memory}{state}")
    if not result.finished and time_budget is None:
        raise typer.Exit(INTERRUPTED)


@app.command()
def info(
    scene: SceneFile, parameters: Annotated[bool, typer.Option("--parameters", help="List every parameter.")] = False
) -> None:
    """Show what a scene holds: shapes, triangles, materials, textures, lights, cameras, memory."""
    from rich.console import Console

    from diffrt.scene.summary import summary_table

    loaded = Scene.load(scene)
    console = Console()
    console.print(summary_table(loaded, str(scene)))
    if parameters:
        console.print(loaded.parameters)


@app.command()
def schema(
    problem: Annotated[bool, typer.Option("--problem", help="That of the problem files of fits instead.")] = False,
) -> None:
    """Print the JSON Schema of scene files."""
    from diffrt.description.schema import schema_text
    from diffrt.fit.problem import schema_text as problem_schema_text

    typer.echo(problem_schema_text() if problem else schema_text(), nl=False)


app.command("fit")(fit_command)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A scene, mesh or image.")],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="A scene (.json), mesh (.ply, .obj) or image to write.")
    ],
) -> None:
    """Convert a scene to diffrt's JSON, or a mesh or an image to another format."""
    from diffrt.io.convert import convert as run

    if target.suffix.lower() == ".json":
        Scene.load(source).save(target)
    else:
        run(source, target)
    typer.echo(str(target))


@app.command()
def compare(
    image: Annotated[Path, typer.Argument(metavar="A", help="A picture.")],
    reference: Annotated[Path, typer.Argument(metavar="B", help="The picture it should be.")],
    difference: Annotated[
        Path | None, typer.Option("-d", "--difference", help="Write A - B as a picture in signed colours.")
    ] = None,
) -> None:
    """Compare two pictures: mean difference, MAE, RMSE, PSNR, SSIM, and FLIP where it is installed (extra: report)."""
    from diffrt.io.compare import compare as run
    from diffrt.io.compare import difference_image
    from diffrt.io.images import write_image

    result = run(image, reference)
    for name, value in vars(result).items():
        if value is not None:
            typer.echo(f"{name:16s} {value:.6g}")
    if difference is not None:
        write_image(difference, difference_image(image, reference), encoding="srgb")
        typer.echo(str(difference))


Parameter = Annotated[str, typer.Option("--param", help="Name of a parameter, see `diffrt info --parameters`.")]
Direction = Annotated[
    str | None,
    typer.Option(help="How it moves: numbers with commas, repeated over the rows of an array.  [default: all ones]"),
]


@app.command()
def gradient(
    scene: SceneFile,
    param: Parameter,
    direction: Direction = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Picture to write.  [default: outputs/SCENE_gradient.exr and .png]"),
    ] = None,
    spp: Annotated[int | None, typer.Option(help="Samples per pixel of each term.")] = None,
    seed: Seed = None,
    arch: Arch = "auto",
    width: Width = None,
    height: Height = None,
    max_depth: MaxDepth = None,
    camera: CameraName = None,
) -> None:
    """Show how a picture changes when a parameter moves: red gets brighter, blue darker."""
    from diffrt.gradient.forward import render_forward

    files = _signed_files(scene, output, "gradient")
    loaded = Scene.load(scene)
    along = _direction(loaded, param, direction)
    _taichi.init(arch)
    image = render_forward(
        loaded, {param: along}, spp, seed, camera=camera, max_depth=max_depth, width=width, height=height
    )
    _write_signed(files, {"gradient": image})


@app.command()
def gradcheck(
    scene: SceneFile,
    param: Parameter,
    direction: Direction = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Picture of the gradient, the difference quotient, and one minus the other."
            "  [default: outputs/SCENE_gradcheck.exr and .png]",
        ),
    ] = None,
    spp: Annotated[int, typer.Option(help="Samples per pixel of each picture and gradient.")] = 64,
    seeds: Annotated[int, typer.Option(min=2, help="Independent runs, for the standard errors.")] = 8,
    step: Annotated[float | None, typer.Option(help="Half-width of the difference, a factor on the direction.")] = None,
    arch: Arch = "auto",
    width: Width = None,
    height: Height = None,
    max_depth: MaxDepth = None,
    camera: CameraName = None,
) -> None:
    """Check the gradient by a parameter against differences of pictures. Exit code 1: they disagree."""
    from diffrt.gradient.check import gradcheck as check

    files = _signed_files(scene, output, "gradcheck")
    loaded = Scene.load(scene)
    along = _direction(loaded, param, direction)
    _taichi.init(arch)
    report = check(
        loaded, param, along, step=step, spp=spp, seeds=seeds, camera=camera, max_depth=max_depth, width=width,
        height=height,
    )  # fmt: skip
    typer.echo(str(report))
    pictures = {"gradient": report.picture, "difference": report.difference_picture}
    _write_signed(files, {**pictures, "error": report.picture - report.difference_picture})
    if not report.agrees:
        raise typer.Exit(1)


def _direction(scene: Scene, name: str, text: str | None) -> np.ndarray:
    shape = scene[name].shape
    try:
        numbers = np.array([float(part) for part in text.split(",")]) if text else np.ones(1)
        return np.array(np.broadcast_to(numbers if shape else numbers.reshape(()), shape), dtype=np.float64)
    except ValueError:
        found = f"{text!r} does not fit the shape {shape}"
        raise InputError(Problem("--direction", found, "one number, or as many as a row has")) from None


def _signed_files(scene: Path, output: Path | None, what: str) -> list[Path]:
    files = [Path("outputs") / f"{scene.stem}_{what}{ending}" for ending in (".exr", ".png")]
    return files if output is None else _outputs(scene, output, [], None)


def _write_signed(files: list[Path], layers: dict[str, np.ndarray]) -> None:
    """Pictures of both signs: as layers of numbers, the first alone in .npy; or in colours with a scale."""
    from diffrt.io.images import write_exr, write_image
    from diffrt.io.signed_picture import signed_picture

    layers = {name: image.astype(np.float32) for name, image in layers.items()}
    first = next(iter(layers.values()))
    for file in files:
        if file.suffix.lower() == ".exr":
            write_exr(file, {"radiance": first, **dict(list(layers.items())[1:])})
        elif file.suffix.lower() == ".npy":
            write_image(file, first)
        else:
            write_image(file, signed_picture(layers if len(layers) > 1 else first), encoding="srgb")
        typer.echo(str(file))


@app.command()
def bench(
    scene: SceneFile,
    runs: Annotated[int, typer.Option(min=1, help="Pictures to time.")] = 5,
    spp: Annotated[int | None, typer.Option(help="Samples per pixel.")] = None,
    arch: Arch = "auto",
) -> None:
    """Time the rendering of a scene: paths per second, the first picture and the median of the next."""
    import statistics

    from diffrt.render.render import trace

    loaded = Scene.load(scene)
    backend = _taichi.init(arch)
    view = loaded.camera()
    seconds = []
    with progress_bar("starting, compiling on first use") as report:
        for number in range(runs + 1):
            result = trace(loaded, spp=spp, seed=number)
            seconds.append(result.seconds)
            report((number + 1) / (runs + 1), f"picture {number + 1} of {runs + 1}")
    median = statistics.median(seconds[1:])
    paths = view.width * view.height * result.samples
    typer.echo(f"{scene.name} on {backend}: {view.width}x{view.height}, {result.samples} spp")
    typer.echo(f"first picture {seconds[0]:.2f} s, median of the next {runs}: {median:.2f} s")
    typer.echo(f"{paths / median / 1e6:.2f} million paths per second, peak memory {peak_memory():.0f} MiB")


def _outputs(scene: Path, output: Path | None, buffers: list[str], bits: int | None) -> list[Path]:
    """The files to write, checked before any work is done."""
    from diffrt.io.formats import extensions

    if output is None:
        return [Path("outputs") / f"{scene.stem}{ending}" for ending in (".exr", ".png")]
    known = extensions("image writer")
    if output.suffix.lower() not in known:
        raise InputError(Problem("--output", f"{output.name!r} has no known picture format", ", ".join(known)))
    if buffers and output.suffix.lower() != ".exr":
        raise InputError(Problem("--buffers", f"{output.name!r} holds one image", "an .exr file, which takes layers"))
    return [output]


def _require_denoiser() -> None:
    import importlib.util

    from diffrt.errors import MissingExtraError

    if importlib.util.find_spec("pyoidn") is None:
        raise MissingExtraError("--denoise", "pyoidn", "denoise")


def _scene_text(path: Path) -> str:
    """The scene file's own text for the header of the picture, or its name where it is no JSON or a large one."""
    if path.suffix.lower() == ".json" and path.stat().st_size <= 2**20:
        return path.read_text(encoding="utf-8")
    return path.name


def main() -> None:
    """Run the command line. Wrong input: its problems on stderr, a line each, and exit code 2."""
    gc.set_threshold(100_000)  # looking for cycles among all that is imported and compiled takes longer than it saves
    atexit.register(_taichi.end)
    try:
        app()
    except DiffrtError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
