"""The fault proxy without a fault beside a direct connection, in one run: round trips and throughput.

python benchmarks/bench_proxy.py
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import uvloop

from flashcrowd.process import Supervisor, accepts, free_port

HOST = "127.0.0.1"
ROUND_TRIPS, BLOCK, MEGABYTES = 3_000, 200, 300


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes, but only count what comes after a leading zero byte."""
    first = await reader.readexactly(1)
    writer.write(first)
    left = MEGABYTES * 2**20 if first == b"\0" else None
    while data := await reader.read(2**18):
        if left is None:
            writer.write(data)
            continue
        left -= len(data)
        if left <= 0:
            writer.write(b"!")
    writer.close()


async def round_trip(port: int) -> float:
    """Seconds, the median."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"\1")
    await reader.readexactly(1)
    times = []
    for _ in range(ROUND_TRIPS):
        started = time.perf_counter()
        writer.write(b"x" * BLOCK)
        await reader.readexactly(BLOCK)
        times.append(time.perf_counter() - started)
    writer.close()
    return median(times)


async def throughput(port: int) -> float:
    """Megabytes a second of one connection."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"\0")
    await reader.readexactly(1)
    started, chunk = time.perf_counter(), bytes(2**20)
    for _ in range(MEGABYTES):
        writer.write(chunk)
        await writer.drain()
    await reader.readexactly(1)
    writer.close()
    return MEGABYTES / (time.perf_counter() - started)


async def main() -> None:
    direct, through, api = free_port(), free_port(), free_port()
    with tempfile.TemporaryDirectory() as logs:
        async with Supervisor(Path(logs)) as supervisor:
            server = supervisor.spawn("server", [sys.executable, __file__, str(direct)])
            await server.ready(lambda: accepts(HOST, direct))
            words = [sys.executable, "-m", "chaos.proxy", "--listen", f"{HOST}:{api}"]
            proxy = supervisor.spawn("proxy", [*words, "--proxy", f"it={HOST}:{through}={HOST}:{direct}"])
            await proxy.ready(lambda: accepts(HOST, api))
            trips = await round_trip(direct), await round_trip(through)
            rates = await throughput(direct), await throughput(through)
    print(f"{'proxy without a fault':<34}{'direct':>12}{'through':>12}{'ratio':>8}")  # noqa: T201
    for name, unit, (one, two) in (
        (f"round trip, {BLOCK} bytes, median", "µs", (trips[0] * 1e6, trips[1] * 1e6)),
        ("throughput, one connection", "MB/s", rates),
    ):
        print(f"{name:<34}{one:>7.0f} {unit:<4}{two:>7.0f} {unit:<4}{two / one:>8.2f}")  # noqa: T201


async def serve(port: int) -> None:
    """The other end, in a process of its own."""
    server = await asyncio.start_server(echo, HOST, port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])) if len(sys.argv) > 1 else main())
