"""Fairness: whether those who entered a draw early, or late, win more often than the others.

Entrants of each draw are put into ten equal groups by the time of their entry, and the winners of all draws are counted
by group. In a fair draw each group wins its share, up to chance: Pearson's chi-square test says how far chance goes
(K. Pearson, 1900). Prizes are drawn without replacement, so that the counts spread less than independent ones by the
finite population factor (N - n) / (N - 1) (W. G. Cochran, Sampling Techniques, 3rd ed. 1977, section 2.6).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from flashcrowd.verdict import Finding, Outcome
from loadtests.entries import ENTERED, EntryRecord

GROUPS = 10

LEAST = 5.0
"""Winners expected in each group before the test says anything (W. G. Cochran, Some Methods for Strengthening the
Common Chi-Square Tests, Biometrics 10, 1954)."""

SUSPICION = 0.001
"""Chance of a fair draw to look as unfair: one fair run of a thousand is called unfair."""


@dataclass
class _Winners:
    """Counts of all draws: winners and what a fair draw gives, by group; and the spread beside independent counts."""

    won: list[int] = field(default_factory=lambda: [0] * GROUPS)
    fair: list[float] = field(default_factory=lambda: [0.0] * GROUPS)
    draws: int = 0
    spread: float = 0.0

    def add(self, entries: Sequence[EntryRecord]) -> None:
        """One draw, its entrants by the time of their entry."""
        count, winners = len(entries), sum(bool(entry.prize) for entry in entries)
        if not winners or count < GROUPS:
            return
        self.draws += 1
        self.spread += winners * (count - winners) / (count - 1)
        for rank, entry in enumerate(entries):
            group = rank * GROUPS // count
            self.won[group] += bool(entry.prize)
            self.fair[group] += winners / count

    @property
    def total(self) -> int:
        return sum(self.won)

    def chance(self) -> float:
        """Of a fair draw, to be as far from its shares as this one."""
        distance = sum((won - fair) ** 2 / fair for won, fair in zip(self.won, self.fair, strict=True))
        return chi_square_tail(distance * self.total / self.spread, GROUPS - 1)


def judge_fairness(entries: Iterable[EntryRecord]) -> Finding:
    """Whether winning depended on the time of the entry, over all draws, be they of one run or of many.

    Too few winners, or draws in which everybody wins, say nothing: inconclusive.
    """
    winners = _Winners()
    for draw in _by_draw(entries).values():
        winners.add(sorted(draw, key=lambda entry: entry.start))
    evidence = {"draws": winners.draws, "winners": winners.won, "fair": winners.fair}
    needed = math.ceil(LEAST * GROUPS)
    if winners.total < needed or not winners.spread:
        message = f"{winners.total} winners in {winners.draws} draws; {needed} of them, and losers, would say something"
        return Finding("draw/fairness", Outcome.INCONCLUSIVE, message, evidence)
    chance = winners.chance()
    evidence["chance"] = chance
    told = f"{winners.total} winners in {winners.draws} draws, {', '.join(map(str, winners.won))} by time of entry"
    if chance < SUSPICION:
        message = f"who wins depends on when one entered: {told}; chance does so once in {1 / max(chance, 1e-12):,.0f}"
        return Finding("draw/fairness", Outcome.FAIL, message, evidence)
    return Finding("draw/fairness", Outcome.PASS, f"{told}: no more uneven than chance", evidence)


def chi_square_tail(distance: float, degrees: int) -> float:
    """The chance that a chi-square variable with an odd number of degrees of freedom is larger.

    M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions, 26.4.4.
    """
    if degrees % 2 == 0:
        raise ValueError(f"{degrees} degrees of freedom are even; the sum is one for odd ones")
    root = math.sqrt(distance)
    term, terms = root, 0.0
    for step in range(3, degrees + 1, 2):
        terms += term
        term *= distance / step
    density = math.exp(-distance / 2) / math.sqrt(2 * math.pi)
    return min(1.0, math.erfc(root / math.sqrt(2)) + 2 * density * terms)


def _by_draw(entries: Iterable[EntryRecord]) -> Mapping[str, list[EntryRecord]]:
    """The entries that count and were answered, of each draw: of others nobody knows whether they have won."""
    draws = defaultdict[str, list[EntryRecord]](list)
    for entry in entries:
        if entry.outcome == ENTERED and entry.answered:
            draws[entry.draw].append(entry)
    return draws
