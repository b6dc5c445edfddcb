"""The feed: segments fetched from an origin in the background, so that viewers never wait for one."""

import asyncio
from collections.abc import Callable, Mapping
from itertools import takewhile

import aiohttp
from prometheus_client import Counter, Gauge

from storefront import playlists
from storefront.beginning import log
from storefront.renditions import RENDITIONS

ORIGIN = Gauge("stream_origin", "1 for the origin in use", ["origin"])
FAILED = Counter("stream_origin_failures_total", "Fetches that an origin failed or left unanswered", ["origin"])
WINDOW = 10  # segments in a playlist
# A segment stays available as long as a playlist lasts that named it (RFC 8216, 6.2.2).
KEPT = 2 * WINDOW + 1
POLL = 0.1  # seconds
TIMEOUT = 0.5  # seconds; an origin that takes longer for a segment of one second would fall behind anyhow


class Feed:
    """The latest segments of every rendition, and the playlists that name them.

    All rooms show this one picture: what players do is the same, and no origin per room is needed.
    """

    def __init__(self, origins: Mapping[str, str]) -> None:
        self._origins = origins
        self._segments: dict[int, dict[str, bytes]] = {}
        self.playlists: dict[str, bytes] = {}
        self.newest = 0
        self.switch("main")

    def switch(self, origin: str) -> None:
        """Fetch from another origin from now on; KeyError for one that there isn't."""
        self._url, self.origin = self._origins[origin], origin
        for name in self._origins:
            ORIGIN.labels(name).set(name == origin)

    def segment(self, rendition: str, number: int) -> bytes | None:
        return self._segments.get(number, {}).get(rendition)

    async def run(self, ready: Callable[[], None]) -> None:
        """Fetch for ever; ready once there is a picture."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
            while True:
                origin = self.origin
                try:
                    await self._advance(session, self._url)
                    ready()
                except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                    FAILED.labels(origin).inc()
                    log.warning("origin %s: %s", origin, error or type(error).__name__)
                await asyncio.sleep(POLL)

    async def _advance(self, session: aiohttp.ClientSession, url: str) -> None:
        """Fetch what has come since; after a long stall only what a playlist names."""
        async with session.get(f"{url}/newest") as response:
            newest = int((await response.json())["newest"])
        names = [rendition.name for rendition in RENDITIONS]
        try:
            for number in range(max(self.newest + 1, newest - WINDOW + 1), newest + 1):
                found = await asyncio.gather(*(_fetch(session, f"{url}/{name}/{number}.ts") for name in names))
                self._segments[number], self.newest = dict(zip(names, found, strict=True)), number
        finally:
            self._publish()

    def _publish(self) -> None:
        """Name the latest segments that are consecutive, and forget the oldest."""
        for old in [known for known in self._segments if known <= self.newest - KEPT]:
            del self._segments[old]
        numbers = list(takewhile(self._segments.__contains__, range(self.newest, self.newest - WINDOW, -1)))[::-1]
        self.playlists = {rendition.name: playlists.media(rendition, numbers) for rendition in RENDITIONS}


async def _fetch(session: aiohttp.ClientSession, url: str) -> bytes:
    async with session.get(url) as response:
        response.raise_for_status()
        return await response.read()
