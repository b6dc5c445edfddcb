"""Errors: one tree, and the exit code that each branch ends the command with.

FlashcrowdError
 ├── InputError            2   usage, or a file is wrong
 │    ├── DocumentError    2   a file is wrong: carries every problem found in it
 │    └── GuardError       2   not allowed to be touched; refused before the first packet
 ├── NeedError             4   something needed is missing or broke, with what to do
 └── UnhealedError         5   a fault is still in place, with how to heal it by hand
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import ClassVar


class ExitCode(IntEnum):
    """What a command's exit status means; other tools rely on the numbers."""

    PASS = 0
    FAIL = 1
    INPUT = 2
    INCONCLUSIVE = 3
    NEED = 4
    UNHEALED = 5
    INTERRUPTED = 130


class FlashcrowdError(Exception):
    """An error whose message a user can act on; anything else that escapes is a bug of ours."""

    exit_code: ClassVar[ExitCode] = ExitCode.NEED


class InputError(FlashcrowdError):
    """The command line or a file asks for something that can't be."""

    exit_code = ExitCode.INPUT


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong in a file; prints as `file:line: path: message`. Lines count from 1, 0 is the whole file."""

    file: Path
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else f"{self.file}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class DocumentError(InputError):
    """A file is wrong. `problems` holds all of its faults, in the order of their lines."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join([*map(str, self.problems), *self._count()]))

    def _count(self) -> list[str]:
        """The last line, when there are several."""
        files = {problem.file.name for problem in self.problems}
        faults = f"{len(self.problems)} faults in {', '.join(sorted(files))}"
        return [f"{faults}; nothing was started"] if len(self.problems) > 1 else []


class GuardError(InputError):
    """Load, a fault or a mitigation would touch something that the target file doesn't allow."""


class NeedError(FlashcrowdError):
    """Something needed is missing or broke (a program, a port, a server); the message says what to do."""

    exit_code = ExitCode.NEED


class UnhealedError(FlashcrowdError):
    """A fault could not be healed; the message says which, and how to heal it by hand."""

    exit_code = ExitCode.UNHEALED
