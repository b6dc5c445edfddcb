"""SLI: how many events of an SLO were bad, second by second, as Prometheus saw it; judging can be repeated from it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Window = tuple[float, float]
"""Start and end, unix seconds; the start belongs to it, the end doesn't."""

COVERAGE = 0.8
"""Less of a window than this with data, and nothing is judged by it."""

HOLD = 5.0
"""Seconds that an SLI must stay within its budget to count as recovered."""


@dataclass(frozen=True)
class Tally:
    """What was counted in some windows.

    bad, total: events. seconds: how long the windows are. covered: for how much of it (0 to 1) there were data.
    """

    bad: float
    total: float
    seconds: float
    covered: float

    @property
    def known(self) -> bool:
        """Whether there were data enough to judge by."""
        return self.seconds > 0 and self.covered >= COVERAGE


@dataclass(frozen=True)
class Sli:
    """The events of one SLO.

    step: seconds between rows. rows: (unix time, bad per second, all per second); None where Prometheus had no data,
    or none that is a number. Without one of the two a second tells nothing.
    """

    name: str
    step: float
    rows: tuple[tuple[float, float | None, float | None], ...]

    def tally(self, windows: Iterable[Window]) -> Tally:
        """The events inside the windows, which must not overlap."""
        bad = total = seconds = covered = 0.0
        for start, end in windows:
            seconds += max(0.0, end - start)
            for at, bad_rate, total_rate in self.rows:
                if start <= at < end and total_rate is not None and bad_rate is not None:
                    bad += bad_rate * self.step
                    total += total_rate * self.step
                    covered += self.step
        return Tally(bad, total, seconds, min(1.0, covered / seconds) if seconds else 0.0)

    def recovered(self, budget: float, since: float, until: float, hold: float = HOLD) -> float | None:
        """The first time at or after `since` from which the bad share stays within the budget for `hold` seconds.

        Within the budget means: over the `hold` seconds together there were events, and at most the share `budget`
        of them was bad. None when that didn't happen before `until`.
        """
        for at, _, _ in self.rows:
            if at < since:
                continue
            if at + hold > until:
                return None
            tally = self.tally([(at, at + hold)])
            if tally.known and tally.total > 0 and tally.bad <= budget * tally.total and self._quiet(at, budget):
                return at
        return None

    def spoiled(self, budget: float, since: float, until: float) -> float | None:
        """The first second from `since` until `until` whose bad share is over the budget; None when there is none."""
        for at, bad, total in self.rows:
            if since <= at < until and bad is not None and total is not None and bad > budget * total:
                return at
        return None

    def ratios(self) -> list[tuple[float, float | None]]:
        """The bad share by second, None without events; for charts."""
        return [(at, bad / total if total and bad is not None else None) for at, bad, total in self.rows]

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "step": self.step, "rows": [list(row) for row in self.rows]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Sli:
        return cls(data["name"], data["step"], tuple((at, bad, total) for at, bad, total in data["rows"]))

    def _quiet(self, at: float, budget: float) -> bool:
        """Whether this very second is within the budget: a recovery doesn't begin with a bad second."""
        second = self.tally([(at, at + self.step)])
        return second.bad <= budget * second.total


def align(
    name: str,
    step: float,
    start: float,
    end: float,
    bad: Sequence[tuple[float, float]],
    total: Sequence[tuple[float, float]],
) -> Sli:
    """An SLI from two range queries of one step, with None where a series has a hole."""
    by_time = [{round(at / step): value for at, value in series} for series in (bad, total)]
    rows = []
    for number in range(math.ceil(start / step), math.floor(end / step) + 1):
        bad_rate, total_rate = (_finite(series.get(number)) for series in by_time)
        rows.append((number * step, bad_rate, total_rate))
    return Sli(name, step, tuple(rows))


def merged(windows: Iterable[Window]) -> list[Window]:
    """The same time in windows that don't overlap, in order."""
    found: list[Window] = []
    for start, end in sorted(windows):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def outside(faults: Sequence[Window], start: float, end: float, settle: float = HOLD) -> list[Window]:
    """The parts of `start`..`end` without any fault; `settle` seconds after each one belong to it still, since what
    began under the fault ends after it."""
    free, at = [], start
    for injected, healed in sorted(faults):
        if min(injected, end) > at:
            free.append((at, min(injected, end)))
        at = max(at, healed + settle)
    if at < end:
        free.append((at, end))
    return free


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
