"""Bad share: the bad events of all that were counted in a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gamedays.comparison import shares, spread
from gamedays.comparison.row import Call, Tolerance
from gamedays.comparison.shares import Block
from gamedays.comparison.weighed import Weighed, percent, untold
from monitors.figures import bad_percent, count


@dataclass(frozen=True)
class BadShare:
    """blocks: bad and all events of each block of time. least: events from which on it tells anything. budget: what it
    is rounded beside. unknown: why nothing can be said."""

    blocks: tuple[Block, ...]
    least: float = 1.0
    budget: float = 0.0
    unknown: str | None = None
    unit: str = "ratio"

    @property
    def value(self) -> float | None:
        bad, total = shares.total(self.blocks)
        return min(1.0, bad / total) if total and self.unknown is None else None

    @property
    def text(self) -> str:
        return _text(self.value, self.budget)

    @property
    def doubt(self) -> str | None:
        """Why it tells nothing; None when it does."""
        total = shares.total(self.blocks)[1]
        few = f"{count(total)} events are too few, {count(self.least)} wanted"
        return self.unknown or (few if total < self.least else None)

    def weigh(self, before: Sequence[BadShare], tolerance: Tolerance) -> Weighed:
        """By Fisher's test of all events of either side, and beyond the spread of several runs of before."""
        doubt = self.doubt or next((f"before: {one.doubt}" for one in before if one.doubt is not None), None)
        if doubt is not None:
            return untold(self, before[0], doubt)
        old = BadShare(tuple(block for one in before for block in one.blocks), budget=self.budget)
        seen, now = old.value, self.value
        assert seen is not None
        assert now is not None
        runs = [one.value for one in before if one.value is not None]
        figures = Weighed(old.text, self.text, self.unit, seen, now, tested=True)
        if now == seen:
            return _same(figures, "no difference")
        worse = now > seen
        if (worse and now <= seen * (1 + tolerance.ratio)) or (not worse and now >= seen / (1 + tolerance.ratio)):
            return _same(figures, f"within the tolerance of {percent(tolerance.ratio)}")
        if not spread.beyond(runs, now, 1 if worse else -1):
            return _same(figures, f"within the spread of {len(runs)} runs before")
        pair = (self.blocks, old.blocks) if worse else (old.blocks, self.blocks)
        chance = shares.chance_of_more(*pair)
        of = f"{count(shares.total(self.blocks)[1])} events, {count(shares.total(old.blocks)[1])} before"
        decided = replace(
            figures, change=f"{'more' if worse else 'fewer'} are bad: {of}", allowed=f"within chance: {of}"
        )
        return replace(decided, worse=chance) if worse else replace(decided, better=chance)


def _same(figures: Weighed, why: str) -> Weighed:
    return replace(figures, call=Call.SAME, why=why)


def _text(value: float | None, budget: float) -> str:
    return "-" if value is None else f"{bad_percent(value, budget)} bad"
