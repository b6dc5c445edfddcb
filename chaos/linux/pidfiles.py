"""Pidfiles: files that hold the number of a process, and whether to believe them.

A pidfile says whom a signal reaches. So it is believed only if nobody could have written it who might not have sent
the signal by themselves.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

MOST = 4096
"""Bytes that are read. Some services, as PostgreSQL, write more than the number, which is the first line."""


@dataclass(frozen=True)
class Pidfile:
    """One that was read. written: unix seconds of its last change; owner: the number of the user whose it is."""

    path: Path
    pid: int
    written: float
    owner: int
    mode: int

    def distrust(self, user: int | None) -> str | None:
        """Why it can't be believed about a process of that user, with the remedy; None when it can."""
        if self.mode & stat.S_IWOTH:
            return f"everybody may write it; chmod o-w {self.path}"
        folder = self.path.parent
        mode = folder.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return f"everybody may replace it; chmod o-w {folder}"
        if self.owner not in (0, os.geteuid(), user):
            return f"it belongs to user {self.owner}, and the process to {user}; have the service or root write it"
        return None


def read(path: Path) -> Pidfile:
    """Read a pidfile; a link is not followed, as whoever may change the link chooses the process.

    Raises:
        OSError: it can't be read; for a link, ELOOP. ValueError: it holds no process id.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.fstat(handle)
        first = os.read(handle, MOST).decode("ascii", "replace").partition("\n")[0].strip()
    finally:
        os.close(handle)
    if not first.isdecimal() or int(first) == 0:
        raise ValueError(f"{path} holds no process id")
    return Pidfile(path, int(first), found.st_mtime, found.st_uid, found.st_mode)
