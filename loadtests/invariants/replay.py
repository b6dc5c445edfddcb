"""Replay: whoever repeats an order is told of the same one: its answers carry the number that is stored."""

from __future__ import annotations

from collections.abc import Iterator

from flashcrowd.verdict import Finding
from loadtests.history import OrderRecord
from loadtests.invariants.facts import Facts
from loadtests.invariants.invariant import Invariant
from loadtests.invariants.marks import ACKNOWLEDGED, TWICE, is_of
from loadtests.invariants.violation import Violation


class Replay(Invariant):
    """Two answers for a key with different numbers can't both be the stored one's, so that no answer is remembered.

    A key that is stored twice is left to `duplicate`. Says nothing where the target tells no numbers.
    """

    def __init__(self) -> None:
        self._other = Violation()
        self._numbered = 0

    def confirmed(self, record: OrderRecord, stored: int) -> None:
        if record.order_id:
            self._numbered += 1
            if not stored & TWICE and not is_of(stored, record.order_id):
                self._other.seen(record)

    def contradicted(self, record: OrderRecord, stored: int) -> None:
        """Of an order that was accepted before, a refusal is another answer, too."""
        if stored & ACKNOWLEDGED:
            self._other.seen(record)

    def findings(self, facts: Facts) -> Iterator[Finding]:
        if self._numbered or self._other.count:
            yield self._other.finding(
                "replay",
                f"{self._other.count} answers told of another order than the one that is stored under their key",
                f"each of {self._numbered} answers carries the number of the stored order; "
                f"{facts.replays} of them are replays",
                replays=facts.replays,
            )
