"""`process.restart`: processes of a component are asked to end, killed if they don't, and started again at once.

    {kind: process.restart, on: inventory, grace: 5s, for: 30s}

`grace` is how long they have to end by themselves. `for` is when at the latest it is made sure that they run.
`children: false` leaves alone what they have started. One of several is taken, or `count` or `share` of them, by the
names of their pidfiles, all at once.

Needs: a `process` with `start` on the component; Linux 5.3.

Bites: when other processes than before run in their place, and the component's `probe`, or its link's, wasn't answered
for a while.

Heals: what is still down is started again by `start`.

Holds: nothing has to once it runs again; else `flashcrowd chaos recover` starts it.
"""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, PrivateAttr, model_validator

from chaos.fault import Injection, Probe
from chaos.kinds.ending import POLL, Ending, EndingInjection, named
from chaos.kinds.health import Gap
from chaos.kinds.process_ending import EndingFault
from flashcrowd.units import Duration, format_duration

if TYPE_CHECKING:
    from flashcrowd.components import Component
    from flashcrowd.guard import Guard

AGAIN = 4.0
"""Seconds in which another process must run to be seen to."""


class RestartInjection(EndingInjection):
    """Processes that are ended and started again; whoever injects watches what of it is felt."""

    _gap: Gap | None = PrivateAttr(default=None)

    async def inject(self) -> None:
        if self.health is not None and self.health.before_ms is not None:
            self._gap = Gap(self.health)
            await self._gap.begun()
        await asyncio.gather(*(self._restart(one) for one in self.processes))

    async def bites(self) -> Probe:
        until = time.monotonic() + AGAIN
        while (down := [one for one in self.processes if one.successor is None]) and time.monotonic() < until:
            await asyncio.sleep(POLL)
        if down:
            return Probe(False, f"{named(down)} ended, and nothing runs in its place {AGAIN:g} s later")
        return self._felt(", ".join(f"{one.successor} runs in place of {one.id}" for one in self.processes))

    async def heal(self) -> None:
        if self._gap is not None:
            self._gap.end()
        await super().heal()

    async def healed(self) -> Probe:
        probe = await super().healed()
        gap = self._gap.milliseconds if self._gap is not None and self._gap.is_over else None
        return (
            probe
            if gap is None
            else Probe(probe.ok, f"{probe.message}, after {gap:.0f} ms", {**probe.figures, "gap_ms": gap})
        )

    async def _restart(self, one: Ending) -> None:
        await one.end(signal.SIGTERM)
        await one.finish(self.grace, self.grace)
        await one.start_again()

    def _felt(self, runs: str) -> Probe:
        if self.health is None:
            return Probe(True, runs)
        if self._gap is None:
            return Probe(
                False, f"{runs}; what of it is felt can't be seen: {self.health} wasn't answered before either"
            )
        gap = self._gap.milliseconds
        if gap is None:
            return Probe(False, f"{runs}, but {self.health} was answered all along", {"gap_ms": None})
        so_far = "" if self._gap.is_over else " so far"
        return Probe(True, f"{runs}, {self.health} wasn't answered for {gap:.0f} ms{so_far}", {"gap_ms": gap})


class ProcessRestart(EndingFault):
    """SIGTERM, SIGKILL after `grace` (seconds), and a start, to processes of a component."""

    kind: Literal["process.restart"] = "process.restart"
    grace: Annotated[Duration, Field(ge=0)] = 5.0

    injection: ClassVar[type[Injection]] = RestartInjection

    @model_validator(mode="after")
    def _grace_fits(self) -> ProcessRestart:
        if self.grace >= self.duration:
            whole = format_duration(self.duration)
            raise ValueError(
                f"grace {format_duration(self.grace)} isn't less than for {whole}; nothing would run by then"
            )
        return self

    def describe(self) -> str:
        return f"{self.kind} on {self.whom} for {format_duration(self.duration)}"

    async def prepare(self, identity: str, component: Component, guard: Guard) -> RestartInjection:
        endings, health = await self.endings(identity, component, guard)
        return RestartInjection(processes=endings, grace=self.grace, health=health)
