"""TLS: a session between two memory buffers, and the certificates that are trusted."""

from __future__ import annotations

import ssl
from functools import cache

_READ = 65_536


class TlsSession:
    """The client's side of TLS, without a socket of its own: half of the memory of one that has it.

    name: whose certificate the server must show. All but `shake` and `decrypt` raise nothing.
    """

    __slots__ = ("_session", "incoming", "outgoing")

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)

    def shake(self) -> bool:
        """A step of the handshake; whether it was the last."""
        try:
            self._session.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def encrypt(self, data: bytes) -> bytes:
        """What to send for this data."""
        self._session.write(data)
        return self.outgoing.read()

    def decrypt(self) -> bytes:
        """Data that has come, empty when there is none yet. Raises ssl.SSLError when it can't be trusted."""
        try:
            return self._session.read(_READ)
        except ssl.SSLWantReadError:
            return b""


@cache
def tls_context() -> ssl.SSLContext:
    """The system's certificates, checked; SSL_CERT_FILE names others."""
    return ssl.create_default_context()
