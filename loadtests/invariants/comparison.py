"""Comparison: one pass over the ledger, then one over the history, past every invariant.

ledger entry ───► key new? ── yes ─► first
                           ── no ──► again
history record ─► accepted: stored? ── yes ─► confirmed
                                    ── no ──► missing
                  rejected: stored? ── no ──► rejected
                                    ── yes ─► contradicted
                  unknown ─────────────────► unknown
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from loadtests.history import LIMITED, OrderOutcome, OrderRecord
from loadtests.invariants.facts import Facts
from loadtests.invariants.invariant import Invariant
from loadtests.invariants.marks import ACKNOWLEDGED, BITS, SEEN, TWICE, mark
from loadtests.invariants.violation import traced, untraced
from loadtests.ledger import LedgerEntry


class Comparison:
    """Memory: a mark a stored order, ten examples an invariant, and what the invariants say of themselves."""

    def __init__(self, invariants: Sequence[Invariant], facts: Facts) -> None:
        self._facts = facts
        self._invariants = invariants
        self._stored = dict[int, int]()
        self._first = [one.first for one in invariants if _has(one, "first")]
        self._again = [one.again for one in invariants if _has(one, "again")]
        self._confirmed = [one.confirmed for one in invariants if _has(one, "confirmed")]
        self._missing = [one.missing for one in invariants if _has(one, "missing")]
        self._rejected = [one.rejected for one in invariants if _has(one, "rejected")]
        self._contradicted = [one.contradicted for one in invariants if _has(one, "contradicted")]
        self._unknown = [one.unknown for one in invariants if _has(one, "unknown")]

    def ledger(self, entries: Iterable[LedgerEntry]) -> None:
        """Everything that is stored."""
        stored, first = self._stored, self._first
        for entry in entries:
            key = hash(entry.key) & BITS
            if key not in stored:
                stored[key] = mark(entry.order_id)
                for hook in first:
                    hook(entry)
            else:
                stored[key] |= TWICE
                for hook in self._again:
                    hook(entry)
        self._facts.stored = len(stored)

    def history(self, records: Iterable[OrderRecord]) -> None:
        """Everything that viewers saw; after the ledger."""
        accepted, rejected = OrderOutcome.ACCEPTED, OrderOutcome.REJECTED  # an enum's hash is a call: no dict of them
        facts, stored = self._facts, self._stored
        examples = untraced(violation for one in self._invariants for violation in one.violations)
        for record in records:
            known = stored.get(hash(record.key) & BITS)
            if record.outcome is accepted:
                facts.accepted += known is None or not known & ACKNOWLEDGED
                self._accept(record, known)
            elif record.outcome is rejected:
                facts.rejected += 1
                facts.limited += record.reason == LIMITED
                self._reject(record, known)
            else:
                facts.unknown += 1
                for hook in self._unknown:
                    hook(record, known)
            if known is not None:
                self._saw(record, known)
            if examples and record.key in examples:
                for example in examples.pop(record.key):  # the order itself: its replays come later
                    traced(example, record)

    def _accept(self, record: OrderRecord, known: int | None) -> None:
        if known is None:
            for missing in self._missing:
                missing(record)
        else:
            for confirmed in self._confirmed:
                confirmed(record, known)

    def _reject(self, record: OrderRecord, known: int | None) -> None:
        if known is None:
            for rejected in self._rejected:
                rejected(record)
        else:
            for contradicted in self._contradicted:
                contradicted(record, known)

    def _saw(self, record: OrderRecord, known: int) -> None:
        """Note that the stored order is one of ours."""
        facts = self._facts
        facts.ours += not known & SEEN
        facts.retried += record.attempts > 1
        facts.replays += bool(known & ACKNOWLEDGED)
        self._stored[hash(record.key) & BITS] = (
            known | SEEN | (ACKNOWLEDGED if record.outcome is OrderOutcome.ACCEPTED else 0)
        )


def _has(invariant: Invariant, hook: str) -> bool:
    """Whether an invariant has a hook of its own."""
    return getattr(type(invariant), hook) is not getattr(Invariant, hook)
