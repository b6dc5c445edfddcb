"""Conditions: the stretches of a run in which a diagnosis is looked at: health, and each fault while nobody has helped.

    started ──health──► first fault ──this fault──► mitigation begins, or it is healed, or another fault comes

What a mitigation changes it changes for every query: after its beginning, the picture is no longer that of the fault.
The same goes for the time after a fault, and for two faults at once. A run without faults is health all through.
"""

from __future__ import annotations

from dataclasses import dataclass

from gamedays.story import FaultFact, Story

LEAST = 2.0
"""Seconds that are looked at before a mitigation, even where a query's range still reaches back before the fault: the
diagnosis itself looked no later."""


@dataclass(frozen=True)
class Condition:
    """One stretch. fault: its name; None is health. start, until: unix seconds; `until` doesn't belong to it.

    ended_by: `mitigation`, `healing`, `another fault`, `the end`. mixed: another fault was in place, too, or had been
    mitigated and not healed, so that this tells nothing of this one alone.
    """

    fault: str | None
    start: float
    until: float
    ended_by: str
    mixed: bool = False

    def settled(self, reach: float) -> float:
        """From when on a query that looks back `reach` seconds sees this condition alone, as far as can be."""
        if self.fault is None:
            return self.start + reach
        return max(self.start, min(self.start + reach, self.until - LEAST))


def conditions(story: Story) -> list[Condition]:
    """All conditions of a run in order; those that were over before they began are left out."""
    faults = sorted((fault for fault in story.faults if fault.injected is not None), key=lambda one: one.injected or 0)
    first = faults[0].injected if faults else None
    health = Condition(None, story.start, first or story.end, "another fault" if first else "the end")
    found = [health, *(_of(story, fault, faults) for fault in faults)]
    return [one for one in found if one.until > one.start]


def _of(story: Story, fault: FaultFact, faults: list[FaultFact]) -> Condition:
    assert fault.injected is not None
    start = fault.injected
    acted = [(at, "mitigation") for at in _mitigations(story) if start <= at]
    others = [(one.injected, "another fault") for one in faults if one is not fault and (one.injected or 0) >= start]
    end = (fault.ended, "healing" if fault.healed is not None else "the end")
    until, ended_by = min((float(at or 0), why) for at, why in [*acted, *others, end])
    mixed = any(one is not fault and (one.injected or 0) <= start < one.ended for one in faults)
    return Condition(fault.name, start, until, ended_by, mixed)


def _mitigations(story: Story) -> list[float]:
    """When each mitigation step began."""
    return [
        event.time
        for runbook in story.runbooks
        for event in runbook.steps
        if event.kind == "step_start" and event.data.get("section") == "Mitigation"
    ]
