"""Rows of the result table, and the page they are printed on."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from benchmarks import machine


@dataclass(frozen=True)
class Spread:
    """A median with the range it comes from."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values: Sequence[float]) -> "Spread":
        return Spread(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True)
class Row:
    """A line of the result table. met: None where there is no target."""

    point: str
    what: str
    figure: str
    target: str
    met: bool | None


@dataclass
class Section:
    """What one point gave: its rows of the result table, and a text with a table of the figures behind them."""

    title: str
    rows: list[Row] = field(default_factory=list)
    text: str = ""
    header: tuple[str, ...] = ()
    lines: list[tuple[str, ...]] = field(default_factory=list)


def verdict(met: bool | None) -> str:
    return "" if met is None else "yes" if met else "**no**"


def print_rows(rows: Sequence[Row]) -> None:
    """The result table on the terminal."""
    table = Table("", "what", "measured", "target", "met")
    for row in rows:
        table.add_row(row.point, row.what, row.figure, row.target, verdict(row.met).strip("*"))
    Console(width=160).print(table)


def _table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def page(sections: Sequence[Section], command: str, runs: int, quick: bool) -> str:
    """The whole report in Markdown."""
    rows = [row for section in sections for row in section.rows]
    results = [(row.point, row.what, row.figure, row.target, verdict(row.met)) for row in rows]
    parts = [
        "# Performance",
        f"Written by `{command}`; do not edit. It needs the extra `peers` (Mitsuba) and LLVM's shared library.",
    ]
    if quick:
        parts.append("**A quick run at toy sizes: it shows that the benchmarks work, and nothing else.**")
    parts += [
        f"diffrt and Mitsuba 3 (`llvm_ad_rgb`) run in turn on the same machine, each in a process of its own. Figures "
        f"are medians of {runs} runs with the least and the greatest in brackets; a ratio is taken between two runs "
        "that followed each other. Ratios of paths per second are above 1 where diffrt is the faster; those by "
        "processor time depend less on what else the machine was doing. Compilation is left out unless a row says "
        "otherwise.",
        _table(("", "what", "measured", "target", "met"), results),
        "## The machine",
        _table(("", ""), list(machine.description().items())),
    ]
    for section in sections:
        parts.append(f"## {section.title}")
        if section.text:
            parts.append(section.text)
        if section.lines:
            parts.append(_table(section.header, section.lines))
    return "\n\n".join(parts) + "\n"
