"""Ending: what the faults have in common that end processes, and how what they have ended is brought back.

That a process was asked to end is written down before it is asked, in a file beside the undo record. Whoever heals
knows by it that the process is lost, even while it still runs: it may be at its last request. The file goes when the
process is seen to run again.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import PrivateAttr

from chaos.clients.plain_http import RefusedError
from chaos.fault import Injection, Probe
from chaos.kinds import blast_radius
from chaos.kinds.health import Health
from chaos.kinds.processes import Found
from chaos.kinds.starting import Starter
from chaos.linux import proc
from chaos.linux.proc import ProcessId, freeze

POLL = 0.01

ENDED = 3.0
"""Seconds for which one try of healing waits for a process to end."""

RUNS = 3.0
"""Seconds for which one try of healing waits for the pidfile to name another process. A try (`chaos.healing.TRY`) has
room for all of these; what takes longer is waited for by the next one."""

BACK = 3.0
"""Seconds in which a process that runs again may be answered again; one that takes longer is healed all the same."""

STEADY = 0.3
"""Seconds for which a process that can't be asked has to run to be seen to run."""


class Ending(Found):
    """A process that is to be ended, what it had started, and how it is started again.

    command: words that the command line of whatever takes its place has to hold. children: None are left alone. mark:
    the file that says that it was asked to end.
    """

    command: str | None
    children: list[ProcessId] | None
    starter: Starter
    mark: Path
    _by_us: bool = PrivateAttr(default=False)

    async def end(self, number: signal.Signals) -> None:
        """Ask it to end, or, by SIGKILL, end it and what it has started."""
        self.mark.parent.mkdir(parents=True, exist_ok=True)
        self.mark.write_text(str(proc.now()), encoding="ascii")
        self._by_us = True
        if number == signal.SIGKILL:
            await self._kill()
        else:
            self.id.signal(number)

    async def has_ended(self, within: float) -> bool:
        until = time.monotonic() + within
        while self.id.alive and time.monotonic() < until:
            await asyncio.sleep(POLL)
        return not self.id.alive

    async def finish(self, grace: float, within: float) -> bool:
        """See to it that a process that was asked has ended, by SIGKILL once its grace is over; whether it has.

        grace: seconds since it was asked. What it had started ends with it.
        """
        asked = self.asked
        left = max(0.0, grace - (proc.now() - asked) / proc.TICKS) if asked is not None else 0.0
        if not await self.has_ended(min(left, within)) and left <= within:
            await self._kill()
        if not await self.has_ended(within):
            return False
        for child in self.children or ():
            child.signal(signal.SIGKILL)
        return True

    @property
    def asked(self) -> int | None:
        """When it was asked to end, in clock ticks since boot; None when it wasn't, or is healed of it."""
        try:
            return int(self.mark.read_text(encoding="ascii") or 0)
        except FileNotFoundError:
            return None

    @property
    def is_ended(self) -> bool:
        """Whether this fault has ended it, as far as can be known: it may have been healed by another process."""
        return self._by_us or self.asked is not None

    @property
    def successor(self) -> ProcessId | None:
        """What runs in its place; whoever started it."""
        found = blast_radius.runs(self.pidfile, self.command)
        return found if found != self.id else None

    async def start_again(self) -> subprocess.Popen[bytes] | None:
        """Start it, unless something runs in its place. Raises OSError."""
        if self.successor is not None:
            return None
        return await self.starter.start(self.pidfile, self.asked or 0, self.mark.parent)

    async def bring_back(self, grace: float) -> None:
        """Undo its end. Raises OSError when it can't be, or can't be yet."""
        if self.asked is None or self.successor is not None:
            return
        if not await self.finish(grace, ENDED):
            raise OSError(f"process {self.id} was asked to end and still runs; it is tried again")
        try:
            command = await self.start_again()
        except RefusedError:
            return  # what would start it is gone, and whether that is all right is for the look afterwards to say
        until = time.monotonic() + RUNS
        while self.successor is None and time.monotonic() < until:
            if command is not None and command.poll():
                raise OSError(f"{command.args!r} ended with {command.returncode}{self._where}")
            await asyncio.sleep(POLL)

    def by_hand(self) -> str:
        kill = f"kill -KILL {self.id}; " if self.asked is not None and self.id.alive else ""
        return kill + self.starter.by_hand()

    @property
    def _where(self) -> str:
        return f"; see {self.starter.log}" if self.starter.log else "; give its start a log to see why"

    async def _kill(self) -> None:
        tree = await freeze(self.id) if self.children is not None else []
        for one in [self.id, *tree, *(self.children or ())]:
            one.signal(signal.SIGKILL)


class EndingInjection(Injection):
    """Processes that are ended. grace: seconds from asking one to end until healing kills it."""

    processes: list[Ending]
    grace: float
    health: Health | None

    async def heal(self) -> None:
        """Start what is down, all at once, going on past errors; the first is raised."""
        results = await asyncio.gather(*(one.bring_back(self.grace) for one in self.processes), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def healed(self) -> Probe:
        ended = [one for one in self.processes if one.is_ended]
        down = [one for one in ended if one.successor is None]
        gone = [one for one in down if await one.starter.is_gone()]
        if len(gone) < len(down):
            return self._is_down(next(one for one in down if one not in gone))
        probe = await self._steady([one for one in ended if one not in gone], gone)
        if probe.ok:
            for one in ended:
                one.mark.unlink(missing_ok=True)
        return probe

    def by_hand(self) -> str:
        return "; ".join(one.by_hand() for one in self.processes)

    async def _steady(self, ended: Sequence[Ending], gone: Sequence[Ending]) -> Probe:
        """Whether what has been started stays, and is answered."""
        if gone and not ended:
            return Probe(True, f"what ran {named(gone)} is gone as well")
        if not ended:
            return Probe(True, "nothing that this fault has ended is still down")
        asked = self.health if self.health is not None and self.health.before_ms is not None else None
        watching = asyncio.ensure_future(asked.is_answered(BACK) if asked else asyncio.sleep(STEADY))
        try:
            while not watching.done():
                await asyncio.wait([watching], timeout=POLL)
                if (lost := next((one for one in ended if one.successor is None), None)) is not None:
                    return self._is_down(lost)
        finally:
            watching.cancel()
        again = ", ".join(f"{one.name} runs again as {one.successor}" for one in ended)
        return self._told(again, asked, watching.result())

    def _told(self, again: str, health: Health | None, answered: float | None) -> Probe:
        if health is None:
            return Probe(True, again, {"back": None})
        if answered is None:
            return Probe(True, f"{again}, but {health} isn't answered yet", {"back": False})
        return Probe(True, f"{again}, {health} is answered", {"back": True})

    def _is_down(self, one: Ending) -> Probe:
        if one.id.alive:
            return Probe(False, f"process {one.id} was asked to end and still runs")
        return Probe(False, f"{one.name} is down: {one.pidfile} names no process that runs in its place")


def named(found: Sequence[Found]) -> str:
    """Processes by name and number, for people."""
    return ", ".join(f"{one.name} ({one.id})" for one in found)


async def until_ended(processes: Sequence[Ending], within: float) -> list[Ending]:
    """Those of them that still run after so long (seconds)."""
    ends = await asyncio.gather(*(one.has_ended(within) for one in processes))
    return [one for one, ended in zip(processes, ends, strict=True) if not ended]
