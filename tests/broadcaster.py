"""A small real broadcaster: an HLS stream that can stand still, which notes what it gave to whom; and an events API."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from flashcrowd.process import free_port
from flashcrowd.target import Target

SIZES = {"low": 20_000, "high": 60_000}
"""Bytes of a segment of one second."""


@dataclass
class Served:
    """A segment that one viewer got. at: when its last byte was given to the kernel."""

    at: float
    number: int
    rendition: str


class Broadcaster:
    """Segments of one second, begun ten seconds before it was made; `freeze` makes it stand still for a while.

    delay: seconds from an event's arrival until it is visible; None is never. misbehave: gets a path, gives a status.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.began = time.time() - 10.0
        self.frozen_at = self.frozen_for = 0.0
        self.served: dict[str, list[Served]] = defaultdict(list)
        self.headers: list[dict[str, str]] = []
        self.told: list[str] = []
        self.events: dict[str, tuple[dict[str, Any], float]] = {}
        self.batches: list[int] = []
        self.delay: float | None = 0.3
        self.misbehave: Callable[[str], int] = lambda path: 0
        self.abroad = ""

    def freeze(self, seconds: float) -> None:
        """Make no segment for so many seconds, and then go on where it stopped."""
        self.frozen_at, self.frozen_for = time.time(), seconds

    def made(self, now: float) -> int:
        """How many segments there are."""
        frozen = min(max(0.0, now - self.frozen_at), self.frozen_for) if self.frozen_at else 0.0
        return int(now - self.began - frozen)

    def available_at(self, number: int) -> float:
        """When this segment appears in the playlist, by the clock of the encoder."""
        at = self.began + number + 1
        return at + self.frozen_for if self.frozen_at and at > self.frozen_at else at

    async def master(self, request: web.Request) -> web.Response:
        lines = ["#EXTM3U"]
        for name, size in SIZES.items():
            lines += [f"#EXT-X-STREAM-INF:BANDWIDTH={size * 8}", f"{name}.m3u8"]
        return self.answer(request, "\n".join(lines))

    async def media(self, request: web.Request) -> web.Response:
        end = self.made(time.time())
        lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", f"#EXT-X-MEDIA-SEQUENCE:{end - 6}"]
        for number in range(end - 6, end):
            at = datetime.fromtimestamp(self.available_at(number) - 1.0, UTC).isoformat()
            uri = f"{self.abroad}{request.match_info['rendition']}/{number}.ts"
            lines += [f"#EXT-X-PROGRAM-DATE-TIME:{at}", "#EXTINF:1.0,", uri]
        return self.answer(request, "\n".join(lines))

    async def segment(self, request: web.Request) -> web.StreamResponse:
        rendition, number = request.match_info["rendition"], int(request.match_info["number"])
        if number >= self.made(time.time()):
            return web.Response(status=404)
        answer = self.answer(request, "x" * SIZES[rendition])
        await answer.prepare(request)
        await answer.write_eof()
        if answer.status == 200:
            user = request.headers["Authorization"].removeprefix("Bearer ")
            self.served[user].append(Served(time.time(), number, rendition))
        return answer

    async def take(self, request: web.Request) -> web.Response:
        answer = self.answer(request, "", status=202)
        batch = (await request.json())["events"]
        self.batches.append(len(batch))
        if answer.status == 202:
            for event in batch:
                self.events.setdefault(event["id"], (event, time.time()))
        return answer

    async def visible(self, request: web.Request) -> web.Response:
        found = self.events.get(request.match_info["id"])
        if found is None or self.delay is None or time.time() < found[1] + self.delay:
            return self.answer(request, "", status=404)
        self.told.append(request.path)
        return web.json_response({"visible_at": found[1] + self.delay})

    def answer(self, request: web.Request, text: str, status: int = 200) -> web.Response:
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        return web.Response(text=text, status=self.misbehave(request.path) or status)

    def target(self, **events: object) -> Target:
        url = f"http://127.0.0.1:{self.port}"
        return Target.model_validate(
            {
                "metadata": {"name": "broadcaster"},
                "spec": {
                    "environment": "test",
                    "allow_hosts": ["127.0.0.1"],
                    "max_viewers": 1000,
                    "mark": {"headers": {"x-scene-id": "${run}"}},
                    "identities": {"generate": 1000},
                    "stream": {
                        "playlist": url + "/${room}/live.m3u8",
                        "headers": {"Authorization": "Bearer ${identity.token}"},
                    },
                    "events": {"url": f"{url}/events", "wrap": "events", "visible": "/events/${event}", **events},
                },
            }
        )


@dataclass
class Truth:
    """What one viewer must have seen, by what the server gave to it.

    Playing is a queue: a segment that comes after the last one has been played out was missing for so long (Lindley's
    recursion). `stalled`: seconds until segments were given. `stood`: seconds until they could have been had.
    """

    stalled: float = 0.0
    stood: float = 0.0
    dry: float = field(default=float("inf"))

    @classmethod
    def of(cls, served: list[Served], available_at: Callable[[int], float]) -> Truth:
        one = cls(dry=served[0].at)
        for piece in served:
            if piece.at > one.dry:
                one.stalled += piece.at - one.dry
                one.stood += max(0.0, available_at(piece.number) - one.dry)
            one.dry = max(one.dry, piece.at) + 1.0
        return one


@asynccontextmanager
async def broadcasting() -> AsyncIterator[Broadcaster]:
    """One that runs."""
    one = Broadcaster()
    app = web.Application()
    app.add_routes(
        [
            web.get("/{room}/live.m3u8", one.master),
            web.get("/{room}/{rendition}.m3u8", one.media),
            web.get("/{room}/{rendition}/{number}.ts", one.segment),
            web.post("/events", one.take),
            web.get("/events/{id}", one.visible),
        ]
    )
    site = web.AppRunner(app, shutdown_timeout=0.1)
    await site.setup()
    await web.TCPSite(site, "127.0.0.1", one.port).start()
    yield one
    await site.cleanup()


async def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
