"""Health: the address at which a component shows that it is there, its own `probe` or a path through its link."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from chaos.clients import plain_http
from flashcrowd.dial import pinned
from flashcrowd.documents import Model

if TYPE_CHECKING:
    from flashcrowd.components import Component
    from flashcrowd.guard import Guard

PATIENCE = 1.0
"""Seconds for one answer; one that takes longer counts as none."""

ON_END = 0.02
"""Seconds between two questions of those who ask on end."""

LONGEST_WATCH = 120.0
"""Seconds after which a watch for a gap ends by itself."""


class Health(Model):
    """A URL that was answered before the fault, in so many milliseconds; None when it wasn't."""

    url: str
    before_ms: float | None

    def __str__(self) -> str:
        return f"GET {self.url}"

    async def answer(self, patience: float | None = None) -> float:
        """Seconds to an answer; one of 500 or more is none, as proxies give for a server that isn't there.

        Raises:
            OSError: there was none; says why.
        """
        before = time.monotonic()
        status, reason, *_ = await plain_http.ask("GET", self.url, patience or self.patience)
        if status >= 500:
            raise OSError(f"{self} was answered with {status} {reason}".rstrip())
        return time.monotonic() - before

    @property
    def patience(self) -> float:
        """Seconds in which an answer must have come, by how long it took before."""
        return PATIENCE + 2 * (self.before_ms or 0.0) / 1000

    async def is_answered(self, within: float) -> float | None:
        """Ask on end until there is an answer; the seconds until then, None when there was none within the time."""
        start = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while True:
                    with contextlib.suppress(OSError):
                        await self.answer()
                        return time.monotonic() - start
                    await asyncio.sleep(ON_END)
        return None


class Gap:
    """A watch for the time in which a component isn't answered; it asks on end, from its start."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._began: float | None = None
        self._ended: float | None = None
        self._first = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def begun(self) -> None:
        """Until the first question has had its answer, or none."""
        await self._first.wait()

    @property
    def seen(self) -> bool:
        return self._began is not None

    @property
    def milliseconds(self) -> float | None:
        """From the first question that wasn't answered to the next answer, or until now; None without a gap."""
        if self._began is None:
            return None
        return round(1000 * ((self._ended or time.monotonic()) - self._began), 1)

    @property
    def is_over(self) -> bool:
        return self._ended is not None

    def end(self) -> None:
        self._task.cancel()

    async def _watch(self) -> None:
        until = time.monotonic() + LONGEST_WATCH
        while self._ended is None and time.monotonic() < until:
            asked = time.monotonic()
            try:
                await self._health.answer()
                self._ended = time.monotonic() if self.seen else None
            except OSError:
                self._began = self._began or asked
            self._first.set()
            await asyncio.sleep(ON_END)


async def look(component: Component, on: str, guard: Guard) -> Health | None:
    """A component's health as it is now; None when the target file has no address to ask.

    Raises:
        GuardError: the address may not be touched. NeedError: the link's proxy doesn't answer.
    """
    url = await _url(component, f"components.{on}", guard)
    if url is None:
        return None
    health = Health(url=url, before_ms=None)
    try:
        return Health(url=url, before_ms=round(1000 * await health.answer(5 * PATIENCE), 1))
    except OSError:
        return health


async def _url(component: Component, place: str, guard: Guard) -> str | None:
    if component.probe is not None:
        return await pinned(guard, component.probe, f"{place}.probe")
    link = component.link
    if link is None or link.probe is None:
        return None
    from chaos.clients.toxiproxy import Toxiproxy  # a tenth of a second, which who only heals needs not spend

    near = await Toxiproxy(await pinned(guard, link.toxiproxy, f"{place}.link.toxiproxy")).listener(link.proxy)
    guard.check_host(near.host, f"{place}.link.proxy")
    host = f"[{near.host}]" if ":" in near.host else near.host
    return f"http://{host}:{near.port}{link.probe}"
