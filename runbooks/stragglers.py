"""Straggler: a process that a script started and that outlived it, known by a variable in its environment.

The kernel kills a script with us, but not what the script had started. Only Linux says (in /proc) what a process's
environment is; elsewhere none is found.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

VARIABLE = "FLASHCROWD_STEP"


def mark(run: str, step: str) -> str:
    """The variable's value for one step of one run."""
    return f"{run}/{step}"


def running(known_by: str) -> list[int]:
    """The ids of the processes with this mark that run now."""
    wanted = f"{VARIABLE}={known_by}".encode()
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if wanted in _environment(entry)]


def end(known_by: str) -> list[int]:
    """SIGKILL to the processes with this mark until there are none; the ids of those that ran."""
    ended: list[int] = []
    while found := [pid for pid in running(known_by) if pid not in ended]:
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        ended += found
    return ended


def _environment(entry: Path) -> list[bytes]:
    try:
        return (entry / "environ").read_bytes().split(b"\0")
    except OSError:
        return []
