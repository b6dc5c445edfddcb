"""A group-committing writer: many durable operations, one disk synchronisation.

Operations run on the event loop, where each takes microseconds; only the commit, which waits for the disk, goes to a
thread. (Whole transactions in a thread would fight the loop for the interpreter lock at every statement.) What
arrives during a commit forms the next batch. Operations take effect in the order of `submit`.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")
Operation = Callable[[sqlite3.Connection], Any]
BATCH = 256  # bounds how long one batch holds the event loop: some 10 ms


def connect(path: str, schema: str) -> sqlite3.Connection:
    """A connection in WAL mode that synchronises the disk at every commit."""
    # isolation_level None: transactions are begun here, not guessed by the driver.
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.executescript(schema)
    return db


class GroupCommit:
    """The one writer of a database. `observe(operations, seconds)` is called for every commit."""

    def __init__(self, db: sqlite3.Connection, observe: Callable[[int, float], None] = lambda *_: None) -> None:
        self._db = db
        self._observe = observe
        self._waiting: list[tuple[Operation, asyncio.Future[Any]]] = []
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1)

    def submit(self, operation: Callable[[sqlite3.Connection], Result]) -> "asyncio.Future[Result]":
        """A future of the operation's result, resolved once it is durable. A raised exception undoes the operation."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((operation, future))
        self._wake.set()
        return future

    async def run(self) -> None:
        """Commit for ever; cancel to end."""
        try:
            while True:
                await self._wake.wait()
                batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                if not self._waiting:
                    self._wake.clear()
                await self._settle(batch)
        finally:
            self._thread.shutdown()
            self._db.close()

    async def _settle(self, batch: list[tuple[Operation, "asyncio.Future[Any]"]]) -> None:
        try:
            results = await self._commit([operation for operation, _ in batch])
        except Exception as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if len(batch) == 1:
                if not batch[0][1].done():
                    batch[0][1].set_exception(error)
                return
            for one in batch:  # one bad operation must not fail its neighbours
                await self._settle([one])
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)

    async def _commit(self, operations: list[Operation]) -> list[Any]:
        started = time.perf_counter()
        self._db.execute("BEGIN IMMEDIATE")
        results = [operation(self._db) for operation in operations]
        await asyncio.get_running_loop().run_in_executor(self._thread, self._db.execute, "COMMIT")
        self._observe(len(operations), time.perf_counter() - started)
        return results
