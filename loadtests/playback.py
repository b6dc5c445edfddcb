"""Playback: what all players of a process, or of all processes together, have seen of the picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from loadtests.crowd.histogram import LatencyHistogram
from loadtests.histogram import Histogram

STARTED_IN_TIME = 2.0
"""Seconds within which the picture should be there: beyond them viewers begin to leave, another 5.8 % with each second
(Krishnan and Sitaraman, Video Stream Quality Impacts Viewer Behavior, IMC 2012)."""

STARTUP_EDGES = (0.1, 0.25, 0.5, 1.0, STARTED_IN_TIME, 3.0, 5.0, 10.0, 30.0)
DELAY_EDGES = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 60.0)

_COUNTS = ("players", "starts_on_time", "starts_late", "stalls", "switches_up", "switches_down", "skips")
_SECONDS = ("watched", "stalled")
_RATIOS = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


class Playback:
    """Counts since the start.

    players: that were asked for a picture. starts_late: that had none after two seconds, whether it came later or not.
    watched: seconds from the first picture on, those in stalls included. stalled: seconds of them without a picture;
    stalls: those that lasted for a tenth of a second at least.
    skips: how often a player found that what it wanted next was gone, and jumped ahead. startup: seconds from the wish
    to the first picture. delay: seconds from the recording to the screen, once a segment, where the playlist tells.
    """

    def __init__(self) -> None:
        self.players = self.starts_on_time = self.starts_late = self.stalls = 0
        self.switches_up = self.switches_down = self.skips = 0
        self.watched = self.stalled = 0.0
        self.startup, self.delay = Histogram(STARTUP_EDGES), Histogram(DELAY_EDGES)
        self.startup_times, self.delay_times = LatencyHistogram(), LatencyHistogram()

    def started(self, seconds: float) -> None:
        """A first picture came, so long after it was wished for."""
        self.startup.observe(seconds)
        self.startup_times.record(seconds)

    def behind(self, seconds: float) -> None:
        """The picture on a screen is so old."""
        self.delay.observe(max(0.0, seconds))
        self.delay_times.record(seconds)

    @property
    def stall_ratio(self) -> float | None:
        """Stalled of watched time, 0 to 1; None when nobody watched."""
        return self.stalled / self.watched if self.watched else None

    def as_dict(self) -> dict[str, Any]:
        """JSON values, for the way from a worker to the master."""
        return {
            **{name: getattr(self, name) for name in (*_COUNTS, *_SECONDS)},
            "startup": [self.startup.counts, self.startup.total, self.startup_times.as_list()],
            "delay": [self.delay.counts, self.delay.total, self.delay_times.as_list()],
        }

    def merge(self, report: dict[str, Any]) -> None:
        """Add what a worker reported."""
        for name in (*_COUNTS, *_SECONDS):
            setattr(self, name, getattr(self, name) + report[name])
        for name in ("startup", "delay"):
            counts, total, times = report[name]
            getattr(self, name).merge(counts, total)
            getattr(self, f"{name}_times").merge(LatencyHistogram.from_list(times))

    def summary(self) -> dict[str, Any]:
        """What `summary.json` says of it; seconds, quantiles to within 1 %. Empty when nobody wanted a picture."""
        if not self.players:
            return {}
        return {
            "players": self.players,
            "starts_late": self.starts_late,
            "startup": quantiles(self.startup_times),
            "stalls": self.stalls,
            "stalled_seconds": self.stalled,
            "watched_seconds": self.watched,
            "stall_ratio": self.stall_ratio,
            "delay": quantiles(self.delay_times),
            "switches": self.switches_up + self.switches_down,
            "skips": self.skips,
        }

    def collect(self) -> Iterator[Metric]:
        """Prometheus' metric families."""
        for name, text, value in (
            ("watch_seconds", "Seconds of watching, those in stalls included", self.watched),
            ("stall_seconds", "Seconds of watching without a picture", self.stalled),
            ("stalls", "Times that the picture stopped", self.stalls),
            ("skips", "Times that a player had to jump ahead", self.skips),
        ):
            yield CounterMetricFamily(f"flashcrowd_playback_{name}", text, value=value)
        starts = CounterMetricFamily("flashcrowd_playback_starts", "Pictures by when they came", labels=["outcome"])
        starts.add_metric(["on_time"], self.starts_on_time)
        starts.add_metric(["late"], self.starts_late)
        yield starts
        switches = CounterMetricFamily("flashcrowd_playback_switches", "Changes of quality", labels=["direction"])
        switches.add_metric(["up"], self.switches_up)
        switches.add_metric(["down"], self.switches_down)
        yield switches
        yield _histogram("startup", "From the wish to the first picture", self.startup)
        yield _histogram("delay", "From the recording to the screen", self.delay)


def quantiles(times: LatencyHistogram) -> dict[str, float]:
    """Median, p95, p99 and maximum, in seconds; empty without any."""
    return {name: times.quantile(ratio) for name, ratio in _RATIOS.items()} if times.count else {}


def _histogram(name: str, text: str, seen: Histogram) -> HistogramMetricFamily:
    name = f"flashcrowd_playback_{name}_seconds"
    return HistogramMetricFamily(name, text, buckets=seen.buckets(), sum_value=seen.total)
