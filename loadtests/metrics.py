"""Metrics: what the load counts, and how the counts of many processes become one exposition for Prometheus.

Counting is plain integers: nothing of prometheus_client runs per request or per delivery. Each worker reports its whole
tally, not what changed: a report that is lost or comes twice changes nothing, and the sum over workers is exact.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from loadtests.chat_tally import ChatTally
from loadtests.crowd.histogram import LatencyHistogram
from loadtests.freshness import Freshness
from loadtests.histogram import LAG_EDGES, REQUEST_EDGES, Histogram
from loadtests.history import OrderOutcome
from loadtests.playback import Playback
from loadtests.presence import Presence
from loadtests.room_tally import RoomTally
from loadtests.rooms import KINDS

VIEWER_STATES = ("running", "connecting", "connected", "reconnecting")
"""`running` is a viewer outside of any room; the others are in one, or on the way. Each viewer is in one state."""

_LATENCIES = ("start_lag", "read_lag", "arrival_lag", "rush_lag")
_ARRIVALS = ("arrivals_planned", "arrivals_started", "arrivals_late", "arrivals_dropped")
_COUNTS = ("late_starts", "reads", "unstamped", *_ARRIVALS)
_MOST_NAMES = 200
_OTHERS = "(others)"
_STALE = 10.0


class Tally:
    """What one process, or all of them together, has counted since the start."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        self.durations: dict[str, Histogram] = {}
        self.orders: Counter[str] = Counter(dict.fromkeys(OrderOutcome, 0))
        self.services: dict[str, LatencyHistogram] = {}
        self.rooms = {kind: RoomTally() for kind in KINDS}
        self.chat = ChatTally()
        self.lag = Histogram(LAG_EDGES)
        self.start_lag, self.read_lag = LatencyHistogram(), LatencyHistogram()
        self.late_starts = self.reads = self.unstamped = 0
        self.arrival_lag, self.rush_lag = LatencyHistogram(), LatencyHistogram()
        self.arrivals_planned = self.arrivals_started = self.arrivals_late = self.arrivals_dropped = 0
        self.viewers: Counter[str] = Counter(dict.fromkeys(VIEWER_STATES, 0))
        self.presence = Presence()
        self.playback, self.freshness = Playback(), Freshness()
        self.saturated = False
        self.saturated_seconds = 0
        self.cpu = 0.0

    def request(self, name: str, seconds: float | None, failed: bool) -> None:
        """Count an answer, or its failure. Names beyond the first two hundred are counted together."""
        name = self._known(name)
        self.requests[name, "error" if failed else "ok"] += 1
        if seconds is not None:
            self.durations[name].observe(seconds)

    def answered(self, name: str, count: int, durations: Sequence[float], services: Sequence[float]) -> None:
        """Count answers of one name, none of them a failure, with the times of those that have any."""
        name = self._known(name)
        self.requests[name, "ok"] += count
        self.durations[name].observe_all(durations)
        if services:
            self.services.setdefault(name, LatencyHistogram()).record_all(services)

    def _known(self, name: str) -> str:
        if name not in self.durations:
            name = name if len(self.durations) < _MOST_NAMES else _OTHERS
            self.durations.setdefault(name, Histogram(REQUEST_EDGES))
        return name

    def service(self, name: str, seconds: float) -> None:
        """Note how long the server took for an answer that `request` has counted."""
        if name not in self.durations:
            name = _OTHERS
        if name not in self.services:
            self.services[name] = LatencyHistogram()
        self.services[name].record(seconds)

    def all_rooms(self) -> RoomTally:
        """What was counted in the rooms of every kind together."""
        together = RoomTally()
        for tally in self.rooms.values():
            together.add(tally)
        return together

    def settle(self) -> None:
        """Count what is only noted: before anything is read of the tally."""
        for tally in self.rooms.values():
            tally.settle()

    def arrivals(self) -> dict[str, int]:
        """Arrivals of the schedule: planned so far, started, of these late by more than 100 ms, and dropped."""
        return {name.removeprefix("arrivals_"): getattr(self, name) for name in _ARRIVALS}

    def as_dict(self) -> dict[str, Any]:
        """The tally as JSON values, for the way from a worker to the master."""
        return {
            "requests": [[name, outcome, count] for (name, outcome), count in self.requests.items()],
            "durations": {name: [seen.counts, seen.total] for name, seen in self.durations.items()},
            "orders": {str(outcome): count for outcome, count in self.orders.items()},
            "rooms": {kind: tally.as_dict() for kind, tally in self.rooms.items()},
            "chat": self.chat.as_dict(),
            "lag": [self.lag.counts, self.lag.total],
            "services": {name: seen.as_list() for name, seen in self.services.items()},
            **{name: getattr(self, name).as_list() for name in _LATENCIES},
            **{name: getattr(self, name) for name in _COUNTS},
            "playback": self.playback.as_dict(),
            "freshness": self.freshness.as_dict(),
            "viewers": dict(self.viewers),
            "presence": self.presence.as_dict(),
            "saturated": self.saturated,
            "saturated_seconds": self.saturated_seconds,
            "cpu": self.cpu,
        }

    def merge(self, report: dict[str, Any], present: bool = True) -> None:
        """Add a worker's report; of one that is no longer present, what it counted but not its viewers."""
        for name, outcome, count in report["requests"]:
            self.requests[name, outcome] += count
        for name, (counts, total) in report["durations"].items():
            self.durations.setdefault(name, Histogram(REQUEST_EDGES)).merge(counts, total)
        self.orders.update(report["orders"])
        for kind, tally in self.rooms.items():
            tally.merge(report["rooms"][kind], present)
        self.chat.merge(report["chat"])
        self.lag.merge(*report["lag"])
        for name, data in report["services"].items():
            self.services.setdefault(name, LatencyHistogram()).merge(LatencyHistogram.from_list(data))
        for name in _LATENCIES:
            getattr(self, name).merge(LatencyHistogram.from_list(report[name]))
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + report[name])
        self.playback.merge(report["playback"])
        self.freshness.merge(report["freshness"])
        self.presence.merge(report["presence"])
        self.saturated_seconds = max(self.saturated_seconds, report["saturated_seconds"])
        self.cpu = max(self.cpu, report["cpu"])
        if present:
            self.viewers.update(report["viewers"])
            self.saturated |= report["saturated"]


@dataclass(frozen=True)
class _Report:
    at: float
    data: dict[str, Any]


class Reports:
    """The latest report of each worker, on the master."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._reports: dict[str, _Report] = {}
        self._lost = set[str]()
        self._clock = clock

    def add(self, worker: str, data: dict[str, Any]) -> None:
        self._reports[worker] = _Report(self._clock(), data)

    def lose(self, worker: str) -> None:
        """A worker is gone: what it counted stays, its viewers don't."""
        self._lost.add(worker)

    def tally(self) -> Tally:
        """All workers together. One that is lost, or has been silent for ten seconds, has no viewers any more."""
        merged, now = Tally(), self._clock()
        for worker, report in self._reports.items():
            merged.merge(report.data, present=worker not in self._lost and now - report.at <= _STALE)
        return merged


class Exporter(Collector):
    """Turns the tally of the moment into Prometheus' metric families, at each scrape."""

    def __init__(self, tally: Callable[[], Tally]) -> None:
        self._tally = tally

    def serve(self, port: int) -> None:
        """Answer scrapes on this port of the loopback address. Raises OSError when the port is taken."""
        registry = CollectorRegistry()
        registry.register(self)
        start_http_server(port, addr="127.0.0.1", registry=registry)

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        tally = self._tally()
        yield _counters("requests", "Requests by outcome", ("name", "outcome"), tally.requests.items())
        yield _counters(
            "orders", "Orders by the viewer's outcome", ("outcome",), [((str(k),), v) for k, v in tally.orders.items()]
        )
        yield _counters(
            "chat_deliveries",
            "Comments that reached a viewer, on time within 1 s",
            ("outcome", "rooms"),
            [((k, kind), v) for kind, rooms in tally.rooms.items() for k, v in rooms.deliveries().items()],
        )
        yield from _rooms(tally)
        yield _counters(
            "arrivals", "Scheduled starts", ("outcome",), [((key,), value) for key, value in tally.arrivals().items()]
        )
        durations = HistogramMetricFamily(
            "flashcrowd_request_duration_seconds", "From a viewer's wish to its answer's arrival", labels=["name"]
        )
        for name, seen in tally.durations.items():
            durations.add_metric([name], seen.buckets(), seen.total)
        yield durations
        yield from _services(tally)
        yield from tally.playback.collect()
        yield from tally.freshness.collect()
        yield from tally.presence.collect()
        yield from _generator(tally)
        viewers = GaugeMetricFamily("flashcrowd_viewers", "Viewers by state", labels=["state"])
        for state, count in tally.viewers.items():
            viewers.add_metric([state], count)
        yield viewers


def _services(tally: Tally) -> Iterator[Metric]:
    family = HistogramMetricFamily(
        "flashcrowd_service_seconds", "From sending to the answer's arrival", labels=["name"]
    )
    for name, seen in tally.services.items():
        edged = _edged(seen, REQUEST_EDGES)
        family.add_metric([name], edged.buckets(), edged.total)
    yield family


def _rooms(tally: Tally) -> Iterator[Metric]:
    together, chat = tally.all_rooms(), tally.chat
    yield _histogram("chat_delivery_seconds", "From sending a comment to its arrival", together.delivery)
    yield CounterMetricFamily("flashcrowd_chat_withheld", "Our comments that none of us heard", value=together.withheld)
    viewers = GaugeMetricFamily("flashcrowd_room_viewers", "Viewers connected, by kind of room", labels=["rooms"])
    for kind, rooms in tally.rooms.items():
        viewers.add_metric([kind], rooms.viewers)
    yield viewers
    forbidden = [(("said",), chat.forbidden_said), (("delivered",), chat.forbidden_delivered)]
    yield _counters("chat_forbidden", "Comments with a forbidden phrase", ("outcome",), forbidden)
    order = [(("kept",), chat.order_checked - chat.order_broken), (("broken",), chat.order_broken)]
    yield _counters("chat_order", "Comments in or out of their sender's order, by witness", ("outcome",), order)


def _generator(tally: Tally) -> Iterator[Metric]:
    """What the generator knows of itself, and never blames on the server."""
    yield _histogram("generator_lag_seconds", "How late our own timers woke", tally.lag)
    late = _edged(tally.start_lag, LAG_EDGES)
    yield _histogram("generator_start_lag_seconds", "How late viewers were started after they were due", late)
    unread = _edged(tally.read_lag, LAG_EDGES)
    yield _histogram("generator_read_lag_seconds", "How long what had arrived waited for us to read it", unread)
    yield CounterMetricFamily(
        "flashcrowd_generator_late_starts", "Starts more than 100 ms late", value=tally.late_starts
    )
    yield CounterMetricFamily("flashcrowd_generator_reads", "Reads from sockets", value=tally.reads)
    unstamped = "Reads without the kernel's time of arrival"
    yield CounterMetricFamily("flashcrowd_generator_unstamped_reads", unstamped, value=tally.unstamped)
    yield GaugeMetricFamily("flashcrowd_generator_cpu_ratio", "Share of a core, the busiest process", value=tally.cpu)
    untrusted = "1 while the load generator is too late or too busy to be trusted"
    yield GaugeMetricFamily("flashcrowd_generator_saturated", untrusted, value=tally.saturated)


def _edged(seen: LatencyHistogram, edges: Sequence[float]) -> Histogram:
    """Between fixed edges, to within the width of a bucket (1.6 %) at each."""
    counts = [0] * (len(edges) + 1)
    for middle, count in seen.buckets():
        counts[bisect_left(edges, middle)] += count
    return Histogram(edges, counts, seen.total)


def _counters(
    name: str, help_text: str, labels: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], int]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(f"flashcrowd_{name}", help_text, labels=labels)
    for values, count in rows:
        family.add_metric(values, count)
    return family


def _histogram(name: str, help_text: str, seen: Histogram) -> HistogramMetricFamily:
    return HistogramMetricFamily(f"flashcrowd_{name}", help_text, buckets=seen.buckets(), sum_value=seen.total)
