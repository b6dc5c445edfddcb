"""Quota: a cgroup of ours, below the one that processes are in, with limits on it; and the way back.

Processes go back to the group that ours lies in, so that it takes no list of them to undo it. On version 1, and at the
root of version 2, a group below is all it takes. Elsewhere version 2 lets no group have processes and limited groups at
once (admin-guide/cgroup-v2, "No Internal Process Constraint"), and there are two ways:

threaded   cpu and pids can limit threads: ours is a threaded group, and who else is in the group above stays there
emptied    memory can't: all that is in the group above goes into ours, before the controller is switched on
"""

from __future__ import annotations

import asyncio
import errno
import shlex
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

from chaos.linux.cgroups import group_of
from flashcrowd.documents import Model
from flashcrowd.units import about_size

PASSES = 50
"""Looks for processes that were forked while their parents were moved."""

PATIENCE = 3.0
"""Seconds for the kernel to be through with what ended in a group, before that can be removed."""

How = Literal["below", "threaded", "emptied"]


class Quota(Model):
    """One group of ours. controllers: those that limit here. limits: its files and their values.

    switched_on: controllers that the group above doesn't give to the groups below it but for us (version 2).
    """

    folder: Path
    version: int
    how: How
    controllers: list[str]
    limits: dict[str, str]
    switched_on: list[str]

    def make(self, pids: Callable[[], Iterable[int]]) -> None:
        """Make the group and move the processes into it; `pids` tells them anew. Raises OSError."""
        self.folder.mkdir()
        if self.how == "emptied":
            self._take(pids)
        elif self.how == "threaded":
            self._write(self.folder / "cgroup.type", "threaded")
        self._switch("+")
        for name, value in self.limits.items():
            self._write(self.folder / name, value)
        self._take(pids)

    async def remove(self) -> None:
        """Put all that is in the group back where it was, and remove it. Raises OSError when that can't be done."""
        ends = time.monotonic() + PATIENCE
        while self.folder.exists():
            self._switch("-")
            self._give_back()
            try:
                self.folder.rmdir()
            except FileNotFoundError:
                return
            except OSError as error:
                if error.errno != errno.EBUSY or time.monotonic() > ends:
                    raise
                await asyncio.sleep(0.003)

    def read(self, name: str) -> dict[str, int]:
        """The figures of one of the group's files, by their names; a lone one by the file's own."""
        words = [line.split() for line in (self.folder / name).read_text(encoding="ascii").splitlines()]
        return {row[0] if len(row) == 2 else name: int(row[-1]) for row in words if row[-1].isdecimal()}

    def looks(self) -> list[tuple[bool, str]]:
        """For each limit whether it was met, and the figures. Raises OSError when the group is gone."""
        return [_LOOKS[controller](self) for controller in self.controllers]

    def by_hand(self) -> str:
        """The commands that undo it."""
        ours, above = shlex.quote(str(self.folder)), shlex.quote(str(self.folder.parent))
        off = [f"echo -{one} > {above}/cgroup.subtree_control" for one in self.switched_on]
        back = f"for p in $(cat {ours}/{self._members}); do echo $p > {above}/cgroup.procs; done"
        return "; ".join([*off, back, f"rmdir {ours}"])

    @property
    def _members(self) -> str:
        return "cgroup.threads" if self.how == "threaded" else "cgroup.procs"

    def _take(self, pids: Callable[[], Iterable[int]]) -> None:
        for _ in range(PASSES):
            outside = [pid for pid in pids() if self._is_above(pid)]
            for pid in outside:
                self._move(pid, self.folder)
            if not outside:
                return

    def _give_back(self) -> None:
        try:
            members = (self.folder / self._members).read_text(encoding="ascii").split()
        except OSError:
            return  # removed meanwhile
        for pid in members:
            self._move(int(pid), self.folder.parent)

    def _is_above(self, pid: int) -> bool:
        try:
            group = group_of(pid, self.controllers[0])
        except OSError:
            return False
        return group is not None and group.folder == self.folder.parent

    def _move(self, pid: int, folder: Path) -> None:
        """Move a process with all its threads; one that is gone needn't be."""
        try:
            self._write(folder / "cgroup.procs", str(pid))
        except ProcessLookupError:
            return

    def _switch(self, sign: str) -> None:
        for one in self.switched_on:
            self._write(self.folder.parent / "cgroup.subtree_control", f"{sign}{one}")

    def _write(self, file: Path, text: str) -> None:
        """Raises OSError that says which file didn't take what."""
        try:
            file.write_text(text, encoding="ascii")
        except ProcessLookupError:
            raise
        except OSError as error:
            raise OSError(error.errno, f"{file} doesn't take '{text}': {error.strerror}") from None


def _cpu(quota: Quota) -> tuple[bool, str]:
    figures = quota.read("cpu.stat")
    throttled, periods = figures["nr_throttled"], figures["nr_periods"]
    return throttled > 0, f"cpu throttled in {throttled} of {periods} periods"


def _memory(quota: Quota) -> tuple[bool, str]:
    if quota.version == 2:
        met, used = quota.read("memory.events")["max"], quota.read("memory.current")["memory.current"]
    else:
        met, used = (quota.read(name)[name] for name in ("memory.failcnt", "memory.usage_in_bytes"))
    limit = int(next(value for name, value in quota.limits.items() if name.startswith("memory")))
    return met > 0, f"memory {about_size(used)} of {about_size(limit)}, limit met {met} times"


def _pids(quota: Quota) -> tuple[bool, str]:
    current, failed = quota.read("pids.current")["pids.current"], quota.read("pids.events")["max"]
    return failed > 0 or current >= int(quota.limits["pids.max"]), f"{current} threads, {failed} forks failed"


_LOOKS = {"cpu": _cpu, "memory": _memory, "pids": _pids}
