"""Row: one thing of two game days side by side, and what can be said of the difference."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal

Group = Literal["invariants", "recovery", "mitigation", "detection", "objectives", "latency", "requests", "generator"]
"""What a row is about; in order of what it means for whoever buys."""

GROUPS: tuple[Group, ...] = (
    "invariants",
    "recovery",
    "mitigation",
    "detection",
    "objectives",
    "latency",
    "requests",
    "generator",
)
ALPHA = 0.025
"""How often all tests of a comparison together may call something worse by chance alone: half of 5 %, as only the one
side counts; the gate's own figure."""


class Call(StrEnum):
    """What a comparison may say. Same is: within chance, or within the tolerance."""

    WORSE = "worse"
    BETTER = "better"
    SAME = "same"
    UNTOLD = "can't be told"


@dataclass(frozen=True, order=True)
class Key:
    """What is measured; the same in every run of a plan. name: stable, as `order-latency outside faults`."""

    group: Group
    name: str


LAG = Key("generator", "lag p99")
"""The one figure on which others hang."""


@dataclass(frozen=True)
class Tolerance:
    """What may go unmentioned. ratio: of percentiles and shares, 0.1 is 10 %. seconds: of times."""

    ratio: float = 0.1
    seconds: float = 5.0


@dataclass(frozen=True)
class Row:
    """One measured thing, before and now.

    before, now: for people; value_before, value_now: numbers of `unit`, None where there is none.
    why: one sentence without a full stop. chance: of such a difference, tolerance granted, if nothing had changed (0 to
    1), before any correction; None where nothing was tested. limit: what it must not be below to be worse (Holm).
    looks_worse: it would be worse, if the machine could be ruled out.
    """

    key: Key
    before: str
    now: str
    call: Call
    why: str
    unit: str = ""
    value_before: float | None = None
    value_now: float | None = None
    chance: float | None = None
    limit: float | None = None
    looks_worse: bool = False

    @property
    def regressed(self) -> bool:
        """Whether it fails a release: the target got worse. The generator's health says nothing of the target."""
        return self.call is Call.WORSE and self.key.group != "generator"

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {**asdict(self.key), **{k: v for k, v in asdict(self).items() if k != "key"}, "call": self.call.value}
