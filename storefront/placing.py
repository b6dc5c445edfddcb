"""Placing: how the inventory sells straight from the stock. A planted bug takes its place."""

import sqlite3
from typing import ClassVar

from storefront import ledger
from storefront.groupcommit import GroupCommit
from storefront.ledger import Attempt, Placed
from storefront.order import Order


class Placing:
    """Check and act in one transaction."""

    schema: ClassVar[str] = ledger.SCHEMA

    def __init__(self, writer: GroupCommit, reader: sqlite3.Connection) -> None:
        self._writer, self._reader = writer, reader

    async def place(self, order: Order, attempt: Attempt | None) -> Placed:
        """Raises ledger.UnknownSaleError."""
        return await self._writer.submit(lambda db: ledger.place(db, order, attempt))
