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

LOOKS = 10
"""At each connection, while that time passes."""

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
        self._open = dict[asyncio.BaseProtocol, _Connection]()

    def accept(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return _Connection(self._server(), self)

    def enter(self, connection: _Connection) -> bool:
        """Whether there is room for one more."""
        if len(self._open) >= MOST_CONNECTIONS:
            self._refused("too many connections")
            return False
        self._open[connection.inner] = connection
        return True

    def leave(self, connection: _Connection) -> None:
        self._open.pop(connection.inner, None)

    @contextlib.contextmanager
    def at_work(self, request: web.BaseRequest) -> Iterator[None]:
        """While the block lasts, the request's connection isn't idle."""
        connection = self._open.get(request.protocol)
        if connection is not None:
            connection.busy = True
        try:
            yield
        finally:
            if connection is not None:
                connection.busy, connection.age = False, 0

    async def watch(self) -> None:
        """Close what dawdles, until cancelled. Age counts in looks: while we are held up, nobody else is to blame."""
        while True:
            await asyncio.sleep(self._idle / LOOKS)
            for connection in list(self._open.values()):
                connection.age += 0 if connection.busy else 1
                if connection.age > LOOKS and connection.transport is not None:
                    connection.transport.abort()


class _Connection(asyncio.Protocol):
    """One connection, counted; all that happens to it is passed on to aiohttp's own protocol."""

    def __init__(self, inner: RequestHandler, among: Connections) -> None:
        self.inner, self._among = inner, among
        self.transport: asyncio.Transport | None = None
        self.busy, self.age = False, 0
        self._entered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self._entered = transport, self._among.enter(self)
        if self._entered:
            self.inner.connection_made(transport)
        else:
            transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._entered:
            self._among.leave(self)
            self.inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._entered:
            self.inner.data_received(data)

    def eof_received(self) -> bool | None:
        if self._entered:
            self.inner.eof_received()
        return False

    def pause_writing(self) -> None:
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        self.inner.resume_writing()
