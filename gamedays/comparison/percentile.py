"""Percentile: a quantile of the durations of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from flashcrowd.units import about
from gamedays.comparison import quantiles, spread
from gamedays.comparison.quantiles import BEYOND, Sample
from gamedays.comparison.row import Call, Tolerance
from gamedays.comparison.weighed import Weighed, percent, untold
from monitors.figures import count

HOPS = 3
"""Processes that an answer goes through, the machine being as late for each: the generator, a service, what it asks."""


@dataclass(frozen=True)
class Percentile:
    """ratio: 0.95 is p95. lag: seconds by which the generator itself was late in one of a hundred cases. So unpunctual
    was the machine: a difference within the least lag of all runs is none, and one within HOPS times the greatest can't
    be laid at the target's door."""

    sample: Sample
    ratio: float
    lag: float
    unit: str = "seconds"

    @cached_property
    def value(self) -> float | None:
        return self.sample.quantile(self.ratio) if self.sample.count else None

    @property
    def text(self) -> str:
        return "-" if self.value is None else _fine(self.value)

    def weigh(self, before: Sequence[Percentile], tolerance: Tolerance) -> Weighed:
        """By Mood's test, tolerance and lag granted, and beyond the spread of several runs of before."""
        old = replace(before[0], sample=quantiles.pooled(one.sample for one in before))
        runs = [one.value for one in before if one.value is not None]
        if self.value is None or old.value is None:
            return untold(self, old, "nothing was timed")
        if (least := min(self.sample.count, old.sample.count)) * (1 - self.ratio) < BEYOND:
            return untold(self, old, f"{count(least)} times are too few for p{self.ratio * 100:g}")
        return self._beside(old, sorted((self.lag, *(one.lag for one in before))), runs, tolerance)

    def _beside(self, old: Percentile, lags: list[float], runs: list[float], tolerance: Tolerance) -> Weighed:
        assert self.value is not None
        assert old.value is not None
        worse, factor = self.value > old.value, 1 + tolerance.ratio
        small, large = sorted((self.value, old.value))
        by = percent((large - small) / old.value) if old.value else about(large)
        change = f"{'longer' if worse else 'shorter'} by {by}"
        figures = Weighed(old.text, self.text, self.unit, old.value, self.value, change=change, tested=True)
        if large <= small * factor + lags[0]:
            return replace(figures, call=Call.SAME, why=_within(small, large, tolerance.ratio, lags[0]))
        if not spread.beyond(runs, self.value, 1 if worse else -1):
            return replace(figures, call=Call.SAME, why=f"within the spread of {len(runs)} runs before")
        unsure = HOPS * lags[-1]
        told = large > small * factor + unsure
        new, seen = (self.sample, old.sample) if worse else (old.sample, self.sample)
        chance = quantiles.chance_of_longer(new, seen, self.ratio, factor, unsure if told else lags[0])
        decided = replace(figures, worse=chance if worse else 1.0, better=1.0 if worse else chance)
        if not told:
            late = f"p99 {_fine(lags[0])} and {_fine(lags[-1])}"
            return replace(decided, call=Call.UNTOLD, why=f"{change}, but the generator was late itself, {late}")
        few = self._few(old)
        return replace(decided, allowed=f"{change}, but {few or 'within chance'}", decides=few is None)

    def _few(self, old: Percentile) -> str | None:
        """Why no difference could be told from chance; None when one could."""
        for when, sample in (("", self.sample), (" before", old.sample)):
            if (left := sample.independent(self.ratio)) < BEYOND:
                worth = f"worth {count(left / (1 - self.ratio))} independent ones"
                return f"{count(sample.count)} times{when} that came in heaps, {worth}, don't tell"
        return None


def _within(small: float, large: float, ratio: float, lag: float) -> str:
    if large <= small * (1 + ratio):
        return f"within the tolerance of {percent(ratio)}"
    return f"within {percent(ratio)} and the generator's own lag p99, {_fine(lag)}"


def _fine(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 0.00995 else about(seconds)
