"""Latency histogram: how long things took, to within 1 %, mergeable over processes.

Log-linear: each power of two is cut into 64 equal buckets (as HdrHistogram does, G. Tene). The widest, at the start of
a power of two, is 1/64 of its value; its middle is at most 1/128, or 0.8 %, away from what it holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import frexp, ldexp
from typing import Any

_CUTS = 64
_SHIFT = 64
"""Added to the exponent, so that indices of all durations down to 2^-64 seconds are positive."""


class LatencyHistogram:
    """Durations in seconds, counted. Nothing negative is recorded: a clock that was set back counts as zero."""

    __slots__ = ("_counts", "count", "highest", "lowest", "total")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0
        self.total = 0.0
        self.lowest, self.highest = float("inf"), 0.0

    def record(self, seconds: float) -> None:
        """Count a duration. Runs once a frame and a request: about a third of a microsecond."""
        if seconds > 0.0:
            part, power = frexp(seconds)
            index = int((power + part + part + _SHIFT) * _CUTS)
        else:
            seconds, index = 0.0, 0
        counts = self._counts
        counts[index] = counts.get(index, 0) + 1
        self.count += 1
        self.total += seconds
        if seconds > self.highest:
            self.highest = seconds
        if seconds < self.lowest:
            self.lowest = seconds

    def merge(self, other: LatencyHistogram) -> None:
        """Add all that another one has seen."""
        for index, count in other._counts.items():
            self._counts[index] = self._counts.get(index, 0) + count
        self.count += other.count
        self.total += other.total
        self.lowest, self.highest = min(self.lowest, other.lowest), max(self.highest, other.highest)

    @property
    def mean(self) -> float:
        """Seconds, exact; 0 when nothing was recorded."""
        return self.total / self.count if self.count else 0.0

    def quantile(self, ratio: float) -> float:
        """The duration that this share of all stayed within (nearest rank), in seconds; 0 when there is none."""
        wanted, running = ratio * self.count, 0
        for index, count in sorted(self._counts.items()):
            running += count
            if running >= wanted:
                return min(max(_middle(index), self.lowest), self.highest)
        return 0.0

    def above(self, seconds: float) -> int:
        """How many were longer, to within the width of a bucket."""
        return sum(count for index, count in self._counts.items() if _middle(index) > seconds)

    def buckets(self) -> Iterator[tuple[float, int]]:
        """Each bucket's middle in seconds, and its count, ascending."""
        for index, count in sorted(self._counts.items()):
            yield _middle(index), count

    def as_list(self) -> list[Any]:
        """The histogram as JSON values, for the way between processes."""
        lowest = self.lowest if self.count else 0.0
        return [list(self._counts), list(self._counts.values()), self.total, lowest, self.highest]

    @classmethod
    def from_list(cls, data: Sequence[Any]) -> LatencyHistogram:
        """What `as_list` gave. Raises ValueError when it is something else."""
        indices, counts, total, lowest, highest = data
        made = cls()
        made._counts = dict(zip(indices, counts, strict=True))
        made.count, made.total, made.highest = sum(counts), total, highest
        made.lowest = lowest if made.count else float("inf")
        return made


def round_off(value: float) -> float:
    """A duration of any unit as the middle of its bucket: what the histogram would make of it."""
    if value <= 0.0:
        return 0.0
    part, power = frexp(value)
    return _middle(int((power + part + part + _SHIFT) * _CUTS))


def _middle(index: int) -> float:
    if index == 0:
        return 0.0
    power, cut = divmod(index, _CUTS)
    return ldexp(1.0 + (cut + 0.5) / _CUTS, power - _SHIFT - 2)
