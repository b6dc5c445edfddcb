"""Descriptors: how many files a process has open, and the limit of how many it may."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

from chaos.kinds.processes import ProcessId
from chaos.linux.descent import with_children
from flashcrowd.documents import Model


class Limited(Model):
    """A process and its soft limit. former: what it was; lowered: what we make of it. The hard one stays as it is."""

    process: ProcessId
    former: int
    lowered: int

    @property
    def now(self) -> int:
        """The soft limit that the kernel shows. Raises OSError when the process is gone."""
        for line in Path(f"/proc/{self.process.pid}/limits").read_text(encoding="ascii").splitlines():
            if line.startswith("Max open files"):
                soft = line.split()[3]
                return resource.RLIM_INFINITY if soft == "unlimited" else int(soft)
        raise ProcessLookupError(f"process {self.process.pid} is gone")

    @property
    def spare(self) -> int:
        """How many it can still open. Raises OSError when the process is gone."""
        return self.lowered - sum(number < self.lowered for number in open_numbers(self.process.pid))

    def lower(self) -> None:
        if self.process.alive:
            _set(self.process.pid, self.former, self.lowered)

    @property
    def by_hand(self) -> str:
        """The command that restores it."""
        former = "unlimited" if self.former == resource.RLIM_INFINITY else self.former
        return f"prlimit --pid {self.process.pid} --nofile={former}:"

    def restore(self) -> None:
        for pid in self.with_what_it_started():
            with contextlib.suppress(ProcessLookupError):
                _set(pid, self.lowered, self.former)

    @property
    def is_lowered(self) -> bool:
        """Whether the limit is ours, here or on what it started."""
        return any(_soft(pid) == self.lowered for pid in self.with_what_it_started())

    def with_what_it_started(self) -> Iterator[int]:
        """Its number and those of its descendants; nothing if it is gone."""
        if self.process.alive:
            yield from with_children([self.process.pid])


def _set(pid: int, old: int, new: int) -> None:
    """Change the soft limit where it is the old one. Raises OSError when it may not be changed."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    if soft == old:
        above = hard != resource.RLIM_INFINITY and (new == resource.RLIM_INFINITY or new > hard)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard if above else new, hard))


def _soft(pid: int) -> int | None:
    try:
        return resource.prlimit(pid, resource.RLIMIT_NOFILE)[0]
    except ProcessLookupError:
        return None


def open_numbers(pid: int) -> set[int]:
    """The numbers of a process's open descriptors. Raises OSError when they can't be seen."""
    try:
        return {int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    except FileNotFoundError:
        raise ProcessLookupError(f"process {pid} is gone") from None


def limit_for(numbers: set[int], spare: int) -> int:
    """The lowest limit that leaves `spare` free numbers below it: the kernel always gives the lowest free one."""
    limit = spare
    for number in sorted(numbers):
        if number > limit:
            break
        limit += 1
    return limit
