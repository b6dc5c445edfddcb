"""Bug `duplicate-on-retry`: an order that was stored but not confirmed is stored again by its retry.

The schema's own check, which forbids a second order of a key, is left out. The second order takes units of its own
from the stock; where there are none left it is a replay, as it should always have been. It shows while stock is
reserved singly.
"""

import sqlite3
from typing import ClassVar

from starlette.exceptions import HTTPException

from storefront import ledger
from storefront.ledger import Attempt, Placed
from storefront.order import Order
from storefront.placing import Placing

UNCONFIRMED = 20  # every so many-th order stored is answered 503


class Duplicating(Placing):
    """Doesn't look whether it has stored the key before."""

    schema: ClassVar[str] = (
        ledger.SCHEMA.replace("key TEXT NOT NULL UNIQUE", "key TEXT NOT NULL")
        + "CREATE INDEX IF NOT EXISTS orders_by_key ON orders (key);"
    )
    _stored = 0

    async def place(self, order: Order, attempt: Attempt | None) -> Placed:
        placed = await self._writer.submit(lambda db: _store(db, order, attempt))
        self._stored += placed.outcome == "stored"
        if placed.outcome == "stored" and self._stored % UNCONFIRMED == 0:
            raise HTTPException(503)
        return placed


def _store(db: sqlite3.Connection, order: Order, attempt: Attempt | None) -> Placed:
    placed = ledger.sell(db, order)
    return placed if placed.outcome == "stored" else ledger.place(db, order, attempt)
