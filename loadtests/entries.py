"""Entries: the viewers' own record of every draw that they entered, one JSON line as they know how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loadtests.jsonlines import LinesWriter, read

ENTERED, REFUSED, UNKNOWN = "entered", "refused", "unknown"
"""What a viewer knows of an entry: it counts, it came too late, or no answer told."""


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """One viewer in one draw.

    start, end: unix seconds of the wish to enter and of the last answer. outcome: `entered`, `refused` or `unknown`.
    answered: whether the target told the result; prize: what it told, nothing when not won. status: of the last answer,
    0 without one.
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


class EntryWriter(LinesWriter[EntryRecord]):
    """Appends entries to a file, buffered: they are safe once `flush` has returned."""


def file_of(folder: Path, worker: int) -> Path:
    """The file of a worker's entries."""
    return folder / f"draws-{worker}.jsonl"


def read_entries(folder: Path) -> Iterator[EntryRecord]:
    """All entries of a load, worker by worker, read as they are asked for. Raises InputError as `read_history` does."""
    for path in sorted(folder.glob("draws-*.jsonl")):
        yield from read(path, EntryRecord, "a record of an entry")
