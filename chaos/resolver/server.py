"""Server: the resolver on one address, over UDP and TCP (RFC 1035, 4.2)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

from chaos.resolver.answering import Resolver

IDLE = 30.0
"""Seconds after which a TCP connection without a query is closed."""


class Datagrams(asyncio.DatagramProtocol):
    """Queries over UDP, each answered by itself."""

    transport: asyncio.DatagramTransport

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._answering: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(data, addr))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, data: bytes, address: tuple[str, int]) -> None:
        if (answer := await self._resolver.answer(data)) is not None:
            self.transport.sendto(answer, address)


@contextlib.asynccontextmanager
async def serving(resolver: Resolver, host: str, port: int) -> AsyncIterator[None]:
    """Answer queries at an address. Raises OSError when it can't be listened on."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            while True:
                async with asyncio.timeout(IDLE):
                    query = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
                if (answer := await resolver.answer(query)) is not None:
                    writer.write(len(answer).to_bytes(2) + answer)
                    await writer.drain()
        writer.close()

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: Datagrams(resolver), local_addr=(host, port))
    try:
        server = await asyncio.start_server(connected, host, port)
        yield
        server.close()
    finally:
        transport.close()
