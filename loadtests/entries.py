"""Entries: the viewers' own record of every entry into a draw, one JSON line as it ends, for the comparison with the
target's list of winners."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Any

from flashcrowd.errors import InputError

ENTERED, REFUSED, UNKNOWN = "entered", "refused", "unknown"
"""What a viewer knows of an entry: it counts, it came too late, or no answer told."""


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """One viewer's way through one draw.

    start, end: unix seconds of the wish to enter and of the last answer. outcome: `entered`, `refused`, `unknown`.
    answered: whether the target told the result, and then `prize` is what was won, empty for nothing. status: of the
    last answer, 0 without one; of the entry itself, where the viewer never came to ask for the result. traceparent: of
    the entry's requests (W3C Trace Context).
    """

    start: float
    end: float
    draw: str
    user: str
    outcome: str
    answered: bool
    prize: str
    status: int
    traceparent: str


_FIELDS = tuple(field.name for field in fields(EntryRecord))
_VALUES = attrgetter(*_FIELDS)


class EntryWriter:
    """Appends records to a file, buffered: they are safe once `flush` has returned."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._waiting = list[EntryRecord]()

    def add(self, record: EntryRecord) -> None:
        self._waiting.append(record)

    def flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._file.write(
            "".join(json.dumps(dict(zip(_FIELDS, _VALUES(record), strict=True))) + "\n" for record in waiting)
        )
        self._file.flush()


def file_of(folder: Path, worker: int) -> Path:
    """The entries' file of a worker."""
    return folder / f"draws-{worker}.jsonl"


def read_entries(folder: Path) -> Iterator[EntryRecord]:
    """All records of a load, worker by worker, read as they are asked for.

    A last line without an end is what a killed worker was writing: it is left out.

    Raises:
        InputError: another line can't be read; says which.
    """
    for path in sorted(folder.glob("draws-*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.endswith("\n"):
                    yield _record(line, f"{path}:{number}")


def _record(line: str, place: str) -> EntryRecord:
    try:
        row: dict[str, Any] = json.loads(line)
        return EntryRecord(**row)
    except (ValueError, TypeError) as error:
        raise InputError(f"{place}: is not a record of an entry: {error}") from None
