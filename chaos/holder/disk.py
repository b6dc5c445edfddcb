"""Disk: blocks of a file without a name, which the kernel frees with the last process that has it open."""

from __future__ import annotations

import argparse
import ctypes
import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

from chaos.linux.room import room

STEP = 64 * 2**20
"""Bytes that are taken at once, between two looks at what is left."""

LEAST = 4096
"""Bytes of the smallest step: a file system without so much is full."""

AGAIN = 0.25
"""Seconds after which what was freed meanwhile is taken too, where a certain room is to be left."""

_LIBC = ctypes.CDLL(None, use_errno=True)
_NOISE = os.urandom(2**20)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--name", required=True, help="of the file, for the moment that it needs one")
    parser.add_argument("--size", type=int, metavar="BYTES", help="what is taken; else all but --leave")
    parser.add_argument("--leave", type=int, required=True, metavar="BYTES", help="what is left in any case")


def hold(options: argparse.Namespace, ready: Callable[[], None]) -> None:
    """Hold blocks of the folder's file system until killed. Raises OSError when none can be written there."""
    file = _open(options.folder, options.name)
    size = _fill(file, 0, options)
    ready()
    while True:
        time.sleep(AGAIN)
        size = _fill(file, size, options)


def _open(folder: Path, name: str) -> int:
    """A new file without a name; where the file system can't make one, it has it for a moment."""
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
            raise
    path = folder / name
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    path.unlink()
    return file


def _fill(file: int, size: int, options: argparse.Namespace) -> int:
    """Let the file grow from `size` as far as it may; its size then."""
    step = STEP
    while step >= LEAST:
        may = room(options.folder) - options.leave if options.leave else STEP
        if options.size is not None:
            may = min(may, options.size - size)
        if may < LEAST:
            break
        try:
            size += _grow(file, size, min(step, may))
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            step //= 2
    return size


def _grow(file: int, size: int, step: int) -> int:
    """Take the next `step` bytes; those that it took."""
    if _LIBC.fallocate(file, 0, ctypes.c_longlong(size), ctypes.c_longlong(step)) == 0:
        return step
    number = ctypes.get_errno()
    if number not in (errno.EOPNOTSUPP, errno.ENOSYS):
        raise OSError(number, os.strerror(number))
    return os.pwrite(file, _NOISE[:step], size)
