"""Causes: what the evidence says of each query under each cause, and which steps find the cause with the fewest.

Queries are the steps that stand on the page, then the Diagnosis steps of other runbooks, then probes: queries of no
page that moved so clearly that a threshold fits between health and the fault. The crowd's own metrics are never a step.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from runbooks.discrimination import Answer, Ask, Found, Said, answer, order, steps_of, weak
from runbooks.evidence import Look, RunEvidence
from runbooks.model import Heading, PromqlStep, Runbook

MOVED = 2.0
"""A probe becomes a step only where its values under the fault are this many times those in health, or less."""

BUSY = 0.3
"""Cores that a job must use at least before its being busy may be a cause."""

LEAST_HEALTH = 5
"""Seconds of health that a probe needs: a threshold drawn from fewer is a guess."""

Key = tuple[str, str, str | None]
"""A query's identity: its step, what it asks, what it expects. After an edit the old evidence is of another step."""


@dataclass(frozen=True)
class Cell:
    """A query under one condition, all runs together. low, high: the lowest and highest of their deciles 1 and 9."""

    seconds: int = 0
    held: int = 0
    low: float | None = None
    mid: float | None = None
    high: float | None = None

    @property
    def share(self) -> float | None:
        return self.held / self.seconds if self.seconds else None


@dataclass(frozen=True)
class Step:
    """A query that may stand on a page as a step. owned: it stands on it already, in people's own words."""

    name: str
    query: str
    expect: str
    test: Said
    runbook: str | None = None
    owned: bool = False


@dataclass(frozen=True)
class Causes:
    """known: the causes that hit the SLO. others: what else was rehearsed. steps: of the page, in the order of `way`
    where the generator writes them. way: how to find the cause."""

    known: tuple[str, ...]
    others: tuple[str, ...]
    steps: tuple[Step, ...]
    way: Ask | Found
    cells: dict[tuple[Key, str | None], Cell]

    @property
    def conditions(self) -> tuple[str, ...]:
        return (*self.known, *self.others)

    @property
    def weak(self) -> list[tuple[str, str]]:
        return list(weak([step.test for step in self.steps], self.known))

    def step_for(self, cause: str) -> str | None:
        """The step whose yes means this cause, and no other where there is one."""
        asked = [step for step in self.steps if step.name in steps_of(self.way)]
        yes = [step for step in asked if step.test.says(cause) is Answer.YES]
        return min(yes, key=lambda step: len(step.test.causes(self.known))).name if yes else None


def find(runs: Sequence[RunEvidence], page: Runbook | None, owned: set[str], choose: bool) -> Causes:
    """The causes and steps of a page.

    owned: the Diagnosis steps that people wrote. choose: the generator writes the others, so it may choose them.
    """
    known = tuple(dict.fromkeys(row.cause for run in runs for row in run.rehearsed))
    looks = [look for run in runs for look in run.looks]
    others = tuple(sorted({look.cause for look in looks if look.cause is not None} - set(known)))
    cells = cells_of(looks)
    on_page = list(_of_page(page, owned, looks, cells, (*known, *others)))
    if not choose:
        return Causes(known, others, tuple(on_page), order([step.test for step in on_page], known), cells)
    name = page.name if page is not None else ""
    offered = [*on_page, *_offered(looks, cells, known, others, name)]
    unique = {step.name: step for step in reversed(offered)}
    candidates = [step for step in offered if unique[step.name] is step]
    way = order([step.test for step in candidates], known)
    taken = steps_of(way)
    chosen = sorted((step for step in candidates if step.name in taken), key=lambda step: taken.index(step.name))
    rest = [step for step in on_page if step.name not in taken]
    return Causes(known, others, (*chosen, *rest), way, cells)


def same(query: str) -> str:
    """A query in a form in which its layout doesn't count."""
    return " ".join(query.split())


def cells_of(looks: Iterable[Look]) -> dict[tuple[Key, str | None], Cell]:
    """Each query under each condition, all looks at it together."""
    cells: dict[tuple[Key, str | None], Cell] = {}
    for look in looks:
        key = ((look.step, same(look.query), look.expect), look.cause)
        one = cells.get(key, Cell())
        cells[key] = Cell(
            one.seconds + look.seconds,
            one.held + (look.held or 0),
            _least(one.low, look.low),
            look.mid if look.mid is not None else one.mid,
            _most(one.high, look.high),
        )
    return cells


def _least(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return min(known) if known else None


def _most(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return max(known) if known else None


def _of_page(
    page: Runbook | None,
    owned: set[str],
    looks: Sequence[Look],
    cells: dict[tuple[Key, str | None], Cell],
    conditions: Sequence[str],
) -> Iterator[Step]:
    """The Diagnosis steps that people wrote, with what is known of them; a query with variables goes by its name."""
    for step in page.steps(Heading.DIAGNOSIS) if page is not None else ():
        if not isinstance(step, PromqlStep) or step.expect is None or step.name not in owned:
            continue
        query, expect = same(step.query), str(step.expect)
        if "${" in query:
            query = next((same(look.query) for look in looks if (look.step, look.expect) == (step.name, expect)), query)
        test = _test((step.name, query, expect), cells, conditions)
        yield Step(step.name, query, expect, test, owned=True)


def _test(key: Key, cells: dict[tuple[Key, str | None], Cell], conditions: Sequence[str]) -> Said:
    under = {cause: answer(cells.get((key, cause), Cell()).share) for cause in conditions}
    return Said(key[0], under, answer(cells.get((key, None), Cell()).share))


def _offered(
    looks: Sequence[Look],
    cells: dict[tuple[Key, str | None], Cell],
    known: Sequence[str],
    others: Sequence[str],
    name: str,
) -> list[Step]:
    """Steps of runbooks, those of the page's namesake first, then probes."""
    conditions = (*known, *others)
    written = {
        (look.step, same(look.query), look.expect): look
        for look in looks
        if look.expect is not None and "flashcrowd_" not in look.query
    }
    ordered = sorted(written.values(), key=lambda look: look.runbook != name)
    steps = [
        Step(look.step, look.query, look.expect or "", _test(key, cells, conditions), look.runbook)
        for look in ordered
        for key in [(look.step, same(look.query), look.expect)]
    ]
    bare = {look.step: look for look in looks if look.expect is None and "flashcrowd_" not in look.query}
    return [*steps, *(step for look in bare.values() if (step := _probe(look, cells, known, conditions)) is not None)]


def _probe(
    look: Look, cells: dict[tuple[Key, str | None], Cell], known: Sequence[str], conditions: Sequence[str]
) -> Step | None:
    """A probe with the threshold that parts health from the causes under which it moved; None where there is none."""
    key: Key = (look.step, same(look.query), None)
    health = cells.get((key, None), Cell())
    if health.seconds < LEAST_HEALTH or health.low is None or health.high is None:
        return None
    falls = look.step.endswith("-down")
    ends = [(cell.high if falls else cell.low) for cause in known if (cell := cells.get((key, cause))) is not None]
    edge = health.low if falls else health.high
    floor = BUSY if look.step.endswith("-busy") else 0.0
    moved = [end for end in ends if end is not None and _moved(end, edge, falls) and (falls or end > floor)]
    if not moved:
        return None
    nearest = max(moved) if falls else min(moved)
    bound = float(f"{_between(edge, nearest):.2g}")
    test = Said(look.step, {cause: _says(cells.get((key, cause)), bound, falls) for cause in conditions}, Answer.NO)
    return Step(look.step, look.query, f"{'<' if falls else '>'} {bound:g}", test)


def _moved(end: float, edge: float, falls: bool) -> bool:
    return end * MOVED <= edge and end < edge if falls else end >= edge * MOVED and end > edge


def _between(one: float, other: float) -> float:
    """The geometric mean; the middle where one of them is 0."""
    return math.sqrt(one * other) if one > 0 and other > 0 else (one + other) / 2


def _says(cell: Cell | None, bound: float, falls: bool) -> Answer:
    if cell is None or not cell.seconds:
        return Answer.UNKNOWN
    if cell.low is None or cell.high is None:
        return Answer.NO
    if falls:
        return Answer.YES if cell.high < bound else Answer.NO if cell.low >= bound else Answer.SOMETIMES
    return Answer.YES if cell.low > bound else Answer.NO if cell.high <= bound else Answer.SOMETIMES
