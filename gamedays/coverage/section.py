"""Section: what one game day covered of what its plan names, for its own reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from gamedays.coverage.row import Row, planned, severity
from gamedays.evidence.evidence import components
from gamedays.judging.expectations import PageSeen
from gamedays.story.facts import FaultFact
from gamedays.story.story import Story


@dataclass(frozen=True)
class Fired:
    """An alert that called somebody while no fault was in place of which the plan expects it.

    at: seconds since the start. during: the faults that were in place then, as `network.latency on inventory`.
    """

    alert: str
    slo: str
    at: float
    during: tuple[str, ...]


@dataclass(frozen=True)
class Silent:
    """An alert of the plan's SLOs that didn't fire in this run. aimed: a fault that was in place was to make it.

    silenced: why nobody was called although it fired.
    """

    alert: str
    slo: str
    aimed: bool
    silenced: str | None = None


@dataclass(frozen=True)
class Section:
    """One run's matrix: its plan's faults, and what else fired or never did.

    control: which, where the run is one; then it is no rehearsal. complete: it was played to its end. not_followed: the
    runbooks that its alerts name and nobody followed. unbroken: the target's components on which no fault was seen.
    """

    rows: tuple[Row, ...]
    also_fired: tuple[Fired, ...]
    never_fired: tuple[Silent, ...]
    not_followed: tuple[str, ...]
    unbroken: tuple[str, ...]
    control: str | None
    complete: bool

    def as_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def section(story: Story) -> Section:
    """What a run covered, from its directory and nothing else."""
    rows = tuple(planned(story))
    named = dict.fromkeys(slo.runbook for slo in story.slos if slo.runbook is not None)
    followed = {one.name for one in story.runbooks}
    broken = {row.on for row in rows if row.played == "played"}
    return Section(
        rows=rows,
        also_fired=tuple(_also_fired(story)),
        never_fired=tuple(_never_fired(story, rows)),
        not_followed=tuple(name for name in named if name not in followed),
        unbroken=tuple(name for name in components(story) if name not in broken),
        control=story.control,
        complete=story.complete,
    )


def _also_fired(story: Story) -> Iterator[Fired]:
    """The first time of each alert that nobody expected then."""
    told = set[str]()
    for page in story.pages:
        if page.alert not in told and not _expected(story, page):
            told.add(page.alert)
            during = tuple(fault.name for fault in story.faults if _in_place(fault, page.at))
            yield Fired(page.alert, page.slo, round(page.at - story.start, 1), during)


def _expected(story: Story, page: PageSeen) -> bool:
    return any(
        fault.step.expect is not None and fault.step.expect.slo == page.slo and _in_place(fault, page.at)
        for fault in story.faults
    )


def _in_place(fault: FaultFact, at: float) -> bool:
    return fault.injected is not None and fault.injected <= at <= fault.ended


def _never_fired(story: Story, rows: tuple[Row, ...]) -> Iterator[Silent]:
    """Alerts that would call somebody: tickets are none of a game day's business."""
    fired, aimed = {page.slo for page in story.pages}, {row.slo for row in rows if row.played == "played"}
    silenced = {page.slo: page.silenced for page in story.silenced}
    for slo in story.slos:
        if severity(slo) == "page" and slo.name not in fired:
            yield Silent(slo.alerting.name, slo.name, slo.name in aimed, silenced.get(slo.name))
