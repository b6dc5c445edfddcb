"""Freshness: what became of behaviour events, for a process or for all of them together, and how soon it was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from loadtests.crowd.histogram import LatencyHistogram
from loadtests.histogram import Histogram
from loadtests.playback import quantiles

FRESH = 5.0
"""Seconds from an event within which the platform must show it: the objective of behaviour data (DESIGN.md 7)."""

FRESHNESS_EDGES = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, FRESH, 7.5, 10.0, 15.0, 30.0, 60.0)
PROBED = ("fresh", "late", "shed", "unknown")
"""What was found of events that were asked for. `late` from the moment on that five seconds have passed, whether the
event comes later or never; `shed`: dropped on purpose, and said so; `unknown`: nobody told."""

_SENT = ("accepted", "failed")
_MOST_KINDS = 50
_OTHERS = "(others)"


class Freshness:
    """Counts since the start.

    sent: events by what became of their batch. probes: those that were asked for, by kind and outcome. lost: those of
    the late ones that were not visible when we gave up. times: seconds from the event until it was visible, of those
    that became it.
    """

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter(dict.fromkeys(_SENT, 0))
        self.probes: Counter[tuple[str, str]] = Counter()
        self.lost = 0
        self.seen, self.times = Histogram(FRESHNESS_EDGES), LatencyHistogram()

    def expect(self, kind: str) -> None:
        """Events of this kind are noted: its series begin, at zero. Kinds beyond fifty are counted together."""
        if (kind, PROBED[0]) not in self.probes:
            kind = self._kind(kind)
            self.probes.update({(kind, outcome): 0 for outcome in PROBED})

    def probed(self, kind: str, outcome: str) -> None:
        """It was found out what became of an event."""
        self.probes[self._kind(kind), outcome] += 1

    def visible(self, seconds: float) -> None:
        """An event became visible so long after it happened."""
        self.seen.observe(max(0.0, seconds))
        self.times.record(seconds)

    def outcome(self, name: str) -> int:
        """Probes of all kinds with this outcome."""
        return sum(count for (_, outcome), count in self.probes.items() if outcome == name)

    def as_dict(self) -> dict[str, Any]:
        """JSON values, for the way from a worker to the master."""
        return {
            "sent": dict(self.sent),
            "probes": [[kind, outcome, count] for (kind, outcome), count in self.probes.items()],
            "lost": self.lost,
            "seen": [self.seen.counts, self.seen.total, self.times.as_list()],
        }

    def merge(self, report: dict[str, Any]) -> None:
        """Add what a worker reported."""
        self.sent.update(report["sent"])
        for kind, outcome, count in report["probes"]:
            self.probes[kind, outcome] += count
        self.lost += report["lost"]
        counts, total, times = report["seen"]
        self.seen.merge(counts, total)
        self.times.merge(LatencyHistogram.from_list(times))

    def summary(self) -> dict[str, Any]:
        """What `summary.json` says of it; seconds, quantiles to within 1 %. Empty when nothing was sent."""
        if not self.sent.total():
            return {}
        return {
            "sent": self.sent.total(),
            "accepted": self.sent["accepted"],
            "probed": self.probes.total(),
            "visible": self.times.count,
            **{name: self.outcome(name) for name in PROBED},
            "lost": self.lost,
            "freshness": quantiles(self.times),
        }

    def collect(self) -> Iterator[Metric]:
        """Prometheus' metric families."""
        sent = CounterMetricFamily("flashcrowd_events", "Behaviour events by their batch's fate", labels=["outcome"])
        for name, count in self.sent.items():
            sent.add_metric([name], count)
        yield sent
        text = "Behaviour events that were asked for, fresh within 5 s"
        probes = CounterMetricFamily("flashcrowd_event_probes", text, labels=["kind", "outcome"])
        for labels, count in self.probes.items():
            probes.add_metric(labels, count)
        yield probes
        yield CounterMetricFamily("flashcrowd_events_lost", "Late events that never became visible", value=self.lost)
        yield HistogramMetricFamily(
            "flashcrowd_event_freshness_seconds",
            "From an event until the platform showed it",
            buckets=self.seen.buckets(),
            sum_value=self.seen.total,
        )

    def _kind(self, kind: str) -> str:
        known = (kind, PROBED[0]) in self.probes or len(self.probes) < _MOST_KINDS * len(PROBED)
        return kind if known else _OTHERS
