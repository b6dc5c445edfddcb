"""RESP: what a Redis server is told in its own protocol.

Three commands are all that a pause takes, and they have to be written without waiting for the answers of those before,
which no client library does for CLIENT PAUSE; besides, redis-py takes 0.2 s to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # 20 ms, which a holder and a reverter without TLS needn't spend
    from ssl import SSLContext


def encode(*words: str) -> bytes:
    """A command as an array of bulk strings (https://redis.io/docs/latest/develop/reference/protocol-spec/)."""
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%s\r\n" % (len(data), data) for data in (word.encode() for word in words)]
    return b"".join(parts)


def login(user: str | None, password: str | None) -> bytes:
    """The AUTH that goes ahead of the first command; nothing without a password."""
    if password is None:
        return b""
    return encode("AUTH", *([user] if user else []), password)


def refusal(line: bytes) -> str | None:
    """What an error answer says, as `NOPERM User ...`; None for any other answer."""
    return line[1:].decode("utf-8", errors="replace").strip() if line.startswith(b"-") else None


def tls_context(name: str | None) -> SSLContext | None:
    """What checks that a server's certificate is good for the name; None where there is no TLS."""
    if name is None:
        return None
    import ssl

    return ssl.create_default_context()
