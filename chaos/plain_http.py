"""Plain HTTP: one request over a connection of its own, without the tenth of a second that a library takes to import."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlsplit

from flashcrowd.dial import place_of

_STATUS = re.compile(rb"HTTP/1\.\d (\d{3}) ?([^\r\n]*)\r?\n")


class RefusedError(OSError):
    """Nothing listens there: every address refused the connection."""


async def ask(verb: str, url: str, timeout: float) -> tuple[int, str]:
    """The status of the answer, and its reason; nothing of it is followed, and its body isn't read.

    Raises:
        RefusedError: nothing listens there. OSError: no answer within the timeout (seconds); says why.
    """
    host, port = place_of(url)
    tls = urlsplit(url).scheme == "https"
    what = f"{verb} {url}"
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls or None)
            try:
                writer.write(_request(verb, url))
                line = await reader.readline()
            finally:
                writer.close()
    except TimeoutError:
        raise OSError(f"no answer to {what} within {timeout:g} s") from None
    except ConnectionRefusedError:
        raise RefusedError(f"nothing listens at {host}:{port}, which {what} goes to") from None
    except (OSError, ValueError) as error:
        raise OSError(f"no answer to {what}: {getattr(error, 'strerror', None) or error}") from None
    if (status := _STATUS.match(line)) is None:
        raise OSError(f"no answer to {what}: {'the connection was closed' if not line else 'that is no HTTP'}")
    return int(status[1]), status[2].decode("latin-1")


def _request(verb: str, url: str) -> bytes:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{verb} {path} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}", "User-Agent: flashcrowd"]
    lines += ["Connection: close", *(["Content-Length: 0"] if verb == "POST" else []), "", ""]
    return "\r\n".join(lines).encode()
