"""Invariant: one thing that must hold between history and ledger. Each kind is a file of its own."""

from __future__ import annotations

from collections.abc import Iterable

from flashcrowd.verdict import Finding, Outcome
from loadtests.history import OrderRecord
from loadtests.invariants.facts import Facts
from loadtests.invariants.violation import Violation
from loadtests.ledger import LedgerEntry


class Invariant:
    """Sees the ledger first, entry by entry, then the history, record by record, and then says what it found.

    An invariant overrides the hooks that it needs; those that it doesn't are never called. `stored` is what the ledger
    has under the record's key: a mark of `marks`.
    """

    def first(self, entry: LedgerEntry) -> None:
        """An order whose key hasn't been stored before."""

    def again(self, entry: LedgerEntry) -> None:
        """An order whose key has been stored before."""

    def confirmed(self, record: OrderRecord, stored: int) -> None:
        """A viewer was told that the order is theirs, and it is stored."""

    def missing(self, record: OrderRecord) -> None:
        """A viewer was told that the order is theirs, and it isn't stored."""

    def rejected(self, record: OrderRecord) -> None:
        """A viewer was turned away, and the order isn't stored."""

    def contradicted(self, record: OrderRecord, stored: int) -> None:
        """A viewer was turned away, and the order is stored."""

    def unknown(self, record: OrderRecord, stored: int | None) -> None:
        """A viewer was told nothing clear."""

    @property
    def violations(self) -> Iterable[Violation]:
        """Those whose orders come from the ledger, and need the history to be traced."""
        return ()

    def findings(self, facts: Facts) -> Iterable[Finding]:
        """What it comes to. Nothing when the run had no part in it."""
        return ()


def vacuous(name: str, missing: str, **evidence: object) -> Finding:
    """The finding of a check that has seen too little to say anything: what was missing."""
    return Finding(f"invariant/{name}", Outcome.INCONCLUSIVE, missing, dict(evidence))
