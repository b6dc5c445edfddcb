"""The order desk: decides what becomes of an order, once per key."""

import asyncio
import json
import sqlite3
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TypeVar

from storefront.inventory_client import InventoryClient, SoldOut, UnavailableError
from storefront.journal import Journal
from storefront.order import Order
from storefront.outbox import Outbox
from storefront.reservation import Reservation
from storefront.sales import Block, Sale, Sales
from storefront.service import log

Value = TypeVar("Value")
MEMORY = 200_000  # keys; an older one is looked up in the inventory, unless its sale is sold out
PATIENCE = 5.0  # seconds an order waits for units under way


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer to an order, and the outcome it is counted under."""

    status: int
    body: bytes
    outcome: str


SOLD_OUT = Answer(409, b'{"reason":"sold_out"}', "sold_out")
NOT_OPEN = Answer(409, b'{"reason":"not_open"}', "not_open")
UNKNOWN = Answer(503, b'{"reason":"inventory"}', "error")
BROKEN = Answer(503, b'{"reason":"journal"}', "error")


def accepted(order: Order, status: int) -> Answer:
    return Answer(status, json.dumps({"order_id": order.order_id, "sku": order.sku}).encode(), "accepted")


class Desk:
    """Orders by key: accepted ones are replayed, running ones joined, and one whose attempt at the inventory ended
    unknown goes to the inventory again, whatever the mode: only there is it known."""

    def __init__(
        self, sales: Sales, reservation: Reservation, inventory: InventoryClient, journal: Journal, outbox: Outbox
    ) -> None:
        self._sales, self._reservation, self._inventory = sales, reservation, inventory
        self._journal, self._outbox = journal, outbox
        self._accepted: OrderedDict[str, str] = OrderedDict()
        self._unknown: OrderedDict[str, Sale] = OrderedDict()
        self._running: dict[str, asyncio.Future[Answer]] = {}

    def remember(self, key: str, sku: str) -> None:
        """The key's order is accepted."""
        _put(self._accepted, key, sku)

    async def order(self, order: Order) -> Answer:
        """Decide an order, whose sale is still to be found."""
        if sku := self._accepted.get(order.key):
            return accepted(replace(order, sku=sku), 200)
        if running := self._running.get(order.key):
            first = await asyncio.shield(running)
            return replace(first, status=200) if first.status == 201 else first
        return await self._first(order)

    async def _first(self, order: Order) -> Answer:
        future = self._running[order.key] = asyncio.get_running_loop().create_future()
        answer = UNKNOWN
        try:
            answer = await self._decide(order)
        except (UnavailableError, TimeoutError):
            pass  # nobody knows: the client may ask again with the same key
        except sqlite3.Error:
            log.exception("the journal can't be written")
            answer = BROKEN
        finally:
            del self._running[order.key]
            future.set_result(answer)
        if answer.outcome == "accepted":
            self.remember(order.key, order.sku)
        return answer

    async def _decide(self, order: Order) -> Answer:
        if earlier := self._unknown.get(order.key):
            answer = await self._ask(_of(order, earlier), earlier)
            if isinstance(answer, Answer):
                return answer
        sale = self._sales.open_for(order.sku)
        if sale is None:
            return NOT_OPEN
        return SOLD_OUT if sale.sold_out else await self._sell(_of(order, sale), sale)

    async def _sell(self, order: Order, sale: Sale) -> Answer:
        """By the mode of reservation; both may change hands while we wait, hence the loop."""
        pool, deadline = sale.pool, asyncio.get_running_loop().time() + PATIENCE
        while not sale.over:
            if block := pool.block(order.quantity):
                return await self._confirm(order, sale, block)
            if not self._reservation.in_blocks:
                returns = pool.returns
                answer = await self._ask(order, sale)
                if isinstance(answer, Answer):
                    return answer
                if not pool.moving and pool.returns == returns and not pool.block(order.quantity):
                    sale.sold_out = answer.remaining == 0 and pool.left == 0
                    return SOLD_OUT
            elif pool.exhausted and not pool.moving:
                sale.sold_out = pool.left == 0
                return SOLD_OUT
            if pool.moving or self._reservation.in_blocks:
                await _until(self._reservation.reserve(sale), deadline)
        return SOLD_OUT

    async def _ask(self, order: Order, sale: Sale) -> Answer | SoldOut:
        """Have the inventory sell it; raises UnavailableError and then remembers the attempt."""
        _put(self._unknown, order.key, sale)
        result = await self._inventory.order(order)
        self._unknown.pop(order.key, None)
        return result if isinstance(result, SoldOut) else accepted(order, 201 if result else 200)

    async def _confirm(self, order: Order, sale: Sale, block: Block) -> Answer:
        """Sell out of a block. Taking the units and journalling them must stay in one step of the event loop: a block
        going back counts on it."""
        block.left -= order.quantity
        self._reservation.top_up(sale)
        order, new = replace(order, block_id=block.block_id), False
        try:
            new = await self._journal.acknowledge(order)
        finally:
            if not new:
                block.left += order.quantity
                sale.sold_out = False
        if new:
            self._outbox.add([order])
        return accepted(order, 201 if new else 200)


def _of(order: Order, sale: Sale) -> Order:
    return replace(order, sale_id=sale.sale_id, sku=sale.sku)


def _put(memory: "OrderedDict[str, Value]", key: str, value: Value) -> None:
    memory[key] = value
    if len(memory) > MEMORY:
        memory.popitem(last=False)


async def _until(task: "asyncio.Task[None]", deadline: float) -> None:
    await asyncio.wait_for(asyncio.shield(task), deadline - asyncio.get_running_loop().time())
