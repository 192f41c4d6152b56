"""The curves of the report, as SVG text (extra: report)."""

import io
import re
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.figure import Figure

_MOST_POINTS = 1500
_WINDOW = 0.02
"""Share of the run over which curves are smoothed."""


def losses(rows: list[dict[str, Any]]) -> str:
    """The loss and its parts over the iterations, on a logarithmic scale; lines where stages begin."""
    figure, axes = _axes("loss")
    total = np.array([row["loss"] for row in rows], dtype=float)
    iterations = np.array([row["iteration"] for row in rows])
    keep = _every(len(rows))
    axes.plot(iterations[keep], total[keep], color="#9db4d0", linewidth=0.8)
    axes.plot(iterations[keep], _smooth(total)[keep], color="#1f4e8c", linewidth=1.8, label="loss")
    names = sorted({name for row in rows for name in row["terms"]})
    for name in names if len(names) > 1 else []:
        part = np.array([row["terms"].get(name, np.nan) for row in rows], dtype=float)
        axes.plot(iterations[keep], _smooth(part)[keep], linewidth=1.1, label=name)
    for row, after in pairwise(rows):
        if row["stage"] != after["stage"]:
            axes.axvline(after["iteration"], color="#888888", linewidth=0.8, linestyle=":")
    if len(names) > 1:
        axes.legend(frameon=False, fontsize=8)
    return _svg(figure)


def gradient_norms(rows: list[dict[str, Any]]) -> str:
    """The length of the gradient by each parameter; of many the ten that come first."""
    figure, axes = _axes("gradient")
    iterations = np.array([row["iteration"] for row in rows])
    keep = _every(len(rows))
    for name in list(rows[0]["gradient_norms"])[:10]:
        values = np.array([row["gradient_norms"][name] for row in rows], dtype=float)
        axes.plot(iterations[keep], _smooth(values)[keep], linewidth=1.2, label=name)
    axes.legend(frameon=False, fontsize=7)
    return _svg(figure)


def noise(rows: list[dict[str, Any]]) -> str:
    """The share of noise in the steps of each parameter, of many the ten that come first, and the samples per pixel."""
    figure, axes = _axes("noise in the steps", "linear")
    iterations = np.array([row["iteration"] for row in rows])
    keep = _every(len(rows))
    for name in list(rows[-1]["noise"])[:10]:
        values = np.array([row["noise"].get(name, np.nan) for row in rows], dtype=float)
        axes.plot(iterations[keep], values[keep], linewidth=1.2, label=name)
    axes.set_ylim(0.0, 1.02)
    axes.legend(frameon=False, fontsize=7)
    samples = axes.twinx()
    samples.set_yscale("log", base=2)
    samples.set_ylabel("samples per pixel")
    samples.yaxis.set_major_formatter("{x:.0f}")
    samples.plot(iterations[keep], np.array([row["spp"] for row in rows])[keep], color="#888888", linestyle=":")
    return _svg(figure)


def _axes(label: str, scale: str = "log") -> tuple[Figure, Any]:
    figure = Figure(figsize=(6.0, 3.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set_yscale(scale)
    axes.set_xlabel("iteration")
    axes.set_ylabel(label)
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _every(count: int) -> slice:
    return slice(None, None, max(1, -(-count // _MOST_POINTS)))


def _smooth(values: np.ndarray) -> np.ndarray:
    """The mean over a window around each point, of the numbers that are finite."""
    half = max(1, round(0.5 * _WINDOW * len(values)))
    good = np.isfinite(values)
    window = np.ones(2 * half + 1)
    count = np.convolve(good, window, mode="full")[half : half + len(values)]
    total = np.convolve(np.where(good, values, 0.0), window, mode="full")[half : half + len(values)]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
