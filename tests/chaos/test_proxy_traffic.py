"""What happens to bytes: nothing is lost or reordered, whatever toxics come and go."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import resource
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

MB = 2**20


GENTLE: dict[str, Callable[[random.Random], dict[str, object]]] = {
    "latency": lambda rng: {"attributes": {"latency": rng.randrange(30), "jitter": rng.randrange(20)}},
    "bandwidth": lambda rng: {"attributes": {"rate": rng.randrange(500, 50_000)}},
    "slicer": lambda rng: {"attributes": {"average_size": rng.randrange(100, 5000), "size_variation": 99, "delay": 50}},
    "slow_close": lambda rng: {"attributes": {"delay": rng.randrange(30)}},
    "limit_data": lambda rng: {"attributes": {"bytes": 10**12}},
    "timeout": lambda rng: {"attributes": {"timeout": 0}, "toxicity": 0},
    "reset_peer": lambda rng: {"attributes": {"timeout": 0}, "toxicity": 0},
}
"""Toxics that destroy no data, of every type; the last two are rolled for and miss every connection."""


@pytest.mark.parametrize("types", [*((type_,) for type_ in GENTLE), tuple(GENTLE)], ids=[*GENTLE, "all"])
async def test_no_byte_is_lost_or_reordered_while_toxics_come_change_and_go(proxy, upstream, types):
    address = await proxy.create("inventory", upstream)
    done = asyncio.Event()

    async def toggle(seed: int, type_: str) -> None:
        rng, toxic = random.Random(seed), f"{type_}-{seed}"
        for turn in range(12):
            stream = ("upstream", "downstream")[(seed + turn) % 2]
            await proxy.add("inventory", type_, **GENTLE[type_](rng), name=toxic, stream=stream)
            await proxy.client.patch(f"/proxies/inventory/toxics/{toxic}", json=GENTLE[type_](rng))
            await asyncio.sleep(rng.random() / 100)
            await proxy.client.delete(f"/proxies/inventory/toxics/{toxic}")

    async def toggle_all() -> None:
        await asyncio.gather(*(toggle(seed, type_) for seed, type_ in enumerate(types)))
        done.set()

    streams = [stream_until(done, address, seed) for seed in range(6)]
    _, *same = await asyncio.gather(toggle_all(), *streams)
    assert same == [True] * len(streams)


async def stream_until(done: asyncio.Event, address: tuple[str, int], seed: int) -> bool:
    """Send pieces of noise until it is done and a half-close behind them; whether just that came back."""
    rng = random.Random(seed)
    block = rng.randbytes(MB)
    sent, received = hashlib.sha256(), hashlib.sha256()
    reader, writer = await asyncio.open_connection(*address)

    async def receive() -> None:
        while data := await reader.read(65536):
            received.update(data)

    receiving = asyncio.create_task(receive())
    while not done.is_set():
        start = rng.randrange(MB)
        data = block[start : start + rng.choice((1, 100, 1500, 20_000, 65_536))]
        sent.update(data)
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(0)
    writer.write_eof()
    await receiving
    writer.close()
    return received.digest() == sent.digest()


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
async def test_a_toxic_bites_open_connections_at_once_and_lets_go_at_once(proxy, upstream, stream):
    address = await proxy.create("inventory", upstream)
    reader, writer = await asyncio.open_connection(*address)

    async def round_trip() -> float:
        start = time.monotonic()
        writer.write(b"ping")
        assert await reader.readexactly(4) == b"ping"
        return time.monotonic() - start

    await round_trip()
    await proxy.add_latency("inventory", 150, name="slow", stream=stream)
    assert await round_trip() >= 0.15
    await proxy.client.patch("/proxies/inventory/toxics/slow", json={"attributes": {"latency": 300}})
    assert await round_trip() >= 0.3
    await proxy.client.patch("/proxies/inventory/toxics/slow", json={"attributes": {"latency": 3_600_000}})
    writer.write(b"held")
    await proxy.client.delete("/proxies/inventory/toxics/slow")
    assert await asyncio.wait_for(reader.readexactly(4), 30) == b"held"
    writer.close()


async def test_latency_is_a_pipe_and_does_not_cut_throughput(proxy, upstream):
    address = await proxy.create("inventory", upstream)
    await proxy.add_latency("inventory", 500)
    reader, writer = await asyncio.open_connection(*address)
    start = time.monotonic()
    for number in range(200):
        writer.write(number.to_bytes(2, "big"))
        await asyncio.sleep(0.001)
    got = await reader.readexactly(400)
    took = time.monotonic() - start
    assert got == b"".join(number.to_bytes(2, "big") for number in range(200))
    # One after the other they would take 200 times 0.5 s.
    assert 0.5 <= took < 20
    writer.close()


async def test_toxicity_is_the_share_of_connections(proxy, upstream):
    address = await proxy.create("inventory", upstream)
    await proxy.add_latency("inventory", 3_600_000, toxicity=0.5)

    async def passes() -> bool:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"x")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                return await reader.readexactly(1) == b"x"
        return False

    passed = sum(await asyncio.gather(*(passes() for _ in range(60))))
    # 60 tosses of a fair coin stay within these bounds but for once in ten thousand runs.
    assert 15 <= passed <= 45


async def test_half_close_is_forwarded_both_ways(proxy):
    talk: list[bytes] = []

    async def answer_at_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk.append(await reader.read(-1))
        writer.write(b"answer to " + talk[0])
        writer.write_eof()

    async with await asyncio.start_server(answer_at_the_end, "127.0.0.1", 0) as server:
        address = await proxy.create("inventory", server.sockets[0].getsockname())
        await proxy.add_latency("inventory", 20)
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"question")
        writer.write_eof()
        assert await reader.read(-1) == b"answer to question"
        writer.close()
    assert talk == [b"question"]


async def test_an_upstream_that_speaks_first_is_heard(proxy):
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        address = await proxy.create("mail", server.sockets[0].getsockname())
        reader, writer = await asyncio.open_connection(*address)
        assert await reader.read(-1) == b"220 ready\r\n"
        writer.close()


async def test_a_client_is_closed_when_the_upstream_refuses(proxy, upstream):
    async with await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0) as server:
        nobody = server.sockets[0].getsockname()
    address = await proxy.create("inventory", nobody)
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"hello")
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read(-1) == b""
    writer.close()


async def test_a_receiver_that_does_not_read_stops_the_sender(proxy):
    enough = asyncio.Event()

    async def read_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await enough.wait()
        count = 0
        while data := await reader.read(65536):
            count += len(data)
        writer.write(str(count).encode())
        writer.close()

    async with await asyncio.start_server(read_late, "127.0.0.1", 0) as server:
        address = await proxy.create("inventory", server.sockets[0].getsockname())
        await proxy.add_latency("inventory", 20, stream="upstream")
        reader, writer = await asyncio.open_connection(*address)
        writer.transport.set_write_buffer_limits(high=0)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 512 * MB:
                writer.write(bytes(MB))
                sent += MB
                async with asyncio.timeout(2):
                    await writer.drain()
        assert sent < 200 * MB
        enough.set()
        writer.write_eof()
        assert int(await reader.read(-1)) == sent
        writer.close()


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many open files as this process may have at most: two for each connection of a test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 5000:
        pytest.skip(f"2,000 connections need 5,000 open files; this process may have {hard} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_two_thousand_connections_at_once(proxy, upstream, many_files):
    address = await proxy.create("inventory", upstream)
    await proxy.add_latency("inventory", 50, jitter=20)
    ends = [await asyncio.open_connection(*address) for _ in range(2000)]

    async def round_trip(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        text = f"{number}".encode() * 50
        writer.write(text)
        writer.write_eof()
        got = await reader.read(-1)
        writer.close()
        return got == text

    assert all(await asyncio.gather(*(round_trip(number, *end) for number, end in enumerate(ends))))


async def test_tls_passes_through_with_toxics_and_without(proxy, certificate):
    server_side, client_side = certificate

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(MB))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server_side) as server:
        address = await proxy.create("shop", server.sockets[0].getsockname())
        for attributes in ({}, {"average_size": 1000, "size_variation": 900}):
            if attributes:
                await proxy.add("shop", "slicer", attributes)
            reader, writer = await asyncio.open_connection(*address, ssl=client_side, server_hostname="localhost")
            said = random.Random(0).randbytes(MB)
            writer.write(said)
            assert await reader.read(-1) == said
            writer.close()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate of its own, and a client's that trusts nothing but this one."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout {key} -out {cert}"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command.split(), *subject], check=True, capture_output=True)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(cert, key)
    return server_side, ssl.create_default_context(cafile=str(cert))


async def test_nothing_is_left_of_connections_that_ended(proxy, upstream, until):
    address = await proxy.create("inventory", upstream)
    files = Path(f"/proc/{proxy.child.pid}/fd")

    def count() -> int:
        return len(list(files.iterdir()))

    before = count()
    for half in (True, False):
        for _ in range(20):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"x")
            await reader.readexactly(1)
            if half:
                writer.close()
            else:
                writer.transport.abort()
    await until(lambda: count() <= before)
