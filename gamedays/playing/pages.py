"""Pages: who tells a game day of them: its Alertmanager, or Prometheus where there is none, or none any more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import monitors.alertmanager_server
from flashcrowd.guard import Guard
from flashcrowd.rundir import RunDirectory
from flashcrowd.target import Target
from monitors.alertmanager import Alertmanager
from monitors.alerts import Pager
from monitors.prometheus import Prometheus


@asynccontextmanager
async def pager(
    target: Target, embedded: bool, guard: Guard, prometheus: Prometheus, run: RunDirectory
) -> AsyncIterator[Pager]:
    """The source of a target's pages, noted in the run, as is that it is gone. embedded: the target is our own."""
    alertmanager = alertmanager_of(target, guard)
    if alertmanager is None:
        programs = " or ".join(monitors.alertmanager_server.PROGRAMS)
        reason = f"no {programs} on PATH" if embedded else f"{target.name} names no Alertmanager"
        run.record("alert", "source", told_by="prometheus", reason=reason)
        yield Pager(prometheus)
        return

    def lost(reason: str) -> None:
        run.record("alert", "source_lost", reason=reason)

    run.record("alert", "source", told_by="alertmanager", url=alertmanager.url)
    async with alertmanager:
        yield Pager(prometheus, alertmanager, lost)


def alertmanager_of(target: Target, guard: Guard) -> Alertmanager | None:
    """A client of the target's Alertmanager, to be closed, where it has one."""
    address, url = target.spec.alertmanager, target.alertmanager_url
    return Alertmanager(url, address.filter, guard) if address is not None and url is not None else None
