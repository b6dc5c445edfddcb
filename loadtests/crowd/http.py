"""HTTP: requests in blocking style, each in a lane that waits, over connections of the crowd's loop.

Connections are kept alive: `shared` by all viewers (as many as requests are under way), `own` by each viewer, or
`fresh` for each request. One carries one request at a time. Redirects are not followed, and nothing is repeated.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from loadtests.crowd.addresses import Address
from loadtests.crowd.answer import LARGEST, Answer, AnswerReader
from loadtests.crowd.connection import Connection
from loadtests.crowd.engine import Engine
from loadtests.crowd.errors import AnswerTimeoutError, ConnectTimeoutError, ServerClosedError
from loadtests.crowd.tls import tls_context
from loadtests.crowd.waiter import Waiter

Keeping = Literal["shared", "own", "fresh"]

MOST = 16_384
"""Connections of a process to one server; requests beyond it wait for one, and the wait counts as response time."""


class HttpClient:
    """A server as all viewers of this process use it.

    url: http:// or https://, of which scheme, host and port count. timeout: seconds from asking to the whole answer.
    largest: bytes of an answer.

    Raises:
        ValueError: the address is none.
    """

    def __init__(
        self,
        engine: Engine,
        url: str,
        keeping: Keeping = "shared",
        timeout: float = 5.0,
        most: int = MOST,
        largest: int = LARGEST,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url} is no address of a web server; write it like http://127.0.0.1:8000")
        self.engine, self.largest, self.most = engine, largest, most
        self.tls = (tls_context(), parts.hostname) if parts.scheme == "https" else None
        self.deadlines = engine.deadlines(timeout)
        self.connections = 0
        self._server = (parts.hostname, parts.port or (443 if self.tls else 80))
        self.host = parts.netloc.rpartition("@")[2]
        self._keeping: Keeping = keeping
        self._idle: Connections = {}
        self._queue = deque[Waiter[None]]()
        self._addresses: list[Address] = []

    def viewer(self) -> Connections:
        """Where a viewer keeps its connection, with `own`."""
        return self._idle if self._keeping == "shared" else {}

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        kept: Connections | None = None,
        asked: float | None = None,
        discard: bool = False,
    ) -> Answer:
        """Send a request and wait for its answer.

        kept: the viewer's connections (`viewer()`). asked: when the viewer wanted it, unix seconds; now, if not given.
        discard: the body is counted, not kept.

        Raises:
            ValueError: a header or the path holds a line break.
            OSError: there was no answer; `crowd.errors` tells the reasons apart.
        """
        return self.exchange(self.write(method, path, headers, body), kept, asked, method == "HEAD", discard)

    def exchange(
        self,
        request: bytes,
        kept: Connections | None = None,
        asked: float | None = None,
        bodyless: bool = False,
        discard: bool = False,
    ) -> Answer:
        """As `request`, of one that `write` has written. bodyless: its answer has no body, as one to HEAD."""
        if asked is None:
            asked = time.time()
        if kept is None:
            kept = self._idle
        carrier = self._take(kept)
        try:
            answer = carrier.carry(request, bodyless, asked, discard)
        except BaseException:
            carrier.close()
            raise
        if carrier.reusable and self._keeping != "fresh":
            self._give_back(carrier, kept)
        else:
            carrier.close()
        return answer

    def drop(self, kept: Connections) -> None:
        """Close the connections that one viewer alone has kept."""
        if kept is not self._idle:
            for carrier in list(kept):
                carrier.close()

    def left(self, carrier: _Carrier) -> None:
        """A connection has ended, and left its place to another."""
        self.connections -= 1
        if carrier.kept is not None:
            carrier.kept.pop(carrier, None)
        if self._queue:
            self._queue.popleft().set(None)

    def addresses(self) -> list[Address]:
        """The server's addresses, looked up once. Raises OSError when there are none."""
        if not self._addresses:
            self._addresses = self.engine.resolve(*self._server)
        return self._addresses

    def write(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
        """The bytes of a request. Raises ValueError when a header or the path holds a line break."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", *map(": ".join, headers.items())]
        if body or method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join(lines)
        if head.count("\n") >= len(lines) or head.count("\r") >= len(lines):
            raise ValueError(f"the request {method} {path!r} holds a line break; a target file's variable brought it")
        return head.encode("latin-1", "replace") + b"\r\n\r\n" + body

    def _take(self, kept: Connections) -> _Carrier:
        while True:
            if kept:
                carrier, _ = kept.popitem()
                carrier.kept = None
                return carrier
            if self.connections < self.most:
                self.connections += 1
                return _Carrier(self)
            waiter: Waiter[None] = Waiter(self.engine)
            self._queue.append(waiter)
            waiter.wait()

    def _give_back(self, carrier: _Carrier, kept: Connections) -> None:
        carrier.kept = kept
        kept[carrier] = None
        if self._queue and kept is self._idle:
            self._queue.popleft().set(None)


class _Carrier:
    """A connection that carries requests, one at a time."""

    __slots__ = ("_client", "_connection", "_reader", "_request", "_sent", "_waiter", "kept", "reusable")

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._connection: Connection | None = None
        self._reader = AnswerReader(client.largest)
        self._request, self._sent = b"", 0.0
        self._waiter: Waiter[float] | None = None
        self.kept: Connections | None = None
        self.reusable = False

    def carry(self, request: bytes, bodyless: bool, asked: float, discard: bool = False) -> Answer:
        """Send, and wait in the current lane. Raises OSError without an answer."""
        client, reader = self._client, self._reader
        waiter: Waiter[float] = Waiter(client.engine)
        self._waiter = waiter
        self._sent = 0.0
        reader.expect(bodyless, discard)
        client.deadlines.add(self)
        try:
            if self._connection is None:
                self._request, addresses = request, client.addresses()
                client.engine.call(lambda: self._connect(addresses))  # once all have started who are to start now
            else:
                self._send(request)
            arrived = waiter.wait()
        finally:
            self._waiter = None
            client.deadlines.discard(self)
        return Answer(reader.status, reader.body, reader.headers, asked, self._sent, arrived, reader.size)

    def _connect(self, addresses: list[Address]) -> None:
        if self._waiter is not None and self._connection is None:  # it may have been given up meanwhile
            self._connection = Connection(self._client.engine, addresses, self, self._client.tls)

    def close(self) -> None:
        """Close, and make room for another. May be repeated."""
        if self._client is not None:
            client, self._client = self._client, None  # type: ignore[assignment]
            if self._connection is not None:
                self._connection.close()
            self._reader.release()
            client.left(self)

    def opened(self) -> None:
        """As `connection.Receiver`."""
        request, self._request = self._request, b""
        try:
            self._send(request)
        except OSError as error:
            self.lost(error)

    def received(self, data: memoryview, at: float) -> None:
        """As `connection.Receiver`."""
        reader = self._reader
        try:
            reader.feed(data)
        except OSError as error:
            self.lost(error)
            return
        if reader.complete and self._waiter is not None:
            self.reusable = reader.reusable
            self._waiter.set(at)

    def lost(self, error: Exception) -> None:
        """As `connection.Receiver`. An answer may end with the connection."""
        waiter, self.reusable = self._waiter, False
        if waiter is None:
            self.close()
            return
        if isinstance(error, ServerClosedError) and self._sent:
            try:
                self._reader.end()
            except ServerClosedError as told:
                error = told
            else:
                waiter.set(time.time())
                return
        waiter.fail(error)

    def expired(self) -> None:
        """As `timers.Expiring`: too late. The lane closes the connection."""
        if self._waiter is not None:
            seconds = self._client.deadlines.seconds
            kind, what = (AnswerTimeoutError, "answer") if self._sent else (ConnectTimeoutError, "connection")
            self._waiter.fail(kind(f"no {what} within {seconds:g} s"))

    def _send(self, request: bytes) -> None:
        assert self._connection is not None
        self._sent = time.time()
        self._connection.send(request)


Connections = dict[_Carrier, None]
"""Connections that are kept for the next request."""
