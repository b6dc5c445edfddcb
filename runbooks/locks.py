"""Lock: says which process follows a run now, so that no second one takes it up. It ends with its process.

Each run locks one byte of its audit, far behind the text and chosen by the run's id: several runs may share a file.
On Linux these are open file description locks (fcntl(2), F_OFD_SETLK), which survive the closing of another descriptor
of the same file; elsewhere POSIX locks, which don't.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from pathlib import Path

_FLOCK = "hhqqi4x"
"""struct flock of Linux with 64-bit offsets: type, whence, start, length, pid."""

_BEHIND = 1 << 40


def hold(file: int, run: str) -> bool:
    """Lock a run for as long as the descriptor is open; False when another process has it."""
    try:
        if hasattr(fcntl, "F_OFD_SETLK"):
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, _place(run), 1, 0))
        else:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(run))
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def held(path: Path, run: str) -> bool:
    """Whether a living process follows the run. Raises OSError when the file can't be opened."""
    asks = hasattr(fcntl, "F_OFD_GETLK")
    file = os.open(path, os.O_RDONLY if asks else os.O_RDWR)
    try:
        if not asks:
            return not hold(file, run)
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, _place(run), 1, 0)
        return bool(struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_OFD_GETLK, asked))[0] != fcntl.F_UNLCK)
    finally:
        os.close(file)


def _place(run: str) -> int:
    return _BEHIND + int(run[:12], 16)
