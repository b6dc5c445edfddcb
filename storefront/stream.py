"""The stream service, the edge that players talk to. Started as `python -m storefront.stream`.

It answers at once with what it has. When its origin falls silent the playlists stop growing: the picture stands still.
Only a start waits for somebody else: the shop has to give a pass.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from prometheus_client import Counter, Gauge
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from storefront import playlists
from storefront.feed import Feed
from storefront.passes import Passes
from storefront.renditions import SECONDS
from storefront.service import Health, InvalidError, answer, application, document, end, refusal, serve, vital
from storefront.settings import http_url, port, read, variable

REQUESTS = Counter("stream_requests_total", "Requests of players", ["kind", "status"])
FOUND = {kind: REQUESTS.labels(kind, "200") for kind in ("master", "media", "segment")}
BYTES = Counter("stream_bytes_total", "Bytes sent to players, headers not counted")
AGE = Gauge("stream_newest_segment_age_seconds", "Time since the end of the newest segment at hand")
PLAYLIST = "application/vnd.apple.mpegurl"
MASTER = playlists.master()


@dataclass(frozen=True)
class StreamSettings:
    port: int = variable("STREAM_PORT", port)
    main: str = variable("STREAM_MAIN_URL", http_url)
    backup: str = variable("STREAM_BACKUP_URL", http_url)
    shop: str = variable("STREAM_SHOP_URL", http_url)


class Stream:
    """The HTTP face of the feed and of who may see it. Made inside the event loop it lives on."""

    def __init__(self, feed: Feed, passes: Passes) -> None:
        self._feed, self._passes = feed, passes

    def routes(self) -> list[Route]:
        return [
            Route("/admin/origin", self.origin),
            Route("/admin/origin", self.switch, methods=["POST"]),
            Route("/admin/passes", self.passes),
            Route("/admin/passes", self.ask, methods=["POST"]),
            Route("/{room}/live.m3u8", self.master),
            Route("/{room}/{rendition}.m3u8", self.media),
            Route("/{room}/{rendition}/{number:int}.ts", self.segment),
        ]

    async def master(self, request: Request) -> Response:
        if not await self._passes.given(request.path_params["room"]):
            REQUESTS.labels("master", "503").inc()
            return refusal(503, "no pass")
        return _found("master", MASTER, PLAYLIST)

    async def media(self, request: Request) -> Response:
        return _found("media", self._feed.playlists.get(request.path_params["rendition"]), PLAYLIST)

    async def segment(self, request: Request) -> Response:
        found = self._feed.segment(request.path_params["rendition"], request.path_params["number"])
        return _found("segment", found, "video/mp2t")

    async def origin(self, _: Request) -> Response:
        return answer(200, {"origin": self._feed.origin})

    async def switch(self, request: Request) -> Response:
        try:
            self._feed.switch((await document(request)).get("origin", ""))
        except (KeyError, TypeError):
            raise InvalidError("origin is not main or backup") from None
        return await self.origin(request)

    async def passes(self, _: Request) -> Response:
        return answer(200, {"asked": self._passes.asked})

    async def ask(self, request: Request) -> Response:
        asked = (await document(request)).get("asked")
        if not isinstance(asked, bool):
            raise InvalidError("asked is not true or false")
        self._passes.ask(asked)
        return await self.passes(request)


def _found(kind: str, body: bytes | None, media_type: str) -> Response:
    if body is None:
        REQUESTS.labels(kind, "404").inc()
        return refusal(404, f"no such {kind}")
    FOUND[kind].inc()
    BYTES.inc(len(body))
    return Response(body, headers={"cache-control": "no-cache"}, media_type=media_type)


def app(settings: StreamSettings) -> Starlette:
    health = Health("stream")
    feed = Feed({"main": settings.main, "backup": settings.backup})

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        passes = Passes(settings.shop)
        app.router.routes[:0] = Stream(feed, passes).routes()
        fetching = vital(feed.run(health.ready))
        try:
            yield
        finally:
            await end(fetching)
            await passes.close()

    return application(health, [], lifespan, lambda: AGE.set(time.time() - (feed.newest + 1) * SECONDS))


def main() -> None:
    settings = read(StreamSettings)
    serve(lambda: app(settings), settings.port)


if __name__ == "__main__":
    main()
