"""Sales: what is sold now under which sku, and when the next one opens."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from storefront.allowance import Allowance
from storefront.channel import Channel


@dataclass(slots=True)
class Block:
    """Units of a sale reserved for the shop, of which `left` are unsold."""

    block_id: str
    left: int


@dataclass(slots=True)
class Pool:
    """A sale's blocks. `returns` counts how often units went back: what was sold out before may not be so after."""

    blocks: list[Block] = field(default_factory=list)
    exhausted: bool = False
    returns: int = 0
    moving: "asyncio.Task[None] | None" = None

    @property
    def left(self) -> int:
        return sum(block.left for block in self.blocks)

    def block(self, quantity: int) -> Block | None:
        """A block with that many units."""
        return next((block for block in self.blocks if block.left >= quantity), None)


@dataclass(slots=True)
class Sale:
    """A sale that opens at `opens_at` (unix seconds); it is `over` when a later sale of its sku has opened.

    limit: units that one user may have; `allowance` then says what each has.
    """

    sale_id: str
    sku: str
    stock: int
    opens_at: float = 0.0
    room: str = "*"
    limit: int | None = None
    opened_at: float | None = None
    sold_out: bool = False
    over: bool = False
    pool: Pool = field(default_factory=Pool)
    allowance: Allowance | None = None

    def figures(self) -> dict[str, Any]:
        """What a sale is known by: registering it again with others is an error."""
        facts = {"sale_id": self.sale_id, "sku": self.sku, "stock": self.stock}
        return {**facts, "opens_at": self.opens_at, "room": self.room, "limit": self.limit}

    def announcement(self) -> bytes:
        facts = {"sale_id": self.sale_id, "sku": self.sku, "stock": self.stock, "opened_at": self.opened_at}
        return json.dumps({"type": "sale_opened", **facts}, separators=(",", ":")).encode()

    def returned(self) -> None:
        """Units have gone back to the stock: there may be something to sell again."""
        self.pool.returns += 1
        self.pool.exhausted = self.sold_out = False


class Sales:
    """All sales known. `opened(sale, replaced)` is called as a sale opens, with the one it takes the place of."""

    def __init__(
        self,
        channel: Channel,
        opened: Callable[[Sale, Sale | None], None],
        allowance: type[Allowance] = Allowance,
    ) -> None:
        self._channel, self._opened, self._allowance = channel, opened, allowance
        self._known: dict[str, Sale] = {}
        self._open: dict[str, Sale] = {}
        self._opening: set[asyncio.Task[None]] = set()

    def get(self, sale_id: str) -> Sale | None:
        return self._known.get(sale_id)

    def open_for(self, sku: str) -> Sale | None:
        return self._open.get(sku)

    def current(self) -> list[Sale]:
        """The sales that are open, or will be."""
        return [sale for sale in self._known.values() if not sale.over]

    def add(self, sale: Sale) -> None:
        """Schedule its opening; a sale that has opened before takes its place among the open ones."""
        self._known[sale.sale_id] = sale
        if sale.limit is not None:
            sale.allowance = self._allowance(sale.limit)
        if sale.opened_at is None:
            task = asyncio.create_task(self._open_on_time(sale))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        else:
            self._replace(sale)

    async def _open_on_time(self, sale: Sale) -> None:
        # Timers have a resolution of a millisecond and follow another clock: ask again until it is time.
        while (wait := sale.opens_at - time.time()) > 0:
            await asyncio.sleep(wait)
        sale.opened_at = time.time()
        replaced = self._replace(sale)
        self._channel.publish(f"event/{sale.room}", sale.announcement())
        self._opened(sale, replaced)

    def _replace(self, sale: Sale) -> Sale | None:
        """Sell the sku from this sale from now on; the sale it takes the place of."""
        replaced, self._open[sale.sku] = self._open.get(sale.sku), sale
        if replaced:
            replaced.over = True
        return replaced
