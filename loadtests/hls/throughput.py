"""Throughput: how fast segments come, and which rendition that is good for.

Sans-I/O. As hls.js does it, with its defaults (src/config.ts, src/utils/ewma-bandwidth-estimator.ts): two averages of
what was measured, one with a half-life of 3 s of downloading and one of 9 s, of which the lower counts; a rendition is
kept while it needs at most 95 % of that, and a larger one is taken only if it needs at most 70 %, so that a throughput
at the border doesn't make the picture change to and fro.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp2

from loadtests.hls.playlist import Rendition

FAST, SLOW = 3.0, 9.0
DEFAULT = 500_000.0
"""Bits a second that are assumed before anything was measured."""

KEEP, CLIMB = 0.95, 0.7
_SHORTEST = 0.05


class Throughput:
    """Bits a second, from downloads."""

    __slots__ = ("_fast", "_slow", "_weight")

    def __init__(self) -> None:
        self._fast = self._slow = self._weight = 0.0

    def add(self, size: int, seconds: float) -> None:
        """So many bytes came in so many seconds."""
        seconds = max(seconds, _SHORTEST)
        rate = 8.0 * size / seconds
        fast, slow = exp2(-seconds / FAST), exp2(-seconds / SLOW)
        self._fast = fast * self._fast + (1.0 - fast) * rate
        self._slow = slow * self._slow + (1.0 - slow) * rate
        self._weight += seconds

    @property
    def estimate(self) -> float:
        """What to count on. The averages begin at zero; that is taken out again."""
        if not self._weight:
            return DEFAULT
        fast, slow = 1.0 - exp2(-self._weight / FAST), 1.0 - exp2(-self._weight / SLOW)
        return min(self._fast / fast, self._slow / slow)


def choose(renditions: Sequence[Rendition], current: int | None, estimate: float) -> int:
    """The rendition to fetch next, by its index, of those sorted by bandwidth; the smallest when none fits."""
    for index in range(len(renditions) - 1, 0, -1):
        share = CLIMB if current is not None and index > current else KEEP
        if renditions[index].bandwidth <= share * estimate:
            return index
    return 0
