"""Lost: what a viewer was told is theirs, the target has stored, once it has come to rest."""

from __future__ import annotations

from collections.abc import Iterator

from flashcrowd.verdict import Finding
from loadtests.history import OrderRecord
from loadtests.invariants.facts import Facts
from loadtests.invariants.invariant import Invariant, vacuous
from loadtests.invariants.violation import Violation


class Lost(Invariant):
    """Accepted is not confirmed until the ledger is at rest: before that, an order that is missing may still come."""

    def __init__(self) -> None:
        self.lost = Violation()

    def missing(self, record: OrderRecord) -> None:
        self.lost.seen(record)

    def findings(self, facts: Facts) -> Iterator[Finding]:
        count = self.lost.count
        if not facts.accepted:
            yield vacuous("lost", "no order was accepted, and so none could get lost")
        elif count and facts.settled is False:
            message = f"{count} accepted orders are not in the ledger, which was still growing when it was read"
            yield vacuous("lost", message, count=count, orders=self.lost.examples)
        else:
            yield self.lost.finding(
                "lost",
                f"{count} accepted orders are not in the ledger",
                f"all {facts.accepted} accepted orders are in the ledger",
            )
