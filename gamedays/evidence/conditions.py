"""Conditions: the stretches of a run in which a diagnosis is looked at: health, and each fault while nobody has helped.

    started ──health──► first fault ──this fault──► mitigation begins, or it is healed
                                         │
                                         └─ another fault comes or goes: another stretch, beside that fault

What a mitigation changes it changes for every query: after its beginning, the picture is no longer that of the fault,
unless it is the runbook of another fault that is in place beside it. The time after a fault tells nothing of it, nor of
health. A run without faults is health all through.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from gamedays.judging.sli import HOLD
from gamedays.story.facts import FaultFact
from gamedays.story.story import Story

LEAST = 2.0
"""Seconds that are looked at before a mitigation, even where a query's range still reaches back before the fault: the
diagnosis itself looked no later."""


@dataclass(frozen=True)
class Condition:
    """One stretch. fault: its name; None is health. start, until: unix seconds; `until` doesn't belong to it.

    ended_by: `mitigation`, `healing`, `another fault`, `the end`. beside: other faults that were in place meanwhile.
    paged: when somebody was called; nobody takes a step before. since_injected: whether it begins with its fault, and
    not in the aftermath of another.
    """

    fault: str | None
    start: float
    until: float
    ended_by: str
    beside: tuple[str, ...] = ()
    paged: float | None = None
    since_injected: bool = True

    def settled(self, reach: float) -> float:
        """From when on a query counts that looks back `reach` seconds: it sees this condition alone, and somebody asks.

        Where a mitigation came so soon that it would never, the last seconds before it count. After another fault what
        that one made slow ends late; there is no such exception then.
        """
        if self.fault is None:
            return self.start + reach
        if not self.since_injected:
            return max(self.start + HOLD + reach, self.paged or 0.0)
        return max(self.start, min(max(self.start + reach, self.paged or 0.0), self.until - LEAST))


def conditions(story: Story) -> list[Condition]:
    """All conditions of a run in order; a stretch too short for a look is none."""
    faults = sorted((fault for fault in story.faults if fault.injected is not None), key=lambda one: one.injected or 0)
    first = faults[0].injected if faults else None
    health = Condition(None, story.start, first or story.end, "another fault" if first else "the end")
    found = [health, *(one for fault in faults for one in _of(story, fault, faults))]
    return [one for one in found if one.until - one.start >= 1.0]


def cause(fault: FaultFact) -> str:
    """What a page calls a fault: kind and component; of a command, which can be anything, also what it does."""
    if fault.step.fault.kind != "command":
        return fault.name
    return re.sub(r",? for \S+$", "", fault.describe)


def runbook_of(story: Story, fault: FaultFact) -> str | None:
    """The runbook that is for a fault: as the plan expects, or as its SLO's alert says."""
    wanted = fault.step.expect
    return None if wanted is None else wanted.runbook or story.slo(wanted.slo).runbook


def _of(story: Story, fault: FaultFact, faults: list[FaultFact]) -> Iterator[Condition]:
    """The stretches of one fault until somebody acts: another each time that another fault comes, goes or is helped."""
    assert fault.injected is not None
    others = [one for one in faults if one is not fault]
    paged = _paged(story, fault)
    acts = [(at, name) for at, name in _mitigations(story) if at >= fault.injected]
    apart = [(at, name) for at, name in acts if any(_is_for(story, one, name, at) for one in others)]
    acted = min((at for at, name in acts if (at, name) not in apart), default=float("inf"))
    until = min(acted, fault.ended)
    end = "mitigation" if acted < fault.ended else "healing" if fault.healed is not None else "the end"
    turns = [at for at, _ in apart] + [at for one in others for at in (one.injected or 0.0, one.ended)]
    edges = [fault.injected, *sorted({at for at in turns if fault.injected < at < until}), until]
    for start, stop in itertools.pairwise(edges):
        beside = tuple(sorted({cause(one) for one in others if (one.injected or 0.0) < stop and one.ended > start}))
        ended_by = end if stop == until else "another fault"
        yield Condition(cause(fault), start, stop, ended_by, beside, paged, start == fault.injected)


def _paged(story: Story, fault: FaultFact) -> float | None:
    """When the fault's SLO paged while it was in place, or any where the plan expects nothing of it."""
    slo = fault.step.expect.slo if fault.step.expect is not None else None
    pages = [page.at for page in story.pages if slo in (None, page.slo)]
    return min((at for at in pages if (fault.injected or 0.0) <= at <= fault.ended), default=None)


def _is_for(story: Story, fault: FaultFact, runbook: str, at: float) -> bool:
    """Whether a runbook that acted then did so for this fault, and not for the one that is looked at."""
    return runbook_of(story, fault) == runbook and (fault.injected or 0.0) <= at <= fault.ended


def _mitigations(story: Story) -> list[tuple[float, str]]:
    """When each mitigation step began, and the runbook that it is of."""
    return [
        (event.time, runbook.name)
        for runbook in story.runbooks
        for event in runbook.steps
        if event.kind == "step_start" and event.data.get("section") == "Mitigation"
    ]
