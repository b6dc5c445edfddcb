"""Audit: the append-only record of what a run of a runbook did, one JSON line each, on disk before the thing is done.

{"time": "2026-11-23T10:02:58.112Z", "run": "5f0c…", "who": "mei", "kind": "start", "runbook": "order-latency",
 "step": "reserve-blocks", "section": "Mitigation", "number": 1, "what": "POST http://…"}

kind       of
begin      the run: execute, labels, target, ...   finish       the run: outcome, message, in_place
ask        a step that wants a person's word       decision     what the person said
start      one try of a step: number, what, undo   end          the same: state, seconds, message, output, expected, got
planned    a step of a dry run: what               skipped      a step that wasn't taken: message
before     the verification's figures, before anything was done
rollback   the turn to it: reason, in_place        interrupted  the run, by a signal or an error of ours: in_place
resume     the run, by a later process: finished   given_up     the run, by a person: it is not asked about any more
stragglers processes of a step that were ended: pids

A `start` without its `end` is a step of which nobody knows how far it came. docs/runbooks.md has all fields.
"""

from __future__ import annotations

import getpass
import json
import os
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any

from flashcrowd.errors import InputError, NeedError
from flashcrowd.masking import Masking, bounded
from flashcrowd.units import utc
from runbooks import locks

OUTPUT_LIMIT = 4096
"""Characters of any one text in the record."""

NAMES = frozenset({"runbook", "target", "step", "section", "undo", "in_place", "finished", "under_way"})
"""Fields that hold nothing but names from the page and the target file; a secret may be the same common word."""


class Audit:
    """The record of one run; several runs may share a file.

    run: the id of an earlier run that is gone on with. While this is open, no other process can go on with the run.

    Raises:
        InputError: a living process follows the run.
        NeedError: the file can't be opened or locked, or a line can't be written to disk.
    """

    def __init__(
        self, path: Path, masking: Masking | None = None, who: str | None = None, run: str | None = None
    ) -> None:
        self.path, self.run, self.who = path, run or uuid.uuid4().hex, who or _user()
        self.mask = masking or Masking(os.environ)
        self._file = -1
        try:
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            free = locks.hold(self._file, self.run)
            self._torn = _is_torn(self._file)
            _sync_folder(path.parent)
        except OSError as error:
            self.close()
            raise self._failed(error) from None
        if not free:
            self.close()
            raise InputError(f"another process is following the run in {path}; wait until it has ended")

    def write(self, kind: str, row: dict[str, Any]) -> None:
        """Append a line, cleaned, and wait until it is on disk."""
        head = {"time": utc(time.time()), "run": self.run, "who": self.who, "kind": kind}
        line = json.dumps({**head, **self.line(row)}, ensure_ascii=False) + "\n"
        text, self._torn = ("\n" if self._torn else "") + line, True
        try:
            _write_all(self._file, text.encode("utf-8", errors="replace"))
            os.fsync(self._file)
        except OSError as error:
            raise self._failed(error) from None
        self._torn = False

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Audit:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def clean(self, text: str) -> str:
        """A text as it may be recorded or shown: masked first, then bounded, so that no half of a secret is left."""
        return bounded(self.mask(text), OUTPUT_LIMIT)

    def line(self, row: dict[str, Any]) -> dict[str, Any]:
        """A line's fields as they are recorded: cleaned, but for names, by which the steps are found again."""
        return {key: value if key in NAMES else self._clean(value) for key, value in row.items()}

    def cleaned(self, row: dict[str, Any]) -> dict[str, Any]:
        """Values by name, each text in them masked and bounded. Cleaning them again changes nothing."""
        return {key: self._clean(value) for key, value in row.items()}

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, dict):
            return self.cleaned(value)
        return [self._clean(item) for item in value] if isinstance(value, list | tuple) else value

    def _failed(self, error: OSError) -> NeedError:
        return NeedError(f"the audit {self.path} can't be written: {error.strerror}; nothing is done without it")


def _is_torn(file: int) -> bool:
    """Whether the last line has no end, as a crash or a full disk leaves it: the next one must not continue it."""
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) != b"\n"


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _sync_folder(folder: Path) -> None:
    """Make the file's own entry durable, too: a record that no folder lists is no record."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
