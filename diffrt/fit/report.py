"""report.html: one file that shows what was fitted and how it went (extra: report)."""

import base64
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffrt import log
from diffrt.fit.fingerprint import settings_of
from diffrt.fit.prepare import FitSetup
from diffrt.fit.resize import shrink
from diffrt.fit.variables import Variable
from diffrt.fit.views import View
from diffrt.io.color import display, linear_to_srgb, signed_colors
from diffrt.io.formats import lookup
from diffrt.io.pixels import save
from diffrt.render.render import render_buffers
from diffrt.scene.scene import Scene

Picture = NDArray[np.floating]
FILE = "report.html"
_NEEDED = ("jinja2", "matplotlib")
_LONGEST = 640
"""Pixels that a picture in the report is wide or high at most."""
_MOST_VIEWS = 24
_MOST_NUMBERS = 12
"""A parameter of more numbers is shown by how far they moved."""
_MESH_VIEWS = 3


@dataclass
class Outcome:
    """What the report tells of, beside the setup.

    Attributes:
        before, after: pictures by view, (H, W, 3). views: descriptions with scores, as in views.json.
        rows: the history. ending, iteration: as in `FitResult`. seconds: of all iterations.
    """

    before: dict[str, NDArray[np.float64]]
    after: dict[str, NDArray[np.float64]]
    views: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    ending: str
    iteration: int


def write_report(folder: Path, setup: FitSetup, outcome: Outcome) -> None:
    """Write report.html; where the extra is missing, say so and go on.

    Raises:
        InputError: the folder cannot be written to.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        log.warn(f'{FILE} is not written: it needs {" and ".join(missing)}: pip install "diffrt[report]"')
        return
    import jinja2

    from diffrt.fit import report_figures

    source = (Path(__file__).parent / "report.html.j2").read_text(encoding="utf-8")
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(source)
    rows = outcome.rows
    text = template.render(
        title=folder.resolve().name,
        facts=_facts(setup, outcome),
        loss_curve=report_figures.losses(rows) if len(rows) > 1 else "",
        gradient_curve=report_figures.gradient_norms(rows) if len(rows) > 1 else "",
        noise_curve=report_figures.noise(rows) if len(rows) > 1 and rows[-1]["noise"] else "",
        table=[_scores(item) for item in outcome.views],
        flip=any("flip" in item["after"] for item in outcome.views),
        views=[_view(setup, outcome, view) for view in _shown(setup.views)],
        views_left=len(setup.views) - len(_shown(setup.views)),
        parameters=[_parameter(item) for item in setup.variables.values()],
        images=[_image(item) for item in setup.variables.values() if item.value.ndim == 3],
        meshes=_meshes(setup),
        cameras=[item for view in setup.views if (item := _camera(setup, view))],
        responses=[item for item in outcome.views if "camera_response" in item],
        skipped=[(row["iteration"], ", ".join(row["skipped"])) for row in rows if "skipped" in row],
        problem=json.dumps(settings_of(setup), indent=2),
    )
    save(folder / FILE, text.encode(), field="output")


def _shown(views: list[View]) -> list[View]:
    """The views whose pictures are shown: those kept out first."""
    return sorted(views, key=lambda view: not view.holdout)[:_MOST_VIEWS]


def _mean(views: list[dict[str, Any]], when: str, score: str) -> float:
    return float(np.mean([item[when][score] for item in views]))


def _facts(setup: FitSetup, outcome: Outcome) -> list[tuple[str, str]]:
    rows = outcome.rows
    ended = {
        "finished": "ran to its end",
        "interrupted": f"was interrupted; the best scene so far, of iteration {outcome.iteration}",
        "stopped": "was stopped by the program around it",
        "not finite": f"stopped at gradients that are not finite; the best scene, of iteration {outcome.iteration}",
    }
    facts = [("The run", ended[outcome.ending])]
    if rows:
        seconds = sum(row["seconds"] for row in rows)
        each = np.median([row["seconds"] for row in rows])
        facts.append(("Iterations", f"{len(rows)} in {seconds:.0f} s, {each:.3g} s each (median)"))
        facts.append(("Loss", f"{rows[0]['loss']:.4g} → {rows[-1]['loss']:.4g}"))
        noisy = [float(np.mean(list(row["noise"].values()))) for row in rows if row["noise"]]
        if noisy:
            samples = " → ".join(dict.fromkeys(str(row["spp"]) for row in (rows[0], rows[-1])))
            text = f"{noisy[0]:.0%} → {noisy[-1]:.0%} of the steps (squared length), at {samples} samples per pixel"
            facts.append(("Noise", text))
    for title, holdout in (("Fitted views", False), ("Views kept out", True)):
        group = [item for item in outcome.views if item["holdout"] == holdout]
        if group:
            psnr, ssim = ([_mean(group, when, score) for when in ("before", "after")] for score in ("psnr", "ssim"))
            text = f"{len(group)}: PSNR {psnr[0]:.2f} → {psnr[1]:.2f} dB, SSIM {ssim[0]:.4f} → {ssim[1]:.4f}"
            facts.append((title, text))
    numbers = sum(int(np.broadcast_to(item.free, item.value.shape).sum()) for item in setup.variables.values())
    facts.append(("Unknowns", f"{numbers} numbers in {len(setup.variables)} parameters"))
    return facts


def _scores(item: dict[str, Any]) -> dict[str, Any]:
    before, after = item["before"], item["after"]
    return {
        "name": item["name"],
        "holdout": item["holdout"],
        "cells": [
            f"{group[score]:.{digits}f}" if score in group else ""
            for score, digits in (("psnr", 2), ("ssim", 4), ("flip", 4))
            for group in (before, after)
        ],
    }


def data_uri(picture: Picture) -> str:
    """A picture of sRGB values from 0 to 1 as the text of an image source; large ones are made smaller."""
    height, width = picture.shape[:2]
    factor = min(1.0, _LONGEST / max(height, width))
    small = shrink(picture.astype(np.float64), max(1, round(height * factor)), max(1, round(width * factor)))
    encode = lookup("image writer", Path("picture.png"))
    content = encode(small.astype(np.float32), metadata=None, bits=8, encoding="srgb")
    return "data:image/png;base64," + base64.b64encode(content).decode()


def _view(setup: FitSetup, outcome: Outcome, view: View) -> dict[str, Any]:
    target = view.at(setup.finest)
    inside = (target.weight > 0.0)[..., None]
    after = outcome.after[view.name]
    difference = np.where(inside, display(after) - display(target.color), 0.0)
    return {
        "name": view.name,
        "holdout": view.holdout,
        "pictures": {
            "start": data_uri(display(outcome.before[view.name])),
            "fitted": data_uri(display(after)),
            "target": data_uri(display(shrink(view.photo.color.astype(np.float64), target.height, target.width))),
            "difference": data_uri(signed_colors(difference, limit=0.2)),
        },
        "ratio": view.width / view.height,
    }


def _numbers(value: NDArray[Any]) -> str:
    return ", ".join(f"{number:.4g}" for number in np.ravel(value))


def _parameter(item: Variable) -> dict[str, str]:
    if item.value.size <= _MOST_NUMBERS and item.value.shape == item.start.shape:
        start, fitted = _numbers(item.start), _numbers(item.value)
    else:
        start = "×".join(map(str, item.value.shape)) + " numbers"
        if item.value.ndim == 2 and item.value.shape[1] == 3:
            moved = np.linalg.norm(item.value - item.start, axis=1)
            fitted = f"moved by {moved.mean():.3g} on average, {moved.max():.3g} at most"
        else:
            moved = np.abs(item.value - item.start)
            fitted = f"changed by {moved.mean():.3g} on average, {moved.max():.3g} at most"
    method = item.optimizer + (" with large steps" if item.steps is not None else "")
    others = f", and {len(item.targets) - 1} tied to it" if item.fit.tied else ""
    name = f"{item.name} of {item.fit.function}" if item.fit.function else item.name + others
    return {"name": name, "units": item.units, "start": start, "fitted": fitted, "method": method}


def _image(item: Variable) -> dict[str, str]:
    """An image at the start and fitted; light that no screen could show is divided by twice its mean."""
    both = (item.start, item.value)
    bright = max(value.max() for value in both) > 1.0
    factor = 2.0 * max(float(value.mean()) for value in both) if bright else 1.0

    def shown(value: NDArray[Any]) -> str:
        color = value[..., :3] if value.shape[2] > 2 else np.repeat(value[..., :1], 3, axis=2)
        return data_uri(np.clip(linear_to_srgb(np.maximum(color / factor, 0.0)), 0.0, 1.0))

    name = f"{item.name}, divided by {factor:.3g}" if bright else item.name
    return {"name": name, "start": shown(item.start), "fitted": shown(item.value)}


def _meshes(setup: FitSetup) -> list[dict[str, str]]:
    """Normals as colours, at the start and fitted, as some of the views see them."""
    if not any(name.endswith(".vertices") for item in setup.variables.values() for name in item.targets):
        return []
    start = setup.scene.copy()
    for name, shape in setup.original.shapes.items():
        start.shapes[name] = shape
    start.touch()
    views = setup.views[:: max(1, len(setup.views) // _MESH_VIEWS)][:_MESH_VIEWS]
    return [
        {"name": view.name, "start": _normals(start, setup, view), "fitted": _normals(setup.scene, setup, view)}
        for view in views
    ]


def _normals(scene: Scene, setup: FitSetup, view: View) -> str:
    height, width = view.size(setup.finest)
    camera = setup.scene.cameras[view.camera].resized(width, height)
    images = render_buffers(scene, ["normal", "mask"], spp=16, camera=camera)
    return data_uri(np.clip(0.5 * (images["normal"] + images["mask"][..., None]), 0.0, 1.0))


def _camera(setup: FitSetup, view: View) -> dict[str, str] | None:
    """How far a fitted camera moved."""
    prefix = f"cameras.{view.camera}."
    now = setup.scene.cameras[view.camera]
    moved = {
        name.removeprefix(prefix): (item.spread(item.start)[0][name], item.spread(item.value)[0][name])
        for item in setup.variables.values()
        for name in item.targets
        if name.startswith(prefix)
    }
    if not moved:
        return None
    result = {"name": view.name, "moved": "", "turned": "", "lens": ""}
    if "translation" in moved:
        result["moved"] = f"{np.linalg.norm(now.translation):.4g}"
    if "rotation" in moved:
        result["turned"] = f"{np.rad2deg(np.linalg.norm(now.rotation)):.4g}°"
    lens = [
        f"{key} {_numbers(start)} → {_numbers(value)}"
        for key, (start, value) in moved.items()
        if key in ("fov", "intrinsics", "distortion")
    ]
    result["lens"] = "; ".join(lens)
    return result
