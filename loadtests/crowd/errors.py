"""Errors of the wire: what a server, or the way to it, can do to a connection. All are OSErrors.

ConnectionRefusedError, ConnectionResetError, ...   as the kernel has them
ConnectionError
├── ServerClosedError      it closed where it owed an answer or a goodbye
├── HandshakeError         it answered, but not with a WebSocket
├── MalformedError         it sent what is not the protocol
│   └── TooLargeError      or more of it than the limit
└── BackPressureError      it reads so slowly that too much waits to be sent
PermissionError
└── ForbiddenError         the guard doesn't allow the address
TimeoutError
├── ConnectTimeoutError    no connection within the time
└── AnswerTimeoutError     connected, but no answer within the time
"""

from __future__ import annotations


class ServerClosedError(ConnectionError):
    """The server closed the connection before it had said all that it owed."""


class HandshakeError(ConnectionError):
    """The server answered, but not with a WebSocket. retry_after: seconds after which it wants to be asked again."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class MalformedError(ConnectionError):
    """The server sent bytes that are not the protocol."""


class TooLargeError(MalformedError):
    """The server sent a message or an answer larger than the limit."""


class BackPressureError(ConnectionError):
    """More waits to be sent than a slow server may make us keep."""


class ForbiddenError(PermissionError):
    """The address that a host means now is none that may be connected to."""


class ConnectTimeoutError(TimeoutError):
    """There was no connection within the time."""


class AnswerTimeoutError(TimeoutError):
    """There was no whole answer within the time."""
