"""Wire: the client's side of one WebSocket, as bytes in and bytes out.

    shaking ─► open ─► over        `over` says why; nothing is read after it

Whole, unmasked data frames are cut out of what was read, without a parser: nearly all that a chat sends. Whatever else
there is (the handshake, fragments, control and close frames, compressed or malformed ones) goes through the Sans-I/O
protocol of websockets, which is made when it is needed and dropped afterwards: a parked viewer doesn't keep one.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import cast

from websockets.client import ClientProtocol
from websockets.exceptions import PayloadTooBig
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import Protocol, Side, State
from websockets.uri import WebSocketURI

from loadtests.crowd.errors import HandshakeError, MalformedError, ServerClosedError, TooLargeError

LARGEST = 2**20
"""Bytes of a message, as websockets has it: more is refused with close code 1009."""

_LOGGER = logging.getLogger("loadtests.crowd.wire")
_LOGGER.setLevel(logging.WARNING)
_WHOLE = (0x81, 0x82)
_DATA = frozenset({Opcode.TEXT, Opcode.BINARY, Opcode.CONT})
_NOTHING = bytearray()
_LARGEST_HEAD = 65_536
_RETRY_AFTER = re.compile(rb"\r\nretry-after:[ \t]*(\d{1,6})[ \t]*\r\n", re.IGNORECASE)
"""In seconds (RFC 9110, 10.2.3); a date is left alone."""


class Wire:
    """One WebSocket. `open` after the handshake; `over` is the reason once it has ended, None until then.

    largest: bytes of a message. compress: offer permessage-deflate (RFC 7692); a connection that uses it takes the slow
    way, and about 64 KB of memory.
    """

    __slots__ = ("_largest", "_need", "_parts", "_protocol", "_tail", "open", "over")

    def __init__(self, largest: int = LARGEST, compress: bool = False) -> None:
        self._largest = -largest if compress else largest
        self._protocol: Protocol | None = None
        self._tail, self._need = _NOTHING, 0
        self._parts: list[bytes] | None = None
        self.open = False
        self.over: Exception | None = None

    def hello(self, uri: WebSocketURI, headers: Mapping[str, str]) -> bytes:
        """The request of the handshake. Raises ValueError for a header that would be two."""
        offered = [ClientPerMessageDeflateFactory(compress_settings={"memLevel": 4})] if self._largest < 0 else None
        self._largest = abs(self._largest)
        protocol = ClientProtocol(uri, extensions=offered, max_size=self._largest, logger=_LOGGER)
        request = protocol.connect()
        for name, value in headers.items():
            if "\n" in value or "\r" in value:
                raise ValueError(f"header {name} holds a line break; a target file's variable brought it there")
            request.headers[name] = value
        protocol.send_request(request)
        self._protocol = protocol
        return b"".join(protocol.data_to_send())

    def feed(self, data: memoryview) -> tuple[list[bytes], bytes]:
        """Take what arrived; gives the whole messages in it, and bytes to send back (pongs, goodbyes).

        Whatever the bytes are, nothing is raised: what is not the protocol makes it `over`.
        """
        if self.over is not None:
            return [], b""
        if not self._tail:
            whole = bytes(data)
            if self.open and self._protocol is None and self._is_one_short_frame(whole):
                return [whole[2:]], b""
        else:
            self._tail += data
            if self.open and len(self._tail) < self._need:
                return [], b""
            whole, self._tail = bytes(self._tail), _NOTHING
        return self._cut(whole) if self.open else self._shake(whole)

    def _is_one_short_frame(self, data: bytes) -> bool:
        """Whether a read was exactly one whole data frame, of a length that its second byte tells: most are."""
        size = len(data) - 2
        return 0 <= size < 126 and data[1] == size and data[0] in _WHOLE and size <= self._largest

    def text(self, message: bytes) -> bytes:
        """The bytes of a text message. Raises ServerClosedError when the connection is over."""
        if not self.open or self.over is not None:
            raise ServerClosedError("the WebSocket is not open")
        if self._protocol is not None and self._protocol.extensions:
            self._protocol.send_text(message)
            return b"".join(self._protocol.data_to_send())
        return Frame(Opcode.TEXT, message).serialize(mask=True)

    def goodbye(self) -> bytes:
        """The bytes of a close frame, if one is owed; nothing is read afterwards."""
        if not self.open or self.over is not None:
            return b""
        self.over = ServerClosedError("closed by the viewer")
        return Frame(Opcode.CLOSE, Close(1000, "").serialize()).serialize(mask=True)

    def _shake(self, data: bytes) -> tuple[list[bytes], bytes]:
        """Hand the server's answer over once its head is whole; what follows it may be frames already."""
        protocol = cast(ClientProtocol, self._protocol)
        end = data.find(b"\r\n\r\n") + 4
        if end < 4 and len(data) <= _LARGEST_HEAD:
            self._tail = bytearray(data)
            return [], b""
        protocol.receive_data(data[:end] if end >= 4 else data)
        if protocol.handshake_exc is not None or protocol.state is not State.OPEN:
            self.over = _refusal(data, protocol.handshake_exc)
            return [], b""
        self.open = True
        self._protocol = protocol if protocol.extensions else None
        return self._cut(data[end:])

    def _cut(self, data: bytes) -> tuple[list[bytes], bytes]:
        messages: list[bytes] = []
        answers, at, end = b"", 0, len(data)
        self._need = 2
        while end - at >= 2:
            size, start = data[at + 1], at + 2
            common = size < 128 and data[at] in _WHOLE and self._protocol is None
            size &= 127
            if size > 125:
                start += 2 if size == 126 else 8
                if start > end:
                    self._need = start - at
                    break
                size = int.from_bytes(data[at + 2 : start], "big")
            stop = start + size + (0 if data[at + 1] < 128 else 4)
            if stop > end and size <= self._largest:
                self._need = stop - at
                break
            if common and size <= self._largest:
                messages.append(data[start:stop])
            else:
                answers += self._uncommon(data[at:stop], messages)
                if self.over is not None:
                    return messages, answers
            at = stop
        if at < end:
            self._tail = bytearray(data[at:])
        return messages, answers

    def _uncommon(self, frame: bytes, messages: list[bytes]) -> bytes:
        """One whole frame (or the start of one that is too large) through the protocol; what to send back."""
        protocol = self._protocol
        if protocol is None:
            protocol = Protocol(Side.CLIENT, state=State.OPEN, max_size=self._largest, logger=_LOGGER)
        protocol.receive_data(frame)
        for event in protocol.events_received():
            if isinstance(event, Frame) and event.opcode in _DATA:
                self._join(event, messages)
        if protocol.parser_exc is not None:
            kind = TooLargeError if isinstance(protocol.parser_exc, PayloadTooBig) else MalformedError
            self.over = kind(f"{protocol.parser_exc}")
        elif protocol.close_rcvd is not None:
            self.over = ServerClosedError(f"the server said goodbye: {protocol.close_rcvd}")
        self._protocol = protocol if protocol.current_size is not None or protocol.extensions else None
        return b"".join(protocol.data_to_send())

    def _join(self, frame: Frame, messages: list[bytes]) -> None:
        parts = self._parts if self._parts is not None else []
        parts.append(bytes(frame.data))
        self._parts = None if frame.fin else parts
        if frame.fin:
            messages.append(b"".join(parts))


def _refusal(head: bytes, error: Exception | None) -> HandshakeError:
    """Why there is no WebSocket. Without an error the protocol waits for the body of another answer than 101."""
    status = head[9:12]
    if head.startswith(b"HTTP/1.") and status.isdigit() and status != b"101":
        asked = _RETRY_AFTER.search(head)
        message = f"the server answered the handshake with HTTP {status.decode()}"
        return HandshakeError(message, float(asked[1]) if asked else None)
    return HandshakeError(f"the server's answer is no handshake: {error or 'it breaks off'}")
