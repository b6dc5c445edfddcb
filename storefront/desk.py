"""The order desk: decides what becomes of an order, once per key."""

import asyncio
import itertools
import json
import sqlite3
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TypeVar

from storefront.allowance import Allowance
from storefront.beginning import log
from storefront.inventory_client import InventoryClient, SoldOut, UnavailableError
from storefront.journal import Journal
from storefront.order import Order
from storefront.outbox import Outbox
from storefront.reservation import Reservation
from storefront.sales import Block, Sale, Sales

Value = TypeVar("Value")
TICKETS = 2**32  # attempts in one life of the shop
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
LIMITED = Answer(429, b'{"reason":"limited"}', "limited")
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
        self._numbers: OrderedDict[str, None] = OrderedDict()
        self._tickets = itertools.count(journal.life * TICKETS + 1)
        self._unknown: OrderedDict[str, Sale] = OrderedDict()
        self._running: dict[str, asyncio.Future[Answer]] = {}

    def remember(self, order: Order) -> None:
        """The order is accepted, in this life or an earlier one."""
        self._keep(order)
        sale = self._sales.get(order.sale_id)
        if sale and sale.allowance:
            sale.allowance.settle(order, sold=True)

    def knows(self, order_id: str) -> bool:
        """Whether it is the number of an accepted order, one of the latest `MEMORY`."""
        return order_id in self._numbers

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
            if answer.outcome == "accepted":
                self._keep(order)
        except (UnavailableError, TimeoutError):
            pass  # nobody knows: the client may ask again with the same key
        except sqlite3.Error:
            log.exception("the journal can't be written")
            answer = BROKEN
        finally:
            del self._running[order.key]
            future.set_result(answer)
        return answer

    async def _decide(self, order: Order) -> Answer:
        if earlier := self._unknown.get(order.key):
            answer = await self._again(_of(order, earlier), earlier)
            if isinstance(answer, Answer):
                return answer
        sale = self._sales.open_for(order.sku)
        if sale is None:
            return NOT_OPEN
        if sale.allowance:
            return await self._within_limit(_of(order, sale), sale, sale.allowance)
        return SOLD_OUT if sale.sold_out else await self._sell(_of(order, sale), sale)

    async def _again(self, order: Order, sale: Sale) -> Answer | None:
        """What became of an attempt that ended unknown; None if the order isn't sold and may be decided anew."""
        if sale.allowance is None:
            answer = await self._ask(order, sale)
            return answer if isinstance(answer, Answer) else None
        async with sale.allowance.turn(order.user):
            await self._settle(order.user, sale, sale.allowance)
            return accepted(order, 200) if sale.allowance.has(order) else None

    async def _within_limit(self, order: Order, sale: Sale, allowance: Allowance) -> Answer:
        async with allowance.turn(order.user):
            await self._settle(order.user, sale, allowance)
            if allowance.has(order):
                return accepted(order, 200)
            if not allowance.allows(order):
                return LIMITED
            return SOLD_OUT if sale.sold_out else await self._sell(order, sale)

    async def _settle(self, user: str, sale: Sale, allowance: Allowance) -> None:
        """Learn what the user has; raises UnavailableError, as what may have been sold can't be sold again."""
        for attempt in allowance.unsettled(user):
            if isinstance(await self._ask(attempt, sale), Answer):
                self._keep(attempt)

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
        again = order.key in self._unknown
        _put(self._unknown, order.key, sale)
        if sale.allowance:
            sale.allowance.attempt(order)
        result = await self._inventory.order(order, next(self._tickets), again)
        self._unknown.pop(order.key, None)
        if sale.allowance:
            sale.allowance.settle(order, sold=not isinstance(result, SoldOut))
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
        if sale.allowance:
            sale.allowance.settle(order, sold=True)
        return accepted(order, 201 if new else 200)

    def _keep(self, order: Order) -> None:
        _put(self._accepted, order.key, order.sku)
        _put(self._numbers, order.order_id, None)


def _of(order: Order, sale: Sale) -> Order:
    return replace(order, sale_id=sale.sale_id, sku=sale.sku)


def _put(memory: "OrderedDict[str, Value]", key: str, value: Value) -> None:
    memory[key] = value
    if len(memory) > MEMORY:
        memory.popitem(last=False)


async def _until(task: "asyncio.Task[None]", deadline: float) -> None:
    await asyncio.wait_for(asyncio.shield(task), deadline - asyncio.get_running_loop().time())
