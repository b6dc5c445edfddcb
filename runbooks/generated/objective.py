"""Objective: what a page has to know of its SLO; the SLO itself is none of the runbooks' business."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Objective:
    """An SLO as a page tells of it.

    wanted: as `99 %`. budget: share (0 to 1) of events that may be bad. share: PromQL of the bad share over a window in
    seconds; events: of all events per second, where they are counted. alerts: the names that page or ticket for it.
    """

    name: str
    description: str
    wanted: str
    budget: float
    service: str
    alerts: tuple[str, ...]
    severity: Literal["page", "ticket"]
    share: Callable[[float], str]
    events: Callable[[float], str] | None
