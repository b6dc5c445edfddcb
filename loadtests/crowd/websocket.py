"""WebSocket: a viewer's connection to a chat, on the crowd's loop.

connecting ─► open ─► over        the listener hears `opened`, `message` for each, `lost` once; nothing after `close`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from websockets.uri import parse_uri

from loadtests.crowd.addresses import Address
from loadtests.crowd.connection import Connection
from loadtests.crowd.engine import Engine
from loadtests.crowd.errors import ConnectTimeoutError, ServerClosedError
from loadtests.crowd.tls import tls_context
from loadtests.crowd.wire import LARGEST, Wire

CONNECT = 10.0
"""Seconds for the connection and the handshake together."""


@dataclass(frozen=True, slots=True)
class WebSocketOptions:
    """How connections are made. largest: bytes of a message. compress: offer permessage-deflate."""

    timeout: float = CONNECT
    largest: int = LARGEST
    compress: bool = False


_PLAIN = WebSocketOptions()


class Listener(Protocol):
    """Who a WebSocket is for. Called in the hub: it must not wait."""

    def opened(self, at: float) -> None:
        """The handshake is done; `at`: unix seconds of its arrival."""

    def message(self, data: bytes, at: float) -> None:
        """A whole message; `at`: unix seconds of its arrival."""

    def lost(self, error: Exception) -> None: ...


class WebSocket:
    """A connection to a ws:// or wss:// address, whose host has these network addresses.

    Raises:
        InvalidURI: the address is none.
        ValueError: a header holds a line break.
    """

    __slots__ = ("_connection", "_engine", "_hello", "_listener", "_wire", "seconds")

    def __init__(
        self,
        engine: Engine,
        url: str,
        addresses: Sequence[Address],
        headers: Mapping[str, str],
        listener: Listener,
        options: WebSocketOptions = _PLAIN,
    ) -> None:
        uri = parse_uri(url)
        self._engine, self._listener, self.seconds = engine, listener, options.timeout
        self._wire = Wire(options.largest, options.compress)
        self._hello: bytes | None = self._wire.hello(uri, headers)
        engine.deadlines(options.timeout).add(self)
        self._connection = Connection(engine, addresses, self, (tls_context(), uri.host) if uri.secure else None)

    @property
    def open(self) -> bool:
        return self._wire.open and self._wire.over is None

    def send(self, message: str) -> None:
        """Send a text message. Raises OSError when the connection is over, or the server has stopped reading."""
        self._connection.send(self._wire.text(message.encode()))

    def close(self) -> None:
        """Say goodbye if that needs no waiting, and close. May be repeated."""
        self._engine.deadlines(self.seconds).discard(self)
        self._connection.close(self._wire.goodbye())

    def opened(self) -> None:
        """As `connection.Receiver`: there is a connection, now for the handshake."""
        assert self._hello is not None
        self._connection.send(self._hello)
        self._hello = None

    def received(self, data: memoryview, at: float) -> None:
        """As `connection.Receiver`."""
        wire, listener = self._wire, self._listener
        if wire.open:
            messages, answer = wire.feed(data)
        else:
            messages, answer = wire.feed(data)
            if wire.open:
                self._engine.deadlines(self.seconds).discard(self)
                listener.opened(at)
        for message in messages:
            listener.message(message, at)
        if answer and not self._connection.closed:
            self._connection.send(answer)
        if wire.over is not None and not self._connection.closed:
            self._connection.fail(wire.over)

    def lost(self, error: Exception) -> None:
        """As `connection.Receiver`."""
        if self._hello is None and not self._wire.open and isinstance(error, ServerClosedError):
            error = ServerClosedError("the server closed the connection during the handshake")
        self._engine.deadlines(self.seconds).discard(self)
        self._listener.lost(error)

    def expired(self) -> None:
        """As `timers.Expiring`: no connection in time."""
        self._connection.close()
        self._listener.lost(ConnectTimeoutError(f"no WebSocket within {self.seconds:g} s"))
