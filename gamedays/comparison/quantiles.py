"""Quantiles: percentiles of durations that are kept as counts, and whether one is longer by more than chance.

The test is Mood's, made for medians (A. M. Mood, "Introduction to the Theory of Statistics", 1950, section 16.4) and as
good for any quantile: if both sides had the same one, then the same share of each would be beyond that of both taken
together. Those shares are what `shares.py` compares. It needs counts alone, so that histograms of many workers can be
merged first, and knows nothing of the durations' distribution. A tolerance is granted by making the other side longer
by it before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gamedays.comparison import shares
from gamedays.comparison.shares import Block

Counts = dict[float, int]
"""How often each duration (seconds, the middle of its bucket) was seen."""

BEYOND = 5.0
"""Independent durations beyond a quantile, at least, on either side; with fewer no difference could be told."""


@dataclass(frozen=True)
class Sample:
    """Durations of one side, by block of time; one block where it isn't known when each was."""

    blocks: tuple[Counts, ...]

    @property
    def count(self) -> int:
        return sum(sum(counts.values()) for counts in self.blocks)

    def merged(self) -> Counts:
        return _merged(self.blocks)

    def quantile(self, ratio: float) -> float:
        """Seconds that this share of all stayed within (nearest rank); 0 when there is none."""
        return quantile(self.merged(), ratio)

    def stretched(self, factor: float, more: float) -> Sample:
        """Each duration times `factor`, and `more` seconds."""
        return Sample(tuple({value * factor + more: n for value, n in one.items()} for one in self.blocks))

    def beyond(self, seconds: float) -> list[Block]:
        """For each block how many were longer, and how many there are."""
        return [
            (sum(n for value, n in counts.items() if value > seconds), sum(counts.values())) for counts in self.blocks
        ]

    def independent(self, ratio: float) -> float:
        """How many independent durations beyond its own quantile this sample is worth."""
        return shares.effective(self.beyond(self.quantile(ratio)))[1] * (1 - ratio)


def pooled(samples: Iterable[Sample]) -> Sample:
    """All durations of several runs."""
    return Sample(tuple(counts for sample in samples for counts in sample.blocks))


def quantile(counts: Counts, ratio: float) -> float:
    """Nearest rank; 0 when there is nothing."""
    wanted, running = ratio * sum(counts.values()), 0
    for value, n in sorted(counts.items()):
        running += n
        if running >= wanted:
            return value
    return max(counts, default=0.0)


def chance_of_longer(now: Sample, before: Sample, ratio: float, factor: float = 1.0, more: float = 0.0) -> float:
    """The chance (0 to 1) of so many long durations now, if its quantile were that of before times `factor` plus
    `more` seconds."""
    granted = before.stretched(factor, more)
    both = quantile(_merged((*now.blocks, *granted.blocks)), ratio)
    return shares.chance_of_more(now.beyond(both), granted.beyond(both))


def _merged(blocks: Sequence[Counts]) -> Counts:
    all_ = Counter[float]()
    for counts in blocks:
        all_.update(counts)
    return all_
