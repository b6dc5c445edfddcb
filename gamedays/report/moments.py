"""Moments: the lines of a run's timeline, as terminal and reports show them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from flashcrowd.units import about, clock
from gamedays.judging.waves import Wave
from gamedays.progress import taken_back
from gamedays.story.facts import FaultFact, RunbookFact
from gamedays.story.story import Story

Kind = Literal["load", "sale", "fault", "page", "silenced", "runbook", "recovered", "healed", "stopped"]


@dataclass(frozen=True, order=True)
class Moment:
    """One line: seconds since the start, what it is about, and a sentence without a full stop."""

    at: float
    kind: Kind
    label: str
    text: str

    def __str__(self) -> str:
        return f"{clock(self.at)}  {self.label:<13} {self.text}"


def moments(story: Story) -> list[Moment]:
    """All moments of a story in order of time."""
    found = [
        *_load(story),
        *(_wave(story, wave) for wave in story.waves),
        *_draws(story),
        *_faults(story),
        *_pages(story),
        *_unsent(story),
        *(_runbook(story, fact) for fact in story.runbooks),
        *_withheld(story),
        *_stood_down(story),
        *_recoveries(story),
        *_stopped(story),
    ]
    return sorted(found)


def _load(story: Story) -> Iterator[Moment]:
    load, crowd = story.plan.spec.load, story.crowd
    if story.start:
        seen = f", {crowd.viewers:,} connected" if crowd and crowd.viewers is not None else ""
        yield Moment(0.0, "load", load.shape, f"{load.describe()}{seen}")


def _wave(story: Story, wave: Wave) -> Moment:
    text = f"{wave.sold:,} of {wave.stock:,} sold"
    if wave.took is not None:
        text += f" in {wave.took:.1f} s"
    if wave.p99 is not None:
        text += f" · order p99 {about(wave.p99)}"
    return Moment(wave.opened - story.start, "sale", f"sale, wave {wave.number}", text)


def _draws(story: Story) -> Iterator[Moment]:
    for event in story.events:
        if (event.source, event.kind) == ("draw", "opened"):
            text = f"{len(event.data['prizes']):,} prizes, entries for {about(event.data['closes_at'] - event.time)}"
            yield Moment(event.time - story.start, "sale", "draw", text)


def _faults(story: Story) -> Iterator[Moment]:
    for fault in story.faults:
        if fault.injected is None:
            continue
        bites = f"bites ({fault.bites})" if fault.bit else f"does not bite ({fault.bites or 'no effect seen'})"
        yield Moment(fault.injected - story.start, "fault", "fault", f"{fault.describe} · {bites}")
        if fault.healed is not None:
            yield Moment(fault.healed - story.start, "healed", "healed", f"{fault.name} · checked")


def _pages(story: Story) -> Iterator[Moment]:
    for page in story.pages:
        cause = _cause(story, page.at)
        after = f", {page.at - cause.injected:.0f} s after the fault" if cause and cause.injected else ""
        yield Moment(page.at - story.start, "page", "page", f"{page.alert}{after}")


def _unsent(story: Story) -> Iterator[Moment]:
    """Alerts that called nobody, and why pages came from elsewhere."""
    for page in story.silenced:
        yield Moment(page.at - story.start, "silenced", "silenced", f"{page.alert} called nobody: {page.silenced}")
    for event in story.events:
        if (event.source, event.kind) == ("alert", "source_lost"):
            text = "Alertmanager is gone; pages are read from Prometheus from now on"
            yield Moment(event.time - story.start, "silenced", "warning", text)


def _runbook(story: Story, fact: RunbookFact) -> Moment:
    done = [
        f"{event.data['step']} ({event.data['state']})"
        for event in fact.steps
        if event.kind == "step_end" and event.data.get("section") == "Mitigation"
    ]
    instead = f" (instead of {fact.instead_of})" if fact.instead_of is not None else ""
    text = f"{fact.name}{instead}: {', '.join(done) or 'nothing done'} · {fact.outcome.replace('_', ' ')}"
    return Moment(fact.started - story.start, "runbook", "runbook", text)


def _withheld(story: Story) -> Iterator[Moment]:
    for event in story.events:
        if event.kind == "withheld":
            name = event.data["runbook"]
            yield Moment(event.time - story.start, "runbook", "runbook", f"{name} withheld: this run is its control")


def _stood_down(story: Story) -> Iterator[Moment]:
    for event in story.stood_down:
        name, at = event.data["runbook"], event.time - story.start
        if event.kind == "stood_down":
            yield Moment(at, "healed", "all clear", f"{name}: {taken_back(event.data)}")
        else:
            left = ", ".join(event.data["left"])
            yield Moment(at, "stopped", "LEFT", f"{name}: {left} could not be taken back: {event.data['message']}")


def _recoveries(story: Story) -> Iterator[Moment]:
    for fault in story.faults:
        if fault.step.expect is None:
            continue
        slo = fault.step.expect.slo
        back = story.recovery(fault, slo)
        if back.at is not None:
            text = f"{slo} back within its objective, fault still on"
            yield Moment(back.at - story.start, "recovered", "recovered", text)


def _stopped(story: Story) -> Iterator[Moment]:
    at = story.end - story.start
    if story.aborted is not None:
        yield Moment(at, "stopped", "aborted", story.aborted)
    elif story.interrupted and story.start:
        yield Moment(at, "stopped", "interrupted", f"at {clock(at)} of {clock(story.plan.duration)}")


def _cause(story: Story, at: float) -> FaultFact | None:
    """The fault that was in place at this time."""
    return next((f for f in story.faults if f.injected is not None and f.injected <= at <= f.ended), None)
