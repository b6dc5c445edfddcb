"""An http toxic that strikes nothing beside no toxic and a direct connection, in one run, connections kept alive.

python benchmarks/bench_http_faults.py

Each figure is the median of ROUNDS rounds, in which all take turns. Server, proxy and client share the machine's cores,
so the proxy's own CPU for each request is told as well: it is what a toxic costs, whoever else is busy.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import cast

import httpx
import uvloop
from common import server, table

from flashcrowd.process import Supervisor, accepts, free_port

HOST = "127.0.0.1"
ROUNDS, REQUESTS = 7, 6_000
BODY = b'{"sku":"A1","qty":1}'
REQUEST = (
    b"POST /orders HTTP/1.1\r\nHost: 127.0.0.1:7103\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n"
    b"Connection: keep-alive\r\nUser-Agent: python-httpx/0.28.1\r\nContent-Length: %d\r\n"
    b"Content-Type: application/json\r\n\r\n%s" % (len(BODY), BODY)
)
NOTHING = {"path": "/nothing", "share": 0.5}
TOXICS = {"http_error": {**NOTHING, "status": 503}, "http_delay": {**NOTHING, "delay": 100}}


class Client(asyncio.Protocol):
    """One connection: so many requests, one after the other."""

    transport: asyncio.Transport

    def __init__(self, requests: int) -> None:
        self._left = requests
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self.transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        self._left -= 1
        if data.startswith(b"HTTP/1.1 201 ") and self._left:
            self.transport.write(REQUEST)
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._left:
            self.done.set_exception(RuntimeError(f"{self._left} requests were not answered"))
        else:
            self.done.set_result(None)


async def requests_per_second(port: int, connections: int) -> float:
    each = REQUESTS // connections
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    clients = [(await loop.create_connection(lambda: Client(each), HOST, port))[1] for _ in range(connections)]
    await asyncio.gather(*(client.done for client in clients))
    return each * connections / (time.perf_counter() - started)


def cpu(pid: int) -> float:
    """Seconds that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def main() -> None:
    through, api = free_port(), free_port()
    with server("orders") as direct, tempfile.TemporaryDirectory() as logs:
        async with Supervisor(Path(logs)) as supervisor, httpx.AsyncClient(trust_env=False) as client:
            words = ["--listen", f"{HOST}:{api}", "--proxy", f"it={HOST}:{through}={HOST}:{direct}"]
            proxy = supervisor.spawn("proxy", [sys.executable, "-m", "chaos.proxy", *words])
            await proxy.ready(lambda: accepts(HOST, api))
            toxics = f"http://{HOST}:{api}/proxies/it/toxics"

            async def put(*types: str) -> None:
                for toxic in (await client.get(toxics)).json():
                    await client.delete(f"{toxics}/{toxic['name']}")
                for kind in types:
                    body = {"type": kind, "attributes": TOXICS[kind]}
                    (await client.post(toxics, json=body)).raise_for_status()

            for connections in (1, 32):
                await compare(connections, direct, through, proxy.pid, put)


async def compare(connections: int, direct: int, through: int, pid: int, put: Callable[..., Awaitable[None]]) -> None:
    """Print the table of one number of connections."""
    rates: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}
    ways = {"direct": None, "no toxic": (), **{kind: (kind,) for kind in TOXICS}, "both": tuple(TOXICS)}
    for _ in range(ROUNDS):
        for name, types in ways.items():
            if types is not None:
                await put(*types)
            before = cpu(pid)
            rate = await requests_per_second(direct if types is None else through, connections)
            rates.setdefault(name, []).append(rate)
            costs.setdefault(name, []).append((cpu(pid) - before) / REQUESTS * 1e6)
    rows: list[list[object]] = []
    for name in ways:
        rate, cost = median(rates[name]), median(costs[name])
        of_direct, of_none = rate / median(rates["direct"]), rate / median(rates["no toxic"])
        rows.append([name, rate, of_direct, of_none, "" if name == "direct" else cost])
    head = ("", "requests a second", "of direct", "of no toxic", "proxy's CPU µs a request")
    table(f"http toxics that strike nothing, {connections} keep-alive connection(s)", head, rows)


if __name__ == "__main__":
    uvloop.run(main())
