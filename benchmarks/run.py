"""Run the benchmarks: python -m benchmarks.run [--only a,b] [--runs 5] [--quick] [--output docs/performance.md]

Prints the result table, and writes the report: docs/performance.md if everything was run at full size, or the file that
--output names, which grows with every point. Exit code 1 if a target was missed, 3 if a point could not be measured.
"""

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks import bvh, error, first_gradient, fit_speed, gradients, machine, memory, shell, speed
from benchmarks.gradient_cases import CASES
from benchmarks.peers import Peer
from benchmarks.report import Row, Section, page, print_rows

POINTS = "abcdefghijklmnopqrs"
DEFAULT_OUTPUT = Path("docs") / "performance.md"


def main() -> int:
    """The command line."""
    arguments = _arguments()
    if not machine.mitsuba_installed():
        print("Mitsuba is not installed: pip install 'diffrt[peers]'", file=sys.stderr)
        return 2
    if machine.find_llvm() is None:
        print(machine.LLVM_HINT, file=sys.stderr)
        return 2
    runs = arguments.runs or (1 if arguments.quick else 5)
    sections: list[Section] = []
    failed = False
    with ExitStack() as stack:
        peers: list[Peer] = []

        def both() -> tuple[Peer, Peer]:
            if not peers:
                peers.extend(stack.enter_context(Peer(name)) for name in ("diffrt", "Mitsuba"))
            return peers[0], peers[1]

        def beside_peer(measure: Callable[..., Section], item: object) -> Callable[[], Section]:
            return lambda: measure(item, *both(), runs, quick)

        def fitted(case: fit_speed.FitCase) -> Callable[[], Section]:
            return lambda: fit_speed.measure(case, quick)

        quick = arguments.quick
        work: dict[str, Callable[[], Section]] = {
            # Memory first: it starts processes, and this one is still small.
            "g": lambda: memory.measure(quick),
            "f": lambda: bvh.measure(runs, quick),
            "e": lambda: shell.measure(runs, quick),
            "s": lambda: first_gradient.measure(runs, quick),
            **{item.point: beside_peer(speed.measure, item) for item in speed.SPEEDS},
            "d": lambda: error.measure(*both(), runs, quick),
            **{item.point: beside_peer(gradients.measure, item) for item in CASES},
            **{case.point: fitted(case) for case in fit_speed.CASES},
        }
        for point in (point for point in work if point in arguments.only):
            print(f"({point}) ...", file=sys.stderr, flush=True)
            try:
                section = work[point]()
            except RuntimeError as problem:
                failed = True
                section = Section(f"({point})", [Row(point, f"not measured: {problem}", "", "", False)])
            sections.append(section)
            sections.sort(key=lambda section: section.rows[0].point)
            print_rows(section.rows)
            if arguments.output is not None:
                _write(arguments.output, sections, runs, arguments)
    rows = [row for section in sections for row in section.rows]
    print_rows(rows)
    if arguments.output is None and not quick and set(arguments.only) == set(POINTS):
        _write(DEFAULT_OUTPUT, sections, runs, arguments)
    return 3 if failed else 1 if any(row.met is False for row in rows) else 0


def _write(output: Path, sections: list[Section], runs: int, arguments: argparse.Namespace) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(page(sections, _command(arguments), runs, arguments.quick), encoding="utf-8")
    print(output)


def _points(text: str) -> str:
    points = text.replace(",", "").replace(" ", "")
    if not points or set(points) - set(POINTS):
        raise argparse.ArgumentTypeError(f"{text!r}: letters from a to s, as in a,b")
    return points


def _whole(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: a whole number above 0")
    return int(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="diffrt against Mitsuba 3.")
    parser.add_argument("--only", type=_points, default=POINTS, help="points to measure, as in a,b (default: all)")
    parser.add_argument("--runs", type=_whole, help="runs whose median is taken (default: 5)")
    parser.add_argument("--quick", action="store_true", help="toy sizes and a single run, to try the harness")
    parser.add_argument("--output", type=Path, help=f"report (default: {DEFAULT_OUTPUT} if everything was run)")
    return parser.parse_args()


def _command(arguments: argparse.Namespace) -> str:
    parts = ["python -m benchmarks.run"]
    if set(arguments.only) != set(POINTS):
        parts.append(f"--only {','.join(sorted(set(arguments.only)))}")
    if arguments.runs:
        parts.append(f"--runs {arguments.runs}")
    if arguments.quick:
        parts.append("--quick")
    return " ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
