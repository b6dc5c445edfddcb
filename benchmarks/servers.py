"""Servers: the other side of the benchmarks, as cheap as Python has them, in processes of their own.

python benchmarks/servers.py chat PORT SECONDS [together|apart]      a frame to each viewer every so many seconds
python benchmarks/servers.py orders PORT            POST, and 201 at once
python benchmarks/servers.py delays PORT FILE       POST, and 201 after a random delay; writes the delays it made
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

import httptools
import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from loadtests.markers import mark

ANSWER = b'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"order_id": 12}'


async def chat(port: int, every: float, how: str = "together", certificate: str = "") -> None:
    """A frame of a comment, with the time of its sending, to all viewers together, or to each at a time of its own."""
    viewers, numbers = set[ServerConnection](), count()

    async def watch(viewer: ServerConnection) -> None:
        viewers.add(viewer)
        try:
            await viewer.wait_closed()
        finally:
            viewers.discard(viewer)

    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    async with serve(
        watch, "127.0.0.1", port, ssl=context, backlog=4096, compression=None, ping_interval=None, open_timeout=60
    ):
        while True:
            started = time.monotonic()
            if every and how == "together" and viewers:
                text = f"hello {mark(0, next(numbers), time.time())}"
                broadcast(list(viewers), json.dumps({"type": "chat", "text": text, "body": "x" * 40}))
            elif every:
                for number, viewer in enumerate(list(viewers)):
                    text = f"hello {mark(0, next(numbers), time.time())}"
                    broadcast([viewer], json.dumps({"type": "chat", "text": text, "body": "x" * 40}))
                    if number % 50 == 0:
                        due = started + every * number / max(1, len(viewers))
                        await asyncio.sleep(max(0.0, due - time.monotonic()))
            await asyncio.sleep(max(0.05, started + every - time.monotonic()))


class Orders(asyncio.Protocol):
    """Answers each request at once."""

    delays: list[float] | None = None
    wants_told = True

    def connection_made(self, transport: Any) -> None:
        self._transport, self._parser = transport, httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self._asked, self._told = time.time(), False
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name == b"X-Sent":
            self._asked, self._told = float(value), True

    def on_message_complete(self) -> None:
        if self.delays is None:
            self._transport.write(ANSWER)
        else:
            asyncio.get_running_loop().call_later(random.uniform(0.010, 0.030), self._late)

    def _late(self) -> None:
        assert self.delays is not None
        if self._transport.is_closing():
            return
        if self._told or not self.wants_told:
            self.delays.append(time.time() - self._asked)
        self._transport.write(ANSWER)


async def orders(port: int, file: str = "", told: str = "told") -> None:
    Orders.delays, Orders.wants_told = [] if file else None, told != "untold"
    await asyncio.get_running_loop().create_server(Orders, "127.0.0.1", port, backlog=16_384)
    while True:
        await asyncio.sleep(0.5)
        if Orders.delays is not None:
            Path(file).write_text(json.dumps(Orders.delays))  # noqa: ASYNC240 (between two requests, a few ms)


if __name__ == "__main__":
    what, port, *rest = sys.argv[1:]
    if what == "chat":
        uvloop.run(chat(int(port), float(rest[0]), *rest[1:]))
    else:
        uvloop.run(orders(int(port), *rest))
