"""Page: a runbook's file as lint reads it, with whatever could be read of it, and the faults of its format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flashcrowd.documents import did_you_mean, read_text
from flashcrowd.errors import DocumentError, InputError
from runbooks.catalogue import LIBRARY, builtin_names
from runbooks.lint.finding import Finding
from runbooks.markdown import lines_of, split
from runbooks.model import Runbook
from runbooks.parser import LONGEST, read

_LARGEST = 4 * LONGEST
"""Bytes: no character has more than four."""


@dataclass(frozen=True)
class Page:
    """A page. front: its front matter could be read. body: its lines, those of the front matter left empty."""

    runbook: Runbook
    front: bool
    body: tuple[str, ...]
    faults: tuple[Finding, ...]

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
        if file.stat().st_size > _LARGEST:
            text = "x" * (LONGEST + 1)  # read() says it in its own words
        else:
            text = read_text(file)
    except DocumentError as error:
        return _unreadable(file, [Finding("format", problem) for problem in error.problems])
    except OSError:
        text = ""
    reading = read(text, file)
    whole = len(text) <= LONGEST
    body = split(lines_of(text))[1] if whole else []
    return Page(reading.runbook, reading.front, tuple(body), tuple(Finding("format", one) for one in reading.problems))


def _unreadable(file: Path, faults: list[Finding]) -> Page:
    return Page(read("", file).runbook, False, (), tuple(faults))


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
