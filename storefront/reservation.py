"""The reservation of stock: singly, order by order, or ahead in blocks, so that orders need no round trip.

mode     event                       then
singly   switch to blocks            a block for every current sale; singly goes on until all have theirs
blocks   a pool is half a block low  another block, in the background
blocks   granted less than asked     the stock has run dry: no more blocks until units go back
blocks   switch to singly            every unused unit goes back
any      a sale is over              its unused units go back
"""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from functools import partial

from prometheus_client import Gauge

from storefront.inventory_client import InventoryClient, insist
from storefront.journal import BlockRecord, Journal
from storefront.sales import Block, Sale, Sales

BLOCKS = Gauge("shop_reservation_blocks", "1 while stock is reserved in blocks")
MODES = ("singly", "blocks")
PATIENCE = 10.0  # seconds a switch may take


class Reservation:
    """Blocks are journalled before they are asked for and before they go back: no crash leaves units behind."""

    def __init__(self, journal: Journal, inventory: InventoryClient) -> None:
        self._journal, self._inventory = journal, inventory
        self._switching = asyncio.Lock()
        self._background: set[asyncio.Task[None]] = set()
        mode, self.size = journal.reservation() or ("singly", 500)
        self._set(mode == "blocks")

    @property
    def mode(self) -> str:
        return MODES[self.in_blocks]

    async def switch(self, mode: str, size: int, current: Callable[[], Sequence[Sale]]) -> None:
        """Raises TimeoutError: the switch to blocks is then undone, that to singly goes on by itself."""
        async with self._switching:
            self.size = size
            move = self._to_blocks(current) if mode == "blocks" else self._to_singly(current())
            try:
                await asyncio.wait_for(move, PATIENCE)
            except TimeoutError:
                if not self.in_blocks:
                    for sale in current():
                        self.release_soon(sale)
                raise

    async def secure(self, sale: Sale) -> None:
        """See to it that the sale has units at hand, if there are any."""
        while sale.pool.moving:
            await asyncio.shield(sale.pool.moving)
        if not (sale.pool.left or sale.pool.exhausted or sale.over):
            await asyncio.shield(self.reserve(sale))

    def top_up(self, sale: Sale) -> None:
        """Ask for another block before the sale's last one runs dry."""
        pool = sale.pool
        if self.in_blocks and not (pool.moving or pool.exhausted or sale.over) and pool.left < self.size / 2:
            self.reserve(sale)

    def reserve(self, sale: Sale) -> "asyncio.Task[None]":
        """Ask for a block, or see the movement of units that is under way."""
        if sale.pool.moving is None:
            sale.pool.moving = asyncio.create_task(self._reserve(sale))
        return sale.pool.moving

    def release_soon(self, sale: Sale) -> None:
        task = asyncio.create_task(self._release(sale))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def recover(self, sales: Sales) -> None:
        """Take up the blocks of an earlier life: use them, or give them back."""
        await asyncio.gather(*(self._recover(record, sales) for record in self._journal.blocks()))

    async def _to_blocks(self, current: Callable[[], Sequence[Sale]]) -> None:
        """A sale may be registered while others get their blocks: it too has one before the mode changes."""
        secured = set[str]()
        while missing := [sale for sale in current() if sale.sale_id not in secured]:
            await asyncio.gather(*(self.secure(sale) for sale in missing))
            secured |= {sale.sale_id for sale in missing}
        self._set(True)  # without waiting in between: from here on, add_sale secures what it adds
        await self._journal.set_reservation("blocks", self.size)

    async def _to_singly(self, sales: Sequence[Sale]) -> None:
        self._set(False)
        await self._journal.set_reservation("singly", self.size)
        await asyncio.gather(*(self._release(sale) for sale in sales))

    def _set(self, in_blocks: bool) -> None:
        self.in_blocks = in_blocks
        BLOCKS.set(in_blocks)

    async def _reserve(self, sale: Sale) -> None:
        pool, block_id, asked = sale.pool, uuid.uuid4().hex, self.size
        try:
            await self._journal.asked(block_id, sale.sale_id, asked)
            returns = pool.returns
            granted, remaining = await self._ask(block_id, sale.sale_id, asked)
            pool.blocks = [*(block for block in pool.blocks if block.left), Block(block_id, granted)]
            # Units that went back meanwhile may have come too late for this answer.
            pool.exhausted = remaining == 0 and pool.returns == returns
        finally:
            pool.moving = None

    async def _ask(self, block_id: str, sale_id: str, asked: int) -> tuple[int, int]:
        granted, remaining = await insist(partial(self._inventory.reserve, sale_id, asked, block_id))
        await self._journal.granted(block_id, granted)
        return granted, remaining

    async def _release(self, sale: Sale) -> None:
        while sale.pool.moving:
            await asyncio.shield(sale.pool.moving)
        if sale.pool.blocks:
            sale.pool.moving = asyncio.create_task(self._return_all(sale))
            await asyncio.shield(sale.pool.moving)

    async def _return_all(self, sale: Sale) -> None:
        try:
            blocks, sale.pool.blocks = sale.pool.blocks, []
            await asyncio.gather(*(self._give_back(block.block_id) for block in blocks))
            sale.returned()
        finally:
            sale.pool.moving = None

    async def _give_back(self, block_id: str) -> None:
        unused = await self._journal.closing(block_id)
        await insist(partial(self._inventory.give_back, block_id, unused))
        await self._journal.returned(block_id)

    async def _recover(self, record: BlockRecord, sales: Sales) -> None:
        granted = record.granted
        if granted is None:
            granted, _ = await self._ask(record.block_id, record.sale_id, record.asked)
        sale, left = sales.get(record.sale_id), granted - record.spent
        if self.in_blocks and record.unused is None and left and sale and not sale.over:
            sale.pool.blocks.append(Block(record.block_id, left))
        else:
            await self._give_back(record.block_id)
