"""On-call: takes the pages that Alertmanager or Prometheus tells of and follows the runbook that each alert names.

It knows nothing of the plan or of the faults: what it does is what an engineer with a pager and the runbooks could do.
An incident is all pages of one SLO from the first until none of its alerts fires; each is answered once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import monitors.alerts
import runbooks.catalogue
from flashcrowd.errors import FlashcrowdError, InputError
from flashcrowd.guard import Guard
from flashcrowd.rundir import RunDirectory
from monitors.alerts import Page, Source
from monitors.prometheus import Prometheus
from runbooks.audit import Audit
from runbooks.executor import Executor
from runbooks.fingerprints import of_runbook
from runbooks.taker import OnEvent


class OnCall:
    """The engineer on call of one game day.

    withheld: the runbooks are kept from them (the `no-runbook` control): pages are noted, nothing is done. mark: the
    headers of what the runbooks send to the target. pages: who tells of alerts; Prometheus itself, if not given.
    on_line: called with each line of the audits.
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
        on_line: OnEvent = lambda kind, data: None,
    ) -> None:
        self._prometheus, self._pages = prometheus, pages or prometheus
        self._guard, self._variables = guard, variables
        self._run, self._withheld, self._mark, self._on_line = run, withheld, mark, on_line
        self._incidents: set[str] = set()

    async def watch(self, since: float) -> None:
        """Answer pages until cancelled. Raises NeedError when Prometheus doesn't answer any more."""
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
            if "://" in name:
                raise InputError(f"{name} is a page for people; give the name of a runbook, or its file")
            runbook = runbooks.catalogue.find(name)
            self._run.record("runbook", "started", runbook=name, alert=page.name, fingerprint=of_runbook(runbook))
            with Audit(self._run.path / "runbooks" / f"{runbook.name}.jsonl", who="game day") as audit:
                executor = Executor(
                    runbook,
                    query=self._query,
                    guard=self._guard,
                    variables=self._variables,
                    audit=audit,
                    execute=True,
                    on_event=self._step,
                    labels=page.labels,
                    mark=self._mark,
                )
                execution = await executor.run()
            self._run.record(
                "runbook",
                "ended",
                runbook=name,
                outcome=execution.outcome.value,
                message=execution.message,
                in_place=list(execution.in_place),
            )
        except FlashcrowdError as error:
            self._run.record("runbook", "failed", runbook=name, message=str(error))

    def _step(self, kind: str, data: dict[str, Any]) -> None:
        """Lines of the audit that are about a step become events; the audit itself has them all."""
        self._on_line(kind, data)
        if "step" in data:
            self._run.record("runbook", f"step_{kind}", **data)

    async def _query(self, promql: str) -> list[float]:
        return [sample.value for sample in await self._prometheus.query(promql)]
