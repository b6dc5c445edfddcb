"""Coverage: the cells and the holes of a target, from its game days and from what there is to cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flashcrowd.units import utc
from gamedays.coverage import chain
from gamedays.coverage.cell import Cell, cells
from gamedays.coverage.hole import Hole, Risk
from gamedays.coverage.plans import plans
from gamedays.coverage.row import seen, severity
from gamedays.coverage.seen import Seen, seen_in
from gamedays.coverage.subject import Subject
from gamedays.coverage.unseen import Unseen
from gamedays.evidence import evidence
from gamedays.story.story import Story


@dataclass(frozen=True)
class Coverage:
    """What was rehearsed of a subject and what wasn't. now: unix seconds. holes: the riskiest first.

    played, broken_off: game days, in order of time. controls: how many were read. untried: kinds by component.
    """

    subject: Subject
    now: float
    played: tuple[Story, ...]
    controls: int
    cells: tuple[Cell, ...]
    seen: Seen
    holes: tuple[Hole, ...]

    @property
    def broken_off(self) -> int:
        return sum(not story.complete for story in self.played)

    def of(self, risk: Risk) -> int:
        """How many holes are of this risk."""
        return sum(hole.risk is risk for hole in self.holes)

    def missing(self, cell: Cell) -> Hole | None:
        """The hole of a cell; None where its chain is whole, or where it hit no SLO."""
        name = f"{cell.fault} → {cell.slo}"
        return next((hole for hole in self.holes if (hole.kind, hole.name) == ("fault", name)), None)

    def as_dict(self) -> dict[str, Any]:
        """As JSON values; times are unix seconds, durations seconds."""
        hit = {cell.slo for cell in self.cells}
        return {
            "target": self.subject.name,
            "at": utc(self.now),
            "runs": [{"run": one.run.name, "plan": one.plan.name, "complete": one.complete} for one in self.played],
            "controls": self.controls,
            "matrix": [self._cell(cell) for cell in self.cells],
            "slos": [
                {
                    "slo": slo.name,
                    "objective": slo.objective,
                    "severity": severity(slo),
                    "hit": slo.name in hit,
                    "alert": slo.alerting.name or None,
                    "fired": self.seen.fired.get(slo.name),
                    "runbook": slo.runbook,
                }
                for slo in self.subject.slos
            ],
            "runbooks": [
                {"runbook": page.name, "followed": self.seen.followed.get(page.name), "every": page.every}
                for page in self.subject.pages
            ],
            "components": [self._component(name) for name in self.subject.components],
            "holes": [hole.as_dict() for hole in self.holes],
        }

    def _cell(self, cell: Cell) -> dict[str, Any]:
        hole = self.missing(cell)
        gap = hole.gap.value if hole is not None else None
        counted = {"rehearsals": len(cell.rehearsals), "seen": len(cell.rows), "gap": gap}
        return {**counted, **asdict(cell.latest), "credit": cell.proof.credit, "why": cell.proof.why}

    def _component(self, name: str) -> dict[str, Any]:
        works, tried = self.subject.kinds.get(name, ()), self.seen.broken.get(name, {})
        untried = [kind.name for kind in works if kind.name not in tried]
        return {"component": name, "tried": dict(tried), "untried": untried}


def coverage(subject: Subject, stories: Sequence[Story], now: float) -> Coverage:
    """The coverage of a target. stories: its game days and controls, in order of time."""
    played = tuple(story for story in stories if story.control is None)
    controls = [story for story in stories if story.control is not None]
    apart = {
        slo.name: [
            evidence.outline(story, slo.name) for story in controls if any(one.name == slo.name for one in story.slos)
        ]
        for slo in subject.slos
    }
    rows = [row for story in played for row in seen(story, apart)]
    found, known = cells(rows), plans(played, subject.embedded)
    were = seen_in(played, rows)
    chains = (chain.hole(cell, subject, known, now) for cell in found)
    holes = [*(hole for hole in chains if hole is not None), *Unseen(subject, found, were, known).holes()]
    ranked = tuple(sorted(holes, key=lambda hole: hole.rank))
    return Coverage(subject, now, played, len(controls), tuple(found), were, ranked)
