"""The live service: chat and platform events over WebSocket. Started as `python -m storefront.live`.

Several processes share one port; what viewers say goes over the bus and comes back to every process, ours included.
"""

import asyncio
import json
import math
import re
import resource
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from prometheus_client import Counter, Gauge
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Route
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from storefront.bugs import planted
from storefront.channel import Channel
from storefront.house_rules import TOPIC, HouseRules
from storefront.moderation import Moderation
from storefront.rooms import Rooms, comment
from storefront.service import Health, answer, application, end, vital
from storefront.service import serve as serve_app
from storefront.settings import bug, count, port, read, seconds, tcp_address, variable

CONNECTIONS = Gauge("live_connections", "Viewers connected")
RECEIVED = Counter("live_messages_received_total", "Frames received from viewers")
MALFORMED = Counter("live_malformed_total", "Frames refused: not understood or out of turn")
REFUSED = Counter("live_refused_total", "Handshakes refused because the process is full")
SPARE = 200  # open files that are no viewers
ROOM = re.compile(r"/rooms/([A-Za-z0-9_.-]{1,64})\Z")
COMMENT = 500  # characters
FORBIDDEN = Counter("live_forbidden_total", "Comments with a forbidden phrase")


@dataclass(frozen=True)
class LiveSettings:
    chat_port: int = variable("LIVE_PORT", port)
    metrics_port: int = variable("LIVE_METRICS_PORT", port)
    admin_port: int = variable("LIVE_ADMIN_PORT", count, "0")  # of all live processes together
    flush: float = variable("LIVE_FLUSH", seconds, "0.5")
    most: int = variable("LIVE_MOST", count, "0")  # viewers; as many as there are files to open, if 0
    bus_in: str = variable("STOREFRONT_BUS_IN", tcp_address)
    bus_out: str = variable("STOREFRONT_BUS_OUT", tcp_address)
    bug: str = variable("STOREFRONT_BUG", bug, "")


@dataclass(slots=True)
class Visit:
    """A viewer in a room, as `user`; `said_at` by the monotonic clock."""

    viewer: ServerConnection
    room: str
    user: str
    said_at: float = -math.inf


class Live:
    """Viewers of this process, from handshake to goodbye."""

    def __init__(self, settings: LiveSettings) -> None:
        self._settings = settings
        self._rooms = Rooms()
        self._channel = Channel(settings.bus_in, settings.bus_out, ("chat/", "event/", TOPIC), self._hear)
        self._moderation = planted(settings.bug, Moderation)()
        self.rules = HouseRules(self._channel)

    async def listen(self) -> Server:
        return await serve(
            self._viewer,
            "127.0.0.1",
            self._settings.chat_port,
            process_request=partial(admit, most=self._settings.most or room_for(), again=self.rules.again),
            server_header=None,
            compression=None,
            ping_interval=None,
            close_timeout=0.3,
            max_size=8192,
            reuse_port=True,
            backlog=4096,
        )

    async def run(self, ready: Callable[[], None]) -> None:
        """Flush comments for ever; ready once a message has made the round over the bus."""
        await self._channel.settled()
        self.rules.ask()
        ready()
        while True:
            await asyncio.sleep(self._settings.flush)
            self._rooms.flush()

    async def goodbye(self, server: Server) -> None:
        broadcast(server.connections, '{"type":"bye"}')
        server.close(code=1001)
        with suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 0.4)
        self._channel.close()

    def _hear(self, topic: str, body: bytes) -> None:
        if topic.startswith(TOPIC):
            self.rules.hear(topic, body)
        else:
            self._rooms.hear(topic, body)

    async def _viewer(self, viewer: ServerConnection) -> None:
        visit = Visit(viewer, *identity(viewer.request))
        CONNECTIONS.inc()
        try:
            async for frame in viewer:
                RECEIVED.inc()
                if reply := self._handle(visit, frame):
                    await viewer.send(reply)
        except ConnectionClosed:
            pass  # viewers come and go without a goodbye
        finally:
            CONNECTIONS.dec()
            self._rooms.leave(visit.room, viewer)

    def _handle(self, visit: Visit, frame: str | bytes) -> str | None:
        """Act on a frame; what to reply, if anything."""
        message = parsed(frame)
        match message.get("type"):
            case "chat":
                return self._say(visit, spoken(message))
            case "join":
                self._rooms.join(visit.room, visit.viewer)
                return None
            case "ping":
                return '{"type":"pong"}'
        return malformed("frame not understood")

    def _say(self, visit: Visit, said: str) -> str | None:
        if not self._rooms.has(visit.room, visit.viewer):
            return malformed("join first")
        if not said:
            return malformed(f"text is not a string of 1 to {COMMENT} characters")
        if self._moderation.forbids(said):
            FORBIDDEN.inc()
            return refused("forbidden")
        now = time.monotonic()
        if wait := self.rules.wait(now - visit.said_at):
            return refused("slow_mode", retry_after=round(wait, 3))
        visit.said_at = now
        if not self.rules.samples(self._rooms.viewers(visit.room)):
            self._channel.publish(f"chat/{visit.room}", comment(visit.user, said))
        return None


def parsed(frame: str | bytes) -> dict[str, Any]:
    """The frame's JSON object; empty for anything else."""
    try:
        message = json.loads(frame) if isinstance(frame, str) else None
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def spoken(message: dict[str, Any]) -> str:
    """The comment's text; empty when there is none that can be delivered."""
    said = message.get("text")
    if not isinstance(said, str) or len(said) > COMMENT:
        return ""
    # JSON can escape half of a surrogate pair, which UTF-8 can't carry.
    return said.encode(errors="replace").decode()


def malformed(reason: str) -> str:
    MALFORMED.inc()
    return refused(reason)


def refused(reason: str, **facts: float) -> str:
    return json.dumps({"type": "error", "reason": reason, **facts})


def identity(request: Request | None) -> tuple[str, str]:
    """Room and user of a handshake; empty where it names none. The bearer's token is the user's name."""
    if request is None:
        return "", ""
    room = ROOM.match(request.path.partition("?")[0])
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return room[1] if room else "", token.strip() if scheme.lower() == "bearer" else ""


def room_for() -> int:
    """Viewers that this process can hold: each is an open file."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE


def admit(
    viewer: ServerConnection, request: Request, most: int, again: Callable[[], int] = lambda: 0
) -> Response | None:
    if len(viewer.server.handler_tasks) > most:
        # Said by a full process, instead of not accepting at all: the next attempt may reach another one.
        REFUSED.inc()
        refusal = viewer.respond(HTTPStatus.SERVICE_UNAVAILABLE, "this process is full, try again\n")
        if seconds := again():
            refusal.headers["Retry-After"] = str(seconds)
        return refusal
    room, user = identity(request)
    if not room:
        return viewer.respond(HTTPStatus.NOT_FOUND, "no such room\n")
    if not user:
        return viewer.respond(HTTPStatus.UNAUTHORIZED, "a bearer token is needed\n")
    return None


def app(settings: LiveSettings) -> Starlette:
    health = Health("live")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        live = Live(settings)
        app.router.routes[:0] = live.rules.routes()
        server = await live.listen()
        running = vital(live.run(health.ready))
        try:
            yield
        finally:
            await end(running)
            await live.goodbye(server)

    async def chat(_: HttpRequest) -> HttpResponse:
        return answer(200, {"url": f"ws://127.0.0.1:{settings.chat_port}"})

    return application(health, [Route("/admin/chat", chat)], lifespan)


def main() -> None:
    settings = read(LiveSettings)
    serve_app(lambda: app(settings), settings.metrics_port, settings.admin_port)


if __name__ == "__main__":
    main()
