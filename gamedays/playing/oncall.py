"""On-call: takes the pages that Alertmanager or Prometheus tells of and follows the runbook that each alert names.

It knows nothing of the plan or of the faults: what it does is what an engineer with a pager and the runbooks could do.
An incident is all pages of one SLO from the first until none of its alerts fires; each is answered once. Whether the
cause is gone is for the game master to say: then what the runbooks put in place is taken back.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import monitors.alerts
import runbooks.catalogue
from flashcrowd.errors import FlashcrowdError, InputError
from flashcrowd.guard import Guard
from flashcrowd.rundir import RunDirectory
from gamedays.playing.allclear import AllClear
from gamedays.playing.answer import Answer
from monitors.alerts import Page, Source
from monitors.prometheus import Prometheus
from runbooks.audit import Audit
from runbooks.executor import Executor
from runbooks.model import Runbook
from runbooks.taker import OnEvent

Instead = Callable[[str], Runbook]
"""The runbook to follow in the place of the one of this name. Raises InputError when there is none."""


class OnCall:
    """The engineer on call of one game day.

    withheld: the runbooks are kept from them (the `no-runbook` control): pages are noted, nothing is done. mark: the
    headers of what the runbooks send to the target. pages: who tells of alerts; Prometheus itself, if not given.
    instead: gives them other runbooks than their pages name (the `wrong-runbook` control). target: its name, and its
    file where it has one. on_line: called with each line of the audits.
    """

    def __init__(
        self,
        prometheus: Prometheus,
        guard: Guard,
        variables: Mapping[str, str],
        run: RunDirectory,
        withheld: bool = False,
        mark: Callable[[], Mapping[str, str]] = dict,
        pages: Source | None = None,
        instead: Instead | None = None,
        target: tuple[str, str | None] = ("", None),
        on_line: OnEvent = lambda kind, data: None,
    ) -> None:
        self._prometheus, self._pages = prometheus, pages or prometheus
        self._guard, self._variables = guard, variables
        self._run, self._withheld, self._mark = run, withheld, mark
        self._on_line, self._instead, (self._target, self._target_file) = on_line, instead, target
        self._incidents: set[str] = set()
        self._answers: list[Answer] = []
        self._standing_down = asyncio.Lock()
        self._cleared = -math.inf

    async def watch(self, since: float) -> None:
        """Answer pages until cancelled. Raises NeedError when Prometheus doesn't answer any more."""
        try:
            async with asyncio.TaskGroup() as group:
                async for page in monitors.alerts.watch(self._pages, since):
                    self._note(page)
                    if page.suppressed is not None or await self._is_known(page):
                        continue
                    self._incidents.add(page.slo)
                    if page.runbook is None:
                        continue
                    if self._withheld:
                        self._run.record("runbook", "withheld", runbook=page.runbook, alert=page.name)
                    else:
                        group.create_task(self._follow(page, page.runbook))
        finally:
            for answer in self._answers:
                answer.close()

    async def stand_down(self, clear: AllClear) -> None:
        """Take back, the latest first, what the runbooks of these incidents put in place.

        One that is still followed ends there. Once nothing is broken any more, what answers an earlier breach is taken
        back as soon as it has ended. What couldn't be taken back is tried again at the next all-clear.
        """
        if clear.slos is None:
            self._cleared = time.time()
        async with self._standing_down:
            for answer in reversed(self._answers):
                if clear.concerns(answer.page.slo, answer.started):
                    await answer.stand_down()

    def _note(self, page: Page) -> None:
        """A page, or an alert that would be one if nobody had silenced it. latency: seconds that it took to us."""
        told = {"reason": page.suppressed} if page.suppressed is not None else {}
        self._run.record(
            "alert",
            "silenced" if told else "page",
            at=page.fired_at,
            alert=page.name,
            slo=page.slo,
            runbook=page.runbook,
            active_at=page.active_at,
            latency=round(page.fired_at - page.active_at, 3),
            told_by=page.source,
            labels=dict(page.labels),
            **told,
        )

    async def _is_known(self, page: Page) -> bool:
        """Whether the page belongs to an incident that is still open: another alert of the SLO goes on firing."""
        if page.slo not in self._incidents:
            return False
        firing = [
            alert
            for alert in await self._pages.alerts()
            if alert.state == "firing" and alert.labels.get("sloth_slo") == page.slo and alert.labels != page.labels
        ]
        return bool(firing)

    async def _follow(self, page: Page, name: str) -> None:
        """Follow one runbook to its end; a runbook that can't be followed is an event, not the end of the game day."""
        try:
            runbook = self._find(name)
        except FlashcrowdError as error:
            self._run.record("runbook", "failed", runbook=name, message=str(error))
            return
        chosen = (runbook.name, name) if self._instead is not None else (name, None)
        answer = Answer(page, chosen[0], runbook, self._run, self._executor, chosen[1], self._target_file)
        self._answers.append(answer)
        await answer.follow()
        if page.active_at <= self._cleared:
            async with self._standing_down:
                await answer.stand_down()

    def _find(self, name: str) -> Runbook:
        if self._instead is not None:
            return self._instead(name)
        if "://" in name:
            raise InputError(f"{name} is a page for people; give the name of a runbook, or its file")
        return runbooks.catalogue.find(name)

    def _executor(self, runbook: Runbook, page: Page, audit: Audit, on_event: OnEvent) -> Executor:
        def both(kind: str, data: dict[str, Any]) -> None:
            self._on_line(kind, data)
            on_event(kind, data)

        return Executor(
            runbook,
            query=self._query,
            guard=self._guard,
            variables=self._variables,
            audit=audit,
            execute=True,
            on_event=both,
            labels=page.labels,
            mark=self._mark,
            target=self._target,
        )

    async def _query(self, promql: str) -> list[float]:
        return [sample.value for sample in await self._prometheus.query(promql)]
