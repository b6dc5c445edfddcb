"""Room tally: connections and deliveries in rooms of one kind, the head room or the small ones."""

from __future__ import annotations

from typing import Any

from loadtests.crowd.histogram import AT_ONCE, LatencyHistogram
from loadtests.histogram import DELIVERY_EDGES, Histogram

ON_TIME = 1.0
"""Seconds within which a comment must be delivered: the objective of the chat (DESIGN.md section 7)."""

_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


class RoomTally:
    """What one process, or all of them together, has counted since the start.

    connections: those that were made, reconnections included. viewers: connected now; most: at once, of several
    processes the sum of each one's most. lost, withheld: as of deliveries.py.
    """

    __slots__ = ("_fresh", "connections", "delivery", "lost", "most", "times", "viewers", "withheld")

    def __init__(self) -> None:
        self.delivery, self.times = Histogram(DELIVERY_EDGES), LatencyHistogram()
        self._fresh = list[float]()
        self.connections = self.viewers = self.most = self.lost = self.withheld = 0

    def delivered(self, seconds: float) -> None:
        """Note a comment that reached a viewer so long after it was sent; `settle` counts it."""
        fresh = self._fresh
        fresh.append(seconds if seconds > 0.0 else 0.0)
        if len(fresh) >= AT_ONCE:
            self.settle()

    def settle(self) -> None:
        """Count what is only noted: before anything is read of the tally."""
        self.delivery.observe_all(self._fresh)
        self.times.record_all(self._fresh)
        self._fresh.clear()

    def entered(self) -> None:
        """A viewer has connected."""
        self.connections += 1
        self.viewers += 1
        self.most = max(self.most, self.viewers)

    def left(self) -> None:
        """A connected viewer is gone."""
        self.viewers -= 1

    def deliveries(self) -> dict[str, int]:
        """Deliveries of comments by outcome; those that are known to be lost at least."""
        self.settle()
        on_time = self.delivery.up_to(ON_TIME)
        return {"on_time": on_time, "late": self.delivery.count - on_time, "lost": self.lost}

    def as_dict(self) -> dict[str, Any]:
        """The tally as JSON values, for the way from a worker to the master."""
        self.settle()
        return {
            "delivery": [self.delivery.counts, self.delivery.total],
            "times": self.times.as_list(),
            "counts": [self.connections, self.viewers, self.most, self.lost, self.withheld],
        }

    def merge(self, report: dict[str, Any], present: bool = True) -> None:
        """Add another process's tally; of one that is no longer present, all but who is connected."""
        self.delivery.merge(*report["delivery"])
        self.times.merge(LatencyHistogram.from_list(report["times"]))
        connections, viewers, most, lost, withheld = report["counts"]
        self.connections += connections
        self.viewers += viewers if present else 0
        self.most += most
        self.lost += lost
        self.withheld += withheld

    def add(self, other: RoomTally) -> None:
        """Add the rooms of another kind."""
        self.merge(other.as_dict())

    def summary(self) -> dict[str, Any]:
        """The counts; delivery times in seconds, to within 1 %."""
        self.settle()
        times = {name: self.times.quantile(ratio) for name, ratio in _QUANTILES.items()}
        counts = {"connections": self.connections, "most": self.most, "withheld": self.withheld}
        return {**counts, **self.deliveries(), "delivery": times}
