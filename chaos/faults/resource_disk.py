"""`resource.disk`: the file system on which a component keeps its data runs full.

    {kind: resource.disk, on: inventory, leave: 0, for: 60s}

Either `size`, what is taken, or `leave`, what an ordinary user can still write (`Avail` of df); what is freed meanwhile
is taken, too. `leave: 0` leaves nothing at all: of a file system with blocks kept back for root these as well, if
flashcrowd is root. Where flashcrowd or the machine itself write to the same file system 512 MiB are always left, and a
fault that would leave less is refused: you want this on a data disk.

Needs: a `folder` on the component, on this machine, that this user may write to.

Bites: when the room has fallen by at least half of what was asked; for `leave: 0`, when a write fails for want of room.

Heals: the process that has the file open, which carries the fault's own name in its command line, is killed; the file
has no name, so that the kernel frees it then.

Holds: the kernel kills that process when the injector dies, and ends it one second after the fault's time.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shlex
import tempfile
import time
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from chaos.fault import Fault, Injection, Probe
from chaos.kinds.holding import HeldInjection, end_of, holders, unavailable
from chaos.linux.room import FLOOR, room, rule_for
from chaos.undolog import UndoLog
from flashcrowd.errors import GuardError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.target import Component
from flashcrowd.units import Size, about_size, format_duration, format_size

PATIENCE = 4.0
"""Seconds in which it has to be seen."""

TRIAL = 64 * 2**10
"""Bytes of the write that must fail when nothing is left."""


class DiskInjection(HeldInjection):
    """Blocks of the folder's file system: `size` bytes, else all but `leave`. before: the room before it."""

    folder: Path
    size: int | None
    leave: int
    before: int

    def words(self) -> list[str]:
        size = [] if self.size is None else [f"--size={self.size}"]
        return ["disk", f"--folder={self.folder}", f"--name=.{self.token}", f"--leave={self.leave}", *size]

    async def bites(self) -> Probe:
        ends = self.looks_until(PATIENCE)
        while holders(self.identity):
            probe = self._look()
            if probe.ok or time.monotonic() > ends:
                return probe
            await asyncio.sleep(0.05)
        return Probe(False, f"the process that held blocks of {self.folder} is gone")

    async def heal(self) -> None:
        await super().heal()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            (self.folder / f".{self.token}").unlink()  # it had a name for a moment, where files need one

    def by_hand(self) -> str:
        return f"{super().by_hand()}; rm -f {shlex.quote(str(self.folder))}/.[f]lashcrowd-{self.identity}"

    def _look(self) -> Probe:
        now = room(self.folder)
        asked = self.before - self.leave if self.size is None else self.size
        figures: dict[str, float | bool | None] = {"room_bytes": now, "before_bytes": self.before}
        message = f"room for {about_size(now)}, for {about_size(self.before)} before"
        if self.size is not None or self.leave > 0:
            return Probe(self.before - now >= asked / 2, message, figures)
        full = _is_full(self.folder)
        seen = "no space left on device" if full else "it succeeds"
        return Probe(full, f"{message}; a write of {about_size(TRIAL)}: {seen}", {**figures, "full": full})


class ResourceDisk(Fault):
    """`size` bytes taken, or all but `leave` bytes."""

    kind: Literal["resource.disk"] = "resource.disk"
    size: Annotated[Size | None, Field(ge=4096)] = None
    leave: Annotated[Size | None, Field(ge=0)] = None

    injection: ClassVar[type[Injection]] = DiskInjection

    @model_validator(mode="after")
    def _one(self) -> ResourceDisk:
        if (self.size is None) == (self.leave is None):
            raise ValueError("wants either size (what is taken) or leave (what is left)")
        return self

    @classmethod
    def capability(cls) -> str | None:
        return unavailable()

    def describe(self) -> str:
        taken = f"all but {format_size(self.leave)}" if self.leave is not None else format_size(self.size or 0)
        return f"{self.kind} on {self.on}, {taken} for {format_duration(self.duration)}"

    def check(self, component: Component) -> str | None:
        if component.folder is None:
            return f"{self.on} has no folder; give it one (folder: where it keeps its data) in the target file"
        return None

    async def prepare(self, identity: str, component: Component, guard: Guard) -> DiskInjection:
        assert component.folder is not None
        place, folder = f"components.{self.on}.folder", component.folder.absolute()
        if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
            raise NeedError(f"{place}: {folder} is no folder that this user may write to")
        before, floor = room(folder), self._floor(folder, place)
        if self.size is not None and self.size > before - floor:
            raise NeedError(f"{place}: there is room for {about_size(before)} only; take less, or write leave: 0")
        if self.leave is not None and self.leave >= before:
            raise NeedError(f"{place}: there is room for {about_size(before)} only, so nothing to take; leave less")
        leave = max(self.leave or 0, floor)
        until = end_of(self.duration)
        return DiskInjection(identity=identity, until=until, folder=folder, size=self.size, leave=leave, before=before)

    def _floor(self, folder: Path, place: str) -> int:
        """Bytes that are left in any case. Raises GuardError when less would be."""
        if (rule := rule_for(folder, UndoLog.default().folder)) is None:
            return 0
        left = room(folder) - self.size if self.size is not None else self.leave or 0
        if left < FLOOR:
            raise GuardError(
                f"{place}: {folder} may not be filled so far: {rule}, and {about_size(FLOOR)} must be left; "
                "take less, or give the component a file system of its own"
            )
        return FLOOR


def _is_full(folder: Path) -> bool:
    """Whether a real write there fails for want of room."""
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            if file.write(bytes(TRIAL)) < TRIAL:
                return True
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return False
