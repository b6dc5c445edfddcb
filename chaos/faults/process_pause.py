"""`process.pause`: processes of a component stand still (SIGSTOP): connected, and deaf.

    {kind: process.pause, on: inventory, for: 30s}

What they have started stands still with them, as on a frozen machine; `children: false` leaves that alone. One of
several is taken, or `count` or `share` of them, by the names of their pidfiles.

Needs: a `process` on the component that isn't stopped already; Linux 5.3.

Bites: when the processes are stopped (state T), and the component's `probe`, or its link's, isn't answered any more.

Heals: SIGCONT to all of them.

Holds: nothing does; `flashcrowd chaos recover` lets them go on.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from chaos.fault import Injection, Probe
from chaos.kinds.ending import POLL
from chaos.kinds.health import Health
from chaos.kinds.process_ending import SignallingFault
from chaos.kinds.processes import Found
from chaos.linux.proc import ProcessId, freeze
from flashcrowd.errors import NeedError
from flashcrowd.units import format_duration

if TYPE_CHECKING:
    from flashcrowd.components import Component
    from flashcrowd.guard import Guard

STOPPED = 2.0
"""Seconds in which a process must be seen to be stopped, or to go on."""

BACK = 3.0
"""Seconds in which what goes on may be answered again; one that takes longer is healed all the same."""


class Paused(Found):
    """A process and what it had started; None when that is left alone."""

    children: list[ProcessId] | None

    async def stop(self) -> None:
        if self.children is None:
            self.id.signal(signal.SIGSTOP)
        else:
            await freeze(self.id)

    @property
    def all(self) -> list[ProcessId]:
        """All of them that run now; what was started between our look and the stop is among them."""
        if self.children is None:
            return [self.id] if self.id.alive else []
        found = {one.pid: one for root in (self.id, *self.children) for one in root.tree()}
        return list(found.values())


class PauseInjection(Injection):
    """Processes that are stopped."""

    processes: list[Paused]
    health: Health | None

    async def inject(self) -> None:
        for one in self.processes:
            await one.stop()

    async def bites(self) -> Probe:
        if not (found := self._all()):
            return Probe(False, "the processes are gone")
        if going := await self._until(lambda one: one.stopped):
            return Probe(False, f"not stopped within {STOPPED:g} s: {_listed(going)}")
        stopped = f"stopped: {_listed(found)}"
        if self.health is None:
            return Probe(True, stopped)
        if self.health.before_ms is None:
            message = f"{stopped}, but what of it is felt can't be seen: {self.health} wasn't answered before either"
            return Probe(False, message)
        try:
            seconds = await self.health.answer()
        except OSError as error:
            return Probe(True, f"{stopped}; {error}", {"answered": False})
        message = f"{stopped}, but {self.health} is still answered, in {seconds * 1000:.0f} ms; somebody else does that"
        return Probe(False, message, {"answered": True})

    async def heal(self) -> None:
        for one in self.processes:
            for known in (*(one.children or ()), one.id):
                known.signal(signal.SIGCONT)
        for later in self._all():
            if later.stopped:
                later.signal(signal.SIGCONT)

    async def healed(self) -> Probe:
        if stopped := await self._until(lambda one: not one.stopped):
            return Probe(False, f"still stopped: {_listed(stopped)}")
        if not self._all():
            return Probe(True, "the processes are gone, and nothing is stopped")
        going = "none of them is stopped"
        if self.health is None or self.health.before_ms is None:
            return Probe(True, going, {"back": None})
        seconds = await self.health.is_answered(BACK)
        if seconds is None:
            return Probe(True, f"{going}, but {self.health} isn't answered", {"back": False})
        return Probe(True, f"{going}, {self.health} is answered", {"back": True})

    def by_hand(self) -> str:
        known = [process for one in self.processes for process in (*(one.children or ()), one.id)]
        return f"kill -CONT {' '.join(str(pid) for pid in dict.fromkeys(one.pid for one in [*known, *self._all()]))}"

    def _all(self) -> list[ProcessId]:
        return [process for one in self.processes for process in one.all]

    async def _until(self, holds: Callable[[ProcessId], bool]) -> list[ProcessId]:
        """Those for which it doesn't hold within STOPPED."""
        until = time.monotonic() + STOPPED
        while (left := [one for one in self._all() if not holds(one)]) and time.monotonic() < until:
            await asyncio.sleep(POLL)
        return left


class ProcessPause(SignallingFault):
    """SIGSTOP to processes of a component, and SIGCONT in the end."""

    kind: Literal["process.pause"] = "process.pause"

    injection: ClassVar[type[Injection]] = PauseInjection

    def describe(self) -> str:
        return f"{self.kind} on {self.whom} for {format_duration(self.duration)}"

    async def prepare(self, identity: str, component: Component, guard: Guard) -> PauseInjection:
        found, whole = self.touched(component)
        paused = [Paused(**dict(one), children=self.started_by(one)) for one in found]
        if stopped := [process for one in paused for process in one.all if process.stopped]:
            raise NeedError(
                f"components.{self.on}.process: stopped already, and healing would let it go on: {_listed(stopped)}; "
                f"see who stopped it, then: kill -CONT {_listed(stopped)}"
            )
        return PauseInjection(processes=paused, health=await self.health(component, guard, whole))


def _listed(processes: Sequence[ProcessId]) -> str:
    return " ".join(str(one) for one in processes)
