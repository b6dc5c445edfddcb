"""Marks: what is drawn into every chart, fault windows and the instants of cause and effect, and the lanes of faults.

The first lane holds the phases of the run. Any other is a fault's way, in three states that follow each other:

    injected ───────► paged ───────► back within its objective ───────► healed
     broken, nobody    being mended          held, fault still on
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from flashcrowd.rundir import RunDirectory
from gamedays.phases import Name
from gamedays.report.charts.ink import COLOURS
from gamedays.report.moments import Kind, moments
from gamedays.story.facts import FaultFact
from gamedays.story.story import Story

RULED: tuple[Kind, ...] = ("sale", "fault", "page", "runbook", "recovered")
"""What is ruled through every chart, in the order of the legend."""

PHASES: dict[Name, Kind] = {"baseline": "healed", "fault": "fault", "mitigation": "runbook", "recovery": "healed"}
"""What is the case in each phase, for its colour."""


@dataclass(frozen=True)
class Lanes:
    """names: of the lanes, top to bottom. bars: from, to (seconds since the start), lane (its number from 0), name,
    stretch, colour; those of one lane and stretch share one name. points: at, lane, kind, colour, text."""

    names: tuple[str, ...]
    bars: list[dict[str, Any]] = field(default_factory=list)
    points: list[dict[str, Any]] = field(default_factory=list)


def windows(story: Story) -> list[dict[str, float]]:
    """When any fault was in place, seconds since the start."""
    return [{"from": _since(story, start), "to": _since(story, end)} for start, end in story.windows]


def marks(story: Story) -> list[dict[str, Any]]:
    """The instants that are ruled through every chart: at, kind, colour, text."""
    return [
        {"at": round(one.at, 2), "kind": one.kind, "colour": COLOURS[one.kind], "text": f"{one.label}: {one.text}"}
        for one in moments(story)
        if one.kind in RULED
    ]


def sales(run: RunDirectory, start: float) -> list[dict[str, Any]]:
    """When sales opened in a load that nobody conducted."""
    opened = [(event.time - start, str(event.data.get("sku", ""))) for event in run.events("sale", "opened")]
    return [
        {"at": round(at, 2), "kind": "sale", "colour": COLOURS["sale"], "text": f"sale of {sku}"} for at, sku in opened
    ]


def lanes(story: Story) -> Lanes:
    """The phases, and a lane for each fault that was injected, in order of time; none without a fault."""
    played = [(number, fault) for number, fault in enumerate(story.faults, 1) if fault.injected is not None]
    played.sort(key=lambda pair: (pair[1].injected or 0.0, pair[0]))
    if not played:
        return Lanes(())
    found = Lanes(("phases", *(fault.name for _, fault in played)), _phases(story))
    for lane, (_, fault) in enumerate(played, 1):
        found.bars.extend({**bar, "lane": lane, "name": fault.name, "stretch": 0} for bar in _bars(story, fault))
        found.points.extend({**point, "lane": lane} for point in _points(story, fault))
    return found


def _phases(story: Story) -> list[dict[str, Any]]:
    """A bar for each phase, in the colour of what is the case in it."""
    return [
        {
            "from": _since(story, phase.start),
            "to": _since(story, phase.end),
            "colour": COLOURS[PHASES[phase.name]],
            "lane": 0,
            "name": phase.name,
            "stretch": number,
        }
        for number, phase in enumerate(story.phases, 1)
    ]


def _bars(story: Story, fault: FaultFact) -> Iterator[dict[str, Any]]:
    assert fault.injected is not None
    wanted = fault.step.expect
    back = story.recovery(fault, wanted.slo) if wanted is not None else None
    paged = back.paged.at if back is not None and back.paged is not None else None
    recovered = back.at if back is not None else None
    states: list[tuple[Kind, float]] = [("fault", fault.injected)]
    states += [("runbook", paged)] if paged is not None else []
    states += [("recovered", recovered)] if recovered is not None else []
    for (state, begun), (_, until) in pairwise([*states, ("healed", fault.ended)]):
        yield {"from": _since(story, begun), "to": _since(story, max(begun, until)), "colour": COLOURS[state]}


def _points(story: Story, fault: FaultFact) -> Iterator[dict[str, Any]]:
    if (wanted := fault.step.expect) is None:
        return
    back, followed = story.recovery(fault, wanted.slo), story.followed(fault, wanted.slo)
    for event in followed.steps if followed is not None else ():
        if event.kind == "step_end" and event.data.get("section") == "Mitigation":
            text = f"{event.data['step']}: {str(event.data['state']).replace('_', ' ')}"
            yield _point(story, event.time, "runbook", text)
    if back.at is not None:
        yield _point(story, back.at, "recovered", f"{wanted.slo} back within its objective")
    if back.paged is not None:  # the last, and so above the step that often comes at once
        yield _point(story, back.paged.at, "page", back.paged.alert)


def _point(story: Story, at: float, kind: Kind, text: str) -> dict[str, Any]:
    return {"at": _since(story, at), "kind": kind, "colour": COLOURS[kind], "text": text}


def _since(story: Story, at: float) -> float:
    return round(at - story.start, 2)
