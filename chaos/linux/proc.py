"""Proc: what /proc tells of a process, and signals that reach this very process or none.

A number alone is nobody: it is used again. A process is its number and the moment at which it started.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import defaultdict
from pathlib import Path

from flashcrowd.documents import Model

KERNEL_THREAD = 0x00200000
"""PF_KTHREAD among the flags of /proc/PID/stat (linux/sched.h)."""

TICKS = os.sysconf("SC_CLK_TCK")

SETTLING = 1.0
"""Seconds in which a tree of processes is to stand still; one that waits for a disk stops when it has its answer."""


class ProcessId(Model):
    """A process, told from a later one of the same number by when it started (clock ticks since boot, 0: unknown)."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> ProcessId:
        """The process that has this number now."""
        return cls(pid=pid, started=_started(pid) or 0)

    @property
    def began(self) -> float | None:
        """Unix seconds of its start; None where that isn't known."""
        if not self.started:
            return None
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + self.started / TICKS

    @property
    def alive(self) -> bool:
        """Whether it runs; a stopped process does, a zombie doesn't."""
        started = _started(self.pid)
        if started is None:
            return False
        return 0 in (self.started, started) or self.started == started

    @property
    def stopped(self) -> bool:
        """Whether it is there and held by SIGSTOP or the like."""
        fields = _stat(self.pid)
        return fields is not None and fields[0] == "T" and int(fields[19]) == self.started

    @property
    def is_kernel_thread(self) -> bool:
        fields = _stat(self.pid)
        return fields is not None and bool(int(fields[6]) & KERNEL_THREAD)

    @property
    def user(self) -> int | None:
        """The number of the user that it runs as; None when that can't be told."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            return None
        return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("Uid:")), None)

    def signal(self, number: signal.Signals | int) -> bool:
        """Send a signal to this very process; whether it was there. 0 only tries.

        Raises:
            PermissionError: this user may not.
        """
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            if not self.started or _started(self.pid) != self.started:
                return False  # the number had become another's before we had hold of it
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
        return True

    def tree(self) -> list[ProcessId]:
        """It and all that it has started, and these have, that run now; each behind its parent."""
        below, found = children(), [self]
        for one in found:
            found += [child for pid in below.get(one.pid, ()) if (child := ProcessId.of(pid)).alive]
        return found if self.alive else []

    def __str__(self) -> str:
        return str(self.pid)


def no_pidfd() -> str | None:
    """Why no signal can be sent to a very process here, with the remedy; None when it can."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return "needs pidfd_open, so that no other process is signalled by mistake; use Linux 5.3 or newer"
    return None


async def freeze(root: ProcessId) -> list[ProcessId]:
    """Stop a process and all that it has started: what stands still starts nothing more. All that were signalled."""
    until, settled = time.monotonic() + SETTLING, list[ProcessId]()
    while (tree := root.tree()) and tree != settled and time.monotonic() < until:
        settled = tree if all(one.stopped for one in tree) else []
        for one in tree:
            if not one.stopped:
                one.signal(signal.SIGSTOP)
        await asyncio.sleep(0 if settled else 0.002)
    return tree


def command_line(pid: int) -> bytes:
    """The words of a process's command line, each ended by a zero byte; empty when it can't be read."""
    return _read(pid, "cmdline")


def environment(pid: int) -> list[bytes]:
    """What a process found in its environment, as NAME=VALUE; empty when it can't be read."""
    return _read(pid, "environ").split(b"\0")


def parent(pid: int) -> int | None:
    """The number of its parent, 0 for none; None when there is no such process."""
    fields = _stat(pid)
    return int(fields[1]) if fields is not None else None


def ancestors(pid: int) -> list[int]:
    """The numbers of its parent, that one's parent, and so on."""
    found = list[int]()
    while pid > 1 and (above := parent(pid)):
        found.append(pid := above)
    return found


def all_pids() -> list[int]:
    """The numbers of all processes."""
    return [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdecimal()]


def now() -> int:
    """This moment as processes' starts are told: in clock ticks since boot."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * TICKS)


def children() -> dict[int, list[int]]:
    """What each process has started and still runs, by the numbers of both."""
    found = defaultdict[int, list[int]](list)
    for pid in sorted(all_pids()):
        if (above := parent(pid)) is not None:
            found[above].append(pid)
    return found


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third on (proc(5)); None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return stat.rpartition(")")[2].split()


def _started(pid: int) -> int | None:
    """When a process started (field 22 of /proc/PID/stat), 0 where that isn't known, None if it's dead."""
    if (fields := _stat(pid)) is None:
        return None if Path("/proc/self").exists() or not _signalable(pid) else 0
    threads = int(fields[17])  # a first thread that has ended is a zombie while others of the process go on
    return None if fields[0] == "X" or (fields[0] == "Z" and threads <= 1) else int(fields[19])


def _signalable(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
