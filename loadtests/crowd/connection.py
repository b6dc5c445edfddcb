"""Connection: one TCP connection of the crowd, with TLS or without, whose bytes carry the kernel's time of arrival.

    connecting ─► (shaking hands, TLS) ─► open ─► closed        its receiver hears `opened`, `received`, `lost`, in
         └────────────────┴──── lost ──────┴────►               this order; nothing after `close`, or after `lost`

On Linux the kernel stamps what it receives (SO_TIMESTAMPNS, socket(7)), so that an answer ends when it arrived,
however late a busy generator reads it. One read has one stamp, that of its last segment: where several messages of one
connection waited together, all of them get the last one's time. Elsewhere, and for the first segments after stamping
was switched on, the time of the read must do; the engine counts those reads.
"""

from __future__ import annotations

import _socket  # the bare socket: gevent's and the standard library's cost twice as much memory
import contextlib
import errno
import os
import ssl
import struct
import sys
import time
from collections.abc import Sequence
from socket import IPPROTO_TCP, SO_ERROR, SOCK_STREAM, SOL_SOCKET, TCP_NODELAY
from typing import Protocol

from loadtests.crowd.addresses import Address
from loadtests.crowd.engine import IN, OUT, Engine
from loadtests.crowd.errors import BackPressureError, ServerClosedError
from loadtests.crowd.tls import TlsSession

MOST_WAITING = 2**20
"""Bytes that may wait to be sent, 1 MiB: more than any viewer says; beyond it the server has stopped reading."""

_STAMPING = 35
"""SO_TIMESTAMPNS of asm-generic/socket.h, which the socket module doesn't name."""

_STAMP = struct.Struct("qq")
_LINUX = sys.platform == "linux"
_BUSY = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY)


class Receiver(Protocol):
    """Who a connection is for. Called in the hub: it must not wait."""

    def opened(self) -> None: ...
    def received(self, data: memoryview, at: float) -> None:
        """`data` is good during the call only; `at`: unix seconds of its arrival."""

    def lost(self, error: Exception) -> None: ...


class Connection:
    """A connection to the first of the addresses that takes it. Never raises of the network: the receiver hears of it.

    tls: speak TLS, to a server of this name.
    """

    __slots__ = ("_addresses", "_engine", "_events", "_out", "_receiver", "_socket", "_tls", "is_open")

    def __init__(
        self,
        engine: Engine,
        addresses: Sequence[Address],
        receiver: Receiver,
        tls: tuple[ssl.SSLContext, str] | None = None,
    ) -> None:
        self._engine, self._receiver = engine, receiver
        self._addresses: list[Address] | None = list(addresses)
        self._tls = TlsSession(*tls) if tls is not None else None
        self._socket: _socket.socket | None = None
        self._out: bytearray | None = None
        self._events, self.is_open = 0, False
        self._connect_to_next(OSError(errno.EADDRNOTAVAIL, "there is no address to connect to"))

    @property
    def closed(self) -> bool:
        return self._socket is None

    def send(self, data: bytes) -> None:
        """Send, now or as soon as the server reads.

        Raises:
            BackPressureError: too much waits already; the connection is of no use any more.
            OSError: the connection is closed, or the kernel says that it is broken.
        """
        if not self.is_open:
            raise ServerClosedError("the connection is not open")
        self._write(data if self._tls is None else self._tls.encrypt(data))

    def close(self, farewell: bytes = b"") -> None:
        """Close at once, and send a farewell if that needs no waiting. May be repeated."""
        self._addresses = None
        if self._socket is not None:
            if farewell and self.is_open and not self._out:
                with contextlib.suppress(OSError):
                    self._socket.send(farewell if self._tls is None else self._tls.encrypt(farewell))
            self._drop()

    def ready(self, events: int) -> None:
        """As `engine.Watched`."""
        if events == IN and self.is_open:
            self._read()
            return
        if self._addresses is not None:
            self._finish_connect()
            return
        if events & OUT:
            self._flush()
        if events & ~OUT and self._socket is not None:
            self._read()

    def fail(self, error: Exception) -> None:
        """End the connection for this reason."""
        if self._socket is not None:
            self._drop()
            self._receiver.lost(error)

    def _connect_to_next(self, error: Exception) -> None:
        while self._addresses:
            family, address = self._addresses.pop(0)
            try:
                made = self._socket = _socket.socket(family, SOCK_STREAM)
                made.setblocking(False)
                made.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
                if _LINUX:
                    made.setsockopt(SOL_SOCKET, _STAMPING, 1)
                self._engine.sources.bind(made, family, address[0])
                code = made.connect_ex(address)
                if code in (0, *_BUSY):
                    self._events = OUT
                    self._engine.watch(made.fileno(), self, OUT)
                    return
                error = OSError(code, os.strerror(code))
            except OSError as failure:
                error = failure
            self._drop()
        last = error
        self._engine.call(lambda: self._give_up(last))

    def _give_up(self, error: Exception) -> None:
        if self._addresses is not None:  # nobody has closed it meanwhile
            self._addresses = None
            self._receiver.lost(error)

    def _finish_connect(self) -> None:
        assert self._socket is not None
        if code := self._socket.getsockopt(SOL_SOCKET, SO_ERROR):
            error = OSError(code, os.strerror(code))
            if not self._addresses:
                self.fail(error)
            else:
                self._drop()
                self._connect_to_next(error)
            return
        self._addresses = None
        self._look_for(IN)
        if self._tls is None:
            self._open()
        else:
            self._shake()

    def _open(self) -> None:
        self.is_open = True
        self._receiver.opened()

    def _shake(self) -> None:
        assert self._tls is not None
        try:
            done = self._tls.shake()
        except (ssl.SSLError, ssl.CertificateError) as error:
            self._send_rest()
            self.fail(error)
            return
        self._send_rest()
        if done and self._socket is not None:
            self._open()

    def _send_rest(self) -> None:
        """What TLS has to say by itself: handshakes, alerts."""
        assert self._tls is not None
        if data := self._tls.outgoing.read():
            try:
                self._write(data)
            except OSError as error:
                self.fail(error)

    def _read(self) -> None:
        engine = self._engine
        assert self._socket is not None
        try:
            size, control, _, _ = self._socket.recvmsg_into(engine.buffers, 64)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.fail(error)
            return
        if size == 0:
            self.fail(ServerClosedError("the server closed the connection"))
            return
        at = now = time.time()
        engine.reads += 1
        if control and len(control[0][2]) >= _STAMP.size:
            seconds, nanos = _STAMP.unpack_from(control[0][2])
            at = seconds + nanos * 1e-9  # when the data arrived; until now it has waited for us
            engine.read_lags.append(now - at if now > at else 0.0)
        else:
            engine.unstamped += 1
        if self._tls is None:
            self._receiver.received(engine.view[:size], at)
        else:
            self._decrypt(self._tls, size, at)

    def _decrypt(self, tls: TlsSession, size: int, at: float) -> None:
        tls.incoming.write(self._engine.view[:size])
        if not self.is_open:
            self._shake()
        try:
            while self.is_open and (data := tls.decrypt()):
                self._receiver.received(memoryview(data), at)
        except ssl.SSLZeroReturnError:
            self.fail(ServerClosedError("the server closed the connection"))
        except ssl.SSLError as error:
            self.fail(error)
        if self._socket is not None:
            self._send_rest()

    def _write(self, data: bytes) -> None:
        assert self._socket is not None
        if self._out:
            if len(self._out) + len(data) > MOST_WAITING:
                raise BackPressureError(f"{len(self._out)} bytes wait to be sent; the server has stopped reading")
            self._out += data
            return
        try:
            sent = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        if sent < len(data):
            self._out = bytearray(data[sent:])
            self._look_for(IN | OUT)

    def _flush(self) -> None:
        if not self._out or self._socket is None:
            return
        try:
            sent = self._socket.send(self._out)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.fail(error)
            return
        del self._out[:sent]
        if not self._out:
            self._out = None
            self._look_for(IN)

    def _look_for(self, events: int) -> None:
        if events != self._events and self._socket is not None:
            self._events = events
            self._engine.rewatch(self._socket.fileno(), events)

    def _drop(self) -> None:
        if self._socket is not None:
            self._engine.forget(self._socket.fileno())
            self._socket.close()
        self._socket, self._out, self.is_open = None, None, False
