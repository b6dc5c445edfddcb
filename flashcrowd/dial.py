"""Dial: a TCP connection to an address that the guard has checked, to see whether somebody is there."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:  # who only heals needs none
    from flashcrowd.guard import Guard

PATIENCE = 5.0
"""Seconds for a connection: who takes longer when nobody is there yet won't hold a crowd."""


def place_of(url: str) -> tuple[str, int]:
    """Host and port of a URL."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme in ("https", "wss") else 80)


async def connected(guard: Guard, host: str, port: int, what: str) -> str:
    """The address of the host that takes a connection.

    Raises:
        OSError: none does; the last one's error. GuardError: as `Guard.look_up`.
    """
    error = OSError("it has no address")
    for address in await asyncio.to_thread(guard.look_up, host, what):
        try:
            async with asyncio.timeout(PATIENCE):
                _, writer = await asyncio.open_connection(address, port)
        except TimeoutError:
            error = TimeoutError(f"no connection within {PATIENCE:g} s")
        except OSError as failure:
            error = failure
        else:
            writer.close()
            return address
    raise error


def reason(error: OSError) -> str:
    """What the system says, in its own words and in lower case."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return (error.strerror or str(error)).lower()


async def pinned(guard: Guard, url: str, what: str) -> str:
    """The URL with the checked address in place of the host's name, where somebody answers there.

    For what is used again later, by other processes too, which must not look up the name anew. An https URL stays as it
    is, since its certificate is made out to the name.

    Raises:
        GuardError: as `Guard.look_up`.
    """
    parts = urlsplit(url)
    host, port = place_of(url)
    try:
        address = await connected(guard, host, port, what)
    except OSError:
        return url
    if parts.scheme != "http" or address == host:
        return url
    literal = f"[{address}]" if ipaddress.ip_address(address).version == 6 else address
    return parts._replace(netloc=f"{literal}:{port}").geturl()
