"""The ledger: stock, blocks and orders in one SQLite database, whose own checks forbid overselling.

Functions taking a connection are operations for the group-committing writer; each is idempotent.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from storefront.order import Order

SCHEMA = """
CREATE TABLE IF NOT EXISTS sales (
    sale_id TEXT PRIMARY KEY, sku TEXT NOT NULL, initial INTEGER NOT NULL,
    remaining INTEGER NOT NULL CHECK (remaining >= 0), reserved INTEGER NOT NULL CHECK (reserved >= 0),
    sold INTEGER NOT NULL, CHECK (initial = remaining + reserved + sold));
CREATE TABLE IF NOT EXISTS blocks (
    block_id TEXT PRIMARY KEY, sale_id TEXT NOT NULL, granted INTEGER NOT NULL,
    spent INTEGER NOT NULL DEFAULT 0, returned INTEGER, CHECK (spent + coalesce(returned, 0) <= granted));
CREATE TABLE IF NOT EXISTS orders (
    number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, order_id TEXT NOT NULL, sale_id TEXT NOT NULL,
    sku TEXT NOT NULL, user TEXT NOT NULL, quantity INTEGER NOT NULL, at REAL NOT NULL, block_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS withdrawn (key TEXT PRIMARY KEY, ticket INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS released (key TEXT, block_id TEXT, PRIMARY KEY (key, block_id)) WITHOUT ROWID;
"""
PAGE = 1000


class UnknownSaleError(LookupError):
    """No such sale, or not of that sku."""


class ConflictError(ValueError):
    """The sale is registered with other figures."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The shop's asking for an order. Tickets grow; `again`: an earlier attempt of the same order may be under way."""

    ticket: int
    again: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of an order: `stored`, `replayed`, `sold_out` or `withdrawn`, and how much stock is left."""

    outcome: str
    remaining: int = 0


def register(db: sqlite3.Connection, sale_id: str, sku: str, stock: int) -> None:
    known = db.execute("SELECT sku, initial FROM sales WHERE sale_id = ?", (sale_id,)).fetchone()
    if known is None:
        db.execute("INSERT INTO sales VALUES (?, ?, ?, ?, 0, 0)", (sale_id, sku, stock, stock))
    elif known != (sku, stock):
        raise ConflictError(f"sale {sale_id} is registered with sku {known[0]} and stock {known[1]}")


def place(db: sqlite3.Connection, order: Order, attempt: Attempt | None = None) -> Placed:
    """Sell straight from the stock, once per key.

    What is refused to a repeated attempt is refused for good to those before it: should one of them arrive late, the
    shop has long told its user, and perhaps sold the user something else.
    """
    if stored_from(db, order.key) is not None:
        return Placed("replayed")
    if attempt and _withdrawn(db, order.key, attempt.ticket):
        return Placed("withdrawn")
    placed = sell(db, order)
    if attempt and attempt.again and placed.outcome == "sold_out":
        withdraw(db, order.key, attempt.ticket)
    return placed


def withdraw(db: sqlite3.Connection, key: str, ticket: int) -> None:
    """No attempt of the key with a ticket below this one counts from now on; with the key "", none of any key."""
    db.execute(
        "INSERT INTO withdrawn VALUES (?, ?) ON CONFLICT DO UPDATE SET ticket = max(ticket, excluded.ticket)",
        (key, ticket),
    )


def sell(db: sqlite3.Connection, order: Order) -> Placed:
    """Take the units and store the order, if there are so many."""
    taken = db.execute(
        "UPDATE sales SET remaining = remaining - :q, sold = sold + :q"
        " WHERE sale_id = :sale AND sku = :sku AND remaining >= :q RETURNING remaining",
        {"q": order.quantity, "sale": order.sale_id, "sku": order.sku},
    ).fetchone()
    if taken is None:
        return Placed("sold_out", remaining(db, order))
    insert(db, order)
    return Placed("stored", taken[0])


def reserve(db: sqlite3.Connection, sale_id: str, quantity: int, request_id: str) -> tuple[int, int]:
    """Move up to `quantity` units into the block named by the request; what it has got, and what the stock has left."""
    sale = db.execute("SELECT max(remaining, 0) FROM sales WHERE sale_id = ?", (sale_id,)).fetchone()
    if sale is None:
        raise UnknownSaleError(sale_id)
    known = db.execute("SELECT granted FROM blocks WHERE block_id = ?", (request_id,)).fetchone()
    if known is not None:
        return int(known[0]), int(sale[0])
    granted = min(quantity, int(sale[0]))
    shift(db, sale_id, remaining=-granted, reserved=granted)
    db.execute("INSERT INTO blocks (block_id, sale_id, granted) VALUES (?, ?, ?)", (request_id, sale_id, granted))
    return granted, int(sale[0]) - granted


def record(db: sqlite3.Connection, orders: Iterable[Order]) -> list[str]:
    """Record orders already acknowledged out of blocks; the sales to whose stock units went back."""
    return [order.sale_id for order in orders if _record(db, order)]


def give_back(db: sqlite3.Connection, block_id: str, unused: int) -> None:
    """Close a block; its unused units return to the stock."""
    block = db.execute(
        "UPDATE blocks SET returned = ? WHERE block_id = ? AND returned IS NULL RETURNING sale_id", (unused, block_id)
    ).fetchone()
    if block is not None:
        shift(db, block[0], remaining=unused, reserved=-unused)


def stock(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every sale's figures, in order of registration."""
    names = ("sale_id", "sku", "initial", "remaining", "reserved", "sold")
    rows = db.execute("SELECT sale_id, sku, initial, remaining, reserved, sold FROM sales ORDER BY rowid")
    return [dict(zip(names, row, strict=True)) for row in rows]


def pages(db: sqlite3.Connection, after: int) -> Iterator[list[dict[str, Any]]]:
    """The orders behind row `after`, a page at a time."""
    names = ("order_id", "key", "user", "sku", "sale_id", "quantity", "at")
    query = f"SELECT number, {', '.join(names)} FROM orders WHERE number > ? ORDER BY number LIMIT {PAGE}"
    while rows := db.execute(query, (after,)).fetchall():
        after = rows[-1][0]
        yield [dict(zip(names, row[1:], strict=True)) for row in rows]


def _record(db: sqlite3.Connection, order: Order) -> bool:
    earlier = stored_from(db, order.key)
    if earlier == order.block_id or (earlier is not None and not _first_release(db, order)):
        return False
    spent = db.execute("UPDATE blocks SET spent = spent + ? WHERE block_id = ?", (order.quantity, order.block_id))
    if spent.rowcount != 1:
        raise UnknownSaleError(f"block {order.block_id}")
    if earlier is None:
        shift(db, order.sale_id, reserved=-order.quantity, sold=order.quantity)
        insert(db, order)
        return False
    shift(db, order.sale_id, remaining=order.quantity, reserved=-order.quantity)
    return True


def _first_release(db: sqlite3.Connection, order: Order) -> bool:
    """Whether this is the first we hear that the block's unit isn't needed: the key was sold from elsewhere."""
    return db.execute("INSERT OR IGNORE INTO released VALUES (?, ?)", (order.key, order.block_id)).rowcount == 1


def stored_from(db: sqlite3.Connection, key: str) -> str | None:
    row = db.execute("SELECT block_id FROM orders WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def _withdrawn(db: sqlite3.Connection, key: str, ticket: int) -> bool:
    query = "SELECT 1 FROM withdrawn WHERE key IN ('', ?) AND ticket > ?"
    return db.execute(query, (key, ticket)).fetchone() is not None


def remaining(db: sqlite3.Connection, order: Order) -> int:
    query = "SELECT remaining FROM sales WHERE sale_id = ? AND sku = ?"
    row = db.execute(query, (order.sale_id, order.sku)).fetchone()
    if row is None:
        raise UnknownSaleError(order.sale_id)
    return int(row[0])


def shift(db: sqlite3.Connection, sale_id: str, remaining: int = 0, reserved: int = 0, sold: int = 0) -> None:
    moved = db.execute(
        "UPDATE sales SET remaining = remaining + ?, reserved = reserved + ?, sold = sold + ? WHERE sale_id = ?",
        (remaining, reserved, sold, sale_id),
    )
    if moved.rowcount != 1:
        raise UnknownSaleError(sale_id)


def insert(db: sqlite3.Connection, order: Order) -> None:
    buyer = (order.key, order.order_id, order.sale_id, order.sku, order.user)
    db.execute(
        "INSERT INTO orders (key, order_id, sale_id, sku, user, quantity, at, block_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*buyer, order.quantity, time.time(), order.block_id),
    )
