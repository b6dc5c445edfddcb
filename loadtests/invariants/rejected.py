"""Rejected but stored: whoever was turned away has no order."""

from __future__ import annotations

from collections.abc import Iterator

from flashcrowd.verdict import Finding
from loadtests.history import OrderRecord
from loadtests.invariants.facts import Facts
from loadtests.invariants.invariant import Invariant, vacuous
from loadtests.invariants.marks import ACKNOWLEDGED
from loadtests.invariants.violation import Violation


class Rejected(Invariant):
    """Leaves an accepted order that is turned away when replayed to `replay`. Says nothing where no sale was held."""

    def __init__(self) -> None:
        self._stored = Violation()

    def contradicted(self, record: OrderRecord, stored: int) -> None:
        if not stored & ACKNOWLEDGED:
            self._stored.seen(record)

    def findings(self, facts: Facts) -> Iterator[Finding]:
        if facts.rejected:
            yield self._stored.finding(
                "rejected-but-stored",
                f"{self._stored.count} rejected orders are in the ledger",
                f"none of the {facts.rejected} rejected orders is in the ledger",
            )
        elif facts.lots:
            yield vacuous("rejected-but-stored", "no order was rejected: send more viewers than there is stock")
