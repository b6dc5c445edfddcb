"""Room: what is left on a file system, and what must be, as flashcrowd and the machine live on it too.

A refusal names its rule. There are two, each of which wants FLOOR left:

room-to-heal      on the file system of the undo log, or of the folder that we run in, where run directories are made
room-to-run       on the machine's own: `/`, or the one for temporary files
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

FLOOR = 512 * 2**20
"""Bytes: an undo record has a few thousand, a game day's run directory some tens of millions."""


def room(folder: Path) -> int:
    """Bytes that an ordinary user can still write there (`Avail` of df)."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def rule_for(folder: Path, undo_log: Path) -> str | None:
    """Which rule wants FLOOR left on the file system of this folder, and why; None when it may be filled."""
    for other in (undo_log, Path.cwd()):
        if _shared(folder, other):
            return f"room-to-heal, flashcrowd itself writes there ({other})"
    for other in (Path("/"), Path(tempfile.gettempdir())):
        if _shared(folder, other):
            return f"room-to-run, the machine itself writes there ({other})"
    return None


def _shared(one: Path, other: Path) -> bool:
    """Whether two folders lie on the same file system, or on parts of one that share their room (btrfs, ZFS).

    Parts have device numbers of their own and are known by the same room; `other` need not exist yet.
    """
    while not other.exists():
        other = other.parent
    if one.stat().st_dev == other.stat().st_dev:
        return True
    a, b = os.statvfs(one), os.statvfs(other)
    return a.f_bavail > 0 and a.f_bavail * a.f_frsize == b.f_bavail * b.f_frsize
