"""Books: the target's own records of orders, draws and stock, kept in the run directory once they have come to rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Set
from pathlib import Path
from typing import TypeVar

import msgspec

from flashcrowd.guard import Guard
from flashcrowd.rundir import RunDirectory
from flashcrowd.target import Target
from loadtests.draw_ledger import read_wins
from loadtests.jsonlines import LinesWriter, encode
from loadtests.ledger import LedgerEntry, each_order
from loadtests.records import NotReadyError
from loadtests.stock import read_stock

LEDGER = "load/ledger.jsonl"
DRAW_LEDGER = "load/draw-ledger.jsonl"
STOCK = "load/stock.json"

SETTLE = 20.0
"""Seconds that a target gets to come to rest: queues of accepted orders drain in less, or are stuck."""

PAUSE = 0.5
"""Seconds between two reads that have to agree."""

BATCH = 10_000

Books = TypeVar("Books")


async def known_orders(target: Target, guard: Guard) -> Set[int]:
    """The hashes of the numbers of the orders that the ledger has before the run: they are not ours to judge."""
    known = set[int]()
    await each_order(target, guard, lambda entry: known.add(hash(entry.order_id)))
    return known


async def save_books(run: RunDirectory, target: Target, guard: Guard, before: Set[int] | None) -> None:
    """Write what the target has stored since, its draws and its stock. Raises NeedError when one can't be read.

    before: as of `known_orders`; None where no orders were to be made. An event says whether the ledger was at rest:
    whether two reads of it agreed in time.
    """
    await _closed(run)
    if before is not None:
        await _save_orders(run, target, guard, before)
    held = bool(run.events("draw", "opened"))
    if held and target.spec.draw is not None and target.spec.draw.ledger is not None:
        _, wins = await at_rest(lambda: read_wins(target, guard, run=run.name))
        run.write_text(DRAW_LEDGER, encode(wins).decode())


async def _save_orders(run: RunDirectory, target: Target, guard: Guard, before: Set[int]) -> None:
    copy = run.path / f"{LEDGER}.part"
    settled, read = await at_rest(lambda: _copied(copy, target, guard, before, run.name))
    copy.replace(run.path / LEDGER)
    if stock := await read_stock(target, guard, run=run.name):
        run.write_text(STOCK, msgspec.json.encode(stock).decode() + "\n")
    run.record("ledger", "read", settled=settled, orders=read.count)


async def at_rest(read: Callable[[], Awaitable[Books]]) -> tuple[bool, Books]:
    """Read until two reads in a row agree, for SETTLE seconds at most; whether they did, and the last of them.

    Raises:
        NotReadyError: to the end the target couldn't tell.
    """
    until, last = time.monotonic() + SETTLE, None
    while True:
        over = time.monotonic() >= until
        try:
            seen = await read()
        except NotReadyError:
            if over:
                raise
            last = None
        else:
            if over or seen == last:
                return seen == last, seen
            last = seen
        await asyncio.sleep(PAUSE)


async def _closed(run: RunDirectory) -> None:
    """Until the last draw has closed, if the load has ended before that: then it's drawn, whoever still listens."""
    closes = max((event.data["closes_at"] for event in run.events("draw", "opened")), default=0.0)
    await asyncio.sleep(min(SETTLE, max(0.0, closes - time.time())))


async def _copied(path: Path, target: Target, guard: Guard, before: Set[int], run: str) -> _Copy:
    copy = _Copy(path, before)
    try:
        await each_order(target, guard, copy.take, run=run)
    finally:
        copy.close()
    return copy


class _Copy:
    """The ledger's new orders in a file, however many there are. Two copies of the same orders are equal."""

    def __init__(self, path: Path, before: Set[int]) -> None:
        path.unlink(missing_ok=True)
        self._writer, self._before = LinesWriter[LedgerEntry](path), before
        self.count = self._together = 0

    def take(self, entry: LedgerEntry) -> None:
        if hash(entry.order_id) in self._before:
            return
        self.count, self._together = self.count + 1, self._together + hash((entry.order_id, entry.key))
        self._writer.add(entry)
        if self.count % BATCH == 0:
            self._writer.flush()

    def close(self) -> None:
        self._writer.flush()
        self._writer.close()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Copy) and (self.count, self._together) == (other.count, other._together)

    __hash__ = None  # type: ignore[assignment]  # it changes while it is made
