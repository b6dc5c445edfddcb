"""`resource.memory`: memory of the machine that a component runs on is taken, down to what is to be left.

    {kind: resource.memory, on: live, leave: 1GiB, for: 60s}

Either `size`, what is taken, or `leave`, what can still be had after it; both as the kernel sees it (MemAvailable, or
what the memory cgroup that we are in still allows, if that is less). At least 256 MiB are always left: a fault that
would leave less is refused. What is taken is the first that the kernel takes back when memory runs out all the same.

Needs: a `process` on the component, as a sign that it runs on this machine.

Bites: when what can be had has fallen by at least half of what was asked.

Heals: the process that holds it, which carries the fault's own name in its command line, is killed.

Holds: the kernel kills that process when the injector dies, and ends it one second after the fault's time.
"""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from chaos.fault import Injection, Probe
from chaos.kinds.holding import HeldInjection, end_of, holders, unavailable
from chaos.kinds.processes import ProcessFault
from chaos.linux.memory import available
from flashcrowd.errors import GuardError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.target import Component
from flashcrowd.units import Size, about_size, format_duration, format_size

FLOOR = 256 * 2**20
"""Bytes that are left in any case: enough for the reverter to heal, and for people to log in."""

PATIENCE = 4.0
"""Seconds in which it has to be seen; others give memory back meanwhile, and take it."""


class MemoryInjection(HeldInjection):
    """`size` bytes that are held. before: what could be had before it."""

    size: int
    before: int

    def words(self) -> list[str]:
        return ["memory", f"--size={self.size}", f"--floor={FLOOR}"]

    async def bites(self) -> Probe:
        ends = self.looks_until(PATIENCE)
        while holders(self.identity):
            now = available()
            if (bites := self.before - now >= self.size / 2) or time.monotonic() > ends:
                message = f"{about_size(now)} available, {about_size(self.before)} before"
                return Probe(bites, message, {"available_bytes": now, "before_bytes": self.before})
            await asyncio.sleep(0.05)
        return Probe(False, "the process that held it is gone: others needed the memory")


class ResourceMemory(ProcessFault):
    """`size` bytes taken, or all but `leave` bytes."""

    kind: Literal["resource.memory"] = "resource.memory"
    size: Annotated[Size | None, Field(ge=2**20)] = None
    leave: Annotated[Size | None, Field(ge=FLOOR)] = None

    injection: ClassVar[type[Injection]] = MemoryInjection

    @model_validator(mode="after")
    def _one(self) -> ResourceMemory:
        if (self.size is None) == (self.leave is None):
            raise ValueError("wants either size (what is taken) or leave (what is left)")
        return self

    @classmethod
    def capability(cls) -> str | None:
        return unavailable()

    def describe(self) -> str:
        taken = f"all but {format_size(self.leave)}" if self.leave is not None else format_size(self.size or 0)
        return f"{self.kind} on {self.on}, {taken} for {format_duration(self.duration)}"

    async def prepare(self, identity: str, component: Component, guard: Guard) -> MemoryInjection:
        self.processes(component)
        before = available()
        size = self.size if self.size is not None else before - (self.leave or 0)
        if before - size < FLOOR:
            raise GuardError(
                f"{self.on}: {format_size(size)} may not be taken: floor, {about_size(before)} are available and "
                f"{about_size(FLOOR)} must be left; take less"
            )
        if size <= 0:
            raise NeedError(
                f"{self.on}: only {about_size(before)} are available, so there is nothing to take; leave less"
            )
        return MemoryInjection(identity=identity, until=end_of(self.duration), size=size, before=before)
