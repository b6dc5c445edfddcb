"""Processes: which of a target's a fault may touch, and one told from a later one of the same number.

A refusal names its rule. There are five:

in-the-target   only the processes whose ids stand in the component's pidfiles
not-pid-1       the process that all others hang on is never touched
not-ours        neither is this process, one that it descends from, nor another of flashcrowd's own
not-reused      a process that started after its pidfile was written is another one
by-command      and so is one whose command line lacks the component's `command`
"""

from __future__ import annotations

import math
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from chaos.fault import Fault
from flashcrowd.components import ProcessAddress
from flashcrowd.documents import Model
from flashcrowd.errors import GuardError, NeedError
from flashcrowd.target import Component
from flashcrowd.units import Ratio, utc

OURS = re.compile(rb"\0-m\0(chaos|loadtests|gamedays|monitors|runbooks)\.|/flashcrowd\0")
"""Command lines of our own processes: the proxy, reverters, the load, and the command itself."""

SLACK = 2.0
"""Seconds that a process may seem to start after its pidfile was written: /proc tells it by whole clock ticks since a
boot time in whole seconds."""


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
        since_boot = self.started / os.sysconf("SC_CLK_TCK")
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + since_boot

    @property
    def alive(self) -> bool:
        """Whether it runs; a stopped process does, a zombie doesn't."""
        started = _started(self.pid)
        if started is None:
            return False
        return 0 in (self.started, started) or self.started == started


@dataclass(frozen=True)
class Found:
    """A process of a component. name: its pidfile's, without the ending."""

    name: str
    pidfile: Path
    id: ProcessId


class ProcessFault(Fault):
    """A fault on processes of a component: on one of them, on `count`, or on a `share` of them (rounded up)."""

    count: Annotated[int | None, Field(ge=1)] = None
    share: Annotated[Ratio | None, Field(gt=0)] = None

    @model_validator(mode="after")
    def _either(self) -> ProcessFault:
        if self.count is not None and self.share is not None:
            raise ValueError("wants count or share, not both")
        return self

    def check(self, component: Component) -> str | None:
        if component.process is None:
            return f"{self.on} has no process; give it one (pidfile) in the target file"
        return None

    def processes(self, component: Component) -> list[Found]:
        """The processes that it is to touch, by the names of their pidfiles.

        Raises:
            NeedError: none runs. GuardError: one of them may not be touched; says which rule forbids it.
        """
        assert component.process is not None
        place = f"components.{self.on}.process"
        found = find(component.process, place)
        if self.count is not None and self.count > len(found):
            raise NeedError(f"{place}: {len(found)} of its processes run, {self.count} are to be touched")
        wanted = found[: self.count or (math.ceil(self.share * len(found)) if self.share is not None else 1)]
        for one in wanted:
            check(one, component.process, place)
        return wanted


def find(address: ProcessAddress, place: str) -> list[Found]:
    """The processes of a component that run now, by the names of their pidfiles.

    Raises:
        NeedError: there is none.
    """
    files = sorted(address.pidfile.parent.glob(address.pidfile.name))
    if not files:
        raise NeedError(f"{place}.pidfile: there is no {address.pidfile}; is it running?")
    pids = [(file, _pid(file, place)) for file in files]
    found = [Found(file.stem, file, one) for file, pid in pids if (one := ProcessId.of(pid)).alive]
    if not found:
        raise NeedError(f"{place}: no process runs with the id in {', '.join(map(str, files))}; start it")
    return found


def check(found: Found, address: ProcessAddress, place: str) -> None:
    """Raise GuardError when a process may not be touched."""
    if (rule := _forbidden(found, address)) is not None:
        raise GuardError(f"{place}: process {found.id.pid} ({found.pidfile}) may not be touched: {rule}")


def _forbidden(found: Found, address: ProcessAddress) -> str | None:
    """The rule that forbids it, and why."""
    pid = found.id.pid
    line = command_line(pid)
    if pid == 1:
        return "not-pid-1, all others hang on it"
    if pid == os.getpid() or pid in _ancestors(os.getpid()) or OURS.search(line):
        return "not-ours, it is one of flashcrowd's own"
    written, began = found.pidfile.stat().st_mtime, found.id.began
    if began is not None and began > written + SLACK:
        return f"not-reused, it started at {utc(began)}, after its pidfile was written: the number has been used again"
    if address.command is not None and address.command.encode() not in line.replace(b"\0", b" "):
        return f"by-command, its command line has no '{address.command}'"
    return None


def command_line(pid: int) -> bytes:
    """The words of a process's command line, each ended by a zero byte; empty when it can't be read."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _pid(file: Path, place: str) -> int:
    try:
        text = file.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise NeedError(f"{place}.pidfile: {file} can't be read: {error.strerror}") from None
    if not text.isdecimal() or int(text) == 0:
        raise NeedError(f"{place}.pidfile: {file} holds no process id")
    return int(text)


def _ancestors(pid: int) -> set[int]:
    found = set[int]()
    while pid > 1 and (fields := _stat(pid)) is not None:
        pid = int(fields[1])
        found.add(pid)
    return found


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
    return None if fields[0] in "ZX" else int(fields[19])


def _signalable(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
