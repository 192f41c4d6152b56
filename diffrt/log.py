"""Warnings and notes to the user, apart from results: they go to stderr."""

import sys
import warnings
from typing import TextIO


class DiffrtWarning(UserWarning):
    """Something the user should know, though the work goes on."""


def warn(message: str) -> None:
    """Issue `message` as a DiffrtWarning. The command line shows it as one plain line."""
    warnings.warn(message, DiffrtWarning, stacklevel=3)


def show_warnings_plainly() -> None:
    """Make DiffrtWarnings appear as `warning: message` on stderr, each text once. For the command line."""

    original = warnings.showwarning
    seen: set[str] = set()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if not issubclass(category, DiffrtWarning):
            original(message, category, filename, lineno, file, line)
        elif str(message) not in seen:
            seen.add(str(message))
            print(f"warning: {message}", file=sys.stderr)

    warnings.showwarning = show
    warnings.simplefilter("always", DiffrtWarning)
