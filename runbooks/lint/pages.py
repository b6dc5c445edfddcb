"""Page: a runbook's file as lint reads it, with whatever could be read of it, and the faults of its format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markdown_it.token import Token

from flashcrowd.documents import did_you_mean, read_text
from flashcrowd.errors import DocumentError, InputError, Problem
from runbooks.catalogue import LIBRARY, builtin_names
from runbooks.lint.finding import Finding
from runbooks.markdown import lines_of, split, tokens
from runbooks.model import Runbook
from runbooks.parser import LONGEST, read

_LARGEST = 4 * LONGEST
"""Bytes: no character has more than four."""


@dataclass(frozen=True)
class Page:
    """A page. has_front: its front matter could be read. front, body: the lines of either, those of the other empty."""

    runbook: Runbook
    has_front: bool
    front: tuple[str, ...]
    body: tuple[str, ...]
    faults: tuple[Finding, ...]

    @cached_property
    def tokens(self) -> list[Token]:
        """The blocks of the page."""
        return tokens(self.body)

    @property
    def file(self) -> Path:
        return self.runbook.file

    @property
    def name(self) -> str:
        return self.runbook.name


def files(paths: Sequence[str]) -> list[Path]:
    """The Markdown files of files, folders and names of built-in runbooks; the library, when nothing is named.

    A folder's README.md, and pages of people whose names begin with `_` or `.`, are no runbooks.

    Raises:
        InputError: one isn't there, or a folder without any.
    """
    found = [file for path in paths or [str(LIBRARY)] for file in _files(path)]
    return list({file.resolve(): file for file in found}.values())


def load(file: Path) -> Page:
    """The page of a file; one that can't be read is a page without anything, and a fault."""
    try:
        text = read_text(file) if file.stat().st_size <= _LARGEST else "x" * (LONGEST + 1)
    except OSError as error:
        return _unreadable(file, [Problem(file, 0, "", f"can't be read: {error.strerror}")])
    except DocumentError as error:
        return _unreadable(file, error.problems)
    reading = read(text, file)
    front, body = split(lines_of(text)) if len(text) <= LONGEST else (None, [])
    faults = tuple(Finding("format", problem) for problem in reading.problems)
    return Page(reading.runbook, reading.front, tuple(front or ()), tuple(body), faults)


def _unreadable(file: Path, problems: Sequence[Problem]) -> Page:
    return Page(read("", file).runbook, False, (), (), tuple(Finding("format", problem) for problem in problems))


def _files(path: str) -> list[Path]:
    if path in builtin_names():
        return [LIBRARY / f"{path}.md"]
    place = Path(path)
    if not place.exists():
        raise InputError(f"no runbook '{path}' built in, and no such path{did_you_mean(path, builtin_names())}")
    if not place.is_dir():
        return [place]
    found = sorted(file for file in place.rglob("*.md") if file.is_file() and not _is_other(file, place))
    if not found:
        raise InputError(f"{path} holds no runbook; give a folder with .md files, or a file")
    return found


def _is_other(file: Path, folder: Path) -> bool:
    inner = file.relative_to(folder).parts
    return file.name.lower() == "readme.md" or any(part.startswith((".", "_")) for part in inner)
