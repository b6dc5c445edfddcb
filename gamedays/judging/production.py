"""Production: when production's alerts would have noticed the faults of a run, beside when the rehearsal's did.

A rehearsal pages on windows of its own. So the recorded SLI of each SLO that a fault spoiled is replayed through
production's rules, after days of healthy traffic, as if nobody had mitigated it: from its recovery on, and from the
fault's end on, it stays as bad as it was on average. Twice: once with that healthy past, once on the run's own history
alone, which shows how much a short history flatters.

metrics/production.json    what came of it, for reports
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from flashcrowd.errors import InputError
from flashcrowd.process import Supervisor
from flashcrowd.rundir import RunDirectory
from flashcrowd.seal import renew
from flashcrowd.sweeper import swept
from gamedays.judging.expectations import first_page
from gamedays.story.facts import FaultFact
from gamedays.story.story import Story
from monitors import replay, windows
from monitors.course import Course
from monitors.replay import Firing
from monitors.slo import Slo
from monitors.windows import WindowPolicy

FILE = "metrics/production.json"
POLICY = "google-30d"
LEAST_PREFIX = 6 * 3600.0
"""Seconds of healthy traffic before a run, at least; as long as the policy's longest window where that is more."""


@dataclass(frozen=True)
class Noticed:
    """A page: how many seconds after the injection, and its pair of windows; `stands_for` is of a rehearsal's."""

    after: float
    pair: str | None
    stands_for: str | None = None


@dataclass(frozen=True)
class Detection:
    """How one fault was noticed by what it did to one SLO. Times are unix seconds.

    lasted: seconds that the fault was in place. onset: the first second over the budget; None when there was none.
    until: when that ended, by recovery or by healing. ratio, rate: the bad share and events per second meanwhile.
    live: the page of the run. production: the page after healthy days, the level going on; None when none would come.
    alone: the same on the run's own history. ticket: a ticket that comes before such a page, or instead of it.
    unknown: why nothing can be said.
    """

    fault: str
    slo: str
    objective: float
    injected: float
    lasted: float
    onset: float | None = None
    until: float | None = None
    recovered: bool = False
    ratio: float = 0.0
    rate: float = 0.0
    live: Noticed | None = None
    production: Noticed | None = None
    alone: Noticed | None = None
    ticket: Noticed | None = None
    unknown: str | None = None

    @property
    def replayed(self) -> bool:
        return self.onset is not None and self.unknown is None

    @property
    def in_time(self) -> bool:
        """Whether production would have paged before the fault was healed."""
        return self.production is not None and self.production.after <= self.lasted

    @property
    def missing(self) -> float | None:
        """For how many seconds more the fault would have had to last; None when no page would ever come."""
        return None if self.production is None else max(0.0, self.production.after - self.lasted)


@dataclass(frozen=True)
class Production:
    """All detections of a run. policy: of the production rules. prefix: seconds of healthy traffic before the run."""

    policy: str
    prefix: float
    detections: tuple[Detection, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Production:
        """The inverse of `as_dict`. Raises TypeError or KeyError when it is something else."""
        return cls(data["policy"], data["prefix"], tuple(_detection(row) for row in data["detections"]))


def load(run: RunDirectory) -> Production | None:
    """What an earlier replay of this run has left; None when there was none, or of another version."""
    try:
        return Production.from_dict(run.read_json(FILE))
    except (InputError, TypeError, KeyError):
        return None


async def save(story: Story, policy_name: str = POLICY) -> Production:
    """Replay a run and write `metrics/production.json`.

    Raises:
        InputError: no such policy.
        NeedError: Prometheus or promtool is missing or failed.
    """
    policy = windows.find(policy_name)
    prefix = max(LEAST_PREFIX, *policy.windows)
    detections = [
        _observed(story, fault, slo)
        for fault in story.faults
        for slo in story.slos
        if fault.injected and not _is_anothers(story, fault, slo)
    ]
    affected = [number for number, one in enumerate(detections) if one.replayed]
    courses = [_course(story, detections[number], length) for number in affected for length in (prefix, 0.0)]
    found = await _replay(courses, policy) if courses else []
    for number, after_prefix, alone in zip(affected, found[::2], found[1::2], strict=True):
        detections[number] = _told(detections[number], after_prefix, alone)
    production = Production(policy.name, prefix, tuple(detections))
    story.run.write_json(FILE, production.as_dict())
    renew(story.run, FILE)
    return production


async def _replay(courses: list[Course], policy: WindowPolicy) -> list[list[Firing]]:
    with swept("flashcrowd-replay-") as work:
        async with Supervisor(work) as supervisor:
            return await replay.replay(supervisor, work, courses, policy)


def _is_anothers(story: Story, fault: FaultFact, slo: Slo) -> bool:
    """Whether another fault, in place at the same time, is expected to spoil the SLO, and this one isn't."""
    expecting = [one for one in story.faults if one.step.expect is not None and one.step.expect.slo == slo.name]
    return fault not in expecting and any(_overlap(fault, one) for one in expecting)


def _overlap(one: FaultFact, other: FaultFact) -> bool:
    if one.injected is None or other.injected is None:
        return False
    return one.injected < other.ended and other.injected < one.ended


def _observed(story: Story, fault: FaultFact, slo: Slo) -> Detection:
    """What the run itself says of a fault and an SLO."""
    assert fault.injected is not None
    sli, lasted = story.sli(slo.name), fault.ended - fault.injected
    seen = Detection(fault.name, slo.name, slo.objective, fault.injected, lasted, live=_live(story, fault, slo))
    if not sli.tally([(fault.injected, fault.ended)]).known:
        return replace(seen, unknown="Prometheus has no data of the time of the fault")
    onset = sli.spoiled(slo.budget, fault.injected, fault.ended)
    if onset is None:
        return seen
    back = story.recovery(fault, slo.name).at
    until = fault.ended if back is None else max(back, onset + sli.step)
    tally = sli.tally([(onset, until)])
    ratio = min(1.0, tally.bad / tally.total) if tally.total else 0.0
    if ratio <= slo.budget and seen.live is None:
        return seen  # a stray bad second, of which the fault's time as a whole has nothing
    rate = tally.total / max(tally.covered * tally.seconds, sli.step)
    return replace(seen, onset=onset, until=until, recovered=back is not None, ratio=ratio, rate=rate)


def _live(story: Story, fault: FaultFact, slo: Slo) -> Noticed | None:
    page = first_page(story.pages, slo.name, fault.played)
    if page is None or fault.injected is None:
        return None
    labels = next(
        event.data.get("labels", {})
        for event in story.events
        if (event.source, event.kind, event.time) == ("alert", "page", page.at) and event.data["slo"] == slo.name
    )
    pair = f"{labels['long']}/{labels['short']}" if {"long", "short"} <= labels.keys() else None
    return Noticed(round(page.at - fault.injected, 3), pair, labels.get("stands_for"))


def _course(story: Story, seen: Detection, prefix: float) -> Course:
    """The SLI from the run's first known second until it was better again, and on at its mean level."""
    assert seen.onset is not None
    assert seen.until is not None
    slo, sli = story.slo(seen.slo), story.sli(seen.slo)
    known = next(at for at, _, total in sli.rows if total is not None)
    rows = tuple(row for row in sli.rows if known <= row[0] < seen.until)
    healthy = sli.tally(story.outside)
    seconds = healthy.covered * healthy.seconds
    traffic = healthy.total / seconds if seconds and healthy.total else seen.rate
    return Course(slo, rows, sli.step, traffic, prefix, (seen.ratio * seen.rate, seen.rate), seen.injected)


def _told(seen: Detection, after_prefix: list[Firing], alone: list[Firing]) -> Detection:
    def first(firings: list[Firing], severity: str) -> Noticed | None:
        one = next((one for one in firings if one.severity == severity), None)
        return None if one is None else Noticed(round(one.at - seen.injected, 3), one.pair)

    production, ticket = first(after_prefix, "page"), first(after_prefix, "ticket")
    if production is not None and ticket is not None and ticket.after > production.after:
        ticket = None
    return replace(seen, production=production, ticket=ticket, alone=first(alone, "page"))


def _detection(row: dict[str, Any]) -> Detection:
    pages = {name: row[name] and Noticed(**row[name]) for name in ("live", "production", "alone", "ticket")}
    return Detection(**{**row, **pages})
