"""Bounds: how much may come in at a time, so that a flood costs a flood's sender more than it costs us."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

MOST_CONNECTIONS = 64
IDLE = 15.0
"""Seconds that a connection may take for the head of a request, or be open without one."""

BODY = 10.0
"""Seconds for a request's body."""

RATE, BURST = 20.0, 100.0
"""Messages a second, and at once. Alertmanager sends one for each group that changed."""


class Bucket:
    """So many a second, and so many at once. clock: seconds of a monotonic clock."""

    def __init__(self, rate: float = RATE, burst: float = BURST, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left, self._at = burst, clock()

    def take(self) -> bool:
        """Take one, if there is one."""
        now = self._clock()
        self._left, self._at = min(self._burst, self._left + (now - self._at) * self._rate), now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Connections:
    """The connections of one server: no more than so many, and none that dawdles. refused: called for each of those."""

    def __init__(self, server: web.Server, refused: Callable[[str], None], idle: float = IDLE) -> None:
        self._server, self._refused, self._idle = server, refused, idle
        self._busy = set[RequestHandler]()
        self._since = dict[RequestHandler, float]()

    def accept(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        if len(self._server.connections) >= MOST_CONNECTIONS:
            self._refused("too many connections")
            return _Hangup()
        handler = self._server()
        self._since[handler] = time.monotonic()
        return handler

    @contextlib.contextmanager
    def at_work(self, request: web.BaseRequest) -> Iterator[None]:
        """While the block lasts, the request's connection isn't idle."""
        self._busy.add(request.protocol)
        try:
            yield
        finally:
            self._busy.discard(request.protocol)
            self._since[request.protocol] = time.monotonic()

    async def watch(self) -> None:
        """Close what dawdles, until cancelled."""
        while True:
            await asyncio.sleep(self._idle / 10)
            for handler, since in list(self._since.items()):
                if handler not in self._busy and time.monotonic() - since > self._idle:
                    del self._since[handler]
                    if handler.transport is not None:
                        handler.transport.abort()


class _Hangup(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()
