"""Hole: something that no rehearsal has shown, with its risk, the reason and what would close it.

    what is missing                                   page     ticket
    wrong     rehearsed, and it went wrong at last    high     medium
    never     never seen at all                       high     medium
    unproved  seen, and nobody knows why              medium   low
    old       proved, of what is another by now       medium   low
    untried   one more way to break what was broken   low      low

Page and ticket are whom the SLO's alert calls. Of the same risk the upper line comes first, then the page, then the
tighter objective, then what is the longest over its time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gamedays.coverage.row import Severity


class Risk(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def place(self) -> int:
        """0 is the highest."""
        return list(Risk).index(self)


class Gap(StrEnum):
    WRONG = "wrong"
    NEVER = "never"
    UNPROVED = "unproved"
    OLD = "old"
    UNTRIED = "untried"

    @property
    def place(self) -> int:
        """0 is the worst."""
        return list(Gap).index(self)


RISKS = {
    Gap.WRONG: (Risk.HIGH, Risk.MEDIUM),
    Gap.NEVER: (Risk.HIGH, Risk.MEDIUM),
    Gap.UNPROVED: (Risk.MEDIUM, Risk.LOW),
    Gap.OLD: (Risk.MEDIUM, Risk.LOW),
    Gap.UNTRIED: (Risk.LOW, Risk.LOW),
}


@dataclass(frozen=True)
class Close:
    """What would close a hole: a command, or a plan's step (YAML, a line each). first: what has to be done before."""

    command: str | None = None
    step: tuple[str, ...] = ()
    first: str = ""


@dataclass(frozen=True)
class Hole:
    """kind: `fault`, `slo`, `alert`, `runbook` or `component`; name: which. text: a clause, without a full stop.

    objective: of its SLO, in percent. over: its age as a multiple of what is allowed.
    """

    gap: Gap
    kind: str
    name: str
    text: str
    close: Close
    severity: Severity
    objective: float | None = None
    over: float = 0.0

    @property
    def risk(self) -> Risk:
        return RISKS[self.gap][0 if self.severity == "page" else 1]

    @property
    def rank(self) -> tuple[int, int, bool, float, float, str, str]:
        """The riskiest first."""
        order = self.risk.place, self.gap.place, self.severity != "page"
        return (*order, -(self.objective or 0.0), -self.over, self.kind, self.name)

    def as_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "risk": self.risk.value,
            "gap": self.gap.value,
            "kind": self.kind,
            "name": self.name,
            "text": self.text,
            "severity": self.severity,
            "objective": self.objective,
            "over": round(self.over, 2),
            "close": {"first": self.close.first, "command": self.close.command, "step": "\n".join(self.close.step)},
        }
