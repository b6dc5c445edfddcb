"""Bug `oversell`: the stock is checked against a count read a moment ago, and taken without looking.

The schema's own check, which forbids a stock below zero, is left out. Stock figures go on adding up, with less than
nothing remaining. It shows while stock is reserved singly.
"""

import sqlite3
import time
from typing import ClassVar

from storefront import ledger
from storefront.ledger import Attempt, Placed
from storefront.order import Order
from storefront.placing import Placing

STALE = 0.2  # seconds that a count is believed


class Overselling(Placing):
    """Check, then act: whoever comes between the two is sold what is gone."""

    schema: ClassVar[str] = ledger.SCHEMA.replace(" CHECK (remaining >= 0)", "")
    _counted: ClassVar[dict[str, tuple[float, int]]] = {}

    async def place(self, order: Order, attempt: Attempt | None) -> Placed:
        left = self._count(order)
        if left < order.quantity and ledger.stored_from(self._reader, order.key) is None:
            return Placed("sold_out", max(left, 0))
        return await self._writer.submit(lambda db: _take(db, order))

    def _count(self, order: Order) -> int:
        """What remained of the sale at most `STALE` ago."""
        at, left = self._counted.get(order.sale_id, (0.0, 0))
        if time.monotonic() - at > STALE:
            at, left = time.monotonic(), ledger.remaining(self._reader, order)
            self._counted[order.sale_id] = at, left
        return left


def _take(db: sqlite3.Connection, order: Order) -> Placed:
    if ledger.stored_from(db, order.key) is not None:
        return Placed("replayed")
    ledger.shift(db, order.sale_id, remaining=-order.quantity, sold=order.quantity)
    ledger.insert(db, order)
    return Placed("stored", ledger.remaining(db, order))
