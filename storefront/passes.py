"""Passes: whether the shop lets somebody into a room. Asked once for each start of the picture, unless told not to."""

import time

import aiohttp
from prometheus_client import Counter, Gauge

from storefront.beginning import log

PASSES = Counter("stream_passes_total", "Passes asked of the shop; late ones were given, too", ["outcome"])
GIVEN, LATE, FAILED = (PASSES.labels(outcome) for outcome in ("given", "late", "failed"))
ASKED = Gauge("stream_passes_asked", "1 while nobody is let in without a pass")
PATIENCE = 0.5  # seconds after which a pass is late
TIMEOUT = 5.0  # seconds


class Passes:
    """The edge's client of the shop. Without passes everybody is let in, those whom the shop has banned as well."""

    def __init__(self, shop: str) -> None:
        self._shop = shop
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self.ask(True)

    async def close(self) -> None:
        await self._session.close()

    @property
    def asked(self) -> bool:
        return self._asked

    def ask(self, asked: bool) -> None:
        """Whether the shop is asked from now on; who waits for a pass goes on waiting for it."""
        self._asked = asked
        ASKED.set(asked)

    async def given(self, room: str) -> bool:
        """Whether somebody may see the room's picture; not without an answer."""
        if not self._asked:
            return True
        started = time.perf_counter()
        try:
            async with self._session.get(f"{self._shop}/passes/{room}") as response:
                response.raise_for_status()
        except (aiohttp.ClientError, TimeoutError) as error:
            FAILED.inc()
            log.warning("no pass for %s: %s", room, error or type(error).__name__)
            return False
        (LATE if time.perf_counter() - started > PATIENCE else GIVEN).inc()
        return True
