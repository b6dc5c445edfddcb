"""The shop's journal: what it must remember when killed, in its own SQLite database.

Orders acknowledged but not yet recorded by the inventory, blocks and their use, sales, payments, and the mode of
reservation.
"""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass

from storefront.groupcommit import GroupCommit, connect
from storefront.order import Order
from storefront.sales import Sale

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    key TEXT PRIMARY KEY, sale_id TEXT NOT NULL, sku TEXT NOT NULL, quantity INTEGER NOT NULL, user TEXT NOT NULL,
    block_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS blocks (
    block_id TEXT PRIMARY KEY, sale_id TEXT NOT NULL, asked INTEGER NOT NULL, granted INTEGER,
    spent INTEGER NOT NULL DEFAULT 0, unused INTEGER);
CREATE TABLE IF NOT EXISTS sales (
    sale_id TEXT PRIMARY KEY, sku TEXT NOT NULL, stock INTEGER NOT NULL, opens_at REAL NOT NULL, room TEXT NOT NULL,
    user_limit INTEGER, opened_at REAL);
CREATE TABLE IF NOT EXISTS payments (order_id TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reservation (
    one INTEGER PRIMARY KEY CHECK (one = 1), mode TEXT NOT NULL, size INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """A block as remembered: not yet granted, in use, or (with `unused` set) being given back."""

    block_id: str
    sale_id: str
    asked: int
    granted: int | None
    spent: int
    unused: int | None


class Journal:
    """Durable once awaited. Changes take effect in the order of the calls, not of the awaits."""

    def __init__(self, path: str) -> None:
        self.db = connect(path, SCHEMA)
        self.writer = GroupCommit(self.db)
        self.life: int = self.db.execute("PRAGMA user_version").fetchone()[0] + 1
        """Which of the shop's lives this is, the first being 1."""
        self.db.execute(f"PRAGMA user_version = {self.life}")

    def orders(self) -> list[Order]:
        rows = self.db.execute("SELECT sale_id, sku, quantity, user, key, block_id FROM orders ORDER BY rowid")
        return [Order(*row) for row in rows]

    def blocks(self) -> list[BlockRecord]:
        rows = self.db.execute("SELECT block_id, sale_id, asked, granted, spent, unused FROM blocks ORDER BY rowid")
        return [BlockRecord(*row) for row in rows]

    def sales(self) -> list[Sale]:
        rows = self.db.execute(
            "SELECT sale_id, sku, stock, opens_at, room, user_limit, opened_at FROM sales ORDER BY opened_at"
        )
        return [Sale(*row) for row in rows]

    def reservation(self) -> tuple[str, int] | None:
        row: tuple[str, int] | None = self.db.execute("SELECT mode, size FROM reservation").fetchone()
        return row

    async def acknowledge(self, order: Order) -> bool:
        """Store an order out of a block; False when its key is stored already and the block is untouched."""
        return await self.writer.submit(lambda db: _acknowledge(db, order))

    async def shipped(self, orders: Sequence[Order]) -> None:
        keys = [(order.key,) for order in orders]
        await self.writer.submit(lambda db: db.executemany("DELETE FROM orders WHERE key = ?", keys))

    async def asked(self, block_id: str, sale_id: str, quantity: int) -> None:
        await self._run("INSERT INTO blocks (block_id, sale_id, asked) VALUES (?, ?, ?)", block_id, sale_id, quantity)

    async def granted(self, block_id: str, granted: int) -> None:
        await self._run("UPDATE blocks SET granted = ? WHERE block_id = ?", granted, block_id)

    async def closing(self, block_id: str) -> int:
        """The units to give back: all but those of orders acknowledged before this call."""
        return await self.writer.submit(lambda db: _close(db, block_id))

    async def returned(self, block_id: str) -> None:
        await self._run("DELETE FROM blocks WHERE block_id = ?", block_id)

    async def add_sale(self, sale: Sale) -> None:
        facts = (sale.sale_id, sale.sku, sale.stock, sale.opens_at, sale.room, sale.limit, sale.opened_at)
        await self._run("INSERT OR REPLACE INTO sales VALUES (?, ?, ?, ?, ?, ?, ?)", *facts)

    async def pay(self, order_id: str) -> float:
        """When the order was paid: now, if it has not been before; unix seconds."""
        return await self.writer.submit(lambda db: _pay(db, order_id))

    async def set_reservation(self, mode: str, size: int) -> None:
        await self._run("INSERT OR REPLACE INTO reservation VALUES (1, ?, ?)", mode, size)

    async def _run(self, statement: str, *values: object) -> None:
        await self.writer.submit(lambda db: db.execute(statement, values))


def _acknowledge(db: sqlite3.Connection, order: Order) -> bool:
    values = (order.key, order.sale_id, order.sku, order.quantity, order.user, order.block_id)
    if db.execute("INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?, ?, ?)", values).rowcount == 0:
        return False
    db.execute("UPDATE blocks SET spent = spent + ? WHERE block_id = ?", (order.quantity, order.block_id))
    return True


def _close(db: sqlite3.Connection, block_id: str) -> int:
    db.execute("UPDATE blocks SET unused = granted - spent WHERE block_id = ? AND unused IS NULL", (block_id,))
    return int(db.execute("SELECT unused FROM blocks WHERE block_id = ?", (block_id,)).fetchone()[0])


def _pay(db: sqlite3.Connection, order_id: str) -> float:
    db.execute("INSERT OR IGNORE INTO payments VALUES (?, ?)", (order_id, time.time()))
    return float(db.execute("SELECT at FROM payments WHERE order_id = ?", (order_id,)).fetchone()[0])
