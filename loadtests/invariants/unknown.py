"""Unknown: orders that ended without an answer, which may have been stored, once."""

from __future__ import annotations

from collections.abc import Iterator

from flashcrowd.verdict import Finding, Outcome
from loadtests.history import OrderRecord
from loadtests.invariants.facts import Facts
from loadtests.invariants.invariant import Invariant


class Unknown(Invariant):
    """Breaks nothing by itself; more than once is a duplicate."""

    def __init__(self) -> None:
        self.stored = 0

    def unknown(self, record: OrderRecord, stored: int | None) -> None:
        self.stored += stored is not None

    def findings(self, facts: Facts) -> Iterator[Finding]:
        yield Finding(
            "invariant/unknown",
            Outcome.PASS,
            f"{facts.unknown} orders ended without an answer; {self.stored} of them were stored",
            {"count": facts.unknown, "stored": self.stored},
        )
