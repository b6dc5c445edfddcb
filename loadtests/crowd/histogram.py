"""Latency histogram: how long things took, to within 1 %, mergeable over processes.

Log-linear: each power of two is cut into 64 equal buckets (as HdrHistogram does, G. Tene). The widest, at the start of
a power of two, is 1/64 of its value; its middle is at most 1/128, or 0.8 %, away from what it holds.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from math import frexp, ldexp
from typing import Any

_CUTS = 64
_BIAS = 1023
"""Of a double's exponent. A bucket's number is the exponent and the six leading bits of the mantissa, as they are in a
double (IEEE 754): so the bits tell it without arithmetic."""

_POWER = _BIAS - 2
"""Added to frexp's exponent, and twice its part, which is between a half and 1."""

_REST = 46
"""Bits of the mantissa behind those six."""

AT_ONCE = 512
"""Durations that may wait to be counted together: `record_all` takes a tenth of a millisecond for them."""


class LatencyHistogram:
    """Durations in seconds, counted. Nothing negative is recorded: a clock that was set back counts as zero."""

    __slots__ = ("_counts", "count", "highest", "lowest", "total")

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self.count = 0
        self.total = 0.0
        self.lowest, self.highest = float("inf"), 0.0

    def record(self, seconds: float) -> None:
        """Count a duration."""
        if seconds > 0.0:
            part, power = frexp(seconds)  # as in _index: a call would cost half as much again
            index = int((power + part + part + _POWER) * _CUTS)
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

    def record_all(self, durations: Sequence[float]) -> None:
        """Count many at once: a quarter of the time of as many `record`s."""
        if durations:
            if min(durations) < 0.0:
                durations = [max(0.0, one) for one in durations]
            doubles = memoryview(array("d", durations)).cast("B").cast("Q")
            self._counts.update([double >> _REST for double in doubles])
            self.count += len(durations)
            self.total += sum(durations)
            self.highest, self.lowest = max(self.highest, *durations), min(self.lowest, *durations)

    def merge(self, other: LatencyHistogram) -> None:
        """Add all that another one has seen."""
        self._counts.update(other._counts)
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
        made._counts = Counter(dict(zip(indices, counts, strict=True)))
        made.count, made.total, made.highest = sum(counts), total, highest
        made.lowest = lowest if made.count else float("inf")
        return made


def round_off(value: float) -> float:
    """A duration of any unit as the middle of its bucket: what the histogram would make of it."""
    return _middle(_index(max(0.0, value)))


def _index(value: float) -> int:
    if value == 0.0:
        return 0
    part, power = frexp(value)
    return int((power + part + part + _POWER) * _CUTS)


def _middle(index: int) -> float:
    if index == 0:
        return 0.0
    power, cut = divmod(index, _CUTS)
    return ldexp(1.0 + (cut + 0.5) / _CUTS, power - _BIAS)
