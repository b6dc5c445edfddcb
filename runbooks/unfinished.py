"""Unfinished: runs that a crash or Ctrl-C cut off, found in the audits of a folder."""

from __future__ import annotations

from pathlib import Path

from runbooks.records import Record, read

Unfinished = Record
"""A Record without an outcome."""


def unfinished(folder: Path) -> list[Unfinished]:
    """The runs in the folder's audits that acted, or were about to, and came to no end; the oldest first.

    A dry run changes nothing, so it isn't missed. A file that can't be read is left out, as nothing can be said of it.
    """
    found = [record for file in sorted(folder.glob("*.jsonl")) for record in _records(file)]
    return sorted((one for one in found if one.execute and one.outcome is None), key=lambda one: one.began)


def _records(file: Path) -> list[Record]:
    try:
        return read(file)
    except OSError:
        return []
