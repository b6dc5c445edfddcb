"""Phases: where a game day is, from what happens in it.

                     first fault           a mitigation begins           the last fault is healed
    baseline ────────────────────► fault ────────────────────► mitigation ───────────────────────► recovery
                                     ▲  ▲                          │                                   │
                                     │  └──── another fault ───────┘                                   │
                                     └──────────────────────── the next fault ─────────────────────────┘

A fault that nobody mitigates goes from `fault` to `recovery`. One that heals while another one is in place changes
nothing. `recovery` is the platform's, once it is left alone: mitigations are taken back, queues drain, clients return.
An SLO that is back within its objective while the fault is still on is told elsewhere; that is the runbook's merit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from flashcrowd.rundir import Event

Name = Literal["baseline", "fault", "mitigation", "recovery"]
ORDER: tuple[Name, ...] = get_args(Name)


@dataclass(frozen=True)
class Phase:
    """One stretch of a run. start, end: unix seconds. why: what began it, without a full stop."""

    name: Name
    start: float
    end: float
    why: str

    @property
    def seconds(self) -> float:
        return max(0.0, self.end - self.start)


class Phases:
    """Told every event in order; says when another phase begins."""

    def __init__(self) -> None:
        self.now: Name | None = None
        self._in_place: dict[str, str] = {}

    def event(self, event: Event) -> tuple[Name, str] | None:
        """The phase that begins with this event, and why; None where none does."""
        change = self._change(event)
        if change is None or (change[0] == self.now and change[0] != "fault"):
            return None
        self.now = change[0]
        return change

    def _change(self, event: Event) -> tuple[Name, str] | None:
        data = event.data
        match (event.source, event.kind):
            case ("conductor", "started"):
                return "baseline", "the first viewers arrive"
            case ("fault", "injected"):
                self._in_place[data["id"]] = f"{data['fault']} on {data['on']}"
                return "fault", self._in_place[data["id"]]
            case ("runbook", "step_start") if data.get("section") == "Mitigation" and self._in_place:
                return "mitigation", f"{data['runbook']}: {data['step']}"
            case ("fault", "healed") if data["id"] in self._in_place:
                healed = self._in_place.pop(data["id"])
                return None if self._in_place else ("recovery", f"{healed} is healed")
        return None


def phases(events: Iterable[Event], end: float) -> tuple[Phase, ...]:
    """All phases of a run that ended at `end`, in order."""
    begun = list(_begun(events))
    ends = [*(start for start, _, _ in begun[1:]), end]
    stretches = zip(begun, ends, strict=False)
    return tuple(Phase(name, start, max(start, until), why) for (start, name, why), until in stretches)


def _begun(events: Iterable[Event]) -> Iterator[tuple[float, Name, str]]:
    machine = Phases()
    for event in events:
        if (change := machine.event(event)) is not None:
            yield event.time, *change
