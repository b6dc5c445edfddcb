"""Plain HTTP: one request over a connection of its own, on h11.

Who heals is in a hurry: httpx takes a tenth of a second to be imported, and 60 ms more for its first request.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import h11

from flashcrowd.dial import place_of

if TYPE_CHECKING:  # 20 ms, which a request without TLS needn't spend
    from ssl import SSLContext

LARGEST = 4 * 2**20
"""Bytes of a body above which it isn't read."""


class RefusedError(OSError):
    """Nothing listens there: every address refused the connection."""


class Answer(NamedTuple):
    """What came back; the names of its headers are in lower case."""

    status: int
    reason: str
    body: bytes
    headers: dict[str, str]

    def json(self) -> Any:
        """Its body, read. Raises ValueError."""
        return json.loads(self.body)


async def ask(
    verb: str,
    url: str,
    timeout: float,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    tls: SSLContext | None = None,
) -> Answer:
    """The answer, of whatever status; no redirect is followed. body: sent as JSON, if there is one; bytes as they are.

    headers: besides or in place of our own. tls: what an https server is checked with, if not the system's authorities.

    Raises:
        RefusedError: nothing listens there. OSError: no answer within the timeout (seconds); says why.
    """
    host, port = place_of(url)
    what = f"{verb} {url}"
    secure = (tls or True) if urlsplit(url).scheme == "https" else None
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(host, port, ssl=secure)
            try:
                return await _exchange(reader, writer, _request(verb, url, body, headers or {}))
            finally:
                writer.close()
    except TimeoutError:
        raise OSError(f"no answer to {what} within {timeout:.3g} s") from None
    except OSError as error:
        if _is_refusal(error):
            raise RefusedError(f"nothing listens at {host}:{port}, which {what} goes to") from None
        raise OSError(f"no answer to {what}: {error.strerror or error}") from None
    except (h11.RemoteProtocolError, ValueError) as error:
        raise OSError(f"no answer to {what}: {error}") from None


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: list[Any]) -> Answer:
    connection = h11.Connection(h11.CLIENT)
    for event in request:
        writer.write(connection.send(event) or b"")
    answer, body = None, bytearray()
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(2**16))
        elif isinstance(event, h11.Response):
            answer = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > LARGEST:
                raise ValueError("the answer is too long")
        elif isinstance(event, h11.ConnectionClosed):
            raise ValueError("the connection was closed")
    assert answer is not None
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
    return Answer(answer.status_code, answer.reason.decode("latin-1"), bytes(body), headers)


def _request(verb: str, url: str, body: object, given: Mapping[str, str]) -> list[Any]:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = [("Host", parts.netloc.rpartition("@")[2]), ("User-Agent", "flashcrowd"), ("Connection", "close")]
    if data and not isinstance(body, bytes):
        headers.append(("Content-Type", "application/json"))
    if data or verb in ("POST", "PUT", "PATCH"):
        headers.append(("Content-Length", str(len(data))))
    ours = {name.lower() for name in given}
    headers = [row for row in headers if row[0].lower() not in ours] + list(given.items())
    return [h11.Request(method=verb, target=path, headers=headers), h11.Data(data), h11.EndOfMessage()]


def _is_refusal(error: OSError) -> bool:
    """Of several addresses, asyncio tells all errors in one message."""
    return isinstance(error, ConnectionRefusedError) or (
        str(error).startswith("Multiple exceptions:") and str(error).count("[Errno") == str(error).count("[Errno 111]")
    )
