"""Desk: what becomes of each alert: an incident of its own, a part of one, or nothing; and of each incident.

alert                                            outcome
firing, never seen      a runbook is for it      accepted: a new incident, diagnosed at once
                        an incident of its SLO   joined
                        none is for it           no_runbook
firing, seen before     (also if it resolved)    duplicate
resolved                fired before             resolved; the last one closes the incident
                        never fired, or resolved duplicate

A mitigation that has begun is never ended half way because its alert resolved; one that hasn't is not begun. When an
incident closes, what was done stays: it may be the reason why the alert resolved. Silenced alerts aren't sent at all;
an incident of which nothing was heard for `STALE` is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from flashcrowd.errors import FlashcrowdError, InputError, NeedError
from runbooks.catalogue import LIBRARY
from runbooks.execution import Outcome
from runbooks.model import Heading, Runbook
from runbooks.server import left
from runbooks.server.incident import AT_WORK, Incident, State, load_all
from runbooks.server.journal import Journal
from runbooks.server.memory import Memory
from runbooks.server.message import Alert
from runbooks.server.shelf import Shelf
from runbooks.server.site import Site
from runbooks.server.touched import Touch, components

MOST_OPEN = 100
"""Incidents that are open at a time. More alerts are told to come again."""

MOST_SHOWN = 200
AT_ONCE = 4
"""Diagnoses that run at a time; the others wait in a queue of at most `MOST_OPEN`."""

STALE = 24 * 3600.0
PATIENCE = 300.0
"""Seconds that a mitigation waits for another one on the same component."""

OFTEN, WITHIN = 3, 3600.0
"""A runbook that was followed without a person so often within so many seconds is left to people: it doesn't hold."""


class OverloadedError(FlashcrowdError):
    """Too much is open already; the alert has to come again."""


class Desk:
    """All incidents of one folder.

    tell: called with each incident whose state people should hear of. done: with each mitigation's outcome. step: with
    each line of an audit.
    """

    def __init__(
        self,
        folder: Path,
        site: Site,
        shelf: Shelf,
        journal: Journal,
        tell: Callable[[Incident], None] = lambda incident: None,
        done: Callable[[str], None] = lambda outcome: None,
        step: Callable[[str, dict[str, Any]], None] = lambda kind, data: None,
    ) -> None:
        self.site, self._folder, self._shelf, self._journal = site, folder, shelf, journal
        self._tell, self._done, self._step = tell, done, step
        self._memory, self._touch, self._places = Memory(folder), Touch(), asyncio.Semaphore(AT_ONCE)
        self._tasks = set[asyncio.Task[None]]()
        self.incidents = {incident.name: incident for incident in load_all(folder, MOST_SHOWN)}

    @property
    def open(self) -> list[Incident]:
        return [incident for incident in self.incidents.values() if incident.is_open]

    def resume(self) -> list[str]:
        """Take up what an earlier start left, and say what it was. A mitigation that was cut off is left to people."""
        told = []
        for incident in self.open:
            if incident.state is State.MITIGATING:
                incident.turn(State.INTERRUPTED, self._left(incident))
            if incident.state is State.INTERRUPTED and left.is_unfinished(incident.audit):
                told.append(f"{incident.name}: {incident.note}")
            elif incident.state in AT_WORK:
                incident.turn(State.QUEUED, "begun again after a restart")
                self._start(self._work(incident, None))
        return told

    def take(self, alert: Alert) -> str:
        """What becomes of an alert, as a word of the table above.

        Raises:
            OverloadedError: it has to come again. NeedError: it can't be written down.
        """
        known = self._memory.find(alert.key)
        if known is not None and (known.status == alert.status or known.status == "resolved"):
            if (incident := self.incidents.get(known.incident)) is not None:
                incident.heard = time.time()
            return "duplicate"
        if alert.status == "resolved":
            return self._resolve(alert, known.incident) if known is not None else "duplicate"
        for incident in self.open:
            if incident.group == alert.group and incident.fires:
                self._remember(incident, alert)
                return "joined"
        return self._open(alert)

    async def stop(self) -> None:
        """End what is running. A step under way is ended, nothing is taken back, and the incident says so."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _open(self, alert: Alert) -> str:
        try:
            runbook = self._shelf.find(alert)
        except InputError as error:
            self._journal.note("no_runbook", alert=alert.name, why=str(error))
            return "no_runbook"
        self._close_stale()
        if len(self.open) >= MOST_OPEN:
            raise OverloadedError(f"{MOST_OPEN} incidents are open")
        incident = Incident.open(self._folder, alert, runbook.name)
        try:
            self._remember(incident, alert)
        except NeedError:  # the alert comes again, and mustn't join an incident that nobody works at
            with contextlib.suppress(NeedError):
                incident.close("its alert could not be written down")
            raise
        self.incidents[incident.name] = incident
        self._forget()
        self._start(self._work(incident, runbook))
        return "accepted"

    def _resolve(self, alert: Alert, name: str) -> str:
        incident = self.incidents.get(name)
        if incident is None:
            self._memory.put(alert.key, alert.status, name)
        else:
            self._remember(incident, alert)
            self._close(incident)
        return "resolved"

    def _remember(self, incident: Incident, alert: Alert) -> None:
        """First the incident, then the memory: a crash between them repeats an alert, and loses none."""
        incident.hear(alert)
        self._memory.put(alert.key, alert.status, incident.name)

    def _close(self, incident: Incident) -> None:
        if incident.is_open and not incident.fires and incident.state not in AT_WORK:
            incident.close("its alerts have resolved")
            self._tell(incident)

    def _close_stale(self) -> None:
        for incident in self.open:
            if incident.state not in AT_WORK and time.time() - incident.heard > STALE:
                incident.close("nothing was heard of it for a day")

    def _forget(self) -> None:
        """Keep the newest in memory; the folders stay."""
        closed = [incident for incident in self.incidents.values() if not incident.is_open]
        for incident in closed[: max(len(self.incidents) - MOST_SHOWN, 0)]:
            del self.incidents[incident.name]

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, incident: Incident, runbook: Runbook | None) -> None:
        """Diagnose, mitigate if that is allowed, and close if all is over. No error of one incident ends the others."""
        try:
            runbook = runbook or self._shelf.find(incident.alert)
            async with self._places:
                mitigates = await self._diagnose(incident, runbook)
            if mitigates:
                await self._mitigate(incident, runbook)
        except asyncio.CancelledError:
            if incident.state is State.MITIGATING:
                incident.turn(State.INTERRUPTED, self._left(incident))
            raise
        except FlashcrowdError as error:
            incident.turn(State.FAILED, str(error))
        except Exception as error:
            logging.getLogger(__name__).exception("incident %s", incident.name)
            incident.turn(State.FAILED, f"{type(error).__name__}: {error}")
        self._tell(incident)
        self._close(incident)

    async def _diagnose(self, incident: Incident, runbook: Runbook) -> bool:
        """Run the steps that only look, and say what they found; whether a mitigation is to follow."""
        incident.turn(State.DIAGNOSING)
        execution = await self.site.follow(runbook, incident, execute=False, listen=self._step)
        incident.keep("diagnosis", execution)
        found = f"found: {', '.join(execution.matched)}" if execution.matched else execution.message
        planned = [
            row.step for row in execution.results if row.section == Heading.MITIGATION and row.state.value == "planned"
        ]
        if not planned:
            incident.turn(State.DIAGNOSED, f"{found}. No step of {runbook.name} is for that")
            return False
        forbidden = self._forbidden(runbook)
        if forbidden:
            incident.turn(
                State.DIAGNOSED, f"{found}. {', '.join(planned)} would be next, and wait for a person: {forbidden}"
            )
            return False
        incident.turn(State.WAITING, f"{found}. {', '.join(planned)} will be next")
        self._tell(incident)
        return True

    def _forbidden(self, runbook: Runbook) -> str:
        """Why a runbook is left to people; nothing if it isn't."""
        if reason := self.site.forbids(runbook):
            return reason
        recent = [one for one in self.incidents.values() if one.runbook == runbook.name and _recently(one.mitigated)]
        if len(recent) >= OFTEN:
            return f"it was followed {len(recent)} times within an hour, and didn't hold"
        return self._unsettled()

    def _left(self, incident: Incident) -> str:
        file = self._shelf.files().get(incident.runbook)
        return left.note(incident.audit, incident.runbook if file is None or file.parent == LIBRARY else str(file))

    def _unsettled(self) -> str:
        """Whether an earlier mitigation was cut off, so that nobody knows what is in place."""
        for incident in self.incidents.values():
            if incident.state is State.INTERRUPTED and left.is_unfinished(incident.audit):
                return f"the mitigation of {incident.name} was cut off and nobody has finished or taken it back"
        return ""

    async def _mitigate(self, incident: Incident, runbook: Runbook) -> None:
        wanted = components(runbook)
        if (holder := self._touch.holder(wanted)) is not None:
            incident.record("incident", "waits", behind=holder, components=sorted(wanted))
        try:
            async with asyncio.timeout(PATIENCE) as patience, self._touch.hold(wanted, incident.name):
                patience.reschedule(None)
                await self._act(incident, runbook)
        except TimeoutError:
            incident.turn(State.DIAGNOSED, f"not mitigated: {holder} is still at work on the same components")

    async def _act(self, incident: Incident, runbook: Runbook) -> None:
        """Follow the runbook, now that nobody else is at work on what it touches; unless things have changed."""
        if not incident.fires:
            incident.turn(State.DIAGNOSED, "its alerts resolved before a mitigation was begun")
            return
        if reason := self._forbidden(runbook):
            incident.turn(State.DIAGNOSED, f"not mitigated: {reason}")
            return
        incident.mitigated = time.time()
        incident.turn(State.MITIGATING, f"{runbook.name} is being followed")
        execution = await self.site.follow(runbook, incident, execute=True, listen=self._step)
        incident.keep("mitigation", execution)
        self._done(execution.outcome.value)
        state = State.RECOVERED if execution.outcome is Outcome.RECOVERED else State.NOT_RECOVERED
        incident.turn(state, f"{execution.outcome.value.replace('_', ' ')}: {execution.message}")


def _recently(at: float | None) -> bool:
    return at is not None and time.time() - at < WITHIN
