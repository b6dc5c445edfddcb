"""What each type of toxic does to a connection, seen by a client that knows nothing of the proxy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from quickest import quickest

KB = 1000
BODY = bytes(range(256)) * 400

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@pytest.fixture
async def connect(proxy, upstream) -> AsyncIterator[Connect]:
    """Opens a connection through a proxy `it` to a server that sends back what it gets."""
    address = await proxy.create("it", upstream)
    writers = []

    async def connected() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*address)
        writers.append(writer)
        return reader, writer

    yield connected
    for writer in writers:
        writer.close()


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
async def test_latency_is_within_a_tenth_of_what_was_asked(proxy, connect, stream):
    await proxy.add("it", "latency", {"latency": 300}, stream=stream)
    reader, writer = await connect()

    async def round_trip() -> float:
        start = time.monotonic()
        writer.write(b"ping")
        await reader.readexactly(4)
        return time.monotonic() - start

    assert 0.3 <= await quickest(round_trip, 0.33) <= 0.33


async def test_jitter_spreads_latency_over_both_sides(proxy, connect):
    await proxy.add("it", "latency", {"latency": 500, "jitter": 500})

    async def round_trip() -> float:
        reader, writer = await connect()
        start = time.monotonic()
        writer.write(b"x")
        await reader.readexactly(1)
        return time.monotonic() - start

    took = await asyncio.gather(*(round_trip() for _ in range(40)))
    # That none of 40 falls into a quarter of the range happens once in a hundred thousand times.
    assert min(took) < 0.75
    assert max(took) >= 0.75


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
async def test_bandwidth_is_thousands_of_bytes_a_second(proxy, connect, stream):
    await proxy.add("it", "bandwidth", {"rate": 200}, stream=stream)
    reader, writer = await connect()

    async def transfer() -> float:
        start = time.monotonic()
        writer.write(BODY)
        assert await reader.readexactly(len(BODY)) == BODY
        return time.monotonic() - start

    assert 100 * KB < len(BODY) / await quickest(transfer, len(BODY) / (100 * KB)) <= 204 * KB


async def test_a_bandwidth_of_zero_lets_nothing_through_until_it_is_changed(proxy, connect):
    await proxy.add("it", "bandwidth", {"rate": 0}, name="narrow")
    reader, writer = await connect()
    writer.write(b"held")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.2)
    await proxy.client.post("/proxies/it/toxics/narrow", json={"attributes": {"rate": 1000}})
    assert await asyncio.wait_for(reader.readexactly(4), 20) == b"held"


async def test_slices_are_of_the_size_asked_for(proxy, connect):
    await proxy.add("it", "slicer", {"average_size": 100, "size_variation": 50, "delay": 3000})
    reader, writer = await connect()
    start = time.monotonic()
    writer.write(BODY[:5000])
    writer.write_eof()
    slices = [data async for data in pieces(reader)]
    assert b"".join(slices) == BODY[:5000]
    # Slices that this process was too busy to read one by one are joined.
    assert sum(50 <= len(data) <= 150 for data in slices) > len(slices) / 2
    assert 5000 / 150 / 2 <= len(slices) <= 5000 / 50 + 1
    assert time.monotonic() - start >= 0.003 * (5000 / 150 - 1)


async def test_slow_close_holds_back_the_end_and_nothing_else(proxy, connect):
    await proxy.add("it", "slow_close", {"delay": 400})
    reader, writer = await connect()
    start = time.monotonic()
    writer.write(b"all of it")
    writer.write_eof()
    assert await reader.readexactly(9) == b"all of it"
    got = time.monotonic()
    assert await reader.read() == b""
    assert time.monotonic() - start >= 0.4
    assert time.monotonic() - got >= 0.05


async def test_timeout_drops_what_comes_and_then_closes(proxy, connect):
    await proxy.add("it", "timeout", {"timeout": 300})
    reader, writer = await connect()
    start = time.monotonic()
    writer.write(b"lost")
    assert await asyncio.wait_for(reader.read(), 20) == b""
    assert time.monotonic() - start >= 0.3


async def test_a_timeout_without_end_closes_its_connections_when_it_is_removed(proxy, connect):
    await proxy.add("it", "timeout", {"timeout": 0}, name="silent")
    reader, writer = await connect()
    writer.write(b"lost")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.2)
    await proxy.client.delete("/proxies/it/toxics/silent")
    assert await asyncio.wait_for(reader.read(), 20) == b""


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
async def test_reset_peer_resets_both_sides(proxy, stream):
    broke: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(100):
                writer.write(data)
            broke.set_result(None)
        except ConnectionError as error:
            broke.set_result(error)
        finally:
            writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        address = await proxy.create("it", server.sockets[0].getsockname())
        await proxy.add("it", "reset_peer", {"timeout": 200}, stream=stream)
        reader, writer = await asyncio.open_connection(*address)
        start = time.monotonic()
        writer.write(b"x")
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 20)
        assert time.monotonic() - start >= 0.2
        assert isinstance(await asyncio.wait_for(broke, 20), ConnectionResetError)


async def test_limit_data_closes_behind_its_last_byte(proxy, connect):
    await proxy.add("it", "limit_data", {"bytes": 1000}, name="most")
    reader, writer = await connect()
    writer.write(BODY[:600])
    assert await reader.readexactly(600) == BODY[:600]
    await proxy.client.post("/proxies/it/toxics/most", json={"attributes": {"bytes": 900}})
    writer.write(BODY[600:2000])
    assert await asyncio.wait_for(reader.read(), 20) == BODY[600:900]


@pytest.mark.parametrize("bitten", ["upstream", "downstream"])
async def test_a_toxic_leaves_the_other_stream_alone(proxy, bitten):
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"welcome")
        heard.set_result(await reader.read(5))
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        address = await proxy.create("it", server.sockets[0].getsockname())
        await proxy.add("it", "bandwidth", {"rate": 0}, stream=bitten)
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"hello")
        said = asyncio.create_task(reader.read(7))
        through, held = (said, heard) if bitten == "upstream" else (heard, said)
        assert await asyncio.wait_for(through, 20) in (b"welcome", b"hello")
        assert not (await asyncio.wait([held], timeout=0.2))[0]
        writer.close()
        said.cancel()


async def pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while data := await reader.read(2**16):
        yield data
