"""Duplicate: at most one order is stored for a key, however often it was sent, and whatever came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flashcrowd.verdict import Finding
from loadtests.invariants.facts import Facts
from loadtests.invariants.invariant import Invariant, vacuous
from loadtests.invariants.violation import Violation
from loadtests.ledger import LedgerEntry


class Duplicate(Invariant):
    def __init__(self) -> None:
        self.twice = Violation()

    @property
    def violations(self) -> Iterable[Violation]:
        return (self.twice,)

    def again(self, entry: LedgerEntry) -> None:
        self.twice.stored(entry)

    def findings(self, facts: Facts) -> Iterator[Finding]:
        if not facts.stored:
            yield vacuous("duplicate", "no order is stored, and so none could be twice")
            return
        repeated = f"{facts.retried} were sent more than once, {facts.replays} replayed"
        yield self.twice.finding(
            "duplicate",
            f"{self.twice.count} orders were stored again under the key of another",
            f"each of {facts.stored} stored orders has a key of its own; {repeated}",
            retried=facts.retried,
            replays=facts.replays,
        )
