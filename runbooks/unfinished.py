"""Unfinished: runs that a crash or Ctrl-C cut off, found in the audits of a folder."""

from __future__ import annotations

from pathlib import Path

from runbooks.audit import Audit
from runbooks.locks import held
from runbooks.records import Record, read

Unfinished = Record
"""A Record without an outcome, whose process is gone."""


def unfinished(folder: Path) -> list[Unfinished]:
    """The runs in the folder's audits that came to no end and that no process follows now; the oldest first.

    A dry run changes nothing, so it isn't missed. A file that can't be read is left out, as nothing can be said of it.
    """
    return [record for record in without_end(folder) if not held(record.file, record.run)]


def followed(folder: Path) -> list[Record]:
    """The runs in the folder's audits that a living process follows now; the oldest first."""
    return [record for record in without_end(folder) if held(record.file, record.run)]


def give_up(record: Record, why: str) -> None:
    """Have the run not asked about any more. What is in place stays, and can still be taken back.

    Raises:
        InputError: a process follows it. NeedError: its audit can't be written.
    """
    with Audit(record.file, run=record.run) as audit:
        in_place = list(record.in_place)
        audit.write("given_up", {"runbook": record.runbook, "message": why, "in_place": in_place})


def without_end(folder: Path) -> list[Record]:
    """The runs in the folder's audits that acted and came to no end yet, followed now or not; the oldest first."""
    found = [record for file in sorted(folder.glob("*.jsonl")) for record in runs_of(file)]
    return sorted((one for one in found if one.execute and one.outcome is None), key=lambda one: one.began)


def runs_of(file: Path) -> list[Record]:
    """The runs in an audit; none where it can't be read."""
    try:
        return read(file)
    except OSError:
        return []
