"""Scrapes: when samples came, over a window; where they stayed away, and how often they were taken.

A window is cut into bins of one length. Of each we know how many samples its best-covered series has, and the time of
the newest one at its end. Where bins are shorter than the time between scrapes, those times are all times there are,
and holes are known exactly. Where they are longer, a bin with too few samples is looked at again, more closely.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from statistics import fmean, median

Window = tuple[float, float]
"""Start and end, unix seconds."""

GAP = 4
"""More than so many scrape intervals without a sample are a gap: more than three failed scrapes in a row. A rate() over
four intervals, which is what Grafana's `$__rate_interval` takes at least, outlives anything less."""
LEAST = 5.0
"""Seconds; a shorter time is never a gap in a window of 20 s or more, however often it is scraped."""
FINE = 1.5
"""Samples a bin up to which the time of the newest one tells of all of them."""


@dataclass(frozen=True)
class Bins:
    """What is known of a window. step: seconds of a bin. counts: samples, by the number of their bin, from 1; empty
    ones are missing. newest: the time of the newest sample at a bin's end, unix seconds; bin 0 ends at the start. It
    takes Prometheus three times as long as all else together, so it is asked for only where the rest isn't `steady`.
    """

    window: Window
    step: float
    counts: Mapping[int, float]
    newest: Mapping[int, float]

    @cached_property
    def interval(self) -> float | None:
        """Seconds between scrapes, by what is usual in the window; None where fewer than two samples tell it."""
        if not self.fine:
            return self.step / self._usual
        distances = [after - before for before, after in pairwise(self._times())]
        return median(distances) if distances else None

    @cached_property
    def rough(self) -> float | None:
        """As `interval`, by the counts alone; up to a bin off where bins are fine."""
        if not self.fine:
            return self.step / self._usual
        distances = [after - before for before, after in pairwise(sorted(self.counts))]
        return median(distances) * self.step if distances else None

    @property
    def steady(self) -> bool:
        """Whether there is no gap for sure, by the counts alone."""
        if self.rough is None:
            return False
        if not self.fine:
            return not self._hollows() and not self.doubtful()
        least = least_gap(max(self.rough - self.step, self.step / 2), self.window[1] - self.window[0])
        bins = [0, *sorted(self.counts), len(self._bins()) + 1]
        return all((after - before + 1) * self.step <= least for before, after in pairwise(bins))

    @cached_property
    def fine(self) -> bool:
        """Whether the times of all samples are known."""
        return self._usual <= FINE

    def gaps(self, least: float) -> list[Window]:
        """Where samples stayed away for more than `least` seconds: exactly where bins are fine; else to a scrape, and
        only those that leave two bins empty."""
        start, end = self.window
        times = [start, *(time for time in self._times() if start < time < end), end]
        found = pairwise(times) if self.fine else map(self._hole, self._hollows())
        return [gap for gap in found if gap[1] - gap[0] > least]

    def doubtful(self) -> list[Window]:
        """Times worth a closer look: bins with too few samples beside no empty ones, a bin more on either side."""
        if self.fine:
            return []
        known = {number + side for run in self._hollows() for number in run for side in (-1, 0, 1)}
        runs = _runs([number for number in self._bins() if self._missing(number) > 0.5 and number not in known])
        return [
            (self._end(max(0, run[0] - 2)), self._end(min(len(self._bins()), run[-1] + 1)))
            for run in runs
            if sum(map(self._missing, run)) >= GAP - 1
        ]

    def heard(self) -> Window | None:
        """The time of all bins that have samples, where it is a small part of the window: then its few bins say little
        of what is usual, and it wants bins of its own. None where it is more."""
        if not self.counts or self.fine:
            return None
        first, last = min(self.counts), max(self.counts)
        return (self._end(first - 1), self._end(last)) if last - first < len(self._bins()) / 4 else None

    @cached_property
    def _usual(self) -> float:
        """Samples that a bin has: the mean of those beside the median, as 2 and 3 take turns where it is 2.4."""
        if not self.counts:
            return 0.0
        middle = median(self.counts.values())
        beside = [value for value in self.counts.values() if abs(value - middle) <= 1]
        return fmean(beside or [middle])  # of two bins, one full and one just begun, neither is

    def _bins(self) -> range:
        return range(1, math.floor((self.window[1] - self.window[0]) / self.step + 1e-6) + 1)

    def _end(self, number: int) -> float:
        return self.window[0] + number * self.step

    def _times(self) -> list[float]:
        return sorted(set(self.newest.values()))

    def _missing(self, number: int) -> float:
        return self._usual - self.counts.get(number, 0)

    def _hollows(self) -> list[list[int]]:
        """Runs of two empty bins and more."""
        return [run for run in _runs([number for number in self._bins() if number not in self.counts]) if len(run) > 1]

    def _hole(self, run: Sequence[int]) -> Window:
        """The time without samples around empty bins, from the last sample to the next one. Where the newest one of a
        bin isn't known, as Prometheus looks back for 5 min only, it is taken to lie where the bin is full."""
        each, before, after = self.step / self._usual, run[0] - 1, run[-1] + 1
        start, end = self.window
        if before > 0:
            missing = max(0.0, self._missing(before)) * each
            start = max(start, self.newest.get(before, self._end(before) - missing))
        if after in self._bins():
            newest = self.newest.get(after, self._end(after))
            end = newest - max(0.0, self.counts.get(after, 0) - 1) * each
        return start, end


def _runs(bins: Sequence[int]) -> list[list[int]]:
    """Bins that follow one another, together."""
    runs: list[list[int]] = []
    for number in bins:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def least_gap(interval: float, length: float) -> float:
    """Seconds that a gap is longer than, in a window of this length with so many seconds between scrapes."""
    return max(GAP * interval, min(LEAST, length / 4))
