"""Memory: pages that are really there, taken step by step so that the machine keeps its floor."""

from __future__ import annotations

import argparse
import ctypes
import mmap
import signal
from collections.abc import Callable

from chaos.linux.memory import available

STEP = 64 * 2**20
"""Bytes that are taken at once, between two looks at what is left."""

_MCL_CURRENT = 1


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--size", type=int, required=True, metavar="BYTES")
    parser.add_argument("--floor", type=int, required=True, metavar="BYTES", help="what others must have left")


def hold(options: argparse.Namespace, ready: Callable[[], None]) -> None:
    """Hold so many bytes until killed. Raises OSError when they aren't there to be had."""
    pages = []
    for taken in range(0, options.size, STEP):
        step = min(STEP, options.size - taken)
        if available() - step < options.floor:
            raise OSError(f"after {taken >> 20} MiB there was no more above the floor of {options.floor >> 20} MiB")
        pages.append(_take(step))
    _keep_out_of_swap()
    ready()
    while pages:
        signal.pause()


def _take(size: int) -> mmap.mmap:
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)


def _keep_out_of_swap() -> None:
    """Lock it, where this user may: pages that lie idle would else be the first to be swapped out."""
    ctypes.CDLL(None).mlockall(_MCL_CURRENT)
