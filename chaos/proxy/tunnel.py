"""Tunnel: one proxied connection, a client's socket and an upstream one with a link in each direction.

Half-close travels: the end of a direction is passed on behind its last byte, and the tunnel closes when both have
ended. A socket that breaks ends what it was sending; the other one is closed when it has got all of that. A toxic that
closes a direction closes the socket which that leads to, as Toxiproxy does, and the rest follows as if it had broken.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Iterable
from functools import partial
from typing import cast

from chaos.proxy.http.dialogue import Dialogue
from chaos.proxy.http.rules import RequestAttributes
from chaos.proxy.link import WRITE_LIMIT, Link
from chaos.proxy.toxic import STREAMS, Ending, Stream, Toxic

CONNECT_TIMEOUT = 10.0

NO_LINGER = struct.pack("ii", 1, 0)
"""For SO_LINGER: a close sends a reset, and forgets what is unsent (socket(7))."""


class End(asyncio.Protocol):
    """One socket of a tunnel.

    Between the connection and `start` it keeps what it gets: the loop may read once more before it can be stopped.
    """

    transport: asyncio.Transport

    def __init__(self, on_connected: Callable[[], None], on_lost: Callable[[End], None]) -> None:
        self._on_connected, self._on_lost = on_connected, on_lost
        self._reads: Link | None = None
        self._writes: Link | None = None
        self._early: list[bytes] = []
        self._early_end = False
        self.lost = False

    def start(self, reads: Link, writes: Link) -> None:
        """Begin: what this socket receives goes to `reads`; `writes` is the link that writes to it."""
        self._reads, self._writes = reads, writes
        self.transport.resume_reading()
        for data in self._early:
            reads.feed(data)
        self._early.clear()
        if self._early_end:
            reads.finish()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=WRITE_LIMIT)
        self._on_connected()

    def data_received(self, data: bytes) -> None:
        if self._reads is None:
            self._early.append(data)
            self.transport.pause_reading()
        else:
            self._reads.feed(data)

    def eof_received(self) -> bool:
        self._early_end = True
        if self._reads is not None:
            self._reads.finish()
        return True

    def pause_writing(self) -> None:
        if self._writes is not None:
            self._writes.stop_source()

    def resume_writing(self) -> None:
        if self._writes is not None:
            self._writes.balance()

    def reset(self) -> None:
        """Break the connection so that the other side gets a reset."""
        with contextlib.suppress(OSError):  # it is gone already
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._on_lost(self)


class Tunnel:
    """A client's connection and ours to `upstream` (host, port).

    toxics: what a stream's links start with. on_closed: called once, when nothing is left of the tunnel.
    client: the protocol of the accepted socket.
    """

    def __init__(
        self,
        upstream: tuple[str, int],
        toxics: Callable[[Stream], Iterable[Toxic]],
        on_closed: Callable[[Tunnel], None],
    ) -> None:
        self._address, self._toxics, self._on_closed = upstream, toxics, on_closed
        self.client = End(self._accepted, self._lost)
        self._server = End(lambda: None, self._lost)
        self._connecting: asyncio.Task[None] | None = None
        self.links: dict[Stream, Link] = {}
        self._dialogue: Dialogue | None = None

    def add(self, toxic: Toxic) -> None:
        """Apply a toxic to this connection, once its upstream is connected."""
        self._place(toxic).add(toxic)

    def update(self, toxic: Toxic) -> None:
        """Change a toxic; what it held goes on at once."""
        self._place(toxic).update(toxic)

    def remove(self, toxic: Toxic) -> None:
        """Take a toxic out; what it held goes on at once."""
        self._place(toxic).remove(toxic.name)

    def abort(self) -> None:
        """Close both sockets at once; what is on its way is lost."""
        if self._connecting is not None:
            self._connecting.cancel()
        for end in (self.client, self._server):
            if hasattr(end, "transport"):
                end.transport.abort()

    def _accepted(self) -> None:
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await loop.create_connection(lambda: self._server, *self._address)
        except OSError:  # TimeoutError is one
            self.client.transport.close()
            return
        self._connecting = None
        self._start()

    def _start(self) -> None:
        ends = (self.client, self._server)
        for stream, source, target in zip(STREAMS, ends, reversed(ends), strict=True):
            ended = partial(self._ended, target)
            self.links[stream] = Link(source.transport, target.transport, (), ended)
        self._dialogue = Dialogue(*self.links.values())
        for toxic in (toxic for stream in STREAMS for toxic in self._toxics(stream)):
            self.add(toxic)
        for stream, source, back in zip(STREAMS, ends, reversed(STREAMS), strict=True):
            source.start(self.links[stream], self.links[back])
        for end in ends:
            if end.lost:
                self._lost(end)

    def _place(self, toxic: Toxic) -> Link | Dialogue:
        """Where a toxic works: on the bytes of one direction, or on requests."""
        if isinstance(toxic.attributes, RequestAttributes):
            assert self._dialogue is not None
            return self._dialogue
        return self.links[toxic.stream]

    def _ended(self, target: End, ending: Ending) -> None:
        """A direction that leads to this socket has ended."""
        if ending is Ending.RESET:
            for end in (self.client, self._server):
                end.reset()
        elif ending is Ending.CLOSE:
            target.transport.close()
        self._close_when_all_ended()

    def _close_when_all_ended(self) -> None:
        if all(link.ended for link in self.links.values()):
            for end in (self.client, self._server):
                end.transport.close()

    def _lost(self, end: End) -> None:
        if self.links:
            sent, got = STREAMS if end is self.client else reversed(STREAMS)
            self.links[got].void()
            self.links[sent].finish()
            self._close_when_all_ended()
        elif end is self.client:
            self.abort()
        if self.client.lost and (self._server.lost or not hasattr(self._server, "transport")):
            self._on_closed(self)
