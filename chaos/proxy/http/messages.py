"""Messages: where one HTTP/1.1 message ends and the next begins in the bytes of one direction. Sans-I/O.

The grammar is llhttp's (httptools). It doesn't say at which byte a message ended, so it is fed pieces that can only end
where a message may: a message's head and a chunked body end with an empty line, any other body is counted. Most often
a piece that was read is one whole message, and then a look by a parser that keeps no headers is enough.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, HttpResponseParser

HEAD_LIMIT = 256 * 2**10
"""Bytes of a head above which it is taken for something else than HTTP."""

EMPTY_LINE = b"\n\r\n"
"""The end of a line, and a line with nothing in it."""

Parser = HttpRequestParser | HttpResponseParser


class NotHttpError(Exception):
    """The bytes are no HTTP/1 message that can be followed."""


class Message:
    """What is known of a message as far as it has come.

    head, done: whether its head, or all of it, is there. method, target (as it was sent), keep_alive, old (HTTP/1.0)
    and expects (it waits for `100 Continue`) are those of a request, status is that of a response. upgrade: a request
    after which the connection may speak another protocol.
    """

    __slots__ = ("done", "expects", "head", "keep_alive", "method", "old", "status", "target", "upgrade")

    def __init__(self) -> None:
        self.head = self.done = self.expects = self.old = self.upgrade = False
        self.keep_alive = True
        self.method, self.target, self.status = "", b"", 0

    def take_head(self, parser: Parser) -> None:
        """What the parser knows when it has the whole head, and only then."""
        self.head = True
        if isinstance(parser, HttpResponseParser):
            self.status = parser.get_status_code()
            return
        self.method = parser.get_method().decode()
        self.keep_alive = parser.should_keep_alive()
        self.upgrade = parser.should_upgrade()
        self.old = parser.get_http_version() == "1.0"


class Glance:
    """A parser for pieces that are one whole message each; it serves again and again."""

    def __init__(self, make: Callable[[Any], Parser]) -> None:
        self._begun = 0
        self._message = Message()
        self._parser = make(self)

    def look(self, data: bytes) -> Message | None:
        """The message, if `data` is a whole one and nothing more; if not, the glance is of no use any more."""
        self._begun, self._message = 0, Message()
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            return None
        return self._message if self._begun == 1 and self._message.done else None

    def on_message_begin(self) -> None:
        self._begun += 1

    def on_url(self, part: bytes) -> None:
        self._message.target += part

    def on_headers_complete(self) -> None:
        self._message.take_head(self._parser)

    def on_message_complete(self) -> None:
        self._message.done = True


class Reading:
    """One message that comes in pieces, or isn't alone in one. bodiless: it ends with its head, whatever that says."""

    def __init__(self, make: Callable[[Any], Parser], bodiless: bool) -> None:
        self.message = Message()
        self._bodiless, self._parser = bodiless, make(self)
        self._begun = self._fed = 0
        self._length, self._coded = 0, False
        self._left: int | None = None
        self._tail = b""

    def take(self, data: bytes, start: int) -> int:
        """Where in `data` the part that belongs to the message ends: behind its head, or all that is there of the rest.

        Raises:
            NotHttpError: it is none.
        """
        if self._left is not None:
            return self._count(data, start)
        head = self.message.head
        while start < len(data) and not self.message.done and self.message.head == head:
            end = self._end_of_lines(data, start)
            self._feed(memoryview(data)[start:end])
            start = end
        if self.message.head and not head:
            self._begin_body()
        return start

    def close(self) -> None:
        """Part from the parser, which knows us: nothing is left to the garbage collector."""
        del self._parser

    def on_message_begin(self) -> None:
        self._begun += 1

    def on_url(self, part: bytes) -> None:
        self.message.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"content-length" and not self.message.head:
            self._length = int(value)
        elif name == b"transfer-encoding":
            self._coded = True
        elif name == b"expect":
            self.message.expects = value.strip().lower() == b"100-continue"

    def on_headers_complete(self) -> None:
        self.message.take_head(self._parser)

    def on_message_complete(self) -> None:
        self.message.done = True

    def _feed(self, piece: memoryview) -> None:
        self._fed += len(piece)
        self._tail = (self._tail + bytes(piece[-2:]))[-2:]
        try:
            self._parser.feed_data(piece)
        except HttpParserUpgrade:
            pass
        except HttpParserError as error:
            if self.message.status != 101:  # llhttp calls one without an Upgrade header an error, behind its head
                raise NotHttpError(str(error)) from None
        if self._begun > 1 or (self._fed > HEAD_LIMIT and not self.message.head):
            raise NotHttpError("a message that doesn't end with a line, or has an endless head")

    def _begin_body(self) -> None:
        message = self.message
        if message.upgrade and self._coded:
            raise NotHttpError("an upgrade with a chunked body")  # the parser stops at its head
        if self._bodiless or (message.done and not message.upgrade):
            message.done = True
        elif self._length:
            self._left, message.done = self._length, False

    def _count(self, data: bytes, start: int) -> int:
        assert self._left is not None
        end = min(len(data), start + self._left)
        self._left -= end - start
        self.message.done = not self._left
        return end

    def _end_of_lines(self, data: bytes, start: int) -> int:
        """Behind the first empty line, or all; one that began in the piece before counts as well."""
        seam = (self._tail + data[start : start + 2]).find(EMPTY_LINE)
        if seam >= 0:
            return start + seam + len(EMPTY_LINE) - len(self._tail)
        found = data.find(EMPTY_LINE, start)
        return len(data) if found < 0 else found + len(EMPTY_LINE)


class Cutter:
    """Cuts the bytes of one direction into messages. make: llhttp's parser of that direction."""

    def __init__(self, make: Callable[[Any], Parser]) -> None:
        self._make = make
        self._glance: Glance | None = None
        self._reading: Reading | None = None

    @property
    def between(self) -> bool:
        """Whether the next byte begins a message."""
        return self._reading is None

    def cut(self, data: bytes, start: int, bodiless: bool = False) -> tuple[Message, int]:
        """The message to which `data[start:]` belongs at first, and where in `data` that part of it ends.

        It ends behind the head, behind the message, or at the end of the data. bodiless: the message, if it begins
        here, has no body (it answers HEAD).

        Raises:
            NotHttpError: it can't be followed any more.
        """
        if self._reading is None:
            if start == 0 and not bodiless and (message := self._whole(data)) is not None:
                return message, len(data)
            self._reading = Reading(self._make, bodiless)
        message = self._reading.message
        end = self._reading.take(data, start)
        if message.done:
            self._reading.close()
            self._reading = None
        return message, end

    def _whole(self, data: bytes) -> Message | None:
        glance, self._glance = self._glance or Glance(self._make), None
        message = glance.look(data)
        if message is not None:
            self._glance = glance
        return message
