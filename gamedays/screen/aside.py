"""Aside: where everything goes that is printed while a display has the terminal, by whomever: Python's logging and
warnings, libraries in C, children that share our standard error. It goes by file descriptor, so that none is missed."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gamedays.progress import plain

STDOUT, STDERR = 1, 2
TAIL = 2_000
"""Bytes of the file's end in which its last line is looked for."""


class Aside:
    """fds: the descriptors that are led to a file, as far as they are terminals; what goes elsewhere goes on to."""

    def __init__(self, fds: Sequence[int] = (STDOUT, STDERR)) -> None:
        self._saved = {fd: os.dup(fd) for fd in fds if os.isatty(fd)}
        self._log: Path | None = None

    def divert(self, log: Path) -> None:
        """Lead them to a file from now on; where it can't be written, they stay as they are."""
        _flush()
        with contextlib.suppress(OSError):
            file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            for fd in self._saved:
                os.dup2(file, fd)
            os.close(file)
            self._log = log

    def restore(self) -> None:
        """Lead them back. May be repeated."""
        _flush()
        for fd, saved in self._saved.items():
            os.dup2(saved, fd)

    def close(self) -> None:
        """Restore, for good; a file that nothing came to is removed."""
        self.restore()
        for saved in self._saved.values():
            os.close(saved)
        self._saved = {}
        if self._log is not None and not self.latest:
            self._log.unlink(missing_ok=True)

    @property
    def latest(self) -> str:
        """The last line that was printed, and where it is to be read; empty when nothing was."""
        if self._log is None:
            return ""
        with contextlib.suppress(OSError), self._log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
            return f"{plain(lines[-1])} ({self._log.parent.name}/{self._log.name})" if lines else ""
        return ""

    @property
    def summary(self) -> str:
        """A line that says where to read what was printed; empty when nothing was."""
        return f"printed meanwhile: {self._log}\n" if self.latest else ""


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
