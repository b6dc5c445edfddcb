"""Story: the facts of one run, read from its run directory and nothing else. Judging and reporting start here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from flashcrowd.errors import InputError
from flashcrowd.rundir import Event, RunDirectory
from flashcrowd.seal import damage, lacking
from gamedays.judging.crowd import Crowd, crowd
from gamedays.judging.expectations import PageSeen, Recovery, first_page, recovery
from gamedays.judging.orders import doubt_of_books, judge_orders
from gamedays.judging.sli import Sli, Window, merged, outside
from gamedays.judging.waves import Wave, waves
from gamedays.phases import Phase, phases
from gamedays.plan import EMBEDDED, Plan
from gamedays.playing.extracts import load_charts, load_slis
from gamedays.story.facts import FaultFact, RunbookFact, fault_fact, page_seen, runbook_facts, text_of
from gamedays.story.readable import readable
from loadtests.invariants import Judgement
from monitors.slo import Slo

STOOD_DOWN = (("runbook", "stood_down"), ("runbook", "stand_down_failed"))
CONTROLS = "controls"
"""The folder of a run directory with the run directories of its controls."""


@dataclass(frozen=True)
class Story:
    """What happened. `start` and `end` are unix seconds; `end` is the last moment that anything was played."""

    run: RunDirectory
    plan: Plan
    manifest: dict[str, Any]
    slos: tuple[Slo, ...]
    slis: dict[str, Sli]
    start: float
    end: float
    events: tuple[Event, ...]
    faults: tuple[FaultFact, ...]
    pages: tuple[PageSeen, ...]
    runbooks: tuple[RunbookFact, ...]
    aborted: str | None
    interrupted: bool
    withheld: tuple[str, ...] = field(default=())
    silenced: tuple[PageSeen, ...] = field(default=())

    @property
    def control(self) -> str | None:
        return self.manifest.get("control")

    @property
    def target_name(self) -> str:
        """The target, for a title."""
        target = self.manifest["target"]
        return "embedded storefront" if target == EMBEDDED else str(target["metadata"]["name"])

    @property
    def complete(self) -> bool:
        """Whether it was played to its end, and all of its evidence is there."""
        return self.aborted is None and not self.interrupted and self.start > 0 and self.lacking is None

    @cached_property
    def lacking(self) -> str | None:
        """What is wrong with the evidence of a run; None when it is whole, or when the run broke off, and says so."""
        if self.interrupted and not self.damage:
            return None
        return lacking(self.run, self.damage)

    @cached_property
    def damage(self) -> list[str]:
        """Which files of the run are not as it left them."""
        return damage(self.run)

    @cached_property
    def windows(self) -> list[Window]:
        """When any fault was in place, or what was done about it was still taken back; two at once are one window."""
        faults = [(fault.injected, fault.ended) for fault in self.faults if fault.injected is not None]
        return merged([*faults, *((event.data["since"], event.time) for event in self.stood_down)])

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        """Baseline, fault, mitigation and recovery, as they followed each other; none of a run that never started."""
        return phases(self.events, self.end)

    @property
    def stood_down(self) -> tuple[Event, ...]:
        """What was done about mitigations once their fault had healed, whether or not it could be."""
        return tuple(event for event in self.events if (event.source, event.kind) in STOOD_DOWN)

    @cached_property
    def outside(self) -> list[Window]:
        """When no fault was in place."""
        return outside(self.windows, self.start, self.end)

    @cached_property
    def charts(self) -> list[dict[str, Any]]:
        """The series of the timeline, as `extracts` wrote them."""
        return load_charts(self.run)

    @cached_property
    def crowd(self) -> Crowd | None:
        """How the load generator did; None when it left no figures."""
        return crowd(self.run, self.charts)

    @cached_property
    def orders(self) -> Judgement:
        """The viewers' history compared with the target's ledger."""
        return judge_orders(self.run, doubt_of_books(self.run, self.damage))

    @cached_property
    def waves(self) -> list[Wave]:
        """The waves of the sale, as the viewers' history has them."""
        return waves(self.run)

    @cached_property
    def controls(self) -> tuple[Story, ...]:
        """The controls that were played with this game day, as far as they came; of one played twice, the latest."""
        runs = [RunDirectory.open(file.parent) for file in sorted(self.run.path.glob(f"{CONTROLS}/*/manifest.json"))]
        stories = {story.control: story for story in _readable(runs) if story.control is not None}
        return tuple(stories.values())

    def slo(self, name: str) -> Slo:
        return next(slo for slo in self.slos if slo.name == name)

    def sli(self, name: str) -> Sli:
        """The SLI of an SLO; one without rows when Prometheus left none."""
        return self.slis.get(name, Sli(name, 1.0, ()))

    def recovery(self, fault: FaultFact, slo: str) -> Recovery:
        """When the page for this fault came and when the SLO was back within its objective."""
        return recovery(self.sli(slo), self.slo(slo).budget, self.pages, slo, fault.played)

    def followed(self, fault: FaultFact, slo: str) -> RunbookFact | None:
        """The runbook that was followed for the SLO's page while the fault was in place; None for none."""
        page = first_page(self.pages, slo, fault.played)
        if page is None:
            return None
        alerts = {other.alert for other in self.pages if other.slo == slo}
        mine = (fact for fact in self.runbooks if fact.alert in alerts and page.at <= fact.started <= fault.ended)
        return next(mine, None)


def read_story(run: RunDirectory) -> Story:
    """The story of a run directory, however early the run ended. Raises InputError when it isn't one."""
    manifest, plan, slos = _manifest(run)
    with readable(run):
        return _read(run, manifest, plan, slos)


def _read(run: RunDirectory, manifest: dict[str, Any], plan: Plan, slos: tuple[Slo, ...]) -> Story:
    events = run.events()
    started = _first(events, "conductor", "started")
    start = started.time if started else 0.0
    end = _end(events, start) if started else start
    return Story(
        run=run,
        plan=plan,
        manifest=manifest,
        slos=slos,
        slis=load_slis(run),
        start=start,
        end=end,
        events=tuple(events),
        faults=tuple(fault_fact(number, step, events, end) for number, step in enumerate(plan.spec.steps)),
        pages=tuple(page_seen(event) for event in events if (event.source, event.kind) == ("alert", "page")),
        runbooks=tuple(runbook_facts(events)),
        aborted=text_of(_first(events, "conductor", "aborted"), "reason"),
        interrupted=_first(events, "conductor", "interrupted") is not None or (started is None or not _ended(events)),
        silenced=tuple(page_seen(event) for event in events if (event.source, event.kind) == ("alert", "silenced")),
        withheld=tuple(event.data["runbook"] for event in events if event.kind == "withheld"),
    )


def _manifest(run: RunDirectory) -> tuple[dict[str, Any], Plan, tuple[Slo, ...]]:
    manifest = run.manifest()
    if "plan" not in manifest:
        raise InputError(f"{run.path} is not the run of a game day: its manifest.json names no plan")
    with readable(run, "manifest.json"):
        slos = tuple(Slo.model_validate(slo) for slo in manifest["slos"])
        plan, target = Plan.model_validate(manifest["plan"]), manifest["target"]
        if target != EMBEDDED:
            str(target["metadata"]["name"])
        return manifest, plan, slos


def _readable(runs: Iterable[RunDirectory]) -> Iterator[Story]:
    """The stories of those that can be read: a control that was broken off early has none."""
    for run in runs:
        with suppress(InputError):
            yield read_story(run)


def _end(events: Sequence[Event], start: float) -> float:
    ended = _first(events, "conductor", "ended")
    return ended.time if ended else max((event.time for event in events), default=start)


def _ended(events: Sequence[Event]) -> bool:
    return _first(events, "conductor", "ended") is not None


def _first(events: Sequence[Event], source: str, kind: str) -> Event | None:
    return next((event for event in events if (event.source, event.kind) == (source, kind)), None)
