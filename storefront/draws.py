"""Draws: when each opens and closes, who has entered, and what everybody has won."""

import asyncio
import json
import time
from typing import Any

from prometheus_client import Counter

from storefront.channel import Channel
from storefront.draw_journal import Draw, DrawJournal
from storefront.service import vital

ENTRIES = Counter("shop_draw_entries_total", "Users that entered a draw")


class Draws:
    """Every draw opens and is drawn on time, or as soon as the shop lives again."""

    def __init__(self, channel: Channel, journal: DrawJournal) -> None:
        self._channel, self._journal = channel, journal
        self._known: dict[str, Draw] = {}
        self._won: dict[str, dict[str, str]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    def recover(self) -> None:
        """Take up the draws of an earlier life."""
        for draw_id, user, prize in self._journal.winners():
            self._won.setdefault(draw_id, {}).setdefault(user, prize)
        for draw in self._journal.draws():
            self._follow(draw)

    def get(self, draw_id: str) -> Draw | None:
        return self._known.get(draw_id)

    async def add(self, draw: Draw) -> None:
        self._known[draw.draw_id] = draw
        await self._journal.add(draw)
        self._follow(draw)

    async def enter(self, draw: Draw, user: str) -> bool | None:
        """Whether the entry, durable by now, is the user's first; None when the draw takes no entries."""
        if draw.opened_at is None:
            return None
        first = await self._journal.enter(draw.draw_id, user)
        ENTRIES.inc(bool(first))
        return first

    def result(self, draw: Draw, user: str) -> str | None:
        """The prize, once the draw is drawn."""
        return self._won.get(draw.draw_id, {}).get(user)

    def overview(self) -> list[dict[str, Any]]:
        """Every draw's figures."""
        return [
            {**draw.figures(), "entrants": self._journal.entrants(draw.draw_id), "drawn_at": draw.drawn_at}
            for draw in self._known.values()
        ]

    def ledger(self) -> list[dict[str, str]]:
        """The winners of all draws."""
        return [{"draw": draw_id, "user": user, "prize": prize} for draw_id, user, prize in self._journal.winners()]

    def tasks(self) -> list["asyncio.Task[None]"]:
        return list(self._running.values())

    def _follow(self, draw: Draw) -> None:
        self._known[draw.draw_id] = draw
        if draw.drawn_at is None:
            self._running[draw.draw_id] = vital(self._run(draw))

    async def _run(self, draw: Draw) -> None:
        if draw.opened_at is None:
            await _at(draw.opens_at)
            await self._open(draw)
        await _at(draw.closes_at)
        won: dict[str, str] = {}
        for user, prize in await self._journal.draw(draw):
            won.setdefault(user, prize)
        self._won[draw.draw_id], draw.drawn_at = won, time.time()
        self._tell(draw, {"type": "draw_drawn", "draw": draw.draw_id})
        self._running.pop(draw.draw_id, None)

    async def _open(self, draw: Draw) -> None:
        draw.opened_at = time.time()
        facts = {"draw": draw.draw_id, "prizes": len(draw.prizes), "closes_at": draw.closes_at}
        self._tell(draw, {"type": "draw_opened", **facts})
        await self._journal.opened(draw)

    def _tell(self, draw: Draw, event: dict[str, Any]) -> None:
        self._channel.publish(f"event/{draw.room}", json.dumps(event, separators=(",", ":")).encode())


async def _at(instant: float) -> None:
    # Timers have a resolution of a millisecond and follow another clock: ask again until it is time.
    while (wait := instant - time.time()) > 0:
        await asyncio.sleep(wait)
