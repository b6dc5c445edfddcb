"""The outbox: acknowledged orders on their way to the inventory."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Iterable
from itertools import islice

from prometheus_client import Gauge

from storefront.beginning import log
from storefront.inventory_client import InventoryClient, insist
from storefront.journal import Journal
from storefront.order import Order
from storefront.sales import Sales

WAITING = Gauge("shop_outbox_orders", "Acknowledged orders the inventory has yet to record")
BATCH = 500


class Outbox:
    """Ships in batches, for ever; recording is idempotent, so a lost answer or a crash only repeats it."""

    def __init__(self, journal: Journal, inventory: InventoryClient, sales: Sales) -> None:
        self._journal, self._inventory, self._sales = journal, inventory, sales
        self._waiting: deque[Order] = deque()
        self._filled, self._drained = asyncio.Event(), asyncio.Event()
        self._drained.set()

    def add(self, orders: Iterable[Order]) -> None:
        """Take orders that are in the journal."""
        self._waiting.extend(orders)
        self._tell()

    async def drained(self, seconds: float) -> None:
        """Wait until all are recorded; raises TimeoutError."""
        await asyncio.wait_for(self._drained.wait(), seconds)

    async def run(self) -> None:
        while True:
            await self._filled.wait()
            try:
                await self._ship(list(islice(self._waiting, BATCH)))
            except sqlite3.Error:
                log.exception("the journal can't be written; shipping again in a second")
                await asyncio.sleep(1)

    async def _ship(self, orders: list[Order]) -> None:
        released = await insist(lambda: self._inventory.record(orders))
        for sale_id in released:
            if sale := self._sales.get(sale_id):
                sale.returned()
        await self._journal.shipped(orders)
        for _ in orders:
            self._waiting.popleft()
        self._tell()

    def _tell(self) -> None:
        WAITING.set(len(self._waiting))
        for event, wanted in ((self._filled, bool(self._waiting)), (self._drained, not self._waiting)):
            if wanted:
                event.set()
            else:
                event.clear()
