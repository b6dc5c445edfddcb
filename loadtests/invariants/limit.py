"""Limit: no user gets more units of a sale than its limit allows. A key that was stored twice counts once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flashcrowd.verdict import Finding
from loadtests.invariants.facts import Facts
from loadtests.invariants.invariant import Invariant, vacuous
from loadtests.invariants.marks import BITS
from loadtests.invariants.sale import Sale
from loadtests.invariants.violation import Violation
from loadtests.ledger import LedgerEntry


class Limit(Invariant):
    """Counts units per user and sale; where the ledger names no sale, per user and sku over all its waves.

    Says nothing where no sale has a limit. Memory: 75 bytes for each user who bought in a sale.
    """

    def __init__(self, sales: Iterable[Sale]) -> None:
        self._by_sale = dict[str, int]()
        self._by_sku = dict[str, int]()
        for sale in sales:
            if sale.limit is not None:
                self._by_sku[sale.sku] = self._by_sku.get(sale.sku, 0) + sale.limit
                if sale.sale_id:
                    self._by_sale[sale.sale_id] = sale.limit
        self._units = dict[int, int]()
        self._beyond = Violation()

    @property
    def violations(self) -> Iterable[Violation]:
        return (self._beyond,)

    def first(self, entry: LedgerEntry) -> None:
        limit = self._by_sale.get(entry.sale_id) if entry.sale_id else self._by_sku.get(entry.sku)
        if limit is None:
            return
        buyer = hash((entry.user, entry.sale_id or entry.sku)) & BITS
        units = self._units[buyer] = self._units.get(buyer, 0) + entry.quantity
        if units > limit:
            self._beyond.stored(entry, min(entry.quantity, units - limit))

    def findings(self, facts: Facts) -> Iterator[Finding]:
        if not self._by_sku:
            return
        limits = ", ".join(f"{limit} {sku}" for sku, limit in sorted(self._by_sku.items()))
        if not self._beyond.count and not facts.limited:
            yield vacuous("limit", f"nobody was turned away for wanting more than a user may have ({limits})")
            return
        yield self._beyond.finding(
            "limit",
            f"{self._beyond.count} units went to users who had had enough (at most {limits})",
            f"nobody has more than a user may have ({limits}); {facts.limited} orders were turned away for that",
            limited=facts.limited,
        )
