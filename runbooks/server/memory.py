"""Memory: the alerts that were already taken, so that a replay or a repetition starts nothing; it survives a restart.

One JSON line an alert in `known.jsonl`: {"key": ..., "status": "firing", "incident": "2026-11-26T..."}. The newest
`most` are remembered, and the file is written anew before it has twice as many lines.
"""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from dataclasses import asdict, dataclass
from pathlib import Path

from flashcrowd.errors import NeedError
from flashcrowd.rundir import write_atomically

MOST = 10_000


@dataclass(frozen=True)
class Known:
    """An alert that was taken. status: the last we heard, `firing` or `resolved`. incident: the name of its folder."""

    key: str
    status: str
    incident: str


class Memory:
    """The alerts that are known, in the order in which they were last heard of.

    Raises:
        NeedError: its file can't be read or written.
    """

    def __init__(self, folder: Path, most: int = MOST) -> None:
        self._path, self._most = folder / "known.jsonl", most
        self._known = OrderedDict[str, Known]()
        try:
            self._read()
            self._compact()
        except OSError as error:
            raise self._failed(error) from None

    def find(self, key: str) -> Known | None:
        """What is known of an alert."""
        return self._known.get(key)

    def put(self, key: str, status: str, incident: str) -> None:
        """Remember the latest of an alert, on disk before this returns."""
        known = Known(key, status, incident)
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(known)) + "\n")
                file.flush()
                os.fsync(file.fileno())
            self._lines += 1
            self._remember(known)
            if self._lines >= 2 * self._most:
                self._compact()
        except OSError as error:
            raise self._failed(error) from None

    def _remember(self, known: Known) -> None:
        self._known[known.key] = known
        self._known.move_to_end(known.key)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def _read(self) -> None:
        text = self._path.read_text(encoding="utf-8", errors="replace") if self._path.exists() else ""
        for line in text.split("\n"):
            try:
                self._remember(Known(**json.loads(line)))
            except (ValueError, TypeError):
                continue  # a last line that a crash cut off

    def _compact(self) -> None:
        write_atomically(self._path, "".join(json.dumps(asdict(one)) + "\n" for one in self._known.values()))
        self._lines = len(self._known)

    def _failed(self, error: OSError) -> NeedError:
        return NeedError(f"{self._path} can't be written: {error.strerror}; choose another folder with --out")
