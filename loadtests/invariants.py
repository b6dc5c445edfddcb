"""Invariants: what must hold between the viewers' history and the target's ledger, whatever was broken meanwhile.

Checked once the target is quiet. The vocabulary is Jepsen's: an order is accepted, rejected, or unknown, and an unknown
one may or may not have been stored, but at most once. Each pass over ledger and history is one; memory is one
order number per stored order, and ten examples a finding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flashcrowd.verdict import Finding, Outcome
from loadtests.history import SOLD_OUT, OrderOutcome, OrderRecord
from loadtests.ledger import LedgerEntry

EXAMPLES = 10
MINIMUM = 100


@dataclass(frozen=True)
class OrderSummary:
    """Counts for the report. `sold` is units per sale sku; `foreign` are stored orders that no viewer of ours made."""

    accepted: int
    rejected: int
    unknown: int
    unknown_stored: int
    stored: int
    foreign: int
    oversold: int
    lost: int
    duplicate: int
    sold: Mapping[str, int]


@dataclass(frozen=True)
class Judgement:
    """What the comparison came to."""

    findings: tuple[Finding, ...]
    summary: OrderSummary


def judge(
    history: Iterable[OrderRecord],
    ledger: Iterable[LedgerEntry],
    stock: Mapping[str, int],
    opened_at: Mapping[str, float] | None = None,
    minimum: int = MINIMUM,
) -> Judgement:
    """Compare all that the viewers saw with all that the target stored.

    stock: units put on sale per sku, over all waves. opened_at: per sku the unix time of its last opening; only an
    order made after it can prove that stock was left while somebody was turned away. minimum: orders below which
    nothing was really tried, and the verdict is inconclusive.
    """
    comparison = _Comparison(stock, opened_at or {})
    for entry in ledger:
        comparison.stored(entry)
    for record in history:
        comparison.seen(record)
    return Judgement(tuple(comparison.findings(minimum)), comparison.summary())


@dataclass
class _Violation:
    """A kind of violation: how often it was found, and the first ten orders by their key."""

    count: int = 0
    orders: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, key: str, user: str, order_id: str, traceparent: str = "", units: int = 1) -> None:
        self.count += units
        if len(self.orders) < EXAMPLES:
            self.orders[key] = {"key": key, "user": user, "order_id": order_id, "traceparent": traceparent}

    def trace(self, record: OrderRecord) -> None:
        """Complete an example that was found in the ledger, which knows no trace."""
        if record.key in self.orders:
            self.orders[record.key]["traceparent"] = record.traceparent

    def finding(self, name: str, broken: str, held: str) -> Finding:
        evidence: dict[str, Any] = {"count": self.count, "orders": list(self.orders.values())}
        if self.count:
            return Finding(f"invariant/{name}", Outcome.FAIL, broken, evidence)
        return Finding(f"invariant/{name}", Outcome.PASS, held, evidence)


class _Comparison:
    """The ledger first, entry by entry, then the history, record by record."""

    def __init__(self, stock: Mapping[str, int], opened_at: Mapping[str, float]) -> None:
        self._stock, self._opened_at = stock, opened_at
        self._order_ids: dict[str, str] = {}
        self._twice: set[str] = set()
        self._sold: Counter[str] = Counter()
        self._outcomes: Counter[OrderOutcome] = Counter()
        self._turned_away: dict[str, _Violation] = {}
        self._ours = self._unknown_stored = 0
        self._oversold, self._lost = _Violation(), _Violation()
        self._duplicate, self._rejected = _Violation(), _Violation()

    def stored(self, entry: LedgerEntry) -> None:
        if entry.key in self._order_ids:
            self._twice.add(entry.key)
            self._duplicate.add(entry.key, entry.user, f"{self._order_ids[entry.key]}, {entry.order_id}")
        else:
            self._order_ids[entry.key] = entry.order_id
        if entry.sku in self._stock:
            left = max(0, self._stock[entry.sku] - self._sold[entry.sku])
            self._sold[entry.sku] += entry.quantity
            if entry.quantity > left:
                self._oversold.add(entry.key, entry.user, entry.order_id, units=entry.quantity - left)

    def seen(self, record: OrderRecord) -> None:
        self._outcomes[record.outcome] += 1
        self._oversold.trace(record)
        self._duplicate.trace(record)
        stored = self._order_ids.get(record.key)
        self._ours += stored is not None
        if record.outcome is OrderOutcome.ACCEPTED:
            self._accepted(record, stored)
        elif stored is not None and record.outcome is OrderOutcome.REJECTED:
            self._rejected.add(record.key, record.user, stored, record.traceparent)
        elif stored is not None:
            self._unknown_stored += 1
        if record.reason == SOLD_OUT and record.start >= self._opened_at.get(record.sku, 0.0):
            self._turned_away.setdefault(record.sku, _Violation()).add(
                record.key, record.user, record.order_id, record.traceparent
            )

    def _accepted(self, record: OrderRecord, stored: str | None) -> None:
        if stored is None:
            self._lost.add(record.key, record.user, record.order_id, record.traceparent)
        elif record.order_id not in ("", stored) and record.key not in self._twice:
            self._duplicate.add(record.key, record.user, f"{stored}, {record.order_id}", record.traceparent)

    def findings(self, minimum: int) -> Iterable[Finding]:
        counts, unknown = self._outcomes, self._outcomes[OrderOutcome.UNKNOWN]
        yield self._oversold.finding(
            "oversold",
            f"{self._oversold.count} units were sold beyond the stock: {self._sales()}",
            f"nothing was sold beyond the stock: {self._sales()}",
        )
        yield self._undersold()
        yield self._lost.finding(
            "lost",
            f"{self._lost.count} accepted orders are not in the ledger",
            f"all {counts[OrderOutcome.ACCEPTED]} accepted orders are in the ledger",
        )
        yield self._duplicate.finding(
            "duplicate",
            f"{self._duplicate.count} orders were stored again, or under another number than acknowledged",
            "no order was stored twice, and each under the number acknowledged",
        )
        yield self._rejected.finding(
            "rejected-but-stored",
            f"{self._rejected.count} rejected orders are in the ledger",
            f"none of the {counts[OrderOutcome.REJECTED]} rejected orders is in the ledger",
        )
        yield Finding(
            "invariant/unknown",
            Outcome.PASS,
            f"{unknown} orders ended without an answer; {self._unknown_stored} of them were stored",
            {"count": unknown, "stored": self._unknown_stored},
        )
        yield self._activity(minimum)

    def _undersold(self) -> Finding:
        """A sku is undersold when somebody was turned away while, in the end, stock was left."""
        undersold = _Violation()
        for sku, away in self._turned_away.items():
            if self._sold[sku] < self._stock.get(sku, 0):
                undersold.count += self._stock[sku] - self._sold[sku]
                undersold.orders.update(list(away.orders.items())[: EXAMPLES - len(undersold.orders)])
        return undersold.finding(
            "undersold",
            f"{undersold.count} units were left although viewers were told 'sold out': {self._sales()}",
            "nobody was told 'sold out' while stock was left",
        )

    def _activity(self, minimum: int) -> Finding:
        total, accepted = self._outcomes.total(), self._outcomes[OrderOutcome.ACCEPTED]
        evidence = {"orders": total, "accepted": accepted, "minimum": minimum}
        if total >= minimum and accepted:
            return Finding("invariant/activity", Outcome.PASS, f"{total} orders were made", evidence)
        wanted = f"at least {minimum} are needed, one of them accepted, before their correctness says anything"
        return Finding(
            "invariant/activity",
            Outcome.INCONCLUSIVE,
            f"{total} orders were made, {accepted} accepted; {wanted}",
            evidence,
        )

    def _sales(self) -> str:
        if not self._stock:
            return "no sale was held"
        return ", ".join(f"{self._sold[sku]} of {units} {sku}" for sku, units in sorted(self._stock.items()))

    def summary(self) -> OrderSummary:
        return OrderSummary(
            accepted=self._outcomes[OrderOutcome.ACCEPTED],
            rejected=self._outcomes[OrderOutcome.REJECTED],
            unknown=self._outcomes[OrderOutcome.UNKNOWN],
            unknown_stored=self._unknown_stored,
            stored=len(self._order_ids),
            foreign=len(self._order_ids) - self._ours,
            oversold=self._oversold.count,
            lost=self._lost.count,
            duplicate=self._duplicate.count,
            sold={sku: self._sold[sku] for sku in self._stock},
        )
