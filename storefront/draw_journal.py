"""The journal of draws: entrants and winners, durable in the shop's own database.

Entries and the drawing are operations of one writer, in the order of their submission: an entry that was
acknowledged takes part, one that comes after the drawing is refused, and a draw is drawn once, kill or no kill.
"""

import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import SystemRandom
from typing import Any, ClassVar

from storefront.groupcommit import GroupCommit

SCHEMA = """
CREATE TABLE IF NOT EXISTS draws (
    draw_id TEXT PRIMARY KEY, prizes TEXT NOT NULL, opens_at REAL NOT NULL, closes_at REAL NOT NULL,
    room TEXT NOT NULL, opened_at REAL, drawn_at REAL);
CREATE TABLE IF NOT EXISTS entrants (
    draw_id TEXT NOT NULL, number INTEGER NOT NULL, user TEXT NOT NULL,
    PRIMARY KEY (draw_id, number), UNIQUE (draw_id, user)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS winners (
    draw_id TEXT NOT NULL, number INTEGER NOT NULL, user TEXT NOT NULL, prize TEXT NOT NULL,
    PRIMARY KEY (draw_id, number), UNIQUE (draw_id, user));
"""


@dataclass(slots=True)
class Draw:
    """A draw that takes entries from `opens_at` to `closes_at` (unix seconds), when its prizes are drawn."""

    draw_id: str
    prizes: list[str]
    opens_at: float
    closes_at: float
    room: str = "*"
    opened_at: float | None = None
    drawn_at: float | None = None

    def figures(self) -> dict[str, Any]:
        """What a draw is known by: registering it again with others is an error."""
        facts = {"draw_id": self.draw_id, "prizes": self.prizes, "room": self.room}
        return {**facts, "opens_at": self.opens_at, "closes_at": self.closes_at}


class DrawJournal:
    """Durable once awaited."""

    schema: ClassVar[str] = SCHEMA

    def __init__(self, db: sqlite3.Connection, writer: GroupCommit) -> None:
        self._db, self._writer = db, writer
        db.executescript(self.schema)

    def draws(self) -> list[Draw]:
        rows = self._db.execute(
            "SELECT draw_id, prizes, opens_at, closes_at, room, opened_at, drawn_at FROM draws ORDER BY rowid"
        )
        return [Draw(row[0], json.loads(row[1]), *row[2:]) for row in rows]

    def winners(self) -> Iterator[tuple[str, str, str]]:
        """Draw, user and prize of each winner of all draws."""
        yield from self._db.execute("SELECT draw_id, user, prize FROM winners ORDER BY rowid").fetchall()

    def entrants(self, draw_id: str) -> int:
        return _entrants(self._db, draw_id)

    async def add(self, draw: Draw) -> None:
        facts = (draw.draw_id, json.dumps(draw.prizes), draw.opens_at, draw.closes_at, draw.room)
        await self._run("INSERT INTO draws VALUES (?, ?, ?, ?, ?, NULL, NULL)", *facts)

    async def opened(self, draw: Draw) -> None:
        await self._run("UPDATE draws SET opened_at = ? WHERE draw_id = ?", draw.opened_at, draw.draw_id)

    async def enter(self, draw_id: str, user: str) -> bool | None:
        """Whether the entry is the user's first; None when the draw has been drawn."""
        return await self._writer.submit(lambda db: _enter(db, draw_id, user))

    async def draw(self, draw: Draw) -> list[tuple[str, str]]:
        """Draw the winners, unless they have been drawn; each with the prize."""
        return await self._writer.submit(lambda db: self._draw(db, draw))

    def _draw(self, db: sqlite3.Connection, draw: Draw) -> list[tuple[str, str]]:
        if db.execute("SELECT 1 FROM draws WHERE draw_id = ? AND drawn_at IS NULL", (draw.draw_id,)).fetchone():
            winners = self._pick(_entrants(db, draw.draw_id), len(draw.prizes))
            db.executemany(
                "INSERT INTO winners SELECT draw_id, ?, user, ? FROM entrants WHERE draw_id = ? AND number = ?",
                [(place, draw.prizes[place], draw.draw_id, number) for place, number in enumerate(winners)],
            )
            db.execute("UPDATE draws SET drawn_at = ? WHERE draw_id = ?", (time.time(), draw.draw_id))
        return db.execute("SELECT user, prize FROM winners WHERE draw_id = ?", (draw.draw_id,)).fetchall()

    def _pick(self, entrants: int, prizes: int) -> list[int]:
        """The numbers of as many entrants as there are prizes, if there are so many; each choice is as likely."""
        return SystemRandom().sample(range(entrants), min(prizes, entrants))

    async def _run(self, statement: str, *values: object) -> None:
        await self._writer.submit(lambda db: db.execute(statement, values))


def _entrants(db: sqlite3.Connection, draw_id: str) -> int:
    """How many there are; they are numbered from 0, so that winners are found without reading them all."""
    query = "SELECT coalesce(max(number), -1) + 1 FROM entrants WHERE draw_id = ?"
    return int(db.execute(query, (draw_id,)).fetchone()[0])


def _enter(db: sqlite3.Connection, draw_id: str, user: str) -> bool | None:
    if db.execute("SELECT 1 FROM entrants WHERE draw_id = ? AND user = ?", (draw_id, user)).fetchone():
        return False
    if db.execute("SELECT drawn_at FROM draws WHERE draw_id = ?", (draw_id,)).fetchone()[0] is not None:
        return None
    db.execute("INSERT INTO entrants VALUES (?, ?, ?)", (draw_id, _entrants(db, draw_id), user))
    return True
