"""`process.kill`: processes of a component end without a warning, and stay away until the fault's time is up.

    {kind: process.kill, on: inventory, for: 60s}

`signal: TERM` asks them to end instead. `children: false` leaves alone what they have started. One of several is taken,
or `count` or `share` of them, by the names of their pidfiles.

Needs: a `process` with `start` on the component, to be started again by; Linux 5.3.

Bites: when the processes are gone, and the component's `probe`, or its link's, isn't answered any more.

Heals: what is still down is started again by `start`; what somebody has restarted meanwhile is left as it is.

Holds: nothing does, unless a supervisor restarts it; `flashcrowd chaos recover` starts it.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, ClassVar, Literal

from chaos.fault import Injection, Probe
from chaos.kinds.ending import EndingInjection, named, until_ended
from chaos.kinds.process_ending import EndingFault
from flashcrowd.units import format_duration

if TYPE_CHECKING:
    from flashcrowd.components import Component
    from flashcrowd.guard import Guard

GONE = 4.0
"""Seconds in which a process must be gone to be seen to be."""

GRACE = 5.0
"""Seconds from SIGTERM until healing kills what has neither ended nor can be asked back."""


class KillInjection(EndingInjection):
    """Processes to which a signal is sent that ends them."""

    number: signal.Signals

    async def inject(self) -> None:
        for one in self.processes:
            await one.end(self.number)

    async def bites(self) -> Probe:
        if left := await until_ended(self.processes, GONE):
            return Probe(False, f"{named(left)} still runs {GONE:g} s after {self.number.name}")
        gone = f"{named(self.processes)} is gone"
        if self.health is None or any(one.successor for one in self.processes):
            return Probe(True, gone)
        if self.health.before_ms is None:
            return Probe(True, f"{gone}; {self.health} wasn't answered before either", {"answered": False})
        try:
            seconds = await self.health.answer()
        except OSError as error:
            return Probe(True, f"{gone}: {error}", {"answered": False})
        message = f"{gone}, but {self.health} is still answered, in {seconds * 1000:.0f} ms; somebody else does that"
        return Probe(False, message, {"answered": True})


class ProcessKill(EndingFault):
    """SIGKILL, or another `signal`, to processes of a component."""

    kind: Literal["process.kill"] = "process.kill"
    signal: Literal["KILL", "TERM"] = "KILL"

    injection: ClassVar[type[Injection]] = KillInjection

    def describe(self) -> str:
        how = "" if self.signal == "KILL" else f" by SIG{self.signal}"
        return f"{self.kind} on {self.whom}{how} for {format_duration(self.duration)}"

    async def prepare(self, identity: str, component: Component, guard: Guard) -> KillInjection:
        endings, health = await self.endings(identity, component, guard)
        number = signal.Signals[f"SIG{self.signal}"]
        return KillInjection(processes=endings, grace=GRACE, health=health, number=number)
