"""`diffrt fit`: parse, call `fit`, print. Registered in cli.py."""

from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from diffrt import _taichi
from diffrt.progress import peak_memory, progress_bar

INTERRUPTED, NOT_FINITE = 130, 1


def fit_command(
    problem: Annotated[Path, typer.Argument(metavar="PROBLEM", help="A problem file (.json), see docs/fitting.md.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the result.  [default: outputs/PROBLEM]")
    ] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Steps, instead of the problem's.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a run into this folder ended.")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the views of a step.")] = 1,
    arch: Annotated[str, typer.Option(help="auto, cuda, metal, vulkan or cpu.")] = "auto",
) -> None:
    """Fit a scene to pictures: find the materials, lights, shapes and cameras that explain them."""
    from diffrt.fit.fit import fit

    folder = output or Path("outputs") / problem.stem
    backend = _taichi.init(arch)
    with progress_bar("starting, compiling on first use") as report:
        result = fit(problem, folder, resume, None, workers, iterations=iterations, progress=report)
    for view in result.views:
        before, after = view["before"], view["after"]
        kept = " (kept out)" if view["holdout"] else ""
        typer.echo(
            f"{view['name']}{kept}: PSNR {before['psnr']:.2f} -> {after['psnr']:.2f} dB, "
            f"SSIM {before['ssim']:.4f} -> {after['ssim']:.4f}"
        )
    rows = result.history
    losses = f"loss {rows[0]['loss']:.4g} -> {rows[-1]['loss']:.4g}" if rows else "no iteration"
    each = f", {median(row['seconds'] for row in rows):.2f} s each (median)" if rows else ""
    memory = f", peak memory {peak_memory():.0f} MiB" if peak_memory() else ""
    typer.echo(f"{folder}: {len(rows)} iterations{each}, {losses} on {backend}{memory} ({result.ending})")
    if result.ending == "interrupted":
        raise typer.Exit(INTERRUPTED)
    if result.ending == "not finite":
        raise typer.Exit(NOT_FINITE)
