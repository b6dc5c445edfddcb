"""Answer: an HTTP/1.1 answer, and the reader that makes one of the bytes of a connection.

Sans-I/O, on llhttp through httptools. Redirects are answers like any other: nobody follows them.

What a head says depends on its bytes alone, and a server's heads are alike: so the last few are remembered with what
llhttp made of them, and an answer that comes whole, of known length and under a known head, is cut out without it.
"""

from __future__ import annotations

from typing import NamedTuple

import httptools

from loadtests.crowd.errors import MalformedError, ServerClosedError, TooLargeError

LARGEST = 2**24
"""Bytes of an answer's body, 16 MiB: a segment of a video fits, a server gone wild doesn't fill our memory."""

LARGEST_HEAD = 65_536
"""Bytes of all of an answer's header fields together."""

_REMEMBERED = 256
_LARGEST_REMEMBERED = 4_096


class Answer(NamedTuple):
    """What came back. Times in unix seconds. (A tuple, because there are tens of thousands a second.)

    asked: the viewer wanted it. sent: the request left us. arrived: the kernel had the answer's last byte.
    headers: as they came.
    """

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    asked: float
    sent: float
    arrived: float

    def header(self, name: str) -> str:
        """The first header field of this name, whatever its case; empty where there is none."""
        wanted = name.lower().encode()
        return next((value.decode("latin-1") for key, value in self.headers if key.lower() == wanted), "")

    @property
    def service(self) -> float:
        """Seconds that the server and the way to it took."""
        return self.arrived - self.sent if self.arrived > self.sent else 0.0

    @property
    def response(self) -> float:
        """Seconds that the viewer waited: with what came before the sending, as a connection that had to be made."""
        return self.arrived - self.asked if self.arrived > self.asked else 0.0


class _Head(NamedTuple):
    """What a head says: the status, the fields, the bytes of the body, and whether another request may follow."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    length: int
    alive: bool


_heads: dict[bytes, _Head] = {}


class AnswerReader:
    """The answers on one connection, one at a time.

    bodyless: the request was HEAD, whose answer has the length of a body, and none. `complete` once the answer is.
    `reusable` tells whether another request may follow on the connection.
    """

    __slots__ = (
        "_alive", "_fields", "_head", "_largest", "_parser", "_parts", "_size", "bodyless", "complete", "headers",
        "status",
    )  # fmt: skip

    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._parser = httptools.HttpResponseParser(self)
        self.expect()

    def expect(self, bodyless: bool = False) -> None:
        """Another answer begins."""
        self._parts: list[bytes] = []
        self._fields: list[tuple[bytes, bytes]] = []
        self._size = self._head = self.status = 0
        self.headers: tuple[tuple[bytes, bytes], ...] = ()
        self.bodyless, self.complete, self._alive = bodyless, False, False

    @property
    def body(self) -> bytes:
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    @property
    def started(self) -> bool:
        """Whether anything of the answer has come."""
        return self.status != 0

    @property
    def reusable(self) -> bool:
        return self.complete and not self.bodyless and self._alive

    def feed(self, data: memoryview) -> None:
        """Take what arrived.

        Raises:
            MalformedError: it is not an answer, or more than one.
            TooLargeError: it is longer than the limits.
        """
        if self.complete:
            raise MalformedError("the server answers what nobody asked")
        if self._head or self.bodyless:
            self._parse(data)
            return
        whole = bytes(data)
        end = whole.find(b"\r\n\r\n") + 4
        head = _heads.get(whole[:end])
        if head is not None and head.length == len(whole) - end <= self._largest:
            self.status, self.headers, _, self._alive = head
            self._parts, self.complete = [whole[end:]], True
        else:
            self._parse(data)
            if self.complete:
                self._remember(whole[:end], len(whole) - end)

    def _parse(self, data: memoryview) -> None:
        self._head = max(self._head, 1)  # the parser has begun, and must see this answer to its end
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._complain(error)

    def _remember(self, head: bytes, length: int) -> None:
        """A head that was read whole with its body, whose length it tells."""
        if 4 < len(head) <= _LARGEST_REMEMBERED and self._told_length() == length == self._size:
            _heads[head] = _Head(self.status, self.headers, length, self._alive)
            if len(_heads) > _REMEMBERED:
                del _heads[next(iter(_heads))]

    def _told_length(self) -> int | None:
        """What Content-Length says, where nothing else tells the length."""
        told = [value for name, value in self.headers if name.lower() in (b"content-length", b"transfer-encoding")]
        return int(told[0]) if len(told) == 1 and told[0].isdigit() else None

    def _complain(self, error: Exception) -> None:
        if isinstance(error.__context__, TooLargeError):
            raise error.__context__ from None
        if self.bodyless and self.complete:
            return
        raise MalformedError(f"not an HTTP answer: {error or type(error).__name__}") from None

    def end(self) -> None:
        """The server closed. Raises ServerClosedError unless that is how the answer ends."""
        names = {name.lower() for name, _ in self.headers}
        framed = b"content-length" in names or b"transfer-encoding" in names
        if not self.status or framed or self._alive:
            told = "in the middle of its answer" if self.started else "without an answer"
            raise ServerClosedError(f"the server closed the connection {told}")
        self.complete = True

    def release(self) -> None:
        """Break the circle of reader and parser, so that neither waits for the garbage collector."""
        del self._parser

    def on_message_begin(self) -> None:
        if self.complete:
            raise MalformedError("the server answers more than it was asked")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head += len(name) + len(value)
        if self._head > LARGEST_HEAD:
            raise TooLargeError(f"the answer's header is larger than {LARGEST_HEAD} bytes")
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        self.headers = tuple(self._fields)
        self.status, self._alive = self._parser.get_status_code(), self._parser.should_keep_alive()
        self.complete = self.bodyless and self.status >= 200

    def on_body(self, part: bytes) -> None:
        if self.bodyless:
            return
        self._size += len(part)
        if self._size > self._largest:
            raise TooLargeError(f"the answer is larger than {self._largest} bytes")
        self._parts.append(part)

    def on_message_complete(self) -> None:
        if self.status < 200:
            self.expect(self.bodyless)  # 100 Continue, 103 Early Hints: the answer is yet to come
        else:
            self.complete = True
