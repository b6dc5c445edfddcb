"""Course: how an SLI went, to be replayed: healthy traffic, then what was recorded, then its last level for ever.

Written as the two counters that a Prometheus would have scraped, in OpenMetrics, for `promtool tsdb
create-blocks-from openmetrics`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitors.slo import Slo
from monitors.windows import Pair

SCRAPE = 15.0
"""Seconds between the replayed scrapes and evaluations: what production commonly has."""

BAD, TOTAL = "flashcrowd_sli_bad", "flashcrowd_sli_all"

Row = tuple[float, float | None, float | None]
"""Unix time, bad events and all events per second from then on; None where nobody knows."""


@dataclass(frozen=True)
class Course:
    """One SLI's course.

    rows: what was recorded, one every `step` seconds. traffic: events per second, all of them good, for `prefix`
    seconds before. level: bad and all events per second after the last row. since: unix time from which on alerts are
    looked for.
    """

    slo: Slo
    rows: tuple[Row, ...]
    step: float
    traffic: float
    prefix: float
    level: tuple[float, float]
    since: float

    @property
    def start(self) -> float:
        """Unix time of the first row."""
        return self.rows[0][0]

    @property
    def end(self) -> float:
        """Unix time at which the last row ends."""
        return self.rows[-1][0] + self.step

    def samples(self, lasts: float) -> Iterator[tuple[float, float, float]]:
        """(unix time, bad events, all events) at each scrape, from the prefix on until `lasts` seconds after the rows.

        A scrape in a second of which nobody knows is missing; the counters stand still meanwhile.
        """
        bad = 0.0
        total = self.traffic * self.prefix
        for number in range(round(self.prefix / SCRAPE)):
            yield self.start - self.prefix + number * SCRAPE, 0.0, self.traffic * number * SCRAPE
        due = self.start
        for at, bad_rate, total_rate in self.rows:
            while due <= at:
                if total_rate is not None:
                    yield due, bad, total
                due += SCRAPE
            bad += (bad_rate or 0.0) * self.step if total_rate is not None else 0.0
            total += (total_rate or 0.0) * self.step
        while due <= self.end + lasts:
            after = due - self.end
            yield due, bad + self.level[0] * after, total + self.level[1] * after
            due += SCRAPE

    def horizon(self, pairs: Sequence[Pair]) -> float:
        """For how many seconds its level has to go on so that the quickest of the pairs can't miss it: with traffic R
        before and r at a bad share s now, a window L is bad by θ after θLR / (r(s - θ) + θR), and by s once it is full.
        Where no pair is ever reached, the longest window."""
        bad, total = self.level
        before = max(self.traffic, *(row[2] or 0.0 for row in self.rows))
        waits = []
        for pair in pairs:
            threshold = pair.factor * self.slo.budget
            if bad > threshold * total:
                wait = threshold * pair.long * before / (bad - threshold * total + threshold * before)
                waits.append(min(pair.long, 1.1 * wait) + pair.short)
        return min(waits, default=max(pair.long for pair in pairs)) + 4 * SCRAPE


def open_metrics(courses: Sequence[tuple[Course, float, float]]) -> Iterator[str]:
    """The lines of an OpenMetrics file. Of each course, how many seconds it goes on, and by how many it is moved; moved
    ones must not overlap."""
    taken = [(list(course.samples(lasts)), moved) for course, lasts, moved in courses]
    for name, column in ((BAD, 1), (TOTAL, 2)):
        yield f"# TYPE {name} counter"
        for samples, moved in taken:
            for sample in samples:
                yield f"{name}_total {sample[column]:.6f} {sample[0] + moved:.3f}"
    yield "# EOF"


def replayed(slo: Slo) -> Slo:
    """The SLO measured by the replayed counters in place of its own queries; all else is as it was."""
    events = {
        "error_query": f"sum(rate({BAD}_total[{{{{.window}}}}]))",
        "total_query": f"sum(rate({TOTAL}_total[{{{{.window}}}}]))",
    }
    return Slo.model_validate({**slo.model_dump(), "sli": {"events": events}})


def ceiling(value: float, step: float) -> float:
    """The next multiple of a step."""
    return math.ceil(value / step) * step
