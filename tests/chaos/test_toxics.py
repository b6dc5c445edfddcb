"""Toxics: what each does to bytes and ends, seen by an independent client; and what none of them may do."""

from __future__ import annotations

import asyncio
import hashlib
import random
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

MB = 2**20


async def add(proxy, kind: str, /, stream: str = "downstream", **attributes: Any) -> None:
    body = {"name": "t", "type": kind, "stream": stream, "attributes": attributes}
    answer = await proxy.client.post("/proxies/inventory/toxics", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["attributes"].items() >= attributes.items()


async def remove(proxy) -> None:
    assert (await proxy.client.delete("/proxies/inventory/toxics/t")).status_code == 204


@pytest.fixture
async def link(proxy, upstream) -> tuple[str, int]:
    """A proxy to a server that echoes."""
    address: tuple[str, int] = await proxy.create("inventory", upstream)
    return address


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> float:
    """Seconds that it takes to hear it all again."""
    start = time.monotonic()
    writer.write(data)
    assert await asyncio.wait_for(reader.readexactly(len(data)), 30) == data
    return time.monotonic() - start


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
async def test_bandwidth_is_so_many_bytes_a_second(proxy, link, stream):
    reader, writer = await asyncio.open_connection(*link)
    await add(proxy, "bandwidth", stream, rate=200)
    assert await echo(reader, writer, bytes(100_000)) >= 0.45
    await remove(proxy)
    writer.close()


async def test_bandwidth_of_nothing_holds_all_until_it_is_removed(proxy, link):
    reader, writer = await asyncio.open_connection(*link)
    await add(proxy, "bandwidth", rate=0)
    writer.write(b"held")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.readexactly(1), 0.2)
    await remove(proxy)
    assert await asyncio.wait_for(reader.readexactly(4), 10) == b"held"
    writer.close()


async def test_slow_close_keeps_back_the_end_and_nothing_else(proxy, link):
    reader, writer = await asyncio.open_connection(*link)
    await add(proxy, "slow_close", delay=300)
    await echo(reader, writer, b"ping")
    start = time.monotonic()
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 30) == b""
    assert time.monotonic() - start >= 0.3
    writer.close()


async def test_timeout_swallows_and_closes_on_removal(proxy, link):
    reader, writer = await asyncio.open_connection(*link)
    await add(proxy, "timeout", timeout=0)
    writer.write(b"lost")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.readexactly(1), 0.2)
    await remove(proxy)
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()


async def test_timeout_closes_after_its_time(proxy, link):
    await add(proxy, "timeout", timeout=100)
    reader, writer = await asyncio.open_connection(*link)
    writer.write(b"lost")
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()


async def test_reset_peer_resets_connections_old_and_new(proxy, link):
    old = await asyncio.open_connection(*link)
    await echo(*old, b"ping")
    await add(proxy, "reset_peer", timeout=0)
    for reader, writer in (old, await asyncio.open_connection(*link)):
        writer.write(b"ping")
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.readexactly(4), 10)
        writer.close()


async def test_a_slicer_cuts_what_comes_into_small_pieces(proxy, link):
    await add(proxy, "slicer", average_size=100, size_variation=10, delay=1000)
    reader, writer = await asyncio.open_connection(*link)
    writer.write(bytes(2000))
    pieces, left = 0, 2000
    while left:
        left -= len(await asyncio.wait_for(reader.read(65536), 10))
        pieces += 1
    assert pieces >= 5
    writer.close()


async def test_limit_data_closes_behind_so_many_bytes(proxy, link):
    await add(proxy, "limit_data", bytes=1000)
    reader, writer = await asyncio.open_connection(*link)
    writer.write(bytes(5000))
    assert len(await asyncio.wait_for(reader.read(), 10)) == 1000
    writer.close()


async def test_a_toxic_and_a_disabled_proxy_end_by_themselves(proxy, link, until):
    await proxy.add_latency("inventory", 1000, name="short", ttl=0.3)
    assert (await proxy.client.get("/proxies/inventory/toxics/short")).json()["ttl"] == 0.3
    await proxy.add_latency("inventory", 1, name="long", ttl=600)

    async def short_is_gone() -> bool:
        return await proxy.toxics("inventory") == ["long"]

    await until(short_is_gone)
    down = await proxy.client.post("/proxies/inventory", json={"enabled": False, "ttl": 0.3})
    assert down.json()["enabled"] is False

    async def is_up() -> bool:
        return (await proxy.client.get("/proxies/inventory")).json()["enabled"]

    await until(is_up)
    await proxy.client.post("/proxies/inventory", json={"enabled": False, "ttl": 0.2})
    await proxy.client.delete("/proxies/inventory")
    await asyncio.sleep(0.4)
    with pytest.raises(OSError):
        await asyncio.open_connection(*link)


TOGGLED = [
    ("latency", {"latency": 5, "jitter": 4}),
    ("bandwidth", {"rate": 20_000}),
    ("slicer", {"average_size": 5_000, "size_variation": 4_000, "delay": 10}),
    ("slow_close", {"delay": 5}),
    ("http_delay", {"delay": 5}),
]
"""Those that destroy nothing."""


async def test_no_byte_is_lost_or_reordered_whatever_toxics_come_and_go(proxy, link):
    over = asyncio.Event()

    async def toggle() -> None:
        rng = random.Random(0)
        for number in range(60):
            kind, attributes = rng.choice(TOGGLED)
            await add(proxy, kind, rng.choice(("upstream", "downstream")), **attributes)
            if number % 2:
                await proxy.client.patch("/proxies/inventory/toxics/t", json={"toxicity": rng.random()})
            await remove(proxy)
        over.set()

    async def stream(seed: int) -> None:
        rng = random.Random(seed)
        block = rng.randbytes(MB)
        sent, received = hashlib.sha256(), hashlib.sha256()
        reader, writer = await asyncio.open_connection(*link)

        async def receive() -> None:
            while data := await reader.read(65536):
                received.update(data)

        receiving = asyncio.create_task(receive())
        while not over.is_set():
            start = rng.randrange(MB)
            data = block[start : start + rng.choice((1, 100, 1500, 20_000, 65_536))]
            sent.update(data)
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(0)
        writer.write_eof()
        await receiving
        writer.close()
        assert received.digest() == sent.digest()

    await asyncio.gather(toggle(), *(stream(seed) for seed in range(6)))


@pytest.fixture
async def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for 127.0.0.1, in one file."""
    both = tmp_path / "both.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(both), "-out", str(tmp_path / "cert.pem")]
    made = await asyncio.create_subprocess_exec(*words, *names, stderr=asyncio.subprocess.DEVNULL)
    assert await made.wait() == 0
    both.write_text(both.read_text() + (tmp_path / "cert.pem").read_text())
    return both


async def test_tls_passes_through_untouched(proxy, certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        writer.close()

    async with await asyncio.start_server(shout, "127.0.0.1", 0, ssl=context) as server:
        link = await proxy.create("inventory", server.sockets[0].getsockname())
        await add(proxy, "http_error", status=503)
        client = ssl.create_default_context(cafile=str(certificate))
        reader, writer = await asyncio.open_connection(*link, ssl=client)
        writer.write(b"hello\n")
        assert await asyncio.wait_for(reader.readline(), 10) == b"HELLO\n"
        writer.close()
        seen = (await proxy.client.get("/proxies/inventory/toxics/t")).json()["seen"]
        assert (seen["not_http"], seen["answered"]) == (1, 0)


async def test_two_thousand_connections_at_once(proxy, link):
    await proxy.add_latency("inventory", 20)
    connections = []
    for _ in range(8):
        connections += await asyncio.gather(*(asyncio.open_connection(*link) for _ in range(250)))
    for number, (_, writer) in enumerate(connections):
        writer.write(number.to_bytes(4))
    heard = await asyncio.gather(*(reader.readexactly(4) for reader, _ in connections))
    assert [int.from_bytes(data) for data in heard] == list(range(2000))
    for _, writer in connections:
        writer.transport.abort()
