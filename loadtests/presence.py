"""Presence: for how long viewers are in their rooms, and for how long they are dropped and wait to be let back in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, Metric

_SECONDS = ("connected", "reconnecting")


class Presence:
    """Counts since the start.

    drops: connections that ended without their viewer's wish. seconds: of all viewers together, by state; a viewer who
    was never in a room yet is in neither.
    """

    def __init__(self) -> None:
        self.drops = 0
        self.seconds = dict.fromkeys(_SECONDS, 0.0)

    def passed(self, seconds: float, viewers: Mapping[str, int]) -> None:
        """So much time has passed with so many viewers in each state."""
        for state in _SECONDS:
            self.seconds[state] += seconds * viewers[state]

    def as_dict(self) -> dict[str, Any]:
        """JSON values, for the way from a worker to the master."""
        return {"drops": self.drops, "seconds": self.seconds}

    def merge(self, report: dict[str, Any]) -> None:
        """Add what a worker reported."""
        self.drops += report["drops"]
        for state, seconds in report["seconds"].items():
            self.seconds[state] += seconds

    def collect(self) -> Iterator[Metric]:
        """Prometheus' metric families."""
        yield CounterMetricFamily(
            "flashcrowd_viewer_drops", "Connections that ended without their viewer's wish", value=self.drops
        )
        spent = CounterMetricFamily("flashcrowd_viewer_seconds", "Time of all viewers, by state", labels=["state"])
        for state, seconds in self.seconds.items():
            spent.add_metric([state], seconds)
        yield spent
