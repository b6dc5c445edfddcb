"""Journal: what became of everything that came in, refused or not, in `server.jsonl`.

{"time": 1764130000.123, "outcome": "refused", "why": "wrong token", "from": "127.0.0.1"}

It is bounded, as strangers write to it: so many lines a minute, of which the last counts those left out; and so many
bytes, after which the file becomes `server.jsonl.1` and a new one is begun.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flashcrowd.masking import bounded
from flashcrowd.masking import of_process as masking

MOST_LINES = 600
"""A minute."""

MOST_BYTES = 10_000_000
LONGEST = 500
"""Characters of one text in it."""


class Journal:
    """The record of a server. listen: called with each outcome, also where its line is left out."""

    def __init__(self, folder: Path, listen: Callable[[str], None] = lambda outcome: None) -> None:
        self._path, self._listen = folder / "server.jsonl", listen
        self._minute, self._lines, self._left_out = 0, 0, 0

    def note(self, outcome: str, **data: Any) -> None:
        """One line. A disk that is full must not keep the server from answering: the line is lost then."""
        self._listen(outcome)
        if (minute := int(time.time() // 60)) != self._minute:
            if self._left_out:
                self._write({"outcome": "left_out", "lines": self._left_out})
            self._minute, self._lines, self._left_out = minute, 0, 0
        self._lines += 1
        if self._lines > MOST_LINES:
            self._left_out += 1
        else:
            self._write({"outcome": outcome, **data})

    def close(self) -> None:
        """Write how many lines were left out."""
        if self._left_out:
            self._write({"outcome": "left_out", "lines": self._left_out})
            self._left_out = 0

    def _write(self, row: dict[str, Any]) -> None:
        clean = {
            key: bounded(masking()(value), LONGEST) if isinstance(value, str) else value for key, value in row.items()
        }
        line = json.dumps({"time": round(time.time(), 3), **clean}) + "\n"
        with contextlib.suppress(OSError):
            if self._path.exists() and self._path.stat().st_size + len(line) > MOST_BYTES:
                self._path.replace(self._path.with_name("server.jsonl.1"))
            with self._path.open("a", encoding="ascii") as file:
                file.write(line)
