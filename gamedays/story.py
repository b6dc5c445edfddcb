"""Story: the facts of one run, read from its run directory and nothing else. Judging and reporting start here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from flashcrowd.errors import InputError
from flashcrowd.rundir import Event, RunDirectory
from gamedays.crowd import Crowd, crowd
from gamedays.expectations import FaultPlayed, PageSeen, Recovery, first_page, recovery
from gamedays.extracts import load_charts, load_slis
from gamedays.orders import judge_orders
from gamedays.plan import EMBEDDED, FaultStep, Plan
from gamedays.sli import Sli, Window, merged, outside
from gamedays.waves import Wave, waves
from loadtests.invariants import Judgement
from monitors.slo import Slo

CARRIED_OUT = "carried_out"
"""The outcome of a runbook of which only the mitigations were wanted, and were done (`wrong-runbook`)."""

STOOD_DOWN = (("runbook", "stood_down"), ("runbook", "stand_down_failed"))
CONTROLS = "controls"
"""The folder of a run directory with the run directories of its controls."""


@dataclass(frozen=True)
class FaultFact:
    """A fault of the plan as it went; times are unix seconds, None where it didn't come to that."""

    step: FaultStep
    name: str
    describe: str
    injected: float | None
    bites: str | None
    bit: bool
    healed: float | None
    heal_failed: str | None
    ended: float

    @property
    def played(self) -> FaultPlayed:
        return FaultPlayed(self.name, self.injected, self.healed, self.ended, self.step.fault.duration, self.bit)


@dataclass(frozen=True)
class RunbookFact:
    """One execution of a runbook, with its steps' events in order. instead_of: the one that the page named, where a
    control had another followed."""

    name: str
    alert: str
    started: float
    ended: float | None
    outcome: str
    steps: tuple[Event, ...]
    instead_of: str | None = None

    @property
    def acted(self) -> float | None:
        """When the first mitigation step that was done began, unix seconds."""
        done = {event.data["step"] for event in self.steps if event.kind == "step_end" and _mitigates(event)}
        begun = (event.time for event in self.steps if event.kind == "step_start" and event.data["step"] in done)
        return min(begun, default=None)

    @property
    def mitigated(self) -> float | None:
        """When the last mitigation step had been done, unix seconds."""
        done = [event for event in self.steps if event.kind == "step_end" and _mitigates(event)]
        return done[-1].time if done else None


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
        """Whether it was played to its end."""
        return self.aborted is None and not self.interrupted and self.start > 0

    @cached_property
    def windows(self) -> list[Window]:
        """When any fault was in place, or what was done about it was still taken back; two at once are one window."""
        faults = [(fault.injected, fault.ended) for fault in self.faults if fault.injected is not None]
        return merged([*faults, *((event.data["since"], event.time) for event in self.stood_down)])

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
        return judge_orders(self.run)

    @cached_property
    def waves(self) -> list[Wave]:
        """The waves of the sale, as the viewers' history has them."""
        return waves(self.run)

    @cached_property
    def controls(self) -> tuple[Story, ...]:
        """The controls that were played with this game day, as far as they came; of one played twice, the latest."""
        runs = [RunDirectory.open(file.parent) for file in sorted(self.run.path.glob(f"{CONTROLS}/*/manifest.json"))]
        stories = {story.control: story for story in map(read_story, runs) if story.control is not None}
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
        faults=tuple(_fault(number, step, events, end) for number, step in enumerate(plan.spec.steps)),
        pages=tuple(_page(event) for event in events if (event.source, event.kind) == ("alert", "page")),
        runbooks=tuple(_runbooks(events)),
        aborted=_text(_first(events, "conductor", "aborted"), "reason"),
        interrupted=_first(events, "conductor", "interrupted") is not None or (started is None or not _ended(events)),
        silenced=tuple(_page(event) for event in events if (event.source, event.kind) == ("alert", "silenced")),
        withheld=tuple(event.data["runbook"] for event in events if event.kind == "withheld"),
    )


def _manifest(run: RunDirectory) -> tuple[dict[str, Any], Plan, tuple[Slo, ...]]:
    manifest = run.read_json("manifest.json")
    if not isinstance(manifest, dict) or "plan" not in manifest:
        raise InputError(f"{run.path} is not the run of a game day: its manifest.json names no plan")
    try:
        slos = tuple(Slo.model_validate(slo) for slo in manifest["slos"])
        return manifest, Plan.model_validate(manifest["plan"]), slos
    except (ValidationError, KeyError) as error:
        first = str(error).partition("\n")[0]
        raise InputError(
            f"{run.path / 'manifest.json'} can't be read by this version of flashcrowd ({first}); "
            "judge it with the version that it names"
        ) from None


def _fault(number: int, step: FaultStep, events: Sequence[Event], end: float) -> FaultFact:
    mine = [event for event in events if event.source == "fault" and event.data.get("step") == number]
    by_kind = {event.kind: event for event in mine}
    injected, healed = by_kind.get("injected"), by_kind.get("healed")
    return FaultFact(
        step=step,
        name=f"{step.fault.kind} on {step.fault.on}",
        describe=step.fault.describe(),
        injected=injected.time if injected else None,
        bites=_text(by_kind.get("bites") or by_kind.get("did_not_bite"), "message"),
        bit="bites" in by_kind,
        healed=healed.time if healed else None,
        heal_failed=_text(by_kind.get("heal_failed"), "message") if healed is None else None,
        ended=healed.time if healed else end,
    )


def _runbooks(events: Sequence[Event]) -> list[RunbookFact]:
    """Executions in order; events of a runbook belong to its latest start."""
    found = []
    starts = [event for event in events if (event.source, event.kind) == ("runbook", "started")]
    for start in starts:
        name = start.data["runbook"]
        later = [other.time for other in starts if other.data["runbook"] == name and other.time > start.time]
        until = min(later, default=float("inf"))
        mine = [
            e for e in events if e.source == "runbook" and e.data["runbook"] == name and start.time <= e.time < until
        ]
        ended = next((event for event in mine if event.kind in ("ended", "failed")), None)
        outcome = (ended.data.get("outcome") or ended.data.get("message", "")) if ended else "interrupted"
        steps = tuple(event for event in mine if event.kind.startswith("step_"))
        over, instead_of = ended.time if ended else None, start.data.get("instead_of")
        found.append(RunbookFact(name, start.data["alert"], start.time, over, outcome, steps, instead_of))
    return found


def _page(event: Event) -> PageSeen:
    data = event.data
    return PageSeen(data["alert"], data["slo"], data["runbook"], event.time, data.get("reason"))


def _mitigates(event: Event) -> bool:
    return event.data.get("section") == "Mitigation" and event.data.get("state") == "done"


def _end(events: Sequence[Event], start: float) -> float:
    ended = _first(events, "conductor", "ended")
    return ended.time if ended else max((event.time for event in events), default=start)


def _ended(events: Sequence[Event]) -> bool:
    return _first(events, "conductor", "ended") is not None


def _first(events: Sequence[Event], source: str, kind: str) -> Event | None:
    return next((event for event in events if (event.source, event.kind) == (source, kind)), None)


def _text(event: Event | None, key: str) -> str | None:
    return str(event.data.get(key, "")) if event else None
