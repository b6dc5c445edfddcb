"""Discrimination: which diagnosis steps tell causes apart, and the order that finds a cause in the fewest. Pure.

                inventory-slow   inventory-down
    health            no               no
    latency          yes               no          inventory-slow? ──yes──► latency
    kill              no              yes               └─no─► inventory-down? ──yes──► kill
                                                                       └─no─► none of the known causes

A step that says yes in health proves nothing and is left out of the order. A cause is only ever named after a yes that
it explains: what is merely left over after a no may as well be a cause that nobody has rehearsed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

ALWAYS, NEVER = 0.8, 0.2
"""Shares of the time: from the one on a step counts as saying yes, up to the other as saying no."""

EXACT = 8
"""Up to so many causes the order is the best there is; beyond, each next step is the one that tells most."""


class Answer(StrEnum):
    """What a step says under a condition."""

    YES = "yes"
    NO = "no"
    SOMETIMES = "sometimes"
    UNKNOWN = "unknown"


def answer(share: float | None) -> Answer:
    """The answer of a step that held for this share of the time; None where nobody looked."""
    if share is None:
        return Answer.UNKNOWN
    if share >= ALWAYS:
        return Answer.YES
    return Answer.NO if share <= NEVER else Answer.SOMETIMES


@dataclass(frozen=True)
class Said:
    """A step: what it says under each cause, and in health."""

    step: str
    under: Mapping[str, Answer]
    healthy: Answer = Answer.UNKNOWN

    def says(self, cause: str) -> Answer:
        return self.under.get(cause, Answer.UNKNOWN)

    @property
    def usable(self) -> bool:
        """Whether its yes means anything: never where it says yes, or sometimes, in health."""
        return self.healthy in (Answer.NO, Answer.UNKNOWN)

    def causes(self, known: Sequence[str]) -> list[str]:
        """Those under which it says yes."""
        return [cause for cause in known if self.says(cause) is Answer.YES]


@dataclass(frozen=True)
class Found:
    """An end of the order: the causes that are left. None of them: none of the known causes."""

    causes: tuple[str, ...]


@dataclass(frozen=True)
class Ask:
    """Take a step, and go on by what it says."""

    step: str
    yes: Ask | Found
    no: Ask | Found


def order(tests: Sequence[Said], causes: Sequence[str]) -> Ask | Found:
    """The way that finds each cause in the fewest steps on average, all being as likely as none of them.

    Of equally good ways the one that begins with the earlier step. Where no step is left that tells, several causes
    remain together, or the cause remains among "none of the known causes".
    """
    tests = list(_distinct([test for test in tests if test.usable and test.causes(causes)], causes))
    search = _Search(tests, causes)
    everything = frozenset([None, *causes])
    return search.best(everything)[1] if len(causes) <= EXACT else search.greedy(everything)


def steps_of(way: Ask | Found) -> list[str]:
    """The steps of a way in the order in which it takes them, first the one that all take."""
    found, level = list[str](), [way]
    while level:
        asks = [one for one in level if isinstance(one, Ask)]
        found += [one.step for one in asks]
        level = [branch for one in asks for branch in (one.no, one.yes)]
    return list(dict.fromkeys(found))


def unfound(way: Ask | Found, causes: Sequence[str]) -> list[str]:
    """The causes that no end of the way names."""
    named = {cause for end in _ends(way) for cause in end.causes}
    return [cause for cause in causes if cause not in named]


def weak(tests: Sequence[Said], causes: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The steps that tell nothing, or not enough, each with why, in words."""
    for test in tests:
        yes = test.causes([*causes, *sorted(set(test.under) - set(causes))])
        sometimes = [cause for cause in test.under if test.says(cause) is Answer.SOMETIMES]
        if not test.usable:
            yield test.step, f"says {test.healthy.value} in health, so that its yes proves nothing"
        elif len(yes) > 1:
            yield test.step, f"says yes under {_and(yes)} alike"
        elif not yes and sometimes:
            yield test.step, f"says yes only at times under {_and(sometimes)}"
        elif not yes and test.under:
            yield test.step, "said no under everything that was rehearsed, so that nothing is known of its yes"


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


Left = frozenset[str | None]
"""Hypotheses that are left; None is "none of the known causes"."""

Cost = tuple[int, int]
"""How much stays together, then how many steps are taken, over all hypotheses."""


class _Search:
    def __init__(self, tests: Sequence[Said], causes: Sequence[str]) -> None:
        self._tests, self._causes = tests, causes
        self.best = cache(self._best)

    def greedy(self, left: Left) -> Ask | Found:
        """By the step that leaves the fewest bits open, one after the other."""
        splits = list(self._splits(left))
        if not splits:
            return self._found(left)
        test, yes, no = min(splits, key=lambda split: _open_bits(split[1], split[2]))
        return Ask(test.step, self.greedy(yes), self.greedy(no))

    def _best(self, left: Left) -> tuple[Cost, Ask | Found]:
        best: tuple[Cost, Ask | Found] = (_together(left), 0), self._found(left)
        for test, yes, no in self._splits(left):
            (together, steps), way = self.best(yes)
            (also_together, also_steps), other_way = self.best(no)
            cost = together + also_together, steps + also_steps + len(left)
            if cost < best[0]:
                best = cost, Ask(test.step, way, other_way)
        return best

    def _splits(self, left: Left) -> Iterator[tuple[Said, Left, Left]]:
        for test in self._tests:
            yes, no = self._split(test, left)
            if yes and len(yes) < len(left) and len(no) < len(left):
                yield test, yes, no

    def _split(self, test: Said, left: Left) -> tuple[Left, Left]:
        """Who is left after its yes and after its no; where a step isn't sure of a cause, that stays in both."""
        yes = {cause for cause in left if cause is not None and test.says(cause) is not Answer.NO}
        no = {cause for cause in left if cause is None or test.says(cause) is not Answer.YES}
        return frozenset(yes), frozenset(no)

    def _found(self, left: Left) -> Found:
        """Without a yes on the way, what is left over is no finding."""
        return Found(() if None in left else tuple(cause for cause in self._causes if cause in left))


def _together(left: Left) -> int:
    """What an end costs: 2 for each cause that it names beside one; 3 for each that it can't name, as none may be."""
    return 3 * (len(left) - 1) if None in left else 2 * (len(left) - 1)


def _open_bits(yes: Left, no: Left) -> float:
    return sum(len(part) * math.log2(len(part)) for part in (yes, no) if part)


def _distinct(tests: Sequence[Said], causes: Sequence[str]) -> Iterator[Said]:
    """Of steps that say the same of every cause only the first."""
    seen = set[tuple[Answer, ...]]()
    for test in tests:
        said = tuple(test.says(cause) for cause in causes)
        if said not in seen:
            seen.add(said)
            yield test


def _ends(way: Ask | Found) -> Iterator[Found]:
    if isinstance(way, Found):
        yield way
    else:
        yield from _ends(way.yes)
        yield from _ends(way.no)
