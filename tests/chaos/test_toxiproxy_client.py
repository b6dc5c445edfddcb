"""The proxy to a client library that was written for Toxiproxy: `toxiproxy-python` from the registry, as it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

import pytest
from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

T = TypeVar("T")


@pytest.fixture
def library(proxy) -> Toxiproxy:
    host, _, port = proxy.url.removeprefix("http://").partition(":")
    server = Toxiproxy()
    server.update_api_consumer(host, int(port))
    return server


async def ask(call: Callable[..., T], *words: object, **named: object) -> T:
    """The library blocks."""
    return await asyncio.to_thread(call, *words, **named)


async def echo_time(listen: str) -> float:
    host, _, port = listen.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    start = time.monotonic()
    writer.write(b"ping")
    assert await reader.readexactly(4) == b"ping"
    writer.close()
    return time.monotonic() - start


async def test_the_library_does_all_it_can_do(library, upstream):
    assert await ask(library.running)
    assert b'"version"' in await ask(library.version)
    made = await ask(library.create, upstream=f"{upstream[0]}:{upstream[1]}", name="inventory")
    assert (made.name, made.enabled) == ("inventory", True)
    with pytest.raises(ProxyExists):
        await ask(library.create, upstream=made.upstream, name="inventory")
    assert list(await ask(library.proxies)) == ["inventory"]
    await echo_time(made.listen)

    await ask(made.add_toxic, type="latency", attributes={"latency": 200, "jitter": 0})
    await ask(made.add_toxic, type="bandwidth", name="narrow", stream="upstream", toxicity=0.5, attributes={"rate": 9})
    toxics = await ask(made.toxics)
    assert sorted(toxics) == ["latency_downstream", "narrow"]
    narrow = toxics["narrow"]
    assert (narrow.type, narrow.stream, narrow.toxicity, narrow.attributes) == (
        "bandwidth",
        "upstream",
        0.5,
        {"rate": 9},
    )
    assert await echo_time(made.listen) >= 0.2
    assert await ask(made.destroy_toxic, "narrow")
    with pytest.raises(NotFound):
        await ask(made.destroy_toxic, "narrow")
    with pytest.raises(InvalidToxic):
        await ask(made.add_toxic, type="glue")

    await ask(made.disable)
    with pytest.raises(ConnectionRefusedError):
        await echo_time(made.listen)
    assert await ask(library.reset)
    assert await ask(made.toxics) == {}
    await echo_time(made.listen)
    await ask(library.destroy_all)
    assert await ask(library.proxies) == {}
