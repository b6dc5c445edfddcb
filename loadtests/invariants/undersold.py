"""Undersold: nobody is told 'sold out' while stock is left in the end.

A shop that turns everybody away oversells nothing; this is what tells it from one that works. Units of orders that
were acknowledged and lost, or stored twice, count as gone: those are other findings.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from flashcrowd.verdict import Finding, Outcome
from loadtests.history import LIMITED, SOLD_OUT, OrderRecord
from loadtests.invariants.facts import Facts
from loadtests.invariants.invariant import Invariant, vacuous
from loadtests.invariants.marks import ACKNOWLEDGED
from loadtests.invariants.oversold import together
from loadtests.invariants.sale import Lot, Lots, Within
from loadtests.ledger import LedgerEntry


class Undersold(Invariant):
    """Counts what becomes of the lots, and what viewers wanted of each while it was on sale."""

    def __init__(self, lots: Lots) -> None:
        self._lots = lots

    def first(self, entry: LedgerEntry) -> None:
        self._lots.first(entry)

    def again(self, entry: LedgerEntry) -> None:
        self._lots.again(entry)

    @cached_property
    def _within(self) -> Within:
        """Asked for once the ledger is known, which says how lots are told apart."""
        return self._lots.within()

    def confirmed(self, record: OrderRecord, stored: int) -> None:
        if not stored & ACKNOWLEDGED and (lot := self._within.of(record)) is not None:  # a replay wants nothing more
            lot.wanted += record.quantity

    def missing(self, record: OrderRecord) -> None:
        if (lot := self._within.of(record)) is not None:
            lot.wanted += record.quantity
            lot.lost += record.quantity

    def rejected(self, record: OrderRecord) -> None:
        """Whoever has had enough wants what can't be sold to them."""
        if record.reason != LIMITED and (lot := self._within.of(record)) is not None:
            lot.wanted += record.quantity
            if record.reason == SOLD_OUT and record.start >= lot.last:
                lot.turned_away.seen(record)

    def unknown(self, record: OrderRecord, stored: int | None) -> None:
        """Without an answer an order may have held its units for as long as it was under way."""
        if (lot := self._within.of(record)) is not None:
            lot.wanted += record.quantity
            lot.unclear += record.quantity if stored is None else 0

    def findings(self, facts: Facts) -> Iterator[Finding]:
        if not self._lots:
            return
        lied = [lot for lot in self._lots if lot.turned_away.count and lot.left]
        short = [lot for lot in self._lots if lot.left and lot.unclear and lot.wanted >= lot.stock]
        if proved := [lot for lot in lied if lot.left > lot.unclear]:
            yield _undersold(proved, facts)
        elif lied or short:
            yield _unclear(lied or short)
        elif not any(lot.contested for lot in self._lots):
            wanted = ", ".join(f"{lot.wanted} of {lot.stock} {lot.name}" for lot in self._lots)
            yield vacuous("undersold", f"nobody had to be turned away ({wanted} wanted): send more viewers")
        else:
            held = "nobody was told 'sold out' while stock was left"
            yield Finding("invariant/undersold", Outcome.PASS, held, {"count": 0, "orders": []})


def _undersold(lots: list[Lot], facts: Facts) -> Finding:
    left = sum(lot.left for lot in lots)
    told = together(lot.turned_away for lot in lots)
    sales = ", ".join(f"{lot.stock - lot.left} of {lot}" if lot.lost or lot.again else str(lot) for lot in lots)
    message = f"{left} units were left although viewers were told 'sold out': {sales}"
    outcome = Outcome.INCONCLUSIVE if facts.settled is False else Outcome.FAIL
    return Finding("invariant/undersold", outcome, message, {"count": left, "orders": told.examples})


def _unclear(lots: list[Lot]) -> Finding:
    left, unclear = sum(lot.left for lot in lots), sum(lot.unclear for lot in lots)
    return vacuous(
        "undersold",
        f"{left} units were left although more was wanted; {unclear} units were asked for without a clear answer, "
        "and nobody can say whether they held them",
        count=left,
        unclear=unclear,
    )
