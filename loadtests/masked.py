"""Masked: a stream whose secrets are masked before they reach it: the logs of a load lie in the run directory."""

from __future__ import annotations

import io
from typing import TextIO

from flashcrowd.masking import of_process


class Masked(io.TextIOBase):
    """A text stream in front of another one. Each write is masked as a whole: a log record is one write."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(of_process().values(text))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding
