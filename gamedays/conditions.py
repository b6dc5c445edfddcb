"""Conditions: the stretches of a run in which a diagnosis is looked at: health, and each fault while nobody has helped.

    started ──health──► first fault ──this fault──► mitigation begins, or it is healed
                                         │
                                         └─ another fault comes or goes: another stretch, beside that fault

What a mitigation changes it changes for every query: after its beginning, the picture is no longer that of the fault.
The same goes for the time after a fault. A run without faults is health all through.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from gamedays.story import FaultFact, Story

LEAST = 2.0
"""Seconds that are looked at before a mitigation, even where a query's range still reaches back before the fault: the
diagnosis itself looked no later."""


@dataclass(frozen=True)
class Condition:
    """One stretch. fault: its name; None is health. start, until: unix seconds; `until` doesn't belong to it.

    ended_by: `mitigation`, `healing`, `another fault`, `the end`. beside: other faults that were in place meanwhile.
    """

    fault: str | None
    start: float
    until: float
    ended_by: str
    beside: tuple[str, ...] = ()

    def settled(self, reach: float) -> float:
        """From when on a query that looks back `reach` seconds sees this condition alone, as far as can be."""
        if self.fault is None:
            return self.start + reach
        return max(self.start, min(self.start + reach, self.until - LEAST))


def conditions(story: Story) -> list[Condition]:
    """All conditions of a run in order; a stretch too short for a look is none."""
    faults = sorted((fault for fault in story.faults if fault.injected is not None), key=lambda one: one.injected or 0)
    first = faults[0].injected if faults else None
    health = Condition(None, story.start, first or story.end, "another fault" if first else "the end")
    found = [health, *(one for fault in faults for one in _of(story, fault, faults))]
    return [one for one in found if one.until - one.start >= 1.0]


def _of(story: Story, fault: FaultFact, faults: list[FaultFact]) -> Iterator[Condition]:
    """The stretches of one fault until somebody acts: another each time that another fault comes or goes."""
    assert fault.injected is not None
    acted = min((at for at in _mitigations(story) if at >= fault.injected), default=float("inf"))
    until = min(acted, fault.ended)
    end = "mitigation" if acted < fault.ended else "healing" if fault.healed is not None else "the end"
    others = [(one.injected or 0.0, one.ended, one.name) for one in faults if one is not fault]
    turns = {at for began, ended, _ in others for at in (began, ended) if fault.injected < at < until}
    edges = [fault.injected, *sorted(turns), until]
    for start, stop in itertools.pairwise(edges):
        beside = tuple(sorted({name for began, ended, name in others if began < stop and ended > start}))
        yield Condition(fault.name, start, stop, end if stop == until else "another fault", beside)


def _mitigations(story: Story) -> list[float]:
    """When each mitigation step began."""
    return [
        event.time
        for runbook in story.runbooks
        for event in runbook.steps
        if event.kind == "step_start" and event.data.get("section") == "Mitigation"
    ]
