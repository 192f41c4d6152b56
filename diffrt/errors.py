"""What diffrt says when the input is wrong: every problem at once, each with its field."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the input: where it stands, what was found, what is allowed, and a hint."""

    field: str
    found: str
    allowed: str = ""
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.field}: {self.found}" if self.field else self.found
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        if self.hint:
            text += f" ({self.hint})"
        return text


class DiffrtError(Exception):
    """Base class of the errors that diffrt raises on purpose."""

    exit_code = 1


class InputError(DiffrtError, ValueError):
    """The input (a scene, a file, an argument) is not usable. Holds every problem found; exit code 2.

    Args:
        problems: one problem, several, or a plain message.
    """

    exit_code = 2

    def __init__(self, problems: Problem | Sequence[Problem] | str) -> None:
        if isinstance(problems, str):
            problems = [Problem("", problems)]
        elif isinstance(problems, Problem):
            problems = [problems]
        self.problems: list[Problem] = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class MissingExtraError(DiffrtError, ImportError):
    """An optional dependency is needed; the message names the extra that brings it."""

    exit_code = 2

    def __init__(self, purpose: str, package: str, extra: str) -> None:
        super().__init__(f'{purpose} needs {package}: pip install "diffrt[{extra}]"')
