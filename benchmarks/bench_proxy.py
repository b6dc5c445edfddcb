"""The fault proxy beside a direct connection, in one run: round trips, throughput, connections, and idle toxics.

python benchmarks/bench_proxy.py

An idle toxic has toxicity 0: it is in every link's chain and does nothing. Each figure is the median of ROUNDS rounds,
in each of which direct and through take turns, so that a busy moment of the machine strikes both; so is each ratio.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import httpx
import uvloop
from common import table

from flashcrowd.process import Supervisor, accepts, free_port

HOST = "127.0.0.1"
ROUNDS, ROUND_TRIPS, BLOCK, MEGABYTES = 5, 2_000, 200, 200
CONNECTIONS, OPENERS = 1_000, 20
AT_ONCE, EACH = 2_000, 5

IDLE: dict[str, dict[str, int]] = {
    "latency": {"latency": 1000},
    "bandwidth": {"rate": 1},
    "slow_close": {"delay": 1000},
    "timeout": {"timeout": 0},
    "reset_peer": {"timeout": 0},
    "slicer": {"average_size": 64, "size_variation": 32},
    "limit_data": {"bytes": 1},
}

Measure = Callable[[int], Awaitable[float]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes, but only count what comes after a leading zero byte."""
    try:
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
    except (OSError, asyncio.IncompleteReadError):
        pass
    writer.close()


async def round_trip(port: int) -> float:
    """Microseconds, the median."""
    reader, writer = await opened(port)
    times = []
    for _ in range(ROUND_TRIPS):
        started = time.perf_counter()
        writer.write(b"x" * BLOCK)
        await reader.readexactly(BLOCK)
        times.append(time.perf_counter() - started)
    writer.close()
    return median(times) * 1e6


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


async def connections(port: int) -> float:
    """Connections a second: opened, one byte there and back, closed, by a few openers at once."""

    async def open_some() -> None:
        for _ in range(CONNECTIONS // OPENERS):
            _, writer = await opened(port)
            writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(open_some() for _ in range(OPENERS)))
    return CONNECTIONS / (time.perf_counter() - started)


async def at_once(port: int) -> float:
    """Round trips a second over many connections, all of them open and busy."""
    ends = [await opened(port) for _ in range(AT_ONCE)]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(EACH):
            writer.write(b"x" * BLOCK)
            await reader.readexactly(BLOCK)

    started = time.perf_counter()
    await asyncio.gather(*(talk(*end) for end in ends))
    took = time.perf_counter() - started
    for _, writer in ends:
        writer.close()
    return AT_ONCE * EACH / took


async def opened(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that is answered."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"\1")
    await reader.readexactly(1)
    return reader, writer


async def in_turns(measure: Measure, direct: int, through: int) -> tuple[float, float, float]:
    """The median of a figure for each port, which take turns, and of each round's ratio of the second to the first."""
    rounds = [(await measure(direct), await measure(through)) for _ in range(ROUNDS)]
    one, two = (median(figures) for figures in zip(*rounds, strict=True))
    return one, two, median(second / first for first, second in rounds)


async def main() -> None:
    direct, through, api = free_port(), free_port(), free_port()
    with tempfile.TemporaryDirectory() as logs:
        async with Supervisor(Path(logs)) as supervisor:
            server = supervisor.spawn("server", [sys.executable, __file__, str(direct)])
            await server.ready(lambda: accepts(HOST, direct))
            words = [sys.executable, "-m", "chaos.proxy", "--listen", f"{HOST}:{api}"]
            proxy = supervisor.spawn("proxy", [*words, "--proxy", f"it={HOST}:{through}={HOST}:{direct}"])
            await proxy.ready(lambda: accepts(HOST, api))
            await without_a_fault(direct, through)
            await with_idle_toxics(direct, through, f"http://{HOST}:{api}/proxies/it/toxics")


async def without_a_fault(direct: int, through: int) -> None:
    rows = []
    for name, unit, measure in (
        (f"round trip, {BLOCK} bytes, median", "µs", round_trip),
        ("throughput, one connection", "MB/s", throughput),
        (f"connections, {OPENERS} openers", "a second", connections),
        (f"round trips of {AT_ONCE:,} connections at once", "a second", at_once),
    ):
        rows.append((name, unit, *await in_turns(measure, direct, through)))
    table("proxy without a fault", ("", "", "direct", "through", "ratio"), rows)


async def with_idle_toxics(direct: int, through: int, toxics: str) -> None:
    """Each type of toxic alone, and all of them together, in both directions."""
    rows = []
    async with httpx.AsyncClient(trust_env=False) as client:
        known = [type_ for type_ in IDLE if await is_known(client, toxics, type_)]
        for types in [[], *([type_] for type_ in known), known]:
            for type_ in types:
                await add(client, toxics, type_)
            trip, rate = await in_turns(round_trip, direct, through), await in_turns(throughput, direct, through)
            for toxic in (await client.get(toxics)).json():
                await client.delete(f"{toxics}/{toxic['name']}")
            rows.append(("all of them" if len(types) > 1 else "".join(types) or "none", *trip[1:], *rate[1:]))
    table("proxy with idle toxics", ("", "round trip µs", "ratio", "MB/s", "ratio"), rows)


async def is_known(client: httpx.AsyncClient, toxics: str, type_: str) -> bool:
    """Whether the proxy has this type of toxic."""
    names = await add(client, toxics, type_)
    for name in names:
        await client.delete(f"{toxics}/{name}")
    return bool(names)


async def add(client: httpx.AsyncClient, toxics: str, type_: str) -> list[str]:
    """Add an idle toxic in both directions; the names of those that were taken."""
    bodies = [
        {"type": type_, "stream": way, "toxicity": 0, "attributes": IDLE[type_]} for way in ("upstream", "downstream")
    ]
    answers = [await client.post(toxics, json=body) for body in bodies]
    return [answer.json()["name"] for answer in answers if answer.is_success]


async def serve(port: int) -> None:
    """The other end, in a process of its own."""
    server = await asyncio.start_server(echo, HOST, port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    uvloop.run(serve(int(sys.argv[1])) if len(sys.argv) > 1 else main())
