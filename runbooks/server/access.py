"""Access: who may talk to the server: whoever has the token, or a certificate, or, on loopback alone, everybody."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from flashcrowd import masking
from flashcrowd.errors import InputError

SHORTEST_TOKEN = 16
"""Characters: a shorter one can be guessed by somebody with patience."""

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Listen:
    """Where the server listens. tls: None for plain HTTP. token: None where none is wanted."""

    host: str
    port: int
    token: str | None = None
    tls: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls is not None else 'http'}://{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)


def listen(
    address: str,
    token: str | None = None,
    cert: Path | None = None,
    key: Path | None = None,
    client_ca: Path | None = None,
) -> Listen:
    """What the command line says, checked.

    Raises:
        InputError: it isn't well formed, the token is too short, or an address beyond loopback would be open to all.
    """
    host, colon, port = address.rpartition(":")
    host = host.strip("[]")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise InputError(f"'{address}' is no address; write it as 127.0.0.1:9095")
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise InputError(f"the token has fewer than {SHORTEST_TOKEN} characters; make one with: openssl rand -hex 32")
    if (cert is None) != (key is None) or (client_ca is not None and cert is None):
        raise InputError("TLS wants --tls-cert and --tls-key; --client-ca besides, for clients' certificates")
    if token is None and client_ca is None and not is_loopback(host):
        raise InputError(
            f"{host} is not loopback, and whoever reaches it could send alerts; "
            "add --token-env NAME, --token-file FILE or --client-ca FILE"
        )
    if token is not None:
        masking.learn([token])
    return Listen(host, int(port), token, _tls(cert, key, client_ca) if cert is not None and key is not None else None)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_let_in(where: Listen, request: web.BaseRequest) -> bool:
    """Whether a request carries the token, as bearer or as the password of basic authentication (for browsers).

    Without a token, and without clients' certificates, what is on this machine is let in, web pages that are open in
    its browser excepted: those send an Origin, or another Host.
    """
    if where.token is not None:
        return hmac.compare_digest(_given(request.headers.get("Authorization", "")), where.token.encode())
    if where.tls is not None and where.tls.verify_mode is ssl.CERT_REQUIRED:
        return True
    return _named_locally(request.host) and "Origin" not in request.headers


def _named_locally(host: str) -> bool:
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    return name.strip("[]") in LOCAL_NAMES or is_loopback(name.strip("[]"))


def _given(header: str) -> bytes:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    return value.strip().encode("utf-8", errors="surrogateescape") if scheme.lower() == "bearer" else b""


def _tls(cert: Path, key: Path, client_ca: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key)
        if client_ca is not None:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise InputError(f"the certificate, its key or the authority can't be used: {error}") from None
    return context
