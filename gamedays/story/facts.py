"""Facts: what became of each fault and of each execution of a runbook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flashcrowd.rundir import Event
from gamedays.judging.expectations import FaultPlayed, PageSeen
from gamedays.plan import FaultStep

CARRIED_OUT = "carried_out"
"""The outcome of a runbook of which only the mitigations were wanted, and were done (`wrong-runbook`)."""


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


def _mitigates(event: Event) -> bool:
    return event.data.get("section") == "Mitigation" and event.data.get("state") == "done"


def fault_fact(number: int, step: FaultStep, events: Sequence[Event], end: float) -> FaultFact:
    mine = [event for event in events if event.source == "fault" and event.data.get("step") == number]
    by_kind = {event.kind: event for event in mine}
    injected, healed = by_kind.get("injected"), by_kind.get("healed")
    return FaultFact(
        step=step,
        name=f"{step.fault.kind} on {step.fault.on}",
        describe=step.fault.describe(),
        injected=injected.time if injected else None,
        bites=text_of(by_kind.get("bites") or by_kind.get("did_not_bite"), "message"),
        bit="bites" in by_kind,
        healed=healed.time if healed else None,
        heal_failed=text_of(by_kind.get("heal_failed"), "message") if healed is None else None,
        ended=healed.time if healed else end,
    )


def runbook_facts(events: Sequence[Event]) -> list[RunbookFact]:
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


def page_seen(event: Event) -> PageSeen:
    data = event.data
    return PageSeen(data["alert"], data["slo"], data["runbook"], event.time, data.get("reason"))


def text_of(event: Event | None, key: str) -> str | None:
    return str(event.data.get(key, "")) if event else None
