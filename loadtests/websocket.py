"""WebSocket: one connection on a gevent socket, spoken through websockets' Sans-I/O protocol.

One greenlet reads; any may send. Whoever finds the socket free sends what all have queued, so that frames never mix.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from functools import cache

import gevent  # type: ignore[import-untyped]
from gevent import socket as gsocket
from gevent import ssl as gssl
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import WebSocketURI, parse_uri

_LOGGER = logging.getLogger("loadtests.websocket")
_LOGGER.setLevel(logging.WARNING)
_READ = 16_384
_LARGEST = 2**20
_DATA = frozenset({Opcode.TEXT, Opcode.BINARY, Opcode.CONT})


class ConnectionLostError(OSError):
    """The connection is closed, by the server or by the network."""


class WebSocket:
    """An open connection.

    Raises:
        OSError: the server can't be reached, or not within the timeout (seconds).
        InvalidHandshake: it answered, but not with a WebSocket.
    """

    __slots__ = ("_parts", "_protocol", "_sending", "_socket")

    def __init__(self, url: str, headers: Mapping[str, str], timeout: float = 10.0) -> None:
        uri = parse_uri(url)
        self._protocol = ClientProtocol(uri, max_size=_LARGEST, logger=_LOGGER)
        self._sending, self._parts = False, list[bytes]()
        with gevent.Timeout(timeout, TimeoutError(f"no WebSocket within {timeout:g} s")):
            self._socket = _connect(uri)
            try:
                self._shake(headers)
            except BaseException:
                self._socket.close()
                raise

    def _shake(self, headers: Mapping[str, str]) -> None:
        request = self._protocol.connect()
        for name, value in headers.items():
            request.headers[name] = value
        self._protocol.send_request(request)
        self._flush()
        while self._protocol.state is State.CONNECTING and self._protocol.handshake_exc is None:
            self._feed(self._socket.recv(_READ))
        if self._protocol.handshake_exc is not None:
            raise self._protocol.handshake_exc
        if self._protocol.state is State.CONNECTING:
            raise InvalidHandshake("the server hung up during the handshake")

    def receive(self) -> list[bytes]:
        """Wait for data; the whole messages in it, perhaps none.

        Raises:
            ConnectionLostError: the connection is over.
        """
        if self._protocol.state is not State.OPEN and not self._protocol.events:
            raise ConnectionLostError(f"connection lost: {self._protocol.close_code or 1006}")
        if not self._protocol.events:
            try:
                self._feed(self._socket.recv(_READ))
            except OSError as error:
                raise ConnectionLostError(f"connection lost: {error}") from None
        return [
            message
            for event in self._protocol.events_received()
            if isinstance(event, Frame) and event.opcode in _DATA
            for message in self._whole(event)
        ]

    def send(self, text: str) -> None:
        """Send a text message. Raises ConnectionLostError when the connection is over."""
        if self._protocol.state is not State.OPEN:
            raise ConnectionLostError("not connected")
        self._protocol.send_text(text.encode())
        try:
            self._flush()
        except OSError as error:
            raise ConnectionLostError(f"connection lost: {error}") from None

    def close(self) -> None:
        """Say goodbye if that needs no waiting, and close."""
        if self._protocol.state is State.OPEN and not self._sending:
            self._protocol.send_close(1000)
            farewell = b"".join(self._protocol.data_to_send())
            try:
                self._socket.settimeout(0.0)
                self._socket.send(farewell)
            except OSError:
                pass
        self._socket.close()

    def _feed(self, data: bytes) -> None:
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        if self._protocol.writes:
            self._flush()

    def _flush(self) -> None:
        """Send what is queued; if another greenlet is sending, it takes ours along."""
        if self._sending:
            return
        self._sending = True
        try:
            while data := b"".join(self._protocol.data_to_send()):
                self._socket.sendall(data)
        finally:
            self._sending = False

    def _whole(self, frame: Frame) -> list[bytes]:
        """The message that this frame completes, if it does."""
        if frame.fin and not self._parts:
            return [bytes(frame.data)]
        self._parts.append(bytes(frame.data))
        if not frame.fin:
            return []
        message, self._parts = b"".join(self._parts), []
        return [message]


def _connect(uri: WebSocketURI) -> gsocket.socket:
    connection = gsocket.create_connection((uri.host, uri.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not uri.secure:
        return connection
    try:
        return _tls().wrap_socket(connection, server_hostname=uri.host)
    except BaseException:
        connection.close()
        raise


@cache
def _tls() -> gssl.SSLContext:
    return gssl.create_default_context()


__all__ = ["ConnectionLostError", "InvalidHandshake", "WebSocket"]
