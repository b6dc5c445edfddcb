"""Gauge: `flashcrowd_runbook_step{runbook,step}`, by which Prometheus, and so a dashboard, knows which step ran when.

It is 1 while the step runs, and once more at the first scrape after it: most steps are over within milliseconds, and
between two scrapes nobody would see them. From then on it is 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

NAME = "flashcrowd_runbook_step"


class StepGauge(Collector):
    """Which steps run now, told by the events of executors (`runbooks.taker.OnEvent`); of several at once, too."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str]] = set()
        self._running: set[tuple[str, str]] = set()
        self._unseen: set[tuple[str, str]] = set()

    def event(self, kind: str, data: dict[str, Any]) -> None:
        """Take note of a line of an audit."""
        runbook = str(data.get("runbook", ""))
        if kind == "start":
            place = (runbook, str(data["step"]))
            for steps in (self._known, self._running, self._unseen):
                steps.add(place)
        elif kind == "end":
            self._running.discard((runbook, str(data["step"])))
        elif kind in ("finish", "interrupted"):
            self._running = {place for place in self._running if place[0] != runbook}

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        """One sample for each step that ever ran."""
        shown, self._unseen = self._running | self._unseen, set()
        family = GaugeMetricFamily(NAME, "1 while a step of a runbook runs, else 0", labels=["runbook", "step"])
        for place in sorted(self._known):
            family.add_metric(place, float(place in shown))
        yield family
