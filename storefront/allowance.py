"""An allowance: what each user has of a sale that limits the units of one user.

An order whose attempt at the inventory ended unknown is unsettled: until it is settled nobody can tell what its user
has, so the user's next order settles it first. Orders of one user take turns; those of different users don't wait.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from storefront.order import Order

PATIENCE = 5.0  # seconds an order waits for its turn


class Allowance:
    """Orders of one sale by user and key. It lives in memory; ledger and journal fill it after a restart."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: dict[str, dict[str, int]] = {}
        self._unsettled: dict[str, dict[str, Order]] = {}
        self._turns = WeakValueDictionary[str, asyncio.Lock]()  # a lock lives as long as somebody wants it

    @asynccontextmanager
    async def turn(self, user: str) -> AsyncIterator[None]:
        """Alone with the user's orders; raises TimeoutError."""
        lock = self._turns.setdefault(user, asyncio.Lock())
        async with asyncio.timeout(PATIENCE):
            await lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def has(self, order: Order) -> bool:
        """Whether the order's key is sold already."""
        return order.key in self._taken.get(order.user, ())

    def allows(self, order: Order) -> bool:
        return sum(self._taken.get(order.user, {}).values()) + order.quantity <= self._limit

    def unsettled(self, user: str) -> list[Order]:
        return list(self._unsettled.get(user, {}).values())

    def attempt(self, order: Order) -> None:
        """The order goes to the inventory."""
        self._unsettled.setdefault(order.user, {})[order.key] = order

    def settle(self, order: Order, sold: bool) -> None:
        """What became of the order is known."""
        attempts = self._unsettled.get(order.user, {})
        attempts.pop(order.key, None)
        if not attempts:
            self._unsettled.pop(order.user, None)
        if sold:
            self._taken.setdefault(order.user, {})[order.key] = order.quantity
