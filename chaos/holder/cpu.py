"""Burners: one process each, as one interpreter can't keep two CPUs busy."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import time
from collections.abc import Callable

from flashcrowd.lifeline import die_with

PERIOD = 0.1
"""Seconds in each of which a burner runs for its load's share; what it lacked in one isn't caught up in the next."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=int, required=True, metavar="N")
    parser.add_argument("--load", type=float, required=True, metavar="RATIO", help="of one CPU, for each worker")
    parser.add_argument("--cpus", type=_cpus, required=True, metavar="0,1", help="where they may run")
    parser.add_argument("--nice", type=int, default=0, metavar="N")


def hold(options: argparse.Namespace, ready: Callable[[], None]) -> None:
    """Burn until killed. Raises OSError when it may not run on any of those CPUs."""
    os.sched_setaffinity(0, options.cpus)
    with contextlib.suppress(PermissionError):  # burners of an ordinary user can't be less nice than others
        os.setpriority(os.PRIO_PROCESS, 0, options.nice)
    for _ in range(options.workers):
        _fork(options.load)
    ready()
    while True:
        signal.pause()


def _fork(load: float) -> None:
    parent = os.getpid()
    if os.fork() == 0:
        die_with(parent)
        os.setsid()  # the kernel shares a CPU evenly between sessions first (sched(7), autogroup), then in them
        burn(load)


def burn(load: float) -> None:
    """Use `load` of one CPU for ever, and never more."""
    while True:
        ends, enough = time.monotonic() + PERIOD, time.process_time() + load * PERIOD
        while time.process_time() < enough and time.monotonic() < ends:
            for _ in range(1000):
                pass
        if load < 1:
            time.sleep(max(0.0, ends - time.monotonic()))


def _cpus(text: str) -> set[int]:
    return {int(number) for number in text.split(",")}
